"""A quasi-static cycle of one cell: positive half (SET) under a low gate, negative half (RESET) under a high one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from compact_model.cell import Cell
from compact_model.waveform import Waveform
from device_physics.dome_response import Response
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

    def waveform(self) -> Waveform:
        """Both halves as one waveform, sampled every step_V."""
        return Waveform.sweep(
            [self.v_set_V, self.v_reset_V],
            [self.gate_set_V, self.gate_reset_V],
            ramp_V_per_s=self.ramp_V_per_s,
            step_V=self.step_V,
        )


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
    """Run 0 -> v_set -> 0 -> v_reset -> 0 from state x0 and return what the cell did: one waveform of `cell_dynamics`.

    Raises InputError where x0 lies outside 0..1 or the response table does not reach, NotConverged where the integrator stops.
    """
    from compact_model.cell_dynamics import simulate

    trace = simulate(cell, (protocol or CycleProtocol()).waveform(), x0, response=response)
    return Cycle(trace.time_s, trace.bias_V, trace.cell_V, trace.current_A, trace.x, trace.T_K, trace.E_V_per_m)


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
