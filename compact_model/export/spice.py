"""The cell as a SPICE subcircuit (ngspice): behavioural sources, the state on a capacitor, the transistor beside it.

Three nodes inside: `x`, the state 0..1 on 1 F; `u`, ln(sigma_dome), which the simulator's own Newton finds together with the
rest of the circuit; `m` between cell and transistor. Bulk is node 0: a negative bias is a positive one on the source line.
"""

from __future__ import annotations

from compact_model.export.circuit import CircuitCell, constants, horner
from compact_model.model import CompactModel

_LOW_V = 1e-6  # below it the cell is taken as linear


def spice_subcircuit(model: CompactModel, *, name: str = "reram_1t1r") -> str:
    """Return the subcircuit `.subckt NAME te gate sl x` with parameter x0 (state at t = 0), as text.

    x shows the state as a voltage (1 V: LRS). Raises InputError where the model has no cell or no transistor.
    """
    circuit = CircuitCell.of(model.cell)
    numbers = constants(circuit.cell)
    source = "SYNTHETIC model " if model.synthetic else "model "
    return "\n".join(
        [
            f"* {source}{model.name!r}, content {model.content_hash}",
            f"* polynomials of the response within {circuit.largest_error:.1e} (logarithm)",
            f".subckt {name} te gate sl x params: x0=0",
            ".param " + " ".join(f"{k}={v:.12e}" for k, v in numbers.items()),
            "* response: ln conductance, ln field per volt, ln heating per watt at u = ln(sigma_dome)",
            *_curves(circuit),
            "* dome: voltage, trap density, barrier, temperature, arguments of the sinh of electrons and ions",
            "Bn n 0 V = ln(NH+min(max(V(x),0),1)*(NL-NH))",
            "Bt t 0 V = T0+min(exp(min(V(lg)+V(ld),30))*V(te,m)*V(te,m),3000)",
            f"By y 0 V = max(abs(V(te,m)),{_LOW_V:g})*exp(min(V(le),25))/(2*KB*max(V(t),100))",
            "* dome conductivity: hopping law against what the device carries",
            "Bu 0 u I = LNA+V(n)-(BH+BSLOPE*(V(n)-ln(NH)))/(KB*max(V(t),100))+AH*V(y)"
            f"+ln(max(1-exp(-2*max(AH*V(y),1e-12)),1e-13))-V(lg)-ln(max(abs(V(te,m)),{_LOW_V:g}))"
            f"+max({circuit.u_low:.12e}-V(u),0)-max(V(u)-({circuit.u_high:.12e}),0)",
            "Cu u 0 1e-12",
            "Rm m 0 1e12",
            f".ic V(u)={circuit.u_kink:.6g}",
            "Bcell te m I = V(te,m)*exp(V(lg))",
            "* ions: Mott-Gurney hopping with a window",
            "Bx 0 x I = V(te,m) > 0 ? "
            "NU*exp(-ESET/(KB*max(V(t),100)))*2*sinh(max(min(ZA*V(y),40),0))*pow(max(1-V(x),1e-30),GSET) : "
            "-NU*exp(-ERESET/(KB*max(V(t),100)))*2*sinh(max(min(ZA*V(y),40),0))*pow(max(V(x),1e-30),GRESET)",
            "Cx x 0 1 ic={x0}",
            "* EKV transistor, bulk at node 0",
            "Bp p 0 V = (V(gate)-VTH)/NS",
            "Bfs fs 0 V = max((V(p)-V(sl))/UT2,0)+ln(1+exp(-abs((V(p)-V(sl))/UT2)))",
            "Bfd fd 0 V = max((V(p)-V(m))/UT2,0)+ln(1+exp(-abs((V(p)-V(m))/UT2)))",
            "Bm m sl I = IS*(V(fs)*V(fs)-V(fd)*V(fd))",
            f".ends {name}",
            "",
        ]
    )


def _curves(circuit: CircuitCell) -> list[str]:
    lines = []
    for branch, middle, half, _ in circuit.branches():
        place = "b" if branch == "below" else "a"
        lines.append(f"Bs{place} s{place} 0 V = max(-1,min(1,(V(u)-({middle:.12e}))/{half:.12e}))")
    for short, below, above in zip(("lg", "le", "ld"), circuit.below, circuit.above, strict=True):
        lines.append(
            f"B{short} {short} 0 V = V(u) < {circuit.u_kink:.12e} ? {horner(below, 'V(sb)')} : {horner(above, 'V(sa)')}"
        )
    return lines
