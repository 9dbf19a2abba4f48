"""What a hopping fit leaves free, holds fixed with a source, or shares between curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from compact_model.transport import Hopping
from fits.results.identifiability import Fixed
from ground.errors import InputError, nearest
from ground.units import Quantity

Offset = Literal["curve", "shared", "none"]
NAMES = (
    "hop_distance_m",
    "trap_density_lrs_m3",
    "barrier_lrs_eV",
    "trap_density_hrs_m3",
    "barrier_hrs_eV",
)
SHAREABLE = ("hop_distance", "barrier")


@dataclass(frozen=True)
class Choice:
    """fixed : parameter name -> value with its source.  shared : what LRS and HRS have in common ("hop_distance", "barrier").

    offset : of the current: one fitted per curve, one "shared" by all, or "none".  Every ambient shares all of these parameters.
    """

    fixed: Mapping[str, Fixed] = field(default_factory=dict)
    shared: tuple[str, ...] = ("hop_distance",)
    offset: Offset = "curve"

    def __post_init__(self) -> None:
        for name, known in self.fixed.items():
            if name not in NAMES:
                raise InputError(f"fixed: '{name}' is no parameter of the hopping fit. {nearest(name, NAMES)}")
            if not known.source.strip():
                raise InputError(
                    f"fixed {name}={known.value:g} has no source: say where the value comes from, as in Fixed({known.value:g}, "
                    "'figure 2d of arXiv:2502.04524')."
                )
            _quantity(name).named(f"fixed {name}", known.value)
        for name in self.shared:
            if name not in SHAREABLE:
                raise InputError(f"shared: '{name}' cannot be shared. {nearest(name, SHAREABLE)}")
        if self.offset not in get_args(Offset):
            raise InputError(f"offset='{self.offset}' is not allowed: expected one of {', '.join(get_args(Offset))}.")
        barriers = [n for n in self.fixed if n.startswith("barrier")]
        if "barrier" in self.shared and len(barriers) == 1:
            raise InputError(
                f"fixed: {barriers[0]} is fixed, but the barrier is shared by LRS and HRS: fix both, or do not share it."
            )
        if "barrier" in self.shared and len({self.fixed[n].value for n in barriers}) > 1:
            raise InputError("fixed: a shared barrier is fixed at two different values; do not share it.")


def parse_fixed(texts: Iterable[str]) -> dict[str, Fixed]:
    """Return the fixed parameters of texts such as "barrier_hrs_eV=80 meV: figure 2d of arXiv:2502.04524".

    Raises InputError where the form, the name or the number is not allowed.
    """
    out = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        value, colon, source = rest.partition(":")
        if not equals or not colon or not source.strip():
            raise InputError(
                f"--fix='{text}' is not allowed: expected NAME=VALUE:SOURCE, such as 'barrier_hrs_eV=0.08: figure 2d'. "
                "A value without a source is not taken."
            )
        name = name.strip()
        if name not in NAMES:
            raise InputError(f"--fix: '{name}' is no parameter of the hopping fit. {nearest(name, NAMES)}")
        try:
            number: float | str = float(value)
        except ValueError:
            number = value.strip()
        out[name] = Fixed(_quantity(name).named(f"--fix {name}", number), source.strip())
    return out


def _quantity(name: str) -> Quantity:
    """Return the unit and range that the cell allows for a parameter."""
    return next(m for m in Hopping.model_fields[name].metadata if isinstance(m, Quantity))
