"""Materials as data: conductivities with range, source, and whether they are published or substituted."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import Field

from ground.errors import InputError, nearest
from ground.spec import Spec, read_toml
from ground.units import Quantity

Conductivity = Annotated[float, Quantity("S/m", 1e-15, 1e9)]
ThermalConductivity = Annotated[float, Quantity("W/m/K", 1e-3, 1e4)]


class Source(Spec):
    """Where a value comes from. range : lowest and highest sensible value, as texts with units."""

    status: Literal["published", "substituted", "user"]
    source: str
    range: tuple[str, str] | None = None


class Material(Spec):
    """Constant conductivities of one material; `sources` names the field without its unit."""

    electrical_conductivity_S_per_m: Conductivity
    thermal_conductivity_W_per_mK: ThermalConductivity
    sources: dict[str, Source] = Field(default_factory=dict)


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
        if name in table:
            given = Material.model_validate({**_as_row(table[name]), **_full_names(row)})
            changed = {
                _short(key): Source(status="user", source="device file") for key in _full_names(row) if key != "sources"
            }
            table[name] = given.replace(
                sources={**table[name].sources, **changed, **given.sources} if changed else given.sources
            )
        else:
            table[name] = Material.model_validate(row)
    return table


def lookup(table: dict[str, Material], name: str) -> Material:
    """Return a row of the table, or raise InputError with the nearest names."""
    if name not in table:
        raise InputError(
            f"material '{name}' is not known. {nearest(name, table)} "
            f"A new one is a table [materials.{name}] with electrical_conductivity and thermal_conductivity."
        )
    return table[name]


def _as_row(material: Material) -> dict[str, Any]:
    return {n: getattr(material, n) for n in Material.model_fields if n != "sources"}


def _short(field: str) -> str:
    return field.rsplit("_per_", 1)[0].rsplit("_", 1)[0]


def _full_names(row: dict[str, Any]) -> dict[str, Any]:
    """Rename `electrical_conductivity` to its full field name only where the value carries its own unit."""
    full = {_short(n): n for n in Material.model_fields if n != "sources"}
    return {full.get(k, k) if isinstance(v, str) else k: v for k, v in row.items()}
