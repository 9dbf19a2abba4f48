"""Materials as data: conductivities with range, source, and whether they are published or substituted."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ground.errors import InputError, inside, nearest
from ground.spec import Spec, full_names, quantities, read_toml, short_name
from ground.units import Quantity

Conductivity = Annotated[float, Quantity("S/m", 1e-15, 1e9)]
ThermalConductivity = Annotated[float, Quantity("W/m/K", 1e-3, 1e4)]


class Source(Spec):
    """Where a value comes from. range : lowest and highest sensible value, as texts with units."""

    status: Literal["published", "substituted", "user"]
    source: str
    range: tuple[str, str] | None = None


class HoppingLaw(Spec):
    """Trap-to-trap hopping in place of a constant conductivity: sigma(E, T) of arXiv:2502.04524, eq. (6), per area.

    trap_density_m3 : N [1/m3].  barrier_eV : dE.  hop_distance_m : a [m].  attempt_Hz : nu0 [1/s].
    """

    trap_density_m3: Annotated[float, Quantity("1/m^3", 1e18, 1e30)]
    barrier_eV: Annotated[float, Quantity("eV", -0.5, 3.0)]
    hop_distance_m: Annotated[float, Quantity("m", 1e-11, 1e-7)]
    attempt_Hz: Annotated[float, Quantity("Hz", 1e8, 1e16)] = 1e13


class Material(Spec):
    """Conduction of charge and heat in one material; `sources` names the field without its unit.

    electrical_conductivity_S_per_m : sigma at 293.15 K.  resistance_coefficient_per_K : alpha of a metal,
    sigma(T) = sigma / (1 + alpha (T - 293.15 K)).  hopping : replaces both.
    thermal_conductivity_W_per_mK : k of the lattice at 293.15 K, times (T / 293.15 K)^thermal_exponent.
    wiedemann_franz : adds L sigma(T) T, the heat that the carriers conduct, to k (which is then that of the lattice alone).
    """

    electrical_conductivity_S_per_m: Conductivity
    thermal_conductivity_W_per_mK: ThermalConductivity
    resistance_coefficient_per_K: Annotated[float, Quantity("1/K", -2e-3, 1e-2)] = 0.0
    thermal_exponent: Annotated[float, Quantity("", -3.0, 3.0)] = 0.0
    wiedemann_franz: bool = False
    hopping: HoppingLaw | None = None
    sources: dict[str, Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sources_are_of_its_fields(self) -> Self:
        known = quantities(Material)
        for name, source in self.sources.items():
            if name not in known and name not in Material.model_fields:
                raise InputError(f"Material.sources: {name!r} is no field of a material. {nearest(name, known)}")
            if source.range is None or name not in known:
                continue
            low, high = (known[name].named(f"Material.sources.{name}.range", end) for end in source.range)
            if not low <= high:
                raise InputError(
                    f"Material.sources.{name}.range={source.range!r} is not allowed: expected [lowest, highest]."
                )
        return self

    @property
    def is_linear(self) -> bool:
        """True where neither conductivity depends on field or temperature."""
        plain = self.resistance_coefficient_per_K == 0.0 and self.thermal_exponent == 0.0
        return plain and self.hopping is None and not self.wiedemann_franz


@cache
def material_table() -> dict[str, Material]:
    """Return the shipped table, name -> Material (device_physics/materials.toml)."""
    raw = read_toml(str(files("device_physics").joinpath("materials.toml")))
    return {name: Material.model_validate(row) for name, row in raw.items()}


def with_overrides(overrides: dict[str, Any]) -> dict[str, Material]:
    """Return the table with the user's rows laid over it: new names need both conductivities, known ones any of them.

    Raises InputError for a row that is no table or a value that is not allowed.
    """
    table = dict(material_table())
    for name, row in overrides.items():
        if not isinstance(row, dict):
            raise InputError(
                f"materials.{name}={row!r} is not allowed: expected a table, for example "
                f'[materials.{name}] electrical_conductivity = "5 S/cm".'
            )
        with inside(f"materials.{name}"):
            if name not in table:
                table[name] = Material.model_validate(row)
                continue
            base, given = table[name], full_names(Material, row)
            merged = Material.model_validate({**{n: getattr(base, n) for n in Material.model_fields}, **given})
        changed = {
            short_name(Material, f): Source(status="user", source="device file") for f in given if f != "sources"
        }
        table[name] = merged.replace(
            sources={**base.sources, **changed, **(merged.sources if "sources" in given else {})}
        )
    return table


def lookup(table: dict[str, Material], name: str, field: str = "material") -> Material:
    """Return a row of the table, or raise InputError with the nearest names; `field` is where the name was given."""
    if name not in table:
        raise InputError(
            f"{field}={name!r} is not known. {nearest(name, table)} "
            f"A new one is a table [materials.{name}] with electrical_conductivity and thermal_conductivity."
        )
    return table[name]
