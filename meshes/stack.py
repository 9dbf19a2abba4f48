"""What the device is: layers from bottom to top, filaments through the oxide, domes on their ends."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import field_validator, model_serializer, model_validator

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity
from meshes.channel import Channel
from meshes.parts import Dome, Filament, Layer, Length
from meshes.stack_checks import check_stack

__all__ = ["PRESETS", "Dome", "Filament", "Layer", "Stack"]

Temperature = Annotated[float, Quantity("K", 1.0, 2000.0)]

PRESETS: dict[str, list[dict[str, Any]]] = {
    # Bottom to top; thicknesses of arXiv:2502.04524, Methods.
    "TiN/HfOx/CMO/TiN": [
        {"name": "bottom_TiN", "material": "TiN", "thickness_m": 20e-9},
        {"name": "HfOx", "material": "HfOx", "thickness_m": 4e-9},
        {"name": "CMO", "material": "CMO", "thickness_m": 20e-9},
        {"name": "top_TiN", "material": "TiN", "thickness_m": 20e-9},
    ],
}


class Stack(Spec):
    """The cell: `layers` bottom to top on a square of `width_m` [m], with filaments and domes, at `ambient_K` [K].

    filaments : none, one (also given as `filament`) or several.  dome : the dome of every filament that has none of its own.
    contacts : names of the layers whose outer faces carry 0 V and the bias; without it the outermost two. The ambient
    temperature is always that of the outer faces of the whole stack.
    Raises InputError where names repeat, or filaments and domes do not fit their layers or one another.
    """

    layers: tuple[Layer, ...]
    width_m: Length = 200e-9
    ambient_K: Temperature = 293.15
    filaments: tuple[Filament, ...] = (Filament(),)
    dome: Dome = Dome()
    contacts: tuple[str, str] | None = None

    @classmethod
    def preset(cls, name: str = "TiN/HfOx/CMO/TiN", **changes: Any) -> Self:
        """Return a named stack (default: the published one), with fields of Stack changed by keyword."""
        if name not in PRESETS:
            raise InputError(f"Stack.preset({name!r}) is not known. {nearest(name, PRESETS)}")
        return cls.model_validate({"layers": PRESETS[name], **changes})

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "filament" not in data:
            return data
        if "filaments" in data:
            raise InputError("Stack.filament and Stack.filaments are both given: keep one of them.")
        return {**{n: v for n, v in data.items() if n != "filament"}, "filaments": [data["filament"]]}

    @field_validator("filaments", mode="after")
    @classmethod
    def _without_none(cls, filaments: tuple[Filament, ...]) -> tuple[Filament, ...]:
        return tuple(f for f in filaments if f.shape != "none")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_stack(self)
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: Any) -> dict[str, Any]:
        """Dump one filament as `filament`, and no contacts where they are the outermost layers: old hashes stay valid."""
        data: dict[str, Any] = handler(self)
        if len(data["filaments"]) == 1:
            data["filament"] = data.pop("filaments")[0]
        if self.contacts is None:
            del data["contacts"]
        return data

    def replace(self, **changes: Any) -> Self:
        """Return a checked copy with some fields changed; `filament` changes the first one."""
        if "filament" in changes:
            changes["filaments"] = (changes.pop("filament"), *self.filaments[1:])
        return super().replace(**changes)

    @property
    def filament(self) -> Filament:
        """The first filament, or the only one. Raises InputError where there is none."""
        if not self.filaments:
            raise InputError("Stack.filament: this stack has no filament (shape = 'none'); what was asked needs one.")
        return self.filaments[0]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every filament with its dome and its place; regions are numbered from 1 where there are several."""
        return tuple(self._channel(i, f) for i, f in enumerate(self.filaments, 1))

    def _channel(self, number: int, filament: Filament) -> Channel:
        suffix = f"_{number}" if len(self.filaments) > 1 else ""
        dome, floor = filament.dome or self.dome, self.floor_m(filament.layer)
        known = any(la.name == dome.layer for la in self.layers)
        return Channel(
            filament=filament,
            dome=dome,
            filament_region=f"filament{suffix}",
            dome_region=None if dome.shape == "none" else f"dome{suffix}",
            floor_m=floor,
            length_m=self.layer(filament.layer).thickness_m,
            dome_is_above=not known or self.floor_m(dome.layer) > floor,
        )

    @property
    def dome_radius_m(self) -> float:
        """Radius of the (first) dome [m]: its own, or the filament's."""
        return self.channels[0].dome_radius_m

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
    def contact_layers(self) -> tuple[str, str]:
        """Names of the bottom and the top layer that the voltage is applied to."""
        return self.contacts or (self.layers[0].name, self.layers[-1].name)

    @property
    def contacts_m(self) -> tuple[float, float]:
        """Heights of the planes that carry 0 V and the bias [m]: the outer faces of the contact layers."""
        bottom, top = self.contact_layers
        upper = self.height_m if top == self.layers[-1].name else self.floor_m(top) + self.layer(top).thickness_m
        return self.floor_m(bottom), upper

    @property
    def contact_m(self) -> float:
        """Height of the (first) filament's end that carries the dome [m]."""
        return self.channels[0].contact_m

    @property
    def dome_is_above(self) -> bool:
        """True where the (first) dome's layer lies above the filament's."""
        return self.channels[0].dome_is_above

    @property
    def region_names(self) -> list[str]:
        """Names of all regions of the mesh: layers bottom to top, then each filament and its dome."""
        names = [layer.name for layer in self.layers]
        for channel in self.channels:
            names += [channel.filament_region] + ([channel.dome_region] if channel.dome_region else [])
        return names

    @property
    def dome_regions(self) -> list[str]:
        """Names of the domes' regions; empty where there are none."""
        return [c.dome_region for c in self.channels if c.dome_region]
