"""Units at the door: "11 nm" becomes 1.1e-08 m here, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from ground.errors import InputError, shown

# What a person probably meant when a bare number is out of range: unit given by mistake -> factor to the SI unit.
_SLIPS = {
    "m": {"nm": 1e-9, "um": 1e-6, "angstrom": 1e-10},
    "S/m": {"S/cm": 1e2},
    "S": {"uS": 1e-6, "nS": 1e-9},
    "s": {"ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    "V": {"mV": 1e-3},
    "eV": {"meV": 1e-3},
    "1/m^3": {"1/cm^3": 1e6},
    "ohm": {"kohm": 1e3},
}


def usual_unit(unit: str) -> str:
    """Return the unit in which people here give quantities of an SI unit: nm for m, S/cm for S/m."""
    return next(iter(_SLIPS.get(unit, {unit: 1.0})))


@cache
def _registry() -> Any:
    import pint  # slow to import, so only when a text with a unit arrives

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


def to_si(text: str, unit: str) -> float:
    """Return the number of `unit` in a text such as "11 nm", "5 S/cm" or "20 degC".

    Raises ValueError where the text is no quantity, carries no unit, or has another dimension.
    """
    import pint

    registry = _registry()
    try:
        quantity = registry.Quantity(text)
    except Exception as error:  # pint raises many unrelated kinds for unreadable text
        raise ValueError(
            f"cannot be read as a quantity; write a number and a unit, such as '1 {usual_unit(unit)}'"
        ) from error
    if quantity.unitless and unit != "":
        raise ValueError(f"carries no unit; write a number and a unit, such as '{text} {usual_unit(unit)}'")
    try:
        return float(quantity.to(unit or "dimensionless").magnitude)
    except pint.DimensionalityError as error:
        raise ValueError(f"has the unit '{quantity.units}', which is not one of '{unit}'") from error


@dataclass(frozen=True)
class Quantity:
    """The door of one physical field: its SI unit and allowed range, used as `Annotated[float, Quantity(...)]`.

    Attributes: unit : SI unit as pint reads it ("" for a pure number).  low, high : allowed range, both included.
    """

    unit: str
    low: float
    high: float

    def check(self, value: Any) -> float:
        """Return `value` in `unit`, or raise ValueError saying what is allowed and what was probably meant."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(f"expected a number of {self.unit or '1'}, or a text with a unit, within {self.allowed}")
        number = self._read(value)
        if not math.isfinite(number):
            raise ValueError(f"not a finite number; expected {self.allowed}")
        if not self.low <= number <= self.high:
            raise ValueError(f"expected {self.allowed}.{self._slip(number)}")
        return number

    def _read(self, value: float | str) -> float:
        try:
            return to_si(value, self.unit) if isinstance(value, str) else float(value)
        except OverflowError:
            raise ValueError(f"too large a number; expected {self.allowed}") from None
        except ValueError as error:
            raise ValueError(f"{error}; expected {self.allowed}") from None

    def named(self, name: str, value: Any) -> float:
        """As `check`, for a value that has a name but no specification; raises InputError."""
        try:
            return self.check(value)
        except ValueError as error:
            raise InputError(f"{name}={shown(value)} is not allowed: {error}") from None

    @property
    def allowed(self) -> str:
        return f"{self.low:g}..{self.high:g} {self.unit}".strip()

    def _slip(self, number: float) -> str:
        for name, factor in _SLIPS.get(self.unit, {}).items():
            if self.low <= number * factor <= self.high:
                return f" Did you mean {number * factor:g} (you gave {name})?"
        return ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.check, handler(source))
