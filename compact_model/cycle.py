"""A quasi-static cycle of one cell: positive half (SET) under a low gate, negative half (RESET) under a high one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from compact_model.cell import Cell
from compact_model.transport import Transport
from device_physics.dome_response import Response
from ground.errors import InputError, NotConverged
from ground.files import write_text
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_Volt = Annotated[float, Quantity("V", 0.0, 10.0)]


class CycleProtocol(Spec):
    """Voltages [V] and ramp of one 8-wise cycle; defaults: arXiv:2502.04524, section 4.4. v_reset_V is negative."""

    v_set_V: _Volt = 1.3
    v_reset_V: Annotated[float, Quantity("V", -10.0, 0.0)] = -1.5
    gate_set_V: _Volt = 1.1
    gate_reset_V: _Volt = 3.3
    ramp_V_per_s: Annotated[float, Quantity("V/s", 1e-3, 1e9)] = 1.0
    step_V: Annotated[float, Quantity("V", 1e-4, 0.2)] = 0.02


@dataclass(frozen=True)
class Cycle:
    """Result, all (n,): bias_V over cell and transistor, cell_V, current_A, x (state), T_K and E_V_per_m of the dome, time_s."""

    time_s: Array
    bias_V: Array
    cell_V: Array
    current_A: Array
    x: Array
    T_K: Array
    E_V_per_m: Array


def quasi_static_cycle(
    cell: Cell, protocol: CycleProtocol | None = None, *, x0: float = 0.0, response: Response | None = None
) -> Cycle:
    """Run 0 -> v_set -> 0 -> v_reset -> 0 from state x0 and return what the cell did.

    Raises InputError where x0 lies outside 0..1 or the response table does not reach, NotConverged where the integrator stops.
    """
    from scipy.integrate import solve_ivp

    if not 0.0 <= x0 <= 1.0:
        raise InputError(f"x0={x0!r} is not allowed: expected 0 (HRS) to 1 (LRS).")
    protocol = protocol or CycleProtocol()
    transport = cell.transport(response)
    parts: list[tuple[Array, Array, Array]] = []
    state, start = x0, 0.0
    for peak, gate in ((protocol.v_set_V, protocol.gate_set_V), (protocol.v_reset_V, protocol.gate_reset_V)):
        half = abs(peak) / protocol.ramp_V_per_s
        times = np.linspace(0.0, 2 * half, 2 * max(round(abs(peak) / protocol.step_V), 2) + 1)
        gate_V = gate if cell.transistor else None

        def slope(t: float, x: Array, peak: float = peak, half: float = half, gate_V: float | None = gate_V) -> Array:
            bias = peak * (1.0 - abs(t / half - 1.0))
            point = transport.at(
                bias, cell.trap_density_m3(np.clip(x, 0.0, 1.0)), gate_V=gate_V, ambient_K=cell.ambient_K
            )
            return cell.dx_dt(x, np.sign(bias), point.E_V_per_m, point.T_K)

        run = solve_ivp(
            slope, (0.0, 2 * half), [state], method="LSODA", t_eval=times, rtol=1e-4, atol=1e-5, max_step=half / 20
        )
        if not run.success:
            raise NotConverged(
                f"quasi_static_cycle: the integrator stopped ({run.message}) on the way to {peak:g} V.", last_good=parts
            )
        x = np.clip(run.y[0], 0.0, 1.0)
        parts.append((start + times, peak * (1.0 - np.abs(times / half - 1.0)), x))
        state, start = float(x[-1]), start + 2 * half
    return _assemble(cell, protocol, parts, transport)


def _assemble(
    cell: Cell, protocol: CycleProtocol, parts: list[tuple[Array, Array, Array]], transport: Transport
) -> Cycle:

    gates = [np.full(len(p[0]), g) for p, g in zip(parts, (protocol.gate_set_V, protocol.gate_reset_V), strict=True)]
    time, bias, x = (np.concatenate(c) for c in zip(*parts, strict=True))
    gate = np.concatenate(gates) if cell.transistor else None
    point = transport.at(bias, cell.trap_density_m3(x), gate_V=gate, ambient_K=cell.ambient_K)
    return Cycle(time, bias, point.cell_V, point.current_A, x, point.T_K, point.E_V_per_m)


def write_cycle_csv(cycle: Cycle, path: str | Path, *, synthetic: bool = False) -> None:
    """Write a cycle as csv with units in the header, whole or not at all."""
    names = list(vars(cycle))
    rows = np.column_stack([getattr(cycle, n) for n in names])
    text = (
        "# simulated quasi-static cycle"
        + (" of a cell fitted to SYNTHETIC data" if synthetic else "")
        + "\n"
        + ",".join(names)
        + "\n"
    )
    write_text(path, text + "\n".join(",".join(f"{v:.9g}" for v in row) for row in rows) + "\n")
