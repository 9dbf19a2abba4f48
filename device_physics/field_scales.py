"""The fields that can be drawn: their names in files, symbols, units, colours and ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError, nearest

_DECADES_MAX = 6.0  # below the largest value; what is smaller carries nothing and is drawn in the lowest colour
_LOG_FROM = 30.0  # ratio of largest to typical small value from which a linear scale would hide most of the picture


@dataclass(frozen=True)
class FieldScale:
    """One field: array name in the VTU file, title of its picture, label of its colour bar, colour map, log where it spans decades."""

    array: str
    title: str
    label: str
    colours: str
    may_be_log: bool = True

    def limits(self, values: NDArray[np.float64]) -> tuple[float, float, bool]:
        """Return (lowest, highest, log) of the colours for the values in the picture."""
        low, high = float(np.min(values)), float(np.max(values))
        if high == low:
            return low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0), False
        if not self.may_be_log or high <= 0:
            return low, high, False
        small = max(float(np.percentile(values, 2)), high * 10.0**-_DECADES_MAX)
        return (small, high, True) if high / small > _LOG_FROM else (low, high, False)


SCALES = {
    "V": FieldScale("V [V]", "Potential", "V [V]", "cividis", may_be_log=False),
    "T": FieldScale("T [K]", "Temperature", "T [K]", "inferno", may_be_log=False),
    "E": FieldScale("E [V/m]", "Electric field", "|E| [V/m]", "viridis"),
    "J": FieldScale("J [A/m2]", "Current density", "|J| [A/m²]", "plasma"),
    "power": FieldScale("power density [W/m3]", "Power density", "power density [W/m³]", "magma"),
}


def scale(name: str) -> FieldScale:
    """Return the scale of V, T, E, J or power; raises InputError with the nearest names."""
    if name not in SCALES:
        raise InputError(f"field={name!r} is not known: it is drawn from V, T, E, J, power. {nearest(name, SCALES)}")
    return SCALES[name]
