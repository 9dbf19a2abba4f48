"""What time does to programmed levels: shift, width, and how far neighbouring levels run into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from compact_model.noise import Noise, check_time
from compact_model.population import Population
from compact_model.program_verify import ProgramResult, levels_S, program
from compact_model.programming_statistics import misread_fraction
from compact_model.pulsed_device import Floats


@dataclass(frozen=True, eq=False)
class RelaxationStatistics:
    """time_s (times,); g_S (times, levels, *devices) as read; the rest (times,), pooled over devices that were programmed.

    mean_shift_uS, sigma_uS : of the change since programming.  overlap : common area of the normal laws of neighbouring levels,
    mean over neighbours.  misread : share of devices nearer to another level than to their own.
    """

    programming: ProgramResult
    time_s: Floats
    g_S: Floats
    mean_shift_uS: Floats
    sigma_uS: Floats
    overlap: Floats
    misread: Floats

    def as_dict(self) -> dict[str, Any]:
        """Return the summary that goes into a JSON file."""
        names = ("time_s", "mean_shift_uS", "sigma_uS", "overlap", "misread")
        return {n: getattr(self, n).tolist() for n in names}


def relaxation_statistics(
    population: Population,
    shape: int | tuple[int, ...],
    levels: int,
    acceptance: float,
    times_s: Sequence[float],
    *,
    seed: int,
    noise: Noise | None = None,
    read_noise: bool = True,
) -> RelaxationStatistics:
    """Program every device to every level (10..90 uS), let it relax, and read it at times_s [s] after programming.

    One Brownian path per device and programming: the reads at two times belong together.
    """
    noise = noise or Noise.published()
    target = levels_S(levels)
    devices = population.sample(shape, seed)
    each = [1] * len(devices.shape)
    result = program(devices, target.reshape(-1, *each), acceptance, seed=seed)
    trial = np.arange(levels)
    out = np.empty((len(times_s), *result.g_S.shape))
    for i, t in enumerate(times_s):
        check_time(t)
        for level in trial:
            relaxed = result.g_S[level] + noise.relaxation.path_S(t, devices.device_id, seed=seed, trial=int(level))
            relaxed = np.clip(relaxed, devices.g_min_S, devices.g_max_S)
            out[i, level] = (
                noise.read.read_S(relaxed, t, devices.device_id, seed=seed, trial=int(level)) if read_noise else relaxed
            )
    change = (out - result.g_S)[:, result.converged] * 1e6
    return RelaxationStatistics(
        result,
        np.asarray(times_s, float),
        out,
        change.mean(1),
        change.std(1, ddof=1),
        np.array([_overlap(g, result) for g in out]),
        np.array([misread_fraction(g, target) for g in out]),
    )


def _overlap(g_S: Floats, result: ProgramResult) -> float:
    """Mean over neighbouring levels of the common area of normal laws with their means and their pooled width."""
    count = g_S.shape[0]
    g = np.where(result.converged, g_S, np.nan).reshape(count, -1)
    mean, std = np.nanmean(g, 1), np.nanstd(g, 1, ddof=1)
    pooled = np.sqrt(0.5 * (std[1:] ** 2 + std[:-1] ** 2))
    return float(np.mean(2.0 * ndtr(-np.abs(np.diff(mean)) / (2.0 * np.maximum(pooled, 1e-30)))))
