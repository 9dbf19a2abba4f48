"""What the device is: layers from bottom to top, the filament through the oxide, the dome on its end."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity

Length = Annotated[float, Quantity("m", 1e-10, 1e-5)]
Temperature = Annotated[float, Quantity("K", 1.0, 2000.0)]
Conductivity = Annotated[float, Quantity("S/m", 1e-15, 1e9)]

PRESETS: dict[str, list[dict[str, Any]]] = {
    # Bottom to top; thicknesses of arXiv:2502.04524, Methods.
    "TiN/HfOx/CMO/TiN": [
        {"name": "bottom_TiN", "material": "TiN", "thickness_m": 20e-9},
        {"name": "HfOx", "material": "HfOx", "thickness_m": 4e-9},
        {"name": "CMO", "material": "CMO", "thickness_m": 20e-9},
        {"name": "top_TiN", "material": "TiN", "thickness_m": 20e-9},
    ],
}


class Layer(Spec):
    """One flat film. name : unique region name.  material : its row in the material table.  thickness_m : [m]."""

    name: str = Field(min_length=1)
    material: str = Field(min_length=1)
    thickness_m: Length


class Filament(Spec):
    """The conductive filament (CF): a cylinder of `radius_m` [m] through the whole of `layer`, on the axis."""

    radius_m: Length = 11e-9
    material: str = "CF"
    layer: str = "HfOx"


class Dome(Spec):
    """The half-ball of `radius_m` [m] in `layer`, centred on the end of the filament.

    It is where T and E are averaged and what RESET depletes. Without `radius_m` it is as wide as the filament; without
    `material` it is of its layer's material; `electrical_conductivity_S_per_m` overrides sigma alone.
    """

    radius_m: Length | None = None
    material: str | None = None
    electrical_conductivity_S_per_m: Conductivity | None = None
    layer: str = "CMO"


class Stack(Spec):
    """The cell: `layers` bottom to top on a square of `width_m` [m], with filament and dome, at `ambient_K` [K].

    Raises InputError where names repeat, or filament and dome do not fit their layers or one another.
    """

    layers: tuple[Layer, ...]
    width_m: Length = 200e-9
    ambient_K: Temperature = 293.15
    filament: Filament = Filament()
    dome: Dome = Dome()

    @classmethod
    def preset(cls, name: str = "TiN/HfOx/CMO/TiN", **changes: Any) -> Self:
        """Return a named stack (default: the published one), with fields of Stack changed by keyword."""
        if name not in PRESETS:
            raise InputError(f"Stack.preset({name!r}) is not known. {nearest(name, PRESETS)}")
        return cls.model_validate({"layers": PRESETS[name], **changes})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1 or name in ("filament", "dome"):
                raise InputError(
                    f"Stack.layers: the name '{name}' is used twice or reserved; every layer needs its own name."
                )
        if len(names) < 3:
            raise InputError(
                f"Stack.layers has {len(names)} layers; at least 3 are needed (electrode, oxide, ..., electrode)."
            )
        _check_filament(self, names)
        _check_dome(self, names)
        return self

    @property
    def dome_radius_m(self) -> float:
        """Radius of the dome [m]: its own, or the filament's."""
        return self.dome.radius_m or self.filament.radius_m

    def floor_m(self, name: str) -> float:
        """Height of the lower face of a layer above the bottom of the stack [m]."""
        height = 0.0
        for layer in self.layers:
            if layer.name == name:
                return height
            height += layer.thickness_m
        raise InputError(f"Stack has no layer '{name}'. {nearest(name, [la.name for la in self.layers])}")

    def layer(self, name: str) -> Layer:
        """Return the layer of that name, or raise InputError with the nearest names."""
        self.floor_m(name)
        return next(la for la in self.layers if la.name == name)

    @property
    def height_m(self) -> float:
        """Total thickness [m]."""
        return sum(layer.thickness_m for layer in self.layers)

    @property
    def contact_m(self) -> float:
        """Height of the filament's end that carries the dome [m]."""
        oxide, cmo = self.floor_m(self.filament.layer), self.floor_m(self.dome.layer)
        return cmo if cmo > oxide else oxide

    @property
    def dome_is_above(self) -> bool:
        """True where the dome's layer lies above the filament's."""
        return self.floor_m(self.dome.layer) > self.floor_m(self.filament.layer)


def _check_filament(stack: Stack, names: list[str]) -> None:
    if stack.filament.layer not in names:
        raise InputError(
            f"Filament.layer={stack.filament.layer!r} is no layer of the stack. {nearest(stack.filament.layer, names)}"
        )
    if stack.filament.layer in (names[0], names[-1]):
        raise InputError(
            f"Filament.layer={stack.filament.layer!r} is an outer electrode; the filament runs through the oxide between."
        )
    limit = 0.45 * stack.width_m
    if stack.filament.radius_m > limit:
        raise InputError(
            f"Filament.radius_m={stack.filament.radius_m:g} is not allowed: expected at most 0.45 of "
            f"Stack.width_m = {limit:g} m. The filament would be wider than the box."
        )


def _check_dome(stack: Stack, names: list[str]) -> None:
    if stack.dome.layer not in names:
        raise InputError(
            f"Dome.layer={stack.dome.layer!r} is no layer of the stack. {nearest(stack.dome.layer, names)}"
        )
    if abs(names.index(stack.dome.layer) - names.index(stack.filament.layer)) != 1:
        raise InputError(
            f"Dome.layer={stack.dome.layer!r} does not touch Filament.layer={stack.filament.layer!r}: "
            "the dome sits on the end of the filament, so the two layers must be neighbours."
        )
    limit = min(stack.layer(stack.dome.layer).thickness_m, 0.5 * stack.width_m)
    if stack.dome_radius_m >= limit:
        raise InputError(
            f"Dome.radius_m={stack.dome_radius_m:g} is not allowed: expected less than {limit:g} m, the "
            f"thickness of layer '{stack.dome.layer}' and half of Stack.width_m. "
            "Without dome.radius the dome is as wide as the filament: set dome.radius, or a thicker layer."
        )
