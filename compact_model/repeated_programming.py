"""The same devices programmed to the same targets again and again: how far each one ends from its target, over thousands of writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.program_verify import PulseWindow, program
from compact_model.programming_statistics import Line, fit_width
from compact_model.pulsed_device import Floats, PulsedDevices
from ground.errors import InputError, NotConverged

_BATCH_LOOPS = 1 << 18  # devices times writes held in memory at a time


@dataclass(frozen=True, eq=False)
class ProgramRepeats:
    """Statistics of each device over its writes, arrays of the shape of the devices. Only writes that ended in the band count.

    target_S : [S].  mean_S : mean of g - target [S].  sigma_S : root mean square of g - target [S].
    mean_pulses : over all writes.  converged : number of writes that ended in the band.  writes, acceptance : as asked for.
    """

    target_S: Floats
    mean_S: Floats
    sigma_S: Floats
    mean_pulses: Floats
    converged: NDArray[np.int64]
    writes: int
    acceptance: float

    @property
    def converged_fraction(self) -> float:
        return float(self.converged.mean() / self.writes)

    @property
    def sigma_line(self) -> Line:
        """Width against target over all devices, sigma_uS = c0 + c1 target_uS."""
        return fit_width(self.target_S.ravel() * 1e6, self.sigma_S.ravel() * 1e6, self.converged.ravel())


def program_repeats(
    devices: PulsedDevices,
    targets_S: ArrayLike,
    acceptance: float,
    writes: int,
    *,
    seed: int,
    max_pulses: int = 2000,
    windows: Iterable[PulseWindow] = (),
    batch: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ProgramRepeats:
    """Program every device to its target `writes` times, write k being trial k of `program`, and return the statistics.

    targets_S : [S], one or of the shape of the devices.  batch : writes at a time, which changes memory and no digit.
    Raises InputError as `program` does, and for writes or batch below 2 and 1; NotConverged where a device ended in its band fewer
    than twice.
    """
    for name, value, least in (("writes", writes, 2), ("batch", 1 if batch is None else batch, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name}={value!r} is not allowed: expected a whole number of {least} or more.")
    target = np.asarray(targets_S, float)
    if target.ndim > len(devices.shape):
        raise InputError(
            f"targets_S has shape {target.shape} for devices of shape {devices.shape}: expected one target, or one per device."
        )
    at_once, ways = batch or max(1, _BATCH_LOOPS // devices.size), tuple(windows)
    total, squares, pulses = np.zeros(devices.shape), np.zeros(devices.shape), np.zeros(devices.shape, np.int64)
    converged = np.zeros(devices.shape, np.int64)
    for first in range(0, int(writes), at_once):
        count = min(at_once, int(writes) - first)
        aim = np.broadcast_to(target, (count, *devices.shape))
        found = program(devices, aim, acceptance, seed=seed, max_pulses=max_pulses, trial=first, windows=ways)
        for off, ended in zip(
            found.deviation_S, found.converged, strict=True
        ):  # in order, so that no batch changes the sum
            total += np.where(ended, off, 0.0)
            squares += np.where(ended, off, 0.0) ** 2
        pulses += found.pulses.sum(axis=0)
        converged += found.converged.sum(axis=0)
        progress(first + count, int(writes))
    if converged.min() < 2:
        place = np.unravel_index(int(converged.argmin()), devices.shape)
        raise NotConverged(
            f"device {tuple(int(i) for i in place)} ended within {acceptance:g} of its target in {converged[place]} of {writes} writes; "
            "two are needed for a width. Allow more pulses (max_pulses) or a wider acceptance, or check the target."
        )
    aim_S = np.array(np.broadcast_to(target, devices.shape))
    return ProgramRepeats(
        aim_S,
        total / converged,
        np.sqrt(squares / converged),
        pulses / writes,
        converged,
        int(writes),
        float(acceptance),
    )
