"""Read noise of a resting cell: its size, its spectrum, and the exponent of 1/f with its error.

Spectrum by Welch's method for the picture; exponent by the Whittle likelihood of the periodogram, whose ordinates scatter as the
expectation times an exponential number: S(f) = A (f / f0)^-alpha + B, the floor B kept only where AIC wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fits.results.identifiability import Identified
from ground.errors import InputError

Array = NDArray[np.float64]
_FEWEST = 256
_REACH = 1.96
_LOUD = 8.0  # standard errors beyond the law that make a line
_DETRENDED = 2  # the lowest ordinates, whose power the straight line has taken
_UNEVEN = 0.5  # a gap longer than this share more than the median interval counts as a missing reading


@dataclass(frozen=True)
class NoiseFit:
    """parameters : alpha [1], relative_rms [1], drift_per_s [1/s], amplitude_1Hz_per_Hz and floor_per_Hz [1/Hz], all of G over its mean.

    lines : narrow bands left out of the fit: lowest and highest frequency [Hz], and the rms in them beyond the law.
    frequency_Hz, psd_per_Hz : Welch's spectrum of G/mean - 1, one-sided.  model_per_Hz : at the same frequencies.
    """

    parameters: dict[str, Identified]
    mean_S: float
    interval_s: float
    uneven: float
    readings: int
    time_s: Array
    relative: Array
    frequency_Hz: Array
    psd_per_Hz: Array
    model_per_Hz: Array
    model_relative_error: Array
    white_delta_aic: float
    floor_delta_aic: float
    lines: tuple[tuple[float, float, float], ...]
    device: str
    synthetic: bool

    def report(self) -> str:
        """What the data are, how large the noise is, and its spectrum."""
        p = self.parameters
        kind = "SYNTHETIC data" if self.synthetic else "measured data"
        span = self.time_s[-1] - self.time_s[0]
        lines = [
            f"Read noise of {self.device or 'one cell'} ({kind})",
            f"  {self.readings} readings in {span:.4g} s, every {self.interval_s:.4g} s (uneven by {self.uneven:.1%}, taken as even); "
            f"mean {self.mean_S * 1e6:.4g} uS",
            f"  rms {p['relative_rms'].value:.3%} of the mean, about the drift {p['drift_per_s'].value * span:+.2%} over the series",
            f"  S(f) = A (1 Hz / f)^alpha{' + B' if 'floor_per_Hz' in p else ''}, "
            f"{self.frequency_Hz[0]:.3g}..{self.frequency_Hz[-1]:.3g} Hz",
        ]
        lines += [
            f"  {n:<22} = {q.value:.4g}   95 %: {q.low:.4g} .. {q.high:.4g}"
            for n, q in p.items()
            if n not in ("relative_rms", "drift_per_s")
        ]
        lines += [
            f"  left out: a line at {a:.3g}..{b:.3g} Hz, {rms:.2%} rms (mains or its alias?)"
            for a, b, rms in self.lines
        ]
        lines.append(
            f"  1/f^alpha against white noise: {self.white_delta_aic:+.1f} in AIC; a white floor beside it: {self.floor_delta_aic:+.1f}"
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary; the spectrum is Welch's."""
        return {
            "parameters": {n: vars(p) for n, p in self.parameters.items()},
            "mean_S": self.mean_S,
            "interval_s": self.interval_s,
            "uneven": self.uneven,
            "readings": self.readings,
            "frequency_Hz": self.frequency_Hz.tolist(),
            "psd_per_Hz": self.psd_per_Hz.tolist(),
            "white_delta_aic": self.white_delta_aic,
            "floor_delta_aic": self.floor_delta_aic,
            "lines": [{"low_Hz": a, "high_Hz": b, "relative_rms": r} for a, b, r in self.lines],
            "device": self.device,
            "synthetic": self.synthetic,
        }

    def plot(self) -> Any:
        """Return a matplotlib figure: series, spectrum with the law and its band, ratio to it."""
        from fits.noise.noise_plot import figure_of

        return figure_of(self)


