"""The likelihood of a pulse trace under generalised soft bounds, maximised by Fisher scoring.

A step is normal with mean mu(g) and standard deviation s |mu(g)| (step noise relative to the mean step), so that
ln |mu| is all that depends on the law: with z = (step - mu) / (s mu), the score by ln |mu| is z^2 + z/s - 1, and the expected
information 2 + 1/s^2. A step that ends at a bound was cut off there: it counts with the probability to reach the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.pulsed_device import PulsedDevices, mean_step_S
from fits.pulses.trace import PulseTrace
from ground.errors import NotConverged

Array = NDArray[np.float64]
NAMES = ("ln_dg_up", "ln_dg_down", "ln_gamma_up", "ln_gamma_down", "ln_step_noise", "ln_room_up", "ln_room_down")
_NEAR = 1e-3  # of the range: a step outwards from nearer to an extreme is below what any instrument resolves, and is left out
_ROUNDS, _SETTLED = 300, 1e-6
_LOW = np.array([-25.0, -25.0, np.log(0.05), np.log(0.05), np.log(1e-4), -30.0, -30.0])
_HIGH = np.array([8.0, 8.0, np.log(8.0), np.log(8.0), np.log(30.0), np.log(20.0), np.log(20.0)])


class Law(NamedTuple):
    """What `mean_step_S` needs of one device; g in any unit."""

    g_max_S: float
    g_min_S: float
    dg_up_S: float
    dg_down_S: float
    gamma_up: float
    gamma_down: float
    step_noise: float

    def scaled(self, low: float, span: float) -> Law:
        """The same law in another unit of conductance: g -> low + span g."""
        return self._replace(
            g_max_S=low + span * self.g_max_S,
            g_min_S=low + span * self.g_min_S,
            dg_up_S=span * self.dg_up_S,
            dg_down_S=span * self.dg_down_S,
        )


def step_of(g: Array, law: Law, direction: ArrayLike) -> Array:
    """Mean step of the generalised soft bounds: `mean_step_S` of one device, in any unit."""
    return mean_step_S(g, cast(PulsedDevices, law), direction)


@dataclass(frozen=True)
class Maximum:
    """theta : as NAMES, in units of the observed range.  covariance : of the free ones, 0 elsewhere.  deviance : -2 ln L.

    law : in the units of the trace.  free : names.  residual : standardised steps (n - 1,), NaN where cut off or stuck.
    held : the bounds that were seen to cut steps off, so known exactly.
    """

    theta: Array
    covariance: Array
    deviance: float
    law: Law
    free: tuple[str, ...]
    residual: Array
    held: tuple[str, ...]
    read_noise: float = 0.0

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 ln L + 2 k."""
        return self.deviance + 2 * len(self.free)


