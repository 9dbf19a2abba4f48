"""What is applied to cells: bias and gate as straight pieces in time, and the moments at which the answer is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

Array = NDArray[np.float64]
EDGE_s = 1e-9  # rise and fall of a pulse where none is given


@dataclass(frozen=True, eq=False)
class Waveform:
    """Bias [V] over cell and series transistor, gate [V], at the corners of straight pieces; samples at `sample_s`.

    time_s, bias_V, gate_V : (corners,), time not decreasing (two corners at one moment are a jump).
    sample_s : (samples,), increasing, when the cell is looked at; may be empty.
    Raises InputError where shapes differ, time runs backwards, a value is not finite or a voltage is beyond 20 V.
    """

    time_s: Array
    bias_V: Array
    gate_V: Array
    sample_s: Array

    def __post_init__(self) -> None:
        for name in ("time_s", "bias_V", "gate_V", "sample_s"):
            given = np.array(getattr(self, name), float)
            if given.ndim != 1 or not np.all(np.isfinite(given)):
                raise InputError(f"Waveform.{name} is not allowed: expected finite numbers in one row.")
            given.flags.writeable = False
            object.__setattr__(self, name, given)
        if not (self.time_s.size == self.bias_V.size == self.gate_V.size >= 2):
            raise InputError(
                f"Waveform: {self.time_s.size} times, {self.bias_V.size} biases and {self.gate_V.size} gates are given: "
                "expected the same number of each, at least 2."
            )
        if np.any(np.diff(self.time_s) < 0) or np.any(np.diff(self.sample_s) < 0):
            raise InputError("Waveform.time_s is not allowed: time must not run backwards (nor must sample_s).")
        if np.any(np.abs(self.bias_V) > 20) or np.any((self.gate_V < 0) | (self.gate_V > 20)):
            raise InputError(
                "Waveform is not allowed: expected bias_V within -20..20 V and gate_V within 0..20 V. mV instead of V?"
            )

    @classmethod
    def sweep(cls, peaks_V: ArrayLike, gates_V: ArrayLike, *, ramp_V_per_s: float = 1.0, step_V: float = 0.02) -> Self:
        """Triangles 0 -> peak -> 0, one after the other, each under its own gate; sampled every step_V and at every peak."""
        time, bias, gate, sample = [0.0], [0.0], [], [np.zeros(1)]
        peaks, gates = np.broadcast_arrays(np.atleast_1d(np.asarray(peaks_V, float)), np.asarray(gates_V, float))
        if not (0 < ramp_V_per_s <= 1e12 and 0 < step_V <= 5 and np.all(peaks != 0)):
            raise InputError(
                f"Waveform.sweep: ramp_V_per_s={ramp_V_per_s!r}, step_V={step_V!r}, peaks_V={peaks.tolist()} is not allowed: "
                "expected a ramp of 0..1e12 V/s, a step of 0..5 V and peaks other than 0."
            )
        for peak, at_gate in zip(peaks, gates, strict=True):
            half, count = abs(peak) / ramp_V_per_s, max(round(abs(peak) / step_V), 2)
            sample.append(time[-1] + np.linspace(0.0, 2 * half, 2 * count + 1)[1:])
            gate += [at_gate] * 3
            time += [time[-1] + half, time[-1] + 2 * half, time[-1] + 2 * half]
            bias += [float(peak), 0.0, 0.0]
        return cls(np.array(time[:-1]), np.array(bias[:-1]), np.array(gate), np.concatenate(sample))

    @classmethod
    def pulses(
        cls,
        voltages_V: ArrayLike,
        gates_V: ArrayLike,
        *,
        width_s: float = 2.5e-6,
        pause_s: float | None = None,
        edge_s: float = EDGE_s,
        samples: int = 0,
    ) -> Self:
        """Trapezoids of `width_s` (half height to half height), `pause_s` apart at 0 V (default: as long as a pulse).

        samples : moments looked at within each pulse, evenly spread over it; 0 for none.
        """
        volts, gates = np.broadcast_arrays(np.atleast_1d(np.asarray(voltages_V, float)), np.asarray(gates_V, float))
        if not 1e-12 <= edge_s < width_s <= 1e6:
            raise InputError(
                f"width_s={width_s!r}, edge_s={edge_s!r} is not allowed: expected 1e-12 <= edge_s < width_s <= 1e6 s. ns instead of s?"
            )
        pause = width_s if pause_s is None else pause_s
        period = width_s + edge_s + pause
        start = period * np.arange(volts.size)
        corner = np.array([0.0, edge_s, width_s, width_s + edge_s])
        time = (start[:, None] + corner).ravel()
        bias = (volts[:, None] * np.array([0.0, 1.0, 1.0, 0.0])).ravel()
        look = np.linspace(0.0, width_s + edge_s, samples) if samples else np.empty(0)
        return cls(
            np.append(time, period * volts.size),
            np.append(bias, 0.0),
            np.append(gates.repeat(4), gates[-1]),
            (start[:, None] + look).ravel(),
        )

    @property
    def duration_s(self) -> float:
        return float(self.time_s[-1] - self.time_s[0])

    def sampled_at(self, sample_s: ArrayLike) -> Self:
        """Return the same waveform looked at at other moments [s]."""
        return replace(self, sample_s=np.asarray(sample_s, float))

    def at(self, time_s: ArrayLike) -> tuple[Array, Array]:
        """Bias and gate [V] at moments [s]."""
        t = np.asarray(time_s, float)
        return np.interp(t, self.time_s, self.bias_V), np.interp(t, self.time_s, self.gate_V)

    def corners(self) -> tuple[Array, Array, Array]:
        """Time, bias and gate with a corner wherever the bias passes through zero, so that a piece has one polarity."""
        t, b, g = self.time_s, self.bias_V, self.gate_V
        k = np.flatnonzero((b[:-1] * b[1:] < 0) & (np.diff(t) > 0))
        if not k.size:
            return t, b, g
        share = b[k] / (b[k] - b[k + 1])
        cross_t, cross_g = t[k] + share * np.diff(t)[k], g[k] + share * np.diff(g)[k]
        return np.insert(t, k + 1, cross_t), np.insert(b, k + 1, 0.0), np.insert(g, k + 1, cross_g)
