"""Program and verify on the physical cell: identical pulses, or pulses whose voltage rises step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell_pulses import Pulse, PulsedCells, PulseMap, pulse_map
from compact_model.program_verify import ProgramResult, check_acceptance
from compact_model.pulsed_device import Floats
from compact_model.streams import check_seed, normals
from ground.errors import InputError
from ground.spec import Spec
from ground.units import Quantity

_Volt = Annotated[float, Quantity("V", 0.0, 5.0)]


class VoltageRamp(Spec):
    """Incremental pulses: the k-th pulse of one polarity in a row has |V| = first + k step, up to `last_V`."""

    step_V: _Volt = 0.05
    last_V: _Volt = 1.6


@dataclass(frozen=True, eq=False)
class CellProgramming:
    """Outcome: `result` in conductances, and the states x the cells were left in."""

    result: ProgramResult
    x: Floats


def program_cells(
    pulsed: PulsedCells,
    targets_S: ArrayLike,
    acceptance: float,
    *,
    seed: int,
    max_pulses: int = 2000,
    incremental: VoltageRamp | None = None,
) -> CellProgramming:
    """Program physical cells from their HRS: read, pulse up or down, until |G - target| <= acceptance * target.

    targets_S : [S], broadcast with the cells.  incremental : None for identical pulses, or how their voltage rises.
    Raises InputError where acceptance or max_pulses is not allowed, or a target is not above 0.
    """
    check_acceptance(acceptance)
    check_seed(seed)
    if isinstance(max_pulses, bool) or max_pulses < 1:
        raise InputError(f"max_pulses={max_pulses!r} is not allowed: expected 1 or more.")
    shape = pulsed.cells.shape
    goal = np.broadcast_to(np.asarray(targets_S, float), shape)
    if not np.all(np.isfinite(goal) & (goal > 0) & (goal < 1e-2)):
        raise InputError("targets_S is not allowed: expected siemens above 0. uS instead of S?")
    ups, downs = _maps(pulsed, incremental)
    x = np.zeros(shape)
    pulses, run = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    g = pulsed.conductance_S(x)
    for k in range(max_pulses):
        outside = np.abs(g - goal) > acceptance * goal
        if not outside.any():
            break
        if k % 64 == 0:
            xi = normals(seed, "cell pulse", pulsed.cells.device_id, trial=1, first=k, count=64)
        rising = g < goal
        run = np.where(rising, np.maximum(run, 0) + 1, np.minimum(run, 0) - 1)
        step = _step(x, ups, downs, run)
        moved = np.clip(x + step * (1.0 + pulsed.step_noise * xi[k % 64]), 0.0, 1.0)
        x = np.where(outside, moved, x)
        g = pulsed.conductance_S(x)
        pulses += outside
    inside = np.abs(g - goal) <= acceptance * goal
    return CellProgramming(ProgramResult(goal, g, pulses, inside, float(acceptance)), x)


def _maps(pulsed: PulsedCells, ramp: VoltageRamp | None) -> tuple[list[PulseMap], list[PulseMap]]:
    """Maps of every voltage that can occur, from the first pulse on."""
    if ramp is None:
        return [pulsed.up], [pulsed.down]

    def stairs(first: Pulse, known: PulseMap) -> list[PulseMap]:
        sign, size = (1.0, first.voltage_V) if first.voltage_V > 0 else (-1.0, -first.voltage_V)
        if ramp.step_V <= 0 or ramp.last_V < size:
            raise InputError(
                f"VoltageRamp(step_V={ramp.step_V:g}, last_V={ramp.last_V:g}) is not allowed: expected a step above 0 and a last "
                f"voltage of at least the first pulse's {size:g} V."
            )
        more = np.arange(size + ramp.step_V, ramp.last_V + 1e-9, ramp.step_V)
        return [known, *(pulse_map(pulsed.ready, first.replace(voltage_V=float(sign * v))) for v in more)]

    return stairs(pulsed.up_pulse, pulsed.up), stairs(pulsed.down_pulse, pulsed.down)


def _step(x: Floats, ups: list[PulseMap], downs: list[PulseMap], run: NDArray[np.int64]) -> Floats:
    """Mean step of each cell at its place in the ramp of its polarity."""
    step = np.zeros(x.shape)
    place = np.abs(run) - 1
    for maps, mine in ((ups, run > 0), (downs, run < 0)):
        for k, m in enumerate(maps):
            here = mine & ((place == k) if k < len(maps) - 1 else (place >= k))
            if here.any():
                step = np.where(here, m.step(x), step)
    return step
