"""Quasi-static cycles of many cells: each half cycle moves every cell towards an end of its own, drawn anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell_dynamics import PreparedCells, prepare
from compact_model.cells import Cells, CellSpread
from compact_model.cycle import CycleProtocol
from compact_model.waveform import Waveform
from device_physics.dome_response import Response
from ground.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cycling:
    """What cycling gave; bias_V (samples,), current_A (cycles, *cells, samples), r_lrs_ohm and r_hrs_ohm (cycles, *cells).

    x_end, density_end_m3 (*cells,) : state after the last RESET.
    """

    protocol: CycleProtocol
    bias_V: Array
    current_A: Array
    r_lrs_ohm: Array
    r_hrs_ohm: Array
    x_end: Array
    density_end_m3: Array

    def summary(self) -> dict[str, float]:
        """Means and relative standard deviations over cells and cycles together, and the ratio of the mean resistances."""
        lrs, hrs = self.r_lrs_ohm, self.r_hrs_ohm
        return {
            "r_lrs_ohm": float(lrs.mean()),
            "r_lrs_sigma_over_mean": float(lrs.std() / lrs.mean()),
            "r_hrs_ohm": float(hrs.mean()),
            "r_hrs_sigma_over_mean": float(hrs.std() / hrs.mean()),
            "hrs_over_lrs": float(hrs.mean() / lrs.mean()),
        }


def cycle_cells(
    cells: Cells,
    cycles: int = 5,
    *,
    seed: int,
    spread: CellSpread | None = None,
    protocol: CycleProtocol | None = None,
    x0: ArrayLike = 1.0,
    first: int = 0,
    read_V: float = 0.2,
    response: Response | None = None,
) -> Cycling:
    """Cycle cells: SET, read, RESET, read, `cycles` times. Where a cell begins in the LRS a RESET comes first.

    spread : what is drawn anew each half cycle (the cells' own spread is in the cells).  first : number of half cycles before.
    A trap density is never made to jump: between the state a cell is in and its new end the density is straight in x.
    """
    if isinstance(cycles, bool) or not 1 <= cycles <= 10_000:
        raise InputError(f"cycles={cycles!r} is not allowed: expected 1..10000.")
    protocol, spread = protocol or CycleProtocol(), spread or CellSpread()
    ready = prepare(cells, response=response)
    walk = _Walk(ready, spread, seed, np.broadcast_to(np.asarray(x0, float), cells.shape).copy(), first)
    ramp = {"ramp_V_per_s": protocol.ramp_V_per_s, "step_V": protocol.step_V}
    up = Waveform.sweep([protocol.v_set_V], [protocol.gate_set_V], **ramp)
    down = Waveform.sweep([protocol.v_reset_V], [protocol.gate_reset_V], **ramp)
    if np.any(walk.x > 0.5):
        walk.half(down)
    currents, lrs, hrs = [], [], []
    for _ in range(cycles):
        rise = walk.half(up)
        lrs.append(1.0 / walk.conductance_S(read_V))
        fall = walk.half(down)
        hrs.append(1.0 / walk.conductance_S(read_V))
        currents.append(np.concatenate([rise, fall[..., 1:]], axis=-1))
    bias = np.concatenate([up.at(up.sample_s)[0], down.at(down.sample_s[1:])[0]])
    return Cycling(protocol, bias, np.stack(currents), np.stack(lrs), np.stack(hrs), walk.x, walk.density)


class _Walk:
    """Where the cells are: state, trap density, and how many half cycles they went through."""

    def __init__(self, ready: PreparedCells, spread: CellSpread, seed: int, x: Array, done: int) -> None:
        self.ready, self.spread, self.seed, self.x, self.done = ready, spread, seed, x, done
        self.density = ready.density_m3(x)

    def half(self, wave: Waveform) -> Array:
        """Go through one half cycle; return the current [A], (*cells, samples)."""
        low, high = self.spread.ends(self.ready.cells, self.seed, self.done)
        up = bool(wave.bias_V.max() > 0)
        gap = 1.0 - self.x if up else self.x
        slope = np.where(
            gap > 1e-9, ((high - self.density) if up else (self.density - low)) / np.maximum(gap, 1e-9), 0.0
        )
        at_zero = self.density - slope * self.x
        trace = self.ready.run(wave, self.x, ends_m3=(at_zero, at_zero + slope))
        self.x, self.density = trace.x_end, at_zero + slope * trace.x_end
        self.done += 1
        return trace.current_A

    def conductance_S(self, read_V: float) -> Array:
        """Conductance of the cells [S] at the read voltage, the transistor's share taken off."""
        point = self.ready.points(self.density, read_V, 3.3)
        return point["current_A"] / point["cell_V"]
