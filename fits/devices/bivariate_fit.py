"""One bivariate normal law from pairs of numbers: means, sigmas, correlation, their errors, and whether the law fits at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compact_model.population import Bivariate
from ground.errors import InputError

FloatArray = npt.NDArray[np.float64]
QUANTITIES = ("mean_1", "mean_2", "sigma_1", "sigma_2", "correlation")
FEWEST = 8
_MOST = 2000  # points of a goodness-of-fit test: its cost grows with their square
_ACCEPTED = 0.05
_UPPER = 0.975


@dataclass(frozen=True)
class BivariateFit:
    """Result for the two quantities `names`. law : the fitted law.

    stderr : of QUANTITIES, by resampling devices, so that they hold where the law does not.  low, high : 95 % intervals by the
    theory of normal samples: Student's t for means, chi-square for sigmas, Fisher's z for the correlation.
    statistic, p_value : Henze-Zirkler test of bivariate normality, p by parametric bootstrap.  n : devices.
    """

    names: tuple[str, str]
    law: Bivariate
    stderr: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    statistic: float
    p_value: float
    n: int

    @property
    def values(self) -> tuple[float, ...]:
        """Means, sigmas and correlation, in the order of QUANTITIES."""
        return (*self.law.mean, *self.law.sigma, self.law.correlation)

    @property
    def fits(self) -> bool:
        """Whether the test does not reject the law at the 5 % level."""
        return self.p_value > _ACCEPTED

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        rows = zip(QUANTITIES, self.values, self.stderr, self.low, self.high, strict=True)
        return {
            "names": list(self.names),
            "n": self.n,
            **{q: {"value": v, "stderr": e, "interval_95": [a, b]} for q, v, e, a, b in rows},
            "goodness_of_fit": {
                "test": "Henze-Zirkler, parametric bootstrap",
                "statistic": self.statistic,
                "p": self.p_value,
            },
        }

    def report(self) -> str:
        """Return values with errors and the verdict of the test, as text."""
        a, b = self.names
        labels = (f"mean {a}", f"mean {b}", f"sigma {a}", f"sigma {b}", "correlation")
        lines = [
            f"  {label:22s} {v:.4g} +- {e:.2g}   95 %: {low:.4g} .. {high:.4g}"
            for label, v, e, low, high in zip(labels, self.values, self.stderr, self.low, self.high, strict=True)
        ]
        verdict = "fits" if self.fits else "does NOT fit: look at the plot before drawing devices from it"
        return "\n".join([*lines, f"  normal law {verdict} (Henze-Zirkler, p = {self.p_value:.2g}, n = {self.n})"])


def fit_bivariate(
    pairs: npt.ArrayLike, names: tuple[str, str], rng: np.random.Generator, *, replicas: int = 999
) -> BivariateFit:
    """Fit a bivariate normal law to pairs, shape (device, 2).

    replicas : resamplings for the standard errors and for the p-value.  Raises InputError for fewer than 8 pairs, a number
    that is not finite, or a quantity that is the same for every device.
    """
    x = np.asarray(pairs, float)
    if x.ndim != 2 or x.shape[1:] != (2,) or x.shape[0] < FEWEST:
        raise InputError(
            f"{' and '.join(names)} have the shape {x.shape}; expected (device, 2) with {FEWEST} devices or more: "
            "fewer say nothing about spreads and correlation."
        )
    for k, name in enumerate(names):
        if not np.isfinite(x[:, k]).all():
            row = int(np.flatnonzero(~np.isfinite(x[:, k]))[0])
            raise InputError(
                f"{name}[{row}]={x[row, k]} is not allowed: expected finite numbers; leave the device out."
            )
        if np.ptp(x[:, k]) <= 1e-12 * abs(x[0, k]):
            raise InputError(f"{name}={x[0, k]:g} is the same for every device: there is no spread to fit.")
    n, values = x.shape[0], _moments(x)
    again = np.array([_moments(x[rng.integers(0, n, n)]) for _ in range(replicas)])
    low, high = _intervals(values, n)
    statistic, p = normality(x, rng, replicas=replicas)
    law = Bivariate(
        mean=(values[0], values[1]), sigma=(values[2], values[3]), correlation=float(np.clip(values[4], -1, 1))
    )
    return BivariateFit(names, law, tuple(map(float, np.nanstd(again, axis=0, ddof=1))), low, high, statistic, p, n)


def _intervals(values: FloatArray, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the ends of the 95 % intervals of QUANTITIES for a sample of n from a normal law."""
    from scipy.special import chdtri, ndtri, stdtrit

    t = float(stdtrit(n - 1, _UPPER)) / np.sqrt(n)
    shrink, grow = (float(np.sqrt((n - 1) / chdtri(n - 1, tail))) for tail in (1 - _UPPER, _UPPER))
    z, dz = np.arctanh(np.clip(values[4], -1 + 1e-15, 1 - 1e-15)), float(ndtri(_UPPER)) / np.sqrt(n - 3)
    low = (*(values[:2] - t * values[2:4]), *(shrink * values[2:4]), np.tanh(z - dz))
    high = (*(values[:2] + t * values[2:4]), *(grow * values[2:4]), np.tanh(z + dz))
    return tuple(map(float, low)), tuple(map(float, high))


def normality(x: FloatArray, rng: np.random.Generator, *, replicas: int = 999) -> tuple[float, float]:
    """Return the Henze-Zirkler statistic of points (n, d) and its p-value from `replicas` normal samples of the same size.

    The statistic does not change under linear maps, so standard normal samples serve for every mean and covariance.
    Above 2000 points a random 2000 are tested.  Source: Henze and Zirkler, Comm. Statist. Theory Methods 19, 3595 (1990).
    """
    if x.shape[0] > _MOST:
        x = x[rng.choice(x.shape[0], _MOST, replace=False)]
    replicas = replicas if x.shape[0] <= 300 else min(replicas, 199)
    own = henze_zirkler(x)
    drawn = [henze_zirkler(rng.normal(size=x.shape)) for _ in range(replicas)]
    return own, float((1 + np.sum(np.array(drawn) >= own)) / (replicas + 1))


def henze_zirkler(x: FloatArray) -> float:
    """Return the Henze-Zirkler statistic of points (n, d): a weighted distance of characteristic functions."""
    n, d = x.shape
    centred = x - x.mean(axis=0)
    inverse = np.linalg.pinv(centred.T @ centred / n)
    products = centred @ inverse @ centred.T
    own = np.diag(products)
    between = own[:, None] + own[None, :] - 2 * products
    b2 = 0.5 * ((2 * d + 1) * n / 4) ** (2 / (d + 4))
    first = np.exp(-0.5 * b2 * between).mean()
    second = 2 * (1 + b2) ** (-d / 2) * np.exp(-b2 / (2 * (1 + b2)) * own).mean()
    return float(n * (first - second + (1 + 2 * b2) ** (-d / 2)))


def _moments(x: FloatArray) -> FloatArray:
    """Return means, sigmas and correlation of pairs, shape (5,)."""
    mean, c = x.mean(axis=0), np.cov(x.T)
    sigma = np.sqrt(np.diag(c))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([*mean, *sigma, c[0, 1] / (sigma[0] * sigma[1])])
