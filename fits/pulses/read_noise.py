"""Pulse traces read with noise: the likelihood by an extended Kalman filter over the hidden conductance.

Read noise makes neighbouring steps anticorrelated; taken for step noise, it would pull the law towards what the noise does.
Many parameter sets are filtered at once (columns), so that a gradient costs one pass over the pulses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fits.pulses.likelihood import NAMES, Law, Maximum
from fits.pulses.trace import PulseTrace
from ground.errors import NotConverged

Array = NDArray[np.float64]
ALL = (*NAMES, "ln_read_noise")
_EDGE = 1e-3  # of the range: nearer to a bound the mean step is that at this distance
_LOW = np.log(np.array([1e-4, 1e-4, 0.05, 0.05, 1e-2, 0.3, 0.3, 1e-5]))
_HIGH = np.log(np.array([50.0, 50.0, 8.0, 8.0, 30.0, 5.0, 5.0, 0.5]))
_STEP = 1e-4


def shows_read_noise(residual: Array) -> bool:
    """Whether neighbouring standardised steps are anticorrelated beyond chance (three standard errors)."""
    pair = np.isfinite(residual[:-1]) & np.isfinite(residual[1:])
    r = np.clip(residual, -4.0, 4.0)
    if pair.sum() < 30:
        return False
    return bool(np.mean(r[:-1][pair] * r[1:][pair]) / np.mean(r[np.isfinite(r)] ** 2) < -3.0 / np.sqrt(pair.sum()))


class FilteredLikelihood:
    """Likelihood of one trace with read noise, in units of its range; bounds are 0.5 +- exp(theta) of it."""

    def __init__(self, trace: PulseTrace) -> None:
        self.low, self.span = float(trace.g.min()), float(np.ptp(trace.g))
        self.g, self.up = (trace.g - self.low) / self.span, trace.direction > 0

    def start(self) -> Array:
        """Soft bounds at the edges of the data, half of the scatter of the steps read noise."""
        scatter = float(np.std(np.diff(self.g)))
        ends = [abs(self.g[:: -1 if k else 1][:5].mean() - 0.5) for k in (0, 1)]
        reach = float(np.clip(max(*ends, 0.4), 0.4, 0.6))
        return np.log(np.array([0.05, 0.05, 1.0, 1.0, 1.5, reach, reach, max(0.5 * scatter, 1e-3)]))

    def value(self, theta: Array) -> Array:
        """-ln L for the columns of theta (8, m), shape (m,)."""
        up0, down0, gu, gd, s, top, bottom, r = np.exp(theta)
        high, low = 0.5 + top, 0.5 - bottom
        width, r2, s2 = high - low, r**2, s**2
        m, P = np.full(theta.shape[1], self.g[0]), r2.copy()
        total = np.zeros(theta.shape[1])
        for y, up in zip(self.g[1:].tolist(), self.up[1:].tolist(), strict=True):
            if up:
                w = np.minimum(np.maximum((high - m) / width, _EDGE), 1.0)  # np.clip takes several times as long
                mu = up0 * w**gu
                slope = -gu * mu / (w * width)
            else:
                w = np.minimum(np.maximum((m - low) / width, _EDGE), 1.0)
                mu = -down0 * w**gd
                slope = gd * mu / (w * width)
            m = m + mu
            P = (1.0 + slope) ** 2 * P + s2 * (mu * mu + slope * slope * P)
            S = P + r2
            e = y - m
            total += 0.5 * (e * e / S + np.log(S))
            K = P / S
            m = m + K * e
            P = (1.0 - K) * P
        return total + 0.5 * np.log(2 * np.pi) * (self.g.size - 1)

    def law(self, theta: Array) -> Law:
        """The law in the units of the trace."""
        up, down, gamma_up, gamma_down, noise, top, bottom = np.exp(theta[:7]).tolist()
        return Law(0.5 + top, 0.5 - bottom, up, down, gamma_up, gamma_down, noise).scaled(self.low, self.span)

    def maximise(self, fixed: tuple[str, ...] = (), start: Array | None = None) -> Maximum:
        """Return the maximum; fixed : exponents held at 1.  Raises NotConverged where none is found."""
        from scipy.optimize import minimize

        free = np.array([n not in fixed for n in ALL])
        theta = self.start() if start is None else start.copy()
        theta[[ALL.index(n) for n in fixed]] = 0.0
        n = int(free.sum())
        steps = _STEP * np.concatenate([np.eye(len(ALL))[free], -np.eye(len(ALL))[free], np.zeros((1, len(ALL)))])

        def both(points: Array) -> tuple[Array, Array]:
            """-ln L and its gradient at points (m, n), all in one pass over the pulses."""
            at = np.tile(theta, (len(points), 1))
            at[:, free] = points
            values = self.value((at[:, None] + steps).reshape(-1, len(ALL)).T).reshape(len(points), -1)
            return values[:, -1], (values[:, :n] - values[:, n : 2 * n]) / (2 * _STEP)

        def one(x: Array) -> tuple[float, Array]:
            value, slope = both(x[None])
            return float(value[0]), slope[0]

        bounds = list(zip(_LOW[free], _HIGH[free], strict=True))
        found = minimize(
            one, theta[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200, "ftol": 1e-10}
        )
        if not np.isfinite(found.fun):
            raise NotConverged("pulse fit with read noise: the likelihood has no maximum; see the trace.")
        best = theta.copy()
        best[free] = found.x
        around = 1e-3 * np.eye(n)
        H = (both(found.x + around)[1] - both(found.x - around)[1]) / 2e-3
        covariance = np.zeros((len(ALL), len(ALL)))
        covariance[np.ix_(free, free)] = _inverse(0.5 * (H + H.T))
        deviance = 2.0 * float(found.fun) + 2.0 * np.log(self.span) * (self.g.size - 1)
        names = tuple(n for n, f in zip(ALL, free, strict=True) if f)
        noise = float(np.exp(best[7])) * self.span
        return Maximum(best, covariance, deviance, self.law(best), names, np.full(self.g.size - 1, np.nan), (), noise)


def _inverse(H: Array) -> Array:
    """Inverse of a Hessian; directions that are flat or not yet at the minimum get a variance of 100 (a factor e^10: unknown)."""
    value, vector = np.linalg.eigh(H)
    return (vector / np.maximum(value, 1e-2)) @ vector.T
