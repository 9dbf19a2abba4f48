"""Digital to analogue and back: steps of a stated size between stated bounds, in volts or amperes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError

Floats = NDArray[np.float64]
MOST_BITS = 24


@dataclass(frozen=True)
class Converter:
    """Rounds to 2^bits - 1 levels between -full_scale and full_scale, 0 among them, and clips there.

    bits : 2..24, or None for a converter that neither rounds nor clips.  full_scale : [V] of a DAC, [A] of an ADC.
    The step is full_scale/(2^(bits-1) - 1), as aihwkit's resolution 1/(2^bits - 2).
    """

    bits: int | None
    full_scale: float

    def __post_init__(self) -> None:
        if self.bits is not None and (isinstance(self.bits, bool) or not 2 <= self.bits <= MOST_BITS):
            raise InputError(
                f"bits={self.bits!r} is not allowed: expected 2..{MOST_BITS} (one of them is the sign), or none for an ideal converter."
            )
        if not 0 < self.full_scale < np.inf:
            raise InputError(
                f"full_scale={self.full_scale!r} is not allowed: expected more than 0, in volts or amperes."
            )

    @property
    def step(self) -> float:
        """Distance of two levels; 0 for an ideal converter."""
        return 0.0 if self.bits is None else self.full_scale / (2 ** (self.bits - 1) - 1)

    def __call__(self, values: Floats) -> Floats:
        if self.bits is None:
            return np.asarray(values, float)
        return np.clip(np.round(values / self.step) * self.step, -self.full_scale, self.full_scale)

    def clipped_fraction(self, values: Floats) -> float:
        """Share of values beyond the full scale."""
        return 0.0 if self.bits is None else float((np.abs(values) > self.full_scale).mean())
