"""Weights as conductances: one device and a mid-point, or a pair of devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

Floats = NDArray[np.float64]
Scheme = Literal["single", "pair"]
SCHEMES = ("single", "pair")


@dataclass(frozen=True)
class Mapping:
    """Weights -1..1 as conductances between low_S and high_S [S].

    single : one device, w = 0 in the middle of the window; the mid-point current is taken off digitally (arXiv:2502.04524).
    pair : two devices in neighbouring columns, the second subtracted; one of them stays at low_S.
    """

    low_S: float
    high_S: float
    scheme: Scheme = "single"

    def __post_init__(self) -> None:
        if not 0 <= self.low_S < self.high_S < np.inf:
            raise InputError(
                f"window {self.low_S:g}..{self.high_S:g} S is not allowed: expected 0 or more, and the lower end first. "
                "Likely cause: the window is upside down, or its ends are in different units."
            )
        if self.scheme not in SCHEMES:
            raise InputError(f"scheme={self.scheme!r} is not allowed: expected 'single' or 'pair'.")

    @property
    def scale_S(self) -> float:
        """Conductance of a weight of 1 [S]."""
        return (self.high_S - self.low_S) / (2.0 if self.scheme == "single" else 1.0)

    @property
    def reference_S(self) -> float:
        """Conductance of a weight of 0 that has to be taken off digitally [S]."""
        return 0.5 * (self.low_S + self.high_S) if self.scheme == "single" else 0.0

    @property
    def devices_per_weight(self) -> int:
        return 1 if self.scheme == "single" else 2

    def conductances_S(self, weights: ArrayLike) -> Floats:
        """Return targets [S], (rows, columns) or, for pairs, (rows, 2 columns): plus and minus in turn."""
        w = check_weights(weights)
        if self.scheme == "single":
            return self.reference_S + self.scale_S * w
        both = np.stack([np.maximum(w, 0.0), np.maximum(-w, 0.0)], axis=2)
        return self.low_S + self.scale_S * both.reshape(w.shape[0], 2 * w.shape[1])

    def weights(self, conductance_S: Floats) -> Floats:
        """Return the weights that these conductances stand for; the inverse of `conductances_S`."""
        if self.scheme == "single":
            return (conductance_S - self.reference_S) / self.scale_S
        return (conductance_S[:, 0::2] - conductance_S[:, 1::2]) / self.scale_S

    def rms_S(self) -> float:
        """Root mean square of what a device adds to a column for uniform weights [S]: what an ADC has to be made for."""
        if self.scheme == "single":
            return float(np.sqrt(self.reference_S**2 + self.scale_S**2 / 3.0))
        return float(np.sqrt(self.low_S**2 + self.low_S * self.scale_S / 2.0 + self.scale_S**2 / 6.0))


def check_weights(weights: ArrayLike) -> Floats:
    """Return weights (rows, columns), or raise InputError: finite, -1..1."""
    w = np.asarray(weights, float)
    if w.ndim != 2 or not w.size:
        raise InputError(f"weights has shape {w.shape}, which is not allowed: expected (rows, columns).")
    if not np.all(np.abs(w) <= 1.0):
        raise InputError(
            "weights must be finite and between -1 and 1; divide them by the largest, and multiply the result by it."
        )
    return w
