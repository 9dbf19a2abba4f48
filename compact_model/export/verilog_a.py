"""The cell as a Verilog-A module: cell and transistor, the state on a node with ddt, no retained variables.

The internal node `u` carries ln(sigma_dome): a contribution that must vanish makes the simulator solve for it with the circuit.
"""

from __future__ import annotations

import re

from compact_model.export.circuit import CircuitCell, constants, horner
from compact_model.model import CompactModel
from ground.errors import InputError

_LOW_V = 1e-6


def verilog_a_module(model: CompactModel, *, name: str = "reram_1t1r") -> str:
    """Return the module `NAME(te, gate, sl, x)` as text; V(x) shows the state (1 V: LRS), bulk is ground.

    Raises InputError where the model has no cell or no transistor, or the name is not one of Verilog-A.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError(f"name={name!r} is not allowed: expected letters, digits and _, such as reram_1t1r.")
    circuit = CircuitCell.of(model.cell)
    numbers = "\n".join(f"  localparam real {k} = {v:.12e};" for k, v in constants(circuit.cell).items())
    branches = list(circuit.branches())
    (_, mid_b, half_b, below), (_, mid_a, half_a, above) = branches

    def assign(rows: object, middle: float, half: float) -> str:
        names = zip(("lg", "le", "ld"), rows, strict=True)  # type: ignore[call-overload]
        lines = [f"      s = (uc - ({middle:.12e})) / {half:.12e};"]
        return "\n".join([*lines, *(f"      {n} = {horner(row, 's')};" for n, row in names)])

    source = "SYNTHETIC model" if model.synthetic else "model"
    return f"""// {source} {model.name!r}, content {model.content_hash}
// polynomials of the response within {circuit.largest_error:.1e} (logarithm)
`include "disciplines.vams"

module {name}(te, gate, sl, x);
  inout te, gate, sl, x;
  electrical te, gate, sl, x, m, u;
{numbers}
  real uc, s, lg, le, ld, v, n, t, y, k, ae, fs, fd, p;

  analog begin
    // response of the dome at ln(sigma_dome)
    uc = min(max(V(u), {circuit.u_low:.12e}), {circuit.u_high:.12e});
    if (uc < {circuit.u_kink:.12e}) begin
{assign(below, mid_b, half_b)}
    end else begin
{assign(above, mid_a, half_a)}
    end
    // dome: voltage, trap density, temperature, field over 2kT
    v = max(abs(V(te, m)), {_LOW_V:g});
    n = ln(NH + min(max(V(x), 0.0), 1.0) * (NL - NH));
    t = T0 + min(exp(min(lg + ld, 30.0)) * V(te, m) * V(te, m), 3000.0);
    y = v * exp(le) / (2.0 * KB * t);
    ae = min(AH * y, 80.0);
    // hopping law against what the device carries; u moves until they agree
    I(u) <+ -(LNA + n - (BH + BSLOPE * (n - ln(NH))) / (KB * t) + ae + ln(1.0 - exp(-2.0 * ae)) - lg - ln(v)) + (V(u) - uc);
    I(te, m) <+ V(te, m) * exp(lg);
    // ions: Mott-Gurney hopping with a window
    k = 2.0 * NU * sinh(min(ZA * y, 40.0));
    if (V(te, m) > 0.0)
      I(x) <+ -k * exp(-ESET / (KB * t)) * pow(max(1.0 - V(x), 1e-30), GSET);
    else
      I(x) <+ k * exp(-ERESET / (KB * t)) * pow(max(V(x), 1e-30), GRESET);
    I(x) <+ ddt(V(x));
    // EKV transistor
    p = (V(gate) - VTH) / NS;
    fs = max((p - V(sl)) / UT2, 0.0) + ln(1.0 + exp(-abs((p - V(sl)) / UT2)));
    fd = max((p - V(m)) / UT2, 0.0) + ln(1.0 + exp(-abs((p - V(m)) / UT2)));
    I(m, sl) <+ IS * (fs * fs - fd * fd);
  end
endmodule
"""
