"""What a programmed conductance does by itself: drift and spread against ln t, and the width of programming against the target.

Law: the change since the first reading has mean m ln t and standard deviation s0 + s1 ln t over devices (t in units of 1 s), one
Brownian path per device in its variance (compact_model.noise.Relaxation). Increments along the path are then independent normal
numbers, which gives the likelihood; its errors come from a bootstrap of whole devices, and do not rest on the law of the path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compact_model.programming_statistics import Line, fit_width
from fits.results.identifiability import Identified
from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from ground.provenance import Source

Array = NDArray[np.float64]
_FEWEST = 5  # devices, for a spread over them
_FEWEST_REPLICAS = 20
NAMES = ("mean_shift_S", "sigma_S", "sigma_per_ln_S")


@dataclass(frozen=True)
class RelaxationFit:
    """parameters : mean_shift_S [S per ln(t/1 s)], sigma_S and sigma_per_ln_S [S].  covariance : in the order of NAMES.

    time_s (n,), mean_S (n,), sigma_at_S (n,) : the data per time with standard errors; change_S (n, devices).
    programming : sigma of G - target against the target [uS], or None without targets.
    """

    parameters: dict[str, Identified]
    covariance: Array
    time_s: Array
    change_S: Array
    programming: Line | None
    program_points: Array
    synthetic: bool

    @property
    def mean_S(self) -> Array:
        return np.asarray(self.change_S.mean(axis=1))

    @property
    def sigma_at_S(self) -> Array:
        return np.asarray(self.change_S.std(axis=1, ddof=1))

    def report(self) -> str:
        """Laws with errors, in uS."""
        n = self.change_S.shape[1]
        kind = "SYNTHETIC data" if self.synthetic else "measured data"
        lines = [f"Relaxation of {n} devices, {self.time_s[0]:.3g}..{self.time_s[-1]:.3g} s ({kind})"]
        for name in NAMES:
            p = self.parameters[name]
            note = "" if p.identified else "   not different from 0"
            lines.append(f"  {name:<15} = {p.value * 1e6:.4g} uS   95 %: {p.low * 1e6:.4g} .. {p.high * 1e6:.4g}{note}")
        lines.append("  mean change = mean_shift ln(t/1 s); spread = sigma + sigma_per_ln ln(t/1 s), over devices")
        if self.programming is None:
            lines.append("  no column of targets: the width of programming is not there")
        else:
            line = self.programming
            lines.append(
                f"  programming: sigma = {line.c0:.4g} +- {line.c0_stderr:.2g} uS + ({line.c1:.4g} +- {line.c1_stderr:.2g}) target"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary."""
        return {
            "parameters": {n: vars(p) for n, p in self.parameters.items()},
            "covariance": {"names": list(NAMES), "matrix": self.covariance.tolist()},
            "devices": int(self.change_S.shape[1]),
            "time_s": self.time_s.tolist(),
            "mean_S": self.mean_S.tolist(),
            "sigma_S": self.sigma_at_S.tolist(),
            "programming_sigma_uS_vs_target": None if self.programming is None else self.programming.as_dict(),
            "programming_points_uS": self.program_points.tolist(),
            "synthetic": self.synthetic,
        }

    def plot(self) -> Any:
        """Return a matplotlib figure: mean and spread against time with the law, and the width of programming."""
        from fits.noise.relaxation_plot import figure_of

        return figure_of(self)

    def to_compact_model(
        self, name: str = "", files: Iterable[str | Path | Source] = (), near: Path | None = None
    ) -> CompactModel:
        """Return the published compact model with this relaxation, and the covariance of its parameters.

        files : what was measured, for the provenance.  near : the file it will be saved as.
        """
        from compact_model.model import CompactModel, Covariance
        from compact_model.noise import Relaxation
        from ground.provenance import provenance, published

        base = CompactModel.published()
        law = Relaxation(**{n: self.parameters[n].value for n in NAMES})
        rows = tuple(tuple(float(x) for x in row) for row in self.covariance)
        return base.replace(
            name=name or "relaxation fit" + (" of SYNTHETIC data" if self.synthetic else ""),
            noise=base.noise.replace(relaxation=law),
            covariance=Covariance(names=tuple(f"noise.relaxation.{n}" for n in NAMES), matrix=rows),
            validity={**base.validity, "t_s": (1.0, float(self.time_s[-1]))},
            provenance=provenance(
                "fit_relaxation",
                files=[*files, *published()],
                near=near,
                synthetic=self.synthetic,
                population="arXiv:2502.04524",
            ),
        )


