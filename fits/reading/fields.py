"""The allowed ranges of what a caller of the extractions may give, and the sentence for what is outside."""

from __future__ import annotations

from typing import Any

from ground.errors import InputError
from ground.units import Quantity

VOLTAGE = Quantity("V", -210.0, 210.0)  # the widest range of a bench source-measure unit
CURRENT = Quantity("A", -2.0, 2.0)
AMBIENT = Quantity("K", 50.0, 1500.0)
READ_VOLTAGE = Quantity("V", 1e-4, 10.0)
SERIES_RESISTANCE = Quantity("ohm", 0.0, 1e9)


def checked(name: str, value: Any, quantity: Quantity) -> float:
    """Return `value` in the quantity's SI unit, or raise InputError naming the field, the value and the range."""
    try:
        return quantity.check(value)
    except ValueError as error:
        hint = ""
        if quantity.unit == "K" and isinstance(value, (int, float)) and -50 <= value < quantity.low:
            hint = f" Did you mean {value + 273.15:g} (you gave degC)?"
        raise InputError(f"{name}={value!r} is not allowed: {error}{hint}") from None