class StepLikelihood:
    """Likelihood of one trace. The conductance is scaled to its observed range, so that theta is of order 1."""

    def __init__(self, trace: PulseTrace) -> None:
        self.low, self.span = float(trace.g.min()), float(np.ptp(trace.g))
        g = (trace.g - self.low) / self.span
        self.g, self.step, self.up = g[:-1], np.diff(g), trace.direction[1:] > 0
        at_top, at_bottom = g == 1.0, g == 0.0
        self.held = tuple(n for n, at in (("g_max", at_top), ("g_min", at_bottom)) if at.sum() > 1)
        top, bottom = (
            np.full(g.shape, False) if n not in self.held else at for n, at in (("g_max", at_top), ("g_min", at_bottom))
        )
        stuck = ((self.g > 1.0 - _NEAR) & self.up) | ((self.g < _NEAR) & ~self.up)
        self.cut_up, self.cut_down = top[1:] & ~stuck, bottom[1:] & ~stuck
        self.plain = ~(stuck | self.cut_up | self.cut_down)

    def start(self) -> Array:
        """Soft bounds with steps of the observed mean size."""
        mean_up = max(float(np.mean(self.step[self.up])), 1e-3)
        mean_down = max(float(-np.mean(self.step[~self.up])), 1e-3)
        size = float(np.median(np.abs(self.step[self.step != 0])))
        up, down = max(2 * mean_up, size), max(2 * mean_down, size)
        return np.log(np.array([up, down, 1.0, 1.0, 1.0, 0.05, 0.05]))

    def law(self, theta: Array) -> Law:
        """The law in units of the observed range."""
        x = np.exp(theta)
        top = 1.0 + (0.0 if "g_max" in self.held else x[5])
        bottom = -(0.0 if "g_min" in self.held else x[6])
        return Law(top, bottom, x[0], x[1], x[2], x[3], x[4])

    def maximise(self, fixed: Sequence[str] = ()) -> Maximum:
        """Return the maximum. fixed : exponents held at 1 (soft bounds).  Raises NotConverged where none is found."""
        held = {"ln_room_up": "g_max" in self.held, "ln_room_down": "g_min" in self.held}
        free = np.array([n not in fixed and not held.get(n, False) for n in NAMES])
        theta, damping = self.start(), 1e-3
        theta[[NAMES.index(n) for n in fixed]] = 0.0
        value, gradient, information = self._expand(theta)
        for _ in range(_ROUNDS):
            g, A = gradient[free], information[np.ix_(free, free)]
            move = np.zeros(len(NAMES))
            move[free] = np.linalg.solve(A + damping * np.diag(np.diag(A) + 1e-9), g)
            trial = np.clip(theta + np.clip(move, -1.0, 1.0), _LOW, _HIGH)
            trial_value, trial_gradient, trial_information = self._expand(trial)
            if trial_value <= value + 1e-12:
                done = value - trial_value < _SETTLED
                theta, value, gradient, information = trial, trial_value, trial_gradient, trial_information
                damping = max(damping / 5.0, 1e-9)
                if done:
                    return self._maximum(theta, value, information, free)
            else:
                damping *= 6.0
                if damping > 1e8:
                    return self._maximum(theta, value, information, free)
        raise NotConverged(
            "pulse fit: the likelihood has no maximum within the allowed exponents (0.05..8); see the trace."
        )

    def _maximum(self, theta: Array, value: float, information: Array, free: NDArray[np.bool_]) -> Maximum:
        covariance = np.zeros((len(NAMES), len(NAMES)))
        covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)], hermitian=True)
        unit = self.law(theta)
        scaled = unit.scaled(self.low, self.span)
        mu, _ = self._mean(unit)
        residual = np.where(self.plain, (self.step - mu) / (unit.step_noise * np.maximum(np.abs(mu), 1e-12)), np.nan)
        scale = 2.0 * float(np.log(self.span)) * int(self.plain.sum())  # densities per unit of the trace
        names = tuple(n for n, f in zip(NAMES, free, strict=True) if f)
        return Maximum(theta, covariance, 2.0 * value + scale, scaled, names, residual, self.held)

    def _mean(self, law: Law) -> tuple[Array, Array]:
        """Mean step, and the gradient of ln |mu| by theta, shape (n, 7)."""
        mu = step_of(self.g, law, np.where(self.up, 1, -1))
        width = law.g_max_S - law.g_min_S
        w = np.maximum((law.g_max_S - self.g) / width, 1e-12)
        v = np.maximum((self.g - law.g_min_S) / width, 1e-12)
        J = np.zeros((self.g.size, len(NAMES)))
        up = self.up
        J[:, 0], J[:, 1] = up, ~up
        J[:, 2], J[:, 3] = np.where(up, law.gamma_up * np.log(w), 0.0), np.where(up, 0.0, law.gamma_down * np.log(v))
        by_top = np.where(up, law.gamma_up * v / w, -law.gamma_down) / width
        by_bottom = np.where(up, law.gamma_up, -law.gamma_down * w / v) / width
        J[:, 5], J[:, 6] = (
            by_top * (law.g_max_S - 1.0),
            by_bottom * law.g_min_S,
        )  # g_min = -exp(theta): d = g_min itself
        return np.where(up, 1.0, -1.0) * np.maximum(np.abs(mu), 1e-12), J

    def _expand(self, theta: Array) -> tuple[float, Array, Array]:
        """-ln L, its downhill direction and the information, all terms."""
        law = self.law(theta)
        mu, J = self._mean(law)
        s, size = law.step_noise, np.abs(mu)
        ok = self.plain
        z = (self.step[ok] - mu[ok]) / (s * size[ok])
        value = float(np.sum(0.5 * z**2 + np.log(s * size[ok]))) + 0.5 * np.log(2 * np.pi) * ok.sum()
        by_mean = z**2 + z * np.sign(mu[ok]) / s - 1.0
        K = J[ok]
        gradient = K.T @ by_mean
        gradient[4] += np.sum(z**2 - 1.0)
        information = K.T @ K * (2.0 + 1.0 / s**2)
        cross = 2.0 * K.sum(0)
        information[4, :] += cross
        information[:, 4] += cross
        information[4, 4] += 2.0 * ok.sum()
        for cut, outward, bound in ((self.cut_up, 1.0, 1.0), (self.cut_down, -1.0, 0.0)):
            if cut.any():
                value += self._cut(cut, outward, bound, mu, s, J, gradient, information)
        return value, gradient, information

    def _cut(
        self,
        cut: NDArray[np.bool_],
        outward: float,
        bound: float,
        mu: Array,
        s: float,
        J: Array,
        gradient: Array,
        information: Array,
    ) -> float:
        """Add the steps that a bound cut off: -ln of the probability to reach it; returns its sum."""
        from scipy.special import log_ndtr

        distance, size = outward * (bound - self.g[cut]), np.abs(mu[cut])
        q = (distance - outward * mu[cut]) / (s * size)
        ln_Q = log_ndtr(-q)
        near = np.minimum(q, 1e4)  # beyond it the hazard is q, which the difference of two squares no longer gives
        hazard = np.where(q < 1e4, np.exp(-0.5 * near**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(-near)), q)
        dq = J[cut] * (-distance / (s * size))[:, None]
        dq[:, 4] -= q
        gradient += dq.T @ -hazard
        information += dq.T @ (dq * (hazard * (hazard - q))[:, None])
        return -float(ln_Q.sum())