def fit_relaxation(
    time_s: Array,
    conductance_S: Array,
    *,
    target_S: Array | None = None,
    synthetic: bool = False,
    seed: int = 0,
    replicas: int = 200,
) -> RelaxationFit:
    """Fit drift and spread to devices read at the same times after programming.

    time_s : (n,) [s], increasing, the first one the moment of programming (below 1 s).  conductance_S : (n, devices) [S].
    target_S : (devices,), for the width of programming at the first time.  replicas : resamplings for the errors, 20 or more.
    Raises InputError for shapes, times or numbers of devices that allow no fit.
    """
    _check(time_s, conductance_S)
    if replicas < _FEWEST_REPLICAS:
        raise InputError(f"replicas={replicas!r} is not allowed: expected {_FEWEST_REPLICAS} or more for errors.")
    late = time_s >= 1.0
    change = conductance_S[late] - conductance_S[0]
    t = time_s[late]
    best = _estimate(t, change)
    rng = np.random.default_rng(seed)
    devices = change.shape[1]
    again = np.array([_estimate(t, change[:, rng.integers(0, devices, devices)], best) for _ in range(replicas)])
    covariance = np.cov(again.T) * devices / (devices - 1)
    parameters = {
        n: Identified(float(v), float(e), float(v - 1.96 * e), float(v + 1.96 * e), bool(abs(v) > 1.96 * e))
        for n, v, e in zip(NAMES, best, np.sqrt(np.diag(covariance)), strict=True)
    }
    line, points = (None, np.zeros((0, 3))) if target_S is None else _programming(conductance_S[0], target_S)
    return RelaxationFit(parameters, covariance, t, change, line, points, synthetic)


def _estimate(t: Array, change: Array, start: Array | None = None) -> Array:
    """Maximum of the likelihood of (m, s0, s1) from independent increments, shape (3,)."""
    from scipy.optimize import minimize

    ln_t = np.log(t)
    unit = float(np.std(change)) or 1e-9
    steps = np.diff(change, axis=0, prepend=0.0) / unit  # the first: from programming to the first reading
    first, second, n = steps.mean(axis=1), np.mean(steps**2, axis=1), steps.shape[1]
    rise = np.diff(ln_t, prepend=0.0)

    def shift(variance: Array) -> float:
        """The best m for given variances of the increments, in closed form."""
        return float((rise * first / variance).sum() / (rise * rise / variance).sum())

    def variances(p: Array) -> Array:
        squares = (p[0] + p[1] * ln_t) ** 2
        return squares - np.concatenate([[0.0], squares[:-1]])

    def minus_ln(p: Array) -> float:
        variance = variances(p)
        if p[0] + p[1] * ln_t[0] <= 0 or variance.min() <= 0:
            return 1e12
        mean = shift(variance) * rise
        return 0.5 * n * float(((second - 2 * mean * first + mean * mean) / variance + np.log(variance)).sum())

    if start is None:
        spread = change.std(axis=1, ddof=1) / unit
        slope, at_1 = np.polyfit(ln_t, spread, 1)
        guess = np.array([max(at_1, 0.05), max(slope, 0.02)])
    else:
        guess = start[1:] / unit
    found = minimize(minus_ln, guess, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4, "maxiter": 600})
    return np.array([shift(variances(found.x)), *found.x]) * unit


def _programming(first_S: Array, target_S: Array) -> tuple[Line | None, Array]:
    """Width of G - target per target: (line, points (levels, 3): target, sigma, number) in uS."""
    levels = np.unique(np.round(target_S * 1e6, 9))
    rows = []
    for level in levels:
        deviation = (first_S[np.isclose(target_S * 1e6, level)] - level * 1e-6) * 1e6
        if deviation.size > 1:
            rows.append((level, float(np.sqrt(np.mean(deviation**2))), deviation.size))
    points = np.array(rows).reshape(-1, 3)
    if len(points) < 3 or np.any(points[:, 1] == 0):
        return None, points
    return fit_width(points[:, 0], points[:, 1], points[:, 2]), points


def _check(time_s: Array, conductance_S: Array) -> None:
    if conductance_S.ndim != 2 or time_s.shape != conductance_S.shape[:1]:
        raise InputError(
            f"fit_relaxation: time_s {time_s.shape} and conductance_S {conductance_S.shape} are not allowed: expected (times,) and "
            "(times, devices)."
        )
    if np.any(np.diff(time_s) <= 0) or not time_s[0] < 1.0:
        raise InputError(
            f"fit_relaxation: time_s from {time_s[0]:g} s is not allowed: expected increasing times, the first at programming "
            "(below 1 s), the others later."
        )
    if np.sum(time_s >= 1.0) < 3 or time_s[-1] < 10.0 * (1.0 - 1e-9):
        raise InputError(
            f"fit_relaxation: {int(np.sum(time_s >= 1.0))} readings at 1 s or later, up to {time_s[-1]:g} s; a law in ln t needs "
            "three or more, over a decade."
        )
    if conductance_S.shape[1] < _FEWEST:
        raise InputError(
            f"fit_relaxation: {conductance_S.shape[1]} device; the spread is one over devices and needs {_FEWEST} or more. For a "
            "long series of one cell: `reram fit noise`."
        )
    if not np.all(np.isfinite(conductance_S)):
        raise InputError("fit_relaxation: a conductance is missing or not finite; leave that device or that time out.")
