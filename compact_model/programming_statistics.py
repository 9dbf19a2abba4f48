"""Every device to every level: how wide the levels become, and how that width grows with the conductance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from compact_model.population import Population
from compact_model.program_verify import ProgramResult, PulseWindow, levels_S, program
from compact_model.pulsed_device import Floats
from ground.errors import NotConverged


@dataclass(frozen=True)
class Line:
    """sigma_uS = c0 + c1 * G_uS with standard errors of c0 [uS] and c1 [1]."""

    c0: float
    c1: float
    c0_stderr: float
    c1_stderr: float

    def as_dict(self) -> dict[str, float]:
        return {"c0": self.c0, "c1": self.c1, "c0_stderr": self.c0_stderr, "c1_stderr": self.c1_stderr}


@dataclass(frozen=True, eq=False)
class ProgramStatistics:
    """Statistics of a ProgramResult of shape (levels, *devices), converged devices only.

    target_uS, mean_uS : per level, target and mean of G - target, shape (levels,).
    sigma_uS : root mean square of G - target: the width about the target. It is what a model that adds zero-mean
    programming noise to the target needs, and what `sigma_line` describes.
    std_uS : standard deviation about the level's own mean; `std_line` describes it. The two differ where a level is
    approached from one side in steps smaller than the band.
    pooled : root mean square of (G - target)/(acceptance target) over all, times sqrt(3): 1 for a uniform law.
    misread_fraction : share of devices nearer to another level than to their own.
    """

    result: ProgramResult
    target_uS: Floats
    mean_uS: Floats
    sigma_uS: Floats
    std_uS: Floats
    sigma_line: Line
    std_line: Line
    pooled: float
    misread_fraction: float

    def as_dict(self) -> dict[str, Any]:
        """Return the summary that goes into a JSON file."""
        return {
            "mean_pulses": self.result.mean_pulses,
            "sigma_uS_vs_target": self.sigma_line.as_dict(),
            "std_about_mean_uS_vs_target": self.std_line.as_dict(),
            "converged_fraction": self.result.converged_fraction,
            "acceptance": self.result.acceptance,
            "c1_over_uniform_law": self.sigma_line.c1 * np.sqrt(3.0) / self.result.acceptance,
            "pooled_rms_over_uniform_law": self.pooled,
            "misread_fraction": self.misread_fraction,
            "levels": {
                "target_uS": self.target_uS.tolist(),
                "mean_deviation_uS": self.mean_uS.tolist(),
                "sigma_uS": self.sigma_uS.tolist(),
                "std_about_mean_uS": self.std_uS.tolist(),
                "mean_pulses": self.result.pulses.reshape(self.target_uS.size, -1).mean(1).tolist(),
            },
        }


def program_statistics(
    population: Population,
    shape: int | tuple[int, ...],
    levels: int,
    acceptance: float,
    *,
    seed: int,
    max_pulses: int = 2000,
    windows: Iterable[PulseWindow] = (),
) -> ProgramStatistics:
    """Draw devices, program each to every level (10..90 uS, evenly spread), and return the statistics.

    Raises NotConverged where fewer than two devices reached a level, with the ProgramResult as `last_good`.
    """
    targets = levels_S(levels)
    devices = population.sample(shape, seed)
    result = program(
        devices,
        targets.reshape(-1, *[1] * len(devices.shape)),
        acceptance,
        seed=seed,
        max_pulses=max_pulses,
        windows=windows,
    )
    return statistics_of(result)


def statistics_of(result: ProgramResult) -> ProgramStatistics:
    """Return the statistics of a result whose first axis is the level."""
    count = result.target_S.shape[0]
    target = result.target_S.reshape(count, -1)
    usable = result.converged.reshape(count, -1)
    n = usable.sum(1)
    if n.min() < 2:
        level = int(n.argmin())
        raise NotConverged(
            f"level {level} ({target[level, 0] * 1e6:.4g} uS): {n[level]} of {usable.shape[1]} devices "
            f"came within {result.acceptance:g} of the target; two are needed for a width. Allow more "
            "pulses (max_pulses), a wider acceptance or more devices.",
            last_good=result,
        )
    deviation = np.where(usable, result.deviation_S.reshape(count, -1) * 1e6, np.nan)
    t, sigma, std = target[:, 0] * 1e6, np.sqrt(np.nanmean(deviation**2, 1)), np.nanstd(deviation, 1, ddof=1)
    relative = deviation / (result.acceptance * target * 1e6)
    level_S = result.target_S.reshape(count, -1)[:, 0]
    return ProgramStatistics(
        result=result,
        target_uS=t,
        mean_uS=np.nanmean(deviation, 1),
        sigma_uS=sigma,
        std_uS=std,
        sigma_line=fit_width(t, sigma, n),
        std_line=fit_width(t, std, n - 1),
        pooled=float(np.sqrt(3.0 * np.nanmean(relative**2))),
        misread_fraction=misread_fraction(result.g_S, level_S),
    )


def fit_width(target_uS: ArrayLike, sigma_uS: ArrayLike, freedom: ArrayLike) -> Line:
    """Fit sigma = c0 + c1 target, each level weighted by its standard error sigma/sqrt(2 freedom).

    The error is taken from the fitted line, not from the scattered sigma itself (two repeats), which would pull the
    line towards the levels that came out narrow by chance. The error formula is that of a normal law; a uniform law
    scatters 1.6 times less, so the standard errors given are on the safe side.
    """
    t, s, f = (np.asarray(a, float) for a in (target_uS, sigma_uS, freedom))
    design = np.stack([np.ones_like(t), t], axis=1)
    expected = t * np.sum(s * t) / np.sum(t * t)
    for _ in range(3):
        weight = 2.0 * f / expected**2
        covariance = np.linalg.inv(design.T @ (design * weight[:, None]))
        c = covariance @ (design.T @ (weight * s))
        expected = np.maximum(design @ c, 0.1 * expected)
    return Line(float(c[0]), float(c[1]), float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1])))


def misread_fraction(g_S: ArrayLike, level_S: ArrayLike) -> float:
    """Share of devices nearer to another level than to their own; g_S shape (levels, ...), level_S (levels,)."""
    g, level = np.asarray(g_S, float), np.asarray(level_S, float)
    order = np.argsort(level)
    edges = 0.5 * (level[order][1:] + level[order][:-1])
    own = np.empty(level.size, np.int64)
    own[order] = np.arange(level.size)
    return float(np.mean(np.searchsorted(edges, g) != own.reshape(-1, *[1] * (g.ndim - 1))))
