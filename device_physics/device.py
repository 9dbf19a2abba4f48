"""The device file: [stack] [materials] [filament] [dome] [mesh] [solver]. An empty one is the published post-forming cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from device_physics.materials import Material, lookup, material_table, with_overrides
from ground.errors import InputError, nearest
from ground.files import content_hash
from ground.spec import Spec, read_toml
from ground.units import Quantity
from meshes.options import MeshOptions
from meshes.stack import PRESETS, Dome, Filament, Stack

SECTIONS = ("stack", "materials", "filament", "dome", "mesh", "solver")


class SolverOptions(Spec):
    """degree : polynomial degree of V and T.  tolerance : relative residual at which CG stops."""

    degree: Literal[1, 2] = 2
    tolerance: Annotated[float, Quantity("", 1e-14, 1e-4)] = 1e-12


class Device(Spec):
    """Everything one solve depends on but the bias."""

    stack: Stack
    materials: dict[str, Material]
    mesh: MeshOptions = MeshOptions()
    solver: SolverOptions = SolverOptions()

    @model_validator(mode="after")
    def _materials_are_known(self) -> Self:
        for name in {layer.material for layer in self.stack.layers} | {
            self.stack.filament.material,
            self.dome_material,
        }:
            lookup(self.materials, name)
        return self

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
            return cls.from_tables(read_toml(path))
        except InputError as error:
            text = str(error)
            raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None

    @classmethod
    def from_tables(cls, tables: dict[str, Any]) -> Device:
        """Build a device from the tables of a device file."""
        for name, table in tables.items():
            if name not in SECTIONS:
                raise InputError(f"section [{name}] is not known. {nearest(name, SECTIONS)}")
            if not isinstance(table, dict):
                raise InputError(f"{name}={table!r} is not allowed: expected a section [{name}].")
        stack = dict(tables.get("stack", {}))
        preset = stack.pop("preset", "TiN/HfOx/CMO/TiN")
        if "layers" not in stack:
            if preset not in PRESETS:
                raise InputError(f"stack.preset={preset!r} is not known. {nearest(str(preset), PRESETS)}")
            stack["layers"] = PRESETS[preset]
        stack["filament"] = Filament.model_validate(tables.get("filament", {}))
        stack["dome"] = Dome.model_validate(tables.get("dome", {}))
        return cls(
            stack=Stack.model_validate(stack),
            materials=with_overrides(tables.get("materials", {})),
            mesh=MeshOptions.model_validate(tables.get("mesh", {})),
            solver=SolverOptions.model_validate(tables.get("solver", {})),
        )

    @property
    def dome_material(self) -> str:
        """Name of the material of the dome: its own, or that of its layer."""
        return self.stack.dome.material or self.stack.layer(self.stack.dome.layer).material

    def _region_materials(self) -> dict[str, str]:
        out = {layer.name: layer.material for layer in self.stack.layers}
        return {**out, "filament": self.stack.filament.material, "dome": self.dome_material}

    def electrical_conductivities(self) -> dict[str, float]:
        """Region name -> sigma [S/m]."""
        out = {r: self.materials[m].electrical_conductivity_S_per_m for r, m in self._region_materials().items()}
        own = self.stack.dome.electrical_conductivity_S_per_m
        return out if own is None else {**out, "dome": own}

    def thermal_conductivities(self) -> dict[str, float]:
        """Region name -> k [W/m/K]."""
        return {r: self.materials[m].thermal_conductivity_W_per_mK for r, m in self._region_materials().items()}

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
