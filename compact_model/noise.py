"""What a programmed conductance does by itself: relaxation after programming, and the noise of a read."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import model_validator

from compact_model.pulsed_device import Floats
from compact_model.streams import normals
from ground.errors import InputError
from ground.paper import paper
from ground.spec import Spec
from ground.units import Quantity

Shift = Annotated[float, Quantity("S", -1e-3, 1e-3)]
Width = Annotated[float, Quantity("S", 0.0, 1e-3)]

T_MAX_S = 3.2e9  # 100 years: the end of every relaxation path
READ_s = 300e-6  # duration of a read in arXiv:2502.04524
_DEPTH = 13  # a path is known at 2**13 equal steps of its variance, straight in between


class Relaxation(Spec):
    """Drift and spread of the conductance after programming, independent of the conductance.

    mean_shift_S : change of the mean per unit of ln(t/1 s) [S].
    sigma_S, sigma_per_ln_S : spread over devices at 1 s, and its growth per unit of ln(t/1 s) [S].
    Known from 1 s on; 0 s is the moment of programming, with no change yet.
    """

    mean_shift_S: Shift
    sigma_S: Width
    sigma_per_ln_S: Width

    @classmethod
    def published(cls) -> Self:
        """Return the law of arXiv:2502.04524 (authors' public code)."""
        law = paper()["relaxation"]
        return cls(
            mean_shift_S=law["mean_shift"]["per_ln_t"] * 1e-6,
            sigma_S=law["sigma"]["constant"] * 1e-6,
            sigma_per_ln_S=law["sigma"]["per_ln_t"] * 1e-6,
        )

    def mean_S(self, t_s: float) -> float:
        """Mean change [S] at t_s after programming: mean_shift_S ln t; 0 at t = 0."""
        return self.mean_shift_S * float(np.log(t_s)) if check_time(t_s) else 0.0

    def std_S(self, t_s: float) -> float:
        """Spread of the change over devices [S] at t_s: sigma_S + sigma_per_ln_S ln t; 0 at t = 0."""
        return self.sigma_S + self.sigma_per_ln_S * float(np.log(t_s)) if check_time(t_s) else 0.0

    def path_S(self, t_s: float, device_id: ArrayLike, *, seed: int, trial: int = 0) -> Floats:
        """Change [S] of each device at t_s after its programming number `trial`, shape of device_id.

        One Brownian path per device in ln t: increments are independent, so the covariance of two times is the
        variance at the earlier one, and any order of asking gives the same path. It is built from the end inwards
        (Levy's midpoints) over the variance std_S(t)^2 up to 100 years.
        """
        ids = np.asarray(device_id)
        total = self.std_S(T_MAX_S)
        if not check_time(t_s) or total == 0.0:
            return np.full(ids.shape, self.mean_S(t_s))
        v = (self.std_S(t_s) / total) ** 2
        z = normals(seed, "relaxation", ids, trial=trial)
        low, high, at_low, at_high = 0.0, 1.0, np.zeros(ids.shape), z[0]
        node = 1
        for _ in range(_DEPTH):
            middle = 0.5 * (low + high)
            z = normals(seed, "relaxation", ids, trial=trial, first=4 * node, count=1)
            at_middle = 0.5 * (at_low + at_high) + 0.5 * np.sqrt(high - low) * z[0]
            if v < middle:
                high, at_high, node = middle, at_middle, 2 * node
            else:
                low, at_low, node = middle, at_middle, 2 * node + 1
        path = at_low + (at_high - at_low) * (v - low) / (high - low)
        return self.mean_S(t_s) + total * path


class ReadNoise(Spec):
    """Noise of one read, growing with the time since programming (1/f noise between the two).

    k_S : scale [S].  t_read_s : duration of a read [s].
    sigma = k_S log10(g/1 uS) sqrt(ln((t + t_read)/(2 t_read))), 0 where g <= 1 uS or t <= t_read.
    """

    k_S: Width
    t_read_s: Annotated[float, Quantity("s", 1e-12, 1e3)]

    @classmethod
    def published(cls) -> Self:
        """Return the law of arXiv:2502.04524 (authors' public code)."""
        law = paper()["relaxation"]["read_noise"]
        return cls(k_S=law["K"] * 1e-6, t_read_s=law["t_read_s"])

    def std_S(self, g_S: ArrayLike, t_s: float) -> Floats:
        """Standard deviation [S] of a read at t_s after programming, shape of g_S."""
        decades = np.maximum(np.log10(np.maximum(np.asarray(g_S, float), 1e-12) * 1e6), 0.0)
        elapsed = np.log(max((t_s + self.t_read_s) / (2.0 * self.t_read_s), 1.0))
        return self.k_S * decades * np.sqrt(elapsed)

    def read_S(
        self, g_S: ArrayLike, t_s: float, device_id: ArrayLike, *, seed: int, trial: int = 0, repeat: int = 0
    ) -> Floats:
        """Return what read number `repeat` at t_s shows [S]; repeats of one moment follow each other every READ_s.

        The noise has a 1/f spectrum between 1/t and 1/(2 t_read), and so the standard deviation std_S: for every octave of time
        since the write there is a contribution of equal variance that is drawn anew whenever its own period is over (Voss and
        Clarke, J. Acoust. Soc. Am. 63, 258 (1978)). So reads soon after each other resemble each other.
        """
        if repeat < 0:
            raise InputError(f"repeat={repeat} is not allowed: expected 0 or more.")
        now = t_s + repeat * READ_s
        octaves = np.log2(max((now + self.t_read_s) / (2.0 * self.t_read_s), 1.0))
        ids, total = np.asarray(device_id), np.zeros(np.shape(device_id))
        for octave in range(int(np.ceil(octaves))):
            turn = int(now / (self.t_read_s * 2.0 ** (octave + 1)))
            place = octave | (turn >> 32) << 6
            z = normals(seed, "read", ids, trial=turn & 0xFFFFFFFF, first=4 * (place << 6 | trial % 64), count=1)[0]
            total += np.sqrt(min(octaves - octave, 1.0)) * z
        scale = self.std_S(g_S, now) / np.sqrt(octaves) if octaves > 0 else 0.0
        return np.asarray(np.asarray(g_S, float) + scale * total)


class Noise(Spec):
    """All that happens to a conductance without a pulse."""

    relaxation: Relaxation
    read: ReadNoise

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.relaxation.std_S(T_MAX_S) > 1e-3:
            raise InputError(
                "Noise.relaxation is not allowed: it spreads by more than 1 mS in 100 years; expected "
                "microsiemens. Were the numbers of a law in uS given as S?"
            )
        return self

    @classmethod
    def published(cls) -> Self:
        """Return the laws of arXiv:2502.04524."""
        return cls(relaxation=Relaxation.published(), read=ReadNoise.published())


def check_time(t_s: float) -> float:
    """Return t_s, or raise InputError: 0, or 1 s to 100 years after programming."""
    if not (t_s == 0 or 1.0 <= t_s <= T_MAX_S):
        raise InputError(
            f"t_s={t_s!r} is not allowed: expected 0 (just programmed) or 1..{T_MAX_S:g} s. "
            "The relaxation was measured from 1 s on."
        )
    return float(t_s)