def fit_noise(time_s: Array, conductance_S: Array, *, device: str = "", synthetic: bool = False) -> NoiseFit:
    """Fit size and spectrum of the read noise of one cell read at nearly even times.

    time_s, conductance_S : (n,), n >= 256. A linear drift is taken off first.
    Raises InputError where times do not increase, are too uneven or too few, or the conductance does not move.
    """
    interval, uneven = _interval(time_s, conductance_S)
    mean = float(conductance_S.mean())
    if mean == 0 or np.ptp(conductance_S) == 0:
        raise InputError("fit_noise: the conductance never changes; there is no noise to fit. Is it the right column?")
    relative = conductance_S / mean - 1.0
    slope, offset = np.polyfit(time_s, relative, 1)
    flat = relative - slope * time_s - offset
    n = flat.size
    f = np.fft.rfftfreq(n, interval)[1:]
    power = 2.0 * interval / n * np.abs(np.fft.rfft(flat)[1:]) ** 2
    f, power = f[_DETRENDED : n // 2 - 1], power[_DETRENDED : n // 2 - 1]
    plain, floor, white, keep = _without_lines(f, power)
    chosen = floor if floor.aic < plain.aic else plain
    rms = float(flat.std(ddof=2))
    S = _shape(f, chosen.theta)
    error = 0.5 * rms * np.sqrt(np.sum(S**2)) / np.sum(S)  # ordinates scatter as themselves
    parameters = {
        "alpha": _interval_of(chosen, 1, False),
        "amplitude_1Hz_per_Hz": _interval_of(chosen, 0, True),
        **({"floor_per_Hz": _interval_of(chosen, 2, True)} if chosen is floor else {}),
        "relative_rms": Identified(rms, float(error), rms - _REACH * error, rms + _REACH * error, True),
        "drift_per_s": _drift(float(slope), f, chosen.theta, n, interval),
    }
    frequency, psd = _welch(flat, interval)
    model = _shape(frequency, chosen.theta)
    J = _gradient(frequency, chosen.theta)
    band = np.sqrt(np.einsum("ij,jk,ik->i", J, chosen.covariance, J))
    return NoiseFit(
        parameters, mean, interval, uneven, n, time_s, relative, frequency, psd, model, band,
        white.aic - chosen.aic, plain.aic - floor.aic, _bands(f, power, keep, chosen.theta), device, synthetic,
    )  # fmt: skip


def _without_lines(f: Array, power: Array) -> tuple[_Whittle, _Whittle, _Whittle, NDArray[np.bool_]]:
    """Fit with narrow bands left out whose power lies beyond the law; returns (plain, floor, white, ordinates kept)."""
    keep = np.ones(f.size, bool)
    width = max(f.size // 200, 9)
    for _ in range(6):
        plain, floor, white = (_whittle(f[keep], power[keep], k) for k in ("plain", "floor", "white"))
        ratio = power / _shape(f, (floor if floor.aic < plain.aic else plain).theta)
        local = np.convolve(ratio, np.ones(width) / width, mode="same")
        loud = np.convolve(local > 1.0 + _LOUD / np.sqrt(width), np.ones(width), mode="same") > 0
        loud[: f.size // 20] = False  # the slow end is what the exponent is read from: never left out
        if np.array_equal(~loud, keep) or loud.mean() > 0.3:
            break
        keep = ~loud
    return plain, floor, white, keep


def _bands(f: Array, power: Array, keep: NDArray[np.bool_], theta: Array) -> tuple[tuple[float, float, float], ...]:
    edges = np.flatnonzero(np.diff(np.r_[0, (~keep).astype(int), 0]))
    extra = power - _shape(f, theta)
    return tuple(
        (float(f[a]), float(f[b - 1]), float(np.sqrt(max(np.sum(extra[a:b]) * (f[1] - f[0]), 0.0))))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


@dataclass(frozen=True)
class _Whittle:
    theta: Array  # ln A, alpha, ln B (-inf: none)
    covariance: Array  # (3, 3)
    aic: float


def _shape(f: Array, theta: Array) -> Array:
    return np.asarray(np.exp(theta[0] - theta[1] * np.log(f)) + np.exp(theta[2]))


def _gradient(f: Array, theta: Array) -> Array:
    """Derivative of ln S by theta, shape (n, 3)."""
    share = np.exp(theta[0] - theta[1] * np.log(f)) / _shape(f, theta)
    return np.stack([share, -share * np.log(f), 1.0 - share], axis=1)


def _whittle(f: Array, power: Array, kind: str) -> _Whittle:
    """Maximum of the Whittle likelihood, sum ln S + P / S, by Fisher scoring (information J^T J)."""
    free = {"plain": [0, 1], "floor": [0, 1, 2], "white": [2]}[kind]
    level = float(np.log(power.mean()))
    low = float(np.log(power[: max(power.size // 50, 5)].mean()) + np.log(f[max(power.size // 100, 2)]))
    high = float(np.log(power[-power.size // 4 :].mean()))
    theta = {
        "plain": np.array([level + np.log(np.median(f)), 1.0, -np.inf]),
        "floor": np.array([low, 1.0, high]),
        "white": np.array([-np.inf, 0.0, level]),
    }[kind]
    value, damping = _minus_ln(f, power, theta), 1e-3
    for _ in range(200):
        J = _gradient(f, theta)[:, free]
        score = J.T @ (power / _shape(f, theta) - 1.0)
        A = J.T @ J
        trial = theta.copy()
        trial[free] += np.clip(np.linalg.solve(A + damping * np.diag(np.diag(A) + 1e-9), score), -1.0, 1.0)
        new = _minus_ln(f, power, trial)
        if new <= value:
            moved, theta, value, damping = value - new, trial, new, max(damping / 5, 1e-9)
            if moved < 1e-8:
                break
        else:
            damping *= 6
            if damping > 1e9:
                break
    covariance = np.zeros((3, 3))
    J = _gradient(f, theta)[:, free]
    covariance[np.ix_(free, free)] = np.linalg.pinv(J.T @ J, hermitian=True)
    return _Whittle(theta, covariance, 2.0 * value + 2 * len(free))


def _minus_ln(f: Array, power: Array, theta: Array) -> float:
    S = _shape(f, theta)
    return float(np.sum(np.log(S) + power / S))


def _interval_of(fit: _Whittle, k: int, logarithmic: bool) -> Identified:
    value, error = float(fit.theta[k]), float(np.sqrt(fit.covariance[k, k]))
    low, high = value - _REACH * error, value + _REACH * error
    if not logarithmic:
        return Identified(value, error, low, high, True)
    return Identified(
        np.exp(value), np.exp(value) * error, float(np.exp(low)), float(np.exp(high)), bool(_REACH * error < np.log(2))
    )


def _drift(slope: float, f: Array, theta: Array, n: int, interval: float) -> Identified:
    """The slope with the error that the noise of the fitted spectrum gives it, slow parts included."""
    t = interval * (np.arange(n) - 0.5 * (n - 1))
    weight = t / np.sum(t**2)
    transfer = np.abs(np.fft.rfft(weight)[1 + _DETRENDED : f.size + 1 + _DETRENDED]) ** 2
    error = float(np.sqrt(np.sum(transfer * _shape(f, theta)) / (n * interval)))
    return Identified(slope, error, slope - _REACH * error, slope + _REACH * error, bool(abs(slope) > _REACH * error))


def _welch(flat: Array, interval: float) -> tuple[Array, Array]:
    from scipy.signal import welch

    f, psd = welch(flat, 1.0 / interval, nperseg=max(flat.size // 8, 64), detrend="linear")
    return f[1:-1], psd[1:-1]


def _interval(time_s: Array, conductance_S: Array) -> tuple[float, float]:
    """Mean interval [s], and the relative scatter of the intervals."""
    if time_s.shape != conductance_S.shape or time_s.ndim != 1 or time_s.size < _FEWEST:
        raise InputError(
            f"fit_noise: time_s {time_s.shape} and conductance_S {conductance_S.shape} are not allowed: expected two arrays of one "
            f"length, at least {_FEWEST} readings."
        )
    if not np.all(np.isfinite(conductance_S)):
        raise InputError("fit_noise: a conductance is missing or not finite; leave such readings out.")
    steps = np.diff(time_s)
    if np.any(steps <= 0):
        k = int(np.flatnonzero(steps <= 0)[0])
        raise InputError(
            f"fit_noise: reading {k + 2} at {time_s[k + 1]:.6g} s is not later than the one before ({time_s[k]:.6g} s); sort the "
            "readings, and give one cell at a time."
        )
    median = float(np.median(steps))
    gaps = float(np.mean(steps > (1.0 + _UNEVEN) * median))
    if gaps > 0.02:
        raise InputError(
            f"fit_noise: {gaps:.0%} of the intervals are longer than {1 + _UNEVEN:g} times the usual {median:.4g} s; a spectrum needs "
            "even readings. Give a part without gaps."
        )
    return float(steps.mean()), float(np.std(steps) / median)
