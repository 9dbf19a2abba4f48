"""The device file: [stack] [materials] [filament] or [[filaments]] [dome] [mesh] [solver].

An empty one is the published post-forming cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from device_physics.interfaces import Interface, Interfaces
from device_physics.materials import Material, lookup, material_table, with_overrides
from ground.errors import InputError, inside, nearest, shown
from ground.files import content_hash
from ground.spec import GrownSpec, Spec, read_toml
from ground.units import Quantity
from meshes.options import MeshOptions
from meshes.options_checks import check_options
from meshes.stack import PRESETS, Dome, Filament, Layer, Stack

SECTIONS = ("stack", "materials", "filament", "filaments", "dome", "mesh", "solver", "interfaces")


CONTACT_MIN_S_PER_M = 1.0  # an insulator as a contact is a mistake: no current would reach the cell


class SolverOptions(Spec):
    """degree : polynomial degree of V and T.  tolerance : relative residual at which CG stops."""

    degree: Literal[1, 2] = 2
    tolerance: Annotated[float, Quantity("", 1e-14, 1e-4)] = 1e-12


class Device(GrownSpec):
    """Everything one solve depends on but the bias. interfaces : those with a thermal boundary resistance, by name ("HfOx/CMO")."""

    added = ("interfaces",)

    stack: Stack
    materials: dict[str, Material]
    mesh: MeshOptions = MeshOptions()
    solver: SolverOptions = SolverOptions()
    interfaces: dict[str, Interface] = Field(default={})

    @model_validator(mode="after")
    def _materials_are_known(self) -> Self:
        for region, name in self._region_materials().items():
            lookup(self.materials, name, f"material of '{region}'")
        check_options(self.stack, self.mesh)
        self._contacts_conduct()
        self.boundary_resistances()
        return self

    def _contacts_conduct(self) -> None:
        for name in self.stack.contact_layers:
            material = self.stack.layer(name).material
            sigma = self.materials[material].electrical_conductivity_S_per_m
            if sigma < CONTACT_MIN_S_PER_M:
                metals = [la.name for la in self.stack.layers if self.electrical_conductivities()[la.name] >= 1e5]
                raise InputError(
                    f"Stack.contacts: the voltage would be applied through layer '{name}' of {material}, {sigma:g} S/m; a "
                    f"contact needs at least {CONTACT_MIN_S_PER_M:g} S/m. Name the electrodes, such as [stack] contacts = "
                    f"[{', '.join(repr(m) for m in metals[:1] + metals[-1:])}]: what lies beyond them carries heat only."
                )

    @classmethod
    def of(cls, what: Device | Stack | None = None) -> Device:
        """Return a Device from a Device, from a Stack (shipped materials, default mesh), or the published one from None."""
        if isinstance(what, Device):
            return what
        return Device(stack=what or Stack.preset(), materials=material_table())

    @classmethod
    def from_toml(cls, path: str | Path) -> Device:
        """Read a device file. Raises InputError naming file, field, value and what is allowed."""
        try:
            return cls.from_tables(read_tables(path))
        except InputError as error:
            text = str(error)
            raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None

    @classmethod
    def from_tables(cls, tables: dict[str, Any]) -> Device:
        """Build a device from the tables of a device file."""
        for name, table in tables.items():
            if name not in SECTIONS:
                raise InputError(f"section [{name}] is not known. {nearest(name, SECTIONS)}")
            if name == "filaments":
                _check_list_of_tables(name, table, tables)
            elif not isinstance(table, dict):
                raise InputError(f"{name}={shown(table)} is not allowed: expected a section [{name}].")
        stack = dict(tables.get("stack", {}))
        preset = stack.pop("preset", "TiN/HfOx/CMO/TiN")
        if "layers" not in stack:
            if preset not in PRESETS:
                raise InputError(f"stack.preset={preset!r} is not known. {nearest(str(preset), PRESETS)}")
            stack["layers"] = PRESETS[preset]
        if isinstance(stack["layers"], list):
            stack["layers"] = _numbered("stack.layers", Layer, stack["layers"])
        if "filaments" in tables:
            stack["filaments"] = _numbered("filaments", Filament, tables["filaments"])
        else:
            stack["filament"] = Filament.model_validate(tables.get("filament", {}))
        stack["dome"] = Dome.model_validate(tables.get("dome", {}))
        return cls(
            stack=Stack.model_validate(stack),
            materials=with_overrides(tables.get("materials", {})),
            mesh=MeshOptions.model_validate(tables.get("mesh", {})),
            solver=SolverOptions.model_validate(tables.get("solver", {})),
            interfaces=_interfaces(tables.get("interfaces", {})),
        )

    def _region_materials(self) -> dict[str, str]:
        out = {layer.name: layer.material for layer in self.stack.layers}
        for channel in self.stack.channels:
            out[channel.filament_region] = channel.filament.material
            if channel.dome_region:
                out[channel.dome_region] = channel.dome.material or out[channel.dome.layer]
        return out

    def electrical_conductivities(self) -> dict[str, float]:
        """Region name -> sigma [S/m]."""
        out = {r: self.materials[m].electrical_conductivity_S_per_m for r, m in self._region_materials().items()}
        for channel in self.stack.channels:
            own = channel.dome.electrical_conductivity_S_per_m
            if channel.dome_region and own is not None:
                out[channel.dome_region] = own
        return out

    def thermal_conductivities(self) -> dict[str, float]:
        """Region name -> k [W/m/K]."""
        return {r: self.materials[m].thermal_conductivity_W_per_mK for r, m in self._region_materials().items()}

    def boundary_resistances(self) -> Interfaces | None:
        """The interfaces that resist heat; None where none does."""
        return Interfaces.of(self.stack, self.interfaces)

    def region_materials(self) -> dict[str, Material]:
        """Region name -> material."""
        return {r: self.materials[m] for r, m in self._region_materials().items()}

    @property
    def is_linear(self) -> bool:
        """True where no conductivity depends on field or temperature, so that one solve serves every bias."""
        return all(m.is_linear for m in self.region_materials().values())

    def substituted(self) -> list[str]:
        """Names of the constants in use that are not the paper's own, such as "CF.electrical_conductivity"."""
        used = sorted(set(self._region_materials().values()))
        return [
            f"{m}.{field}"
            for m in used
            for field, s in sorted(self.materials[m].sources.items())
            if s.status == "substituted"
        ]

    def content_hash(self) -> str:
        """Hash of the whole specification, for provenance and for sweeps that resume."""
        return content_hash(self.model_dump())


