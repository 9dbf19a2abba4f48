"""The parts a device is made of: flat layers, filaments through one of them, and the dome on a filament's end."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ground.errors import InputError
from ground.spec import GrownSpec, Spec
from ground.units import Quantity

Length = Annotated[float, Quantity("m", 1e-10, 1e-5)]
Place = Annotated[float, Quantity("m", -1e-5, 1e-5)]
Conductivity = Annotated[float, Quantity("S/m", 1e-15, 1e9)]


class Layer(Spec):
    """One flat film. name : unique region name.  material : its row in the material table.  thickness_m : [m]."""

    name: str = Field(min_length=1)
    material: str = Field(min_length=1)
    thickness_m: Length


class Dome(GrownSpec):
    """The half-ball of `radius_m` [m] in `layer`, centred on the end of the filament; `shape = "none"`: there is none.

    It is where T and E are averaged and what RESET depletes. Without `radius_m` it is as wide as the filament; without
    `material` it is of its layer's material; `electrical_conductivity_S_per_m` overrides sigma alone.
    """

    added = ("shape",)

    radius_m: Length | None = None
    material: str | None = None
    electrical_conductivity_S_per_m: Conductivity | None = None
    layer: str = "CMO"
    shape: Literal["half-ball", "none"] = "half-ball"


class Filament(GrownSpec):
    """The conductive filament (CF) through the whole of `layer`, its axis upright at (`x_m`, `y_m`) [m] from the centre.

    radius_m : of the cylinder, or of the cone's end that carries the dome [m].  radius_far_m : of the cone's other end [m].
    shape : "cylinder", "cone" (truncated) or "none".  dome : its own dome, where it differs from the stack's.
    """

    added = ("shape", "radius_far_m", "x_m", "y_m", "dome")

    radius_m: Length = 11e-9
    material: str = "CF"
    layer: str = "HfOx"
    shape: Literal["cylinder", "cone", "none"] = "cylinder"
    radius_far_m: Length | None = None
    x_m: Place = 0.0
    y_m: Place = 0.0
    dome: Dome | None = None

    @model_validator(mode="after")
    def _shape_and_radii_agree(self) -> Self:
        if self.shape == "cone" and self.radius_far_m is None:
            raise InputError(
                "Filament.radius_far_m is missing: a cone has radius at the end that carries the dome and radius_far at "
                'the other, such as radius_far = "6 nm".'
            )
        if self.shape != "cone" and self.radius_far_m is not None:
            raise InputError(
                f"Filament.radius_far_m={self.radius_far_m:g} is not allowed with shape={self.shape!r}: only a cone has "
                'two radii. Did you mean shape = "cone"?'
            )
        return self