def read_tables(path: str | Path) -> dict[str, Any]:
    """Return the tables of a device file; the mesh file it names lies beside it."""
    tables = read_toml(path)
    mesh = tables.get("mesh")
    if isinstance(mesh, dict) and isinstance(mesh.get("file"), str):
        tables["mesh"] = {**mesh, "file": str(Path(path).parent / mesh["file"])}
    return tables


def _check_list_of_tables(name: str, given: Any, tables: dict[str, Any]) -> None:
    if "filament" in tables:
        raise InputError(
            "[filament] and [[filaments]] are both given: keep [filament] for one, [[filaments]] for several."
        )
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise InputError(f"{name}={shown(given)} is not allowed: expected sections [[{name}]], one per filament.")


def _numbered(name: str, kind: type[Spec], rows: list[Any]) -> list[Spec]:
    out = []
    for number, row in enumerate(rows, 1):
        own = f" '{row['name']}'" if isinstance(row, dict) and isinstance(row.get("name"), str) else ""
        with inside(f"{name}, number {number}{own}"):
            out.append(kind.model_validate(row))
    return out


def _interfaces(tables: dict[str, Any]) -> dict[str, Interface]:
    out = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(
                f"interfaces.{name}={shown(table)} is not allowed: expected a section such as "
                '[interfaces."HfOx/CMO"] with thermal_boundary_resistance = "3e-9 m^2 K/W".'
            )
        with inside(f"interfaces.{name!r}"):
            out[name] = Interface.model_validate(table)
    return out
