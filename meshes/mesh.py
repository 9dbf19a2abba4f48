"""The tagged tetrahedra or triangles: arrays, names of regions and interfaces, a check of volumes and tags, one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError
from ground.files import atomic


@dataclass(frozen=True)
class Mesh:
    """A conforming mesh in metres: tetrahedra (x, y, z), or triangles (r, z) that are turned about the axis r = 0.

    points : (n, dimension) [m].  cells : (m, dimension + 1) point numbers.  region : (m,) tag of each cell.
    regions : name -> tag.  facets : (k, dimension) point numbers of tagged faces.  face : (k,) their tags.
    faces : name -> tag ("bottom", "top", "side", "symmetry", "axis", "CMO/filament", ...).
    symmetry : how many copies make the whole device (4 for the quarter box, otherwise 1).
    expected_m3 : region name -> volume [m3] that the exact geometry has in this box.
    contacts_m : heights of the planes that carry 0 V and the bias [m]; None: the outer faces.
    """

    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    region: NDArray[np.int32]
    regions: dict[str, int]
    facets: NDArray[np.int64]
    face: NDArray[np.int32]
    faces: dict[str, int]
    symmetry: int
    expected_m3: dict[str, float]
    contacts_m: tuple[float, float] | None = None

    @property
    def dimension(self) -> int:
        """3 for tetrahedra, 2 for the axisymmetric triangles."""
        return int(self.cells.shape[1]) - 1

    @property
    def cell_name(self) -> str:
        """What the cells are called in messages."""
        return "tetrahedra" if self.dimension == 3 else "triangles"

    @property
    def domes(self) -> list[str]:
        """Names of the domes' regions; empty where there are none."""
        return [name for name in self.regions if name == "dome" or name.startswith("dome_")]

    def volumes_m3(self) -> NDArray[np.float64]:
        """Signed volume of every cell, (m,) [m3]; of a triangle, that of its solid of revolution."""
        corners = self.points[self.cells]
        edges = corners[:, 1:] - corners[:, :1]
        if self.dimension == 3:
            return np.asarray(np.einsum("ij,ij->i", np.cross(edges[:, 0], edges[:, 1]), edges[:, 2]) / 6.0)
        area = 0.5 * (edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
        return np.asarray(2 * np.pi * area * corners[..., 0].mean(axis=1))

    def region_volume_m3(self, name: str) -> float:
        """Volume of a named region in this box [m3]."""
        return float(np.abs(self.volumes_m3()[self.region == self.regions[name]]).sum())

    def check(self, tolerance: float = 0.02) -> None:
        """Raise InputError unless every region is there, no cell is flat, and volumes are right within `tolerance`."""
        if not (np.all(np.isfinite(self.points)) and len(self.cells)):
            raise InputError(
                f"Mesh: it has no {self.cell_name} or a point that is not finite; make it again with `reram mesh`."
            )
        volume = np.abs(self.volumes_m3())
        if volume.min() <= 0.0:
            raise InputError(
                f"Mesh: {int((volume <= 0).sum())} {self.cell_name} are flat; choose another mesh.rim_size or mesh.growth."
            )
        strange = set(np.unique(self.region)) - set(self.regions.values())
        if strange:
            raise InputError(
                f"Mesh: region tags {sorted(int(s) for s in strange)} have no name; known: {self.regions}."
            )
        for name, expected in self.expected_m3.items():
            found = float(volume[self.region == self.regions[name]].sum())
            if not abs(found - expected) <= tolerance * expected:
                raise InputError(
                    f"Mesh: region '{name}' has {found:.4g} m3, the geometry has {expected:.4g} m3 "
                    f"(allowed difference {tolerance:.0%}). The mesh is too coarse there or wrongly tagged."
                )
        total, whole = float(volume.sum()), sum(self.expected_m3.values())
        if not abs(total - whole) <= 1e-9 * whole:
            raise InputError(
                f"Mesh: the {self.cell_name} fill {total:.8g} m3 of a box of {whole:.8g} m3: overlap or gap."
            )
        for name in ("bottom", "top"):
            if not np.any(self.face == self.faces.get(name, -1)):
                raise InputError(f"Mesh: no face is tagged '{name}'; tagged: {', '.join(self.faces)}.")

    def save(self, path: str | Path) -> None:
        """Write one .npz file, whole or not at all."""
        fields = ("regions", "faces", "symmetry", "expected_m3", "contacts_m")
        names = json.dumps({name: getattr(self, name) for name in fields})
        with atomic(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                points=self.points,
                cells=self.cells,
                region=self.region,
                facets=self.facets,
                face=self.face,
                names=np.frombuffer(names.encode(), np.uint8),
            )

    @classmethod
    def load(cls, path: str | Path) -> Mesh:
        """Read a file written by `save`; raises InputError where it is none (nothing in it is ever executed)."""
        try:
            with np.load(path, allow_pickle=False) as data:
                names: dict[str, Any] = json.loads(data["names"].tobytes())
                if names["contacts_m"] is not None:
                    names["contacts_m"] = tuple(names["contacts_m"])
                return cls(
                    points=data["points"],
                    cells=data["cells"],
                    region=data["region"],
                    facets=data["facets"],
                    face=data["face"],
                    **names,
                )
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such mesh file.") from None
        except Exception as error:  # numpy and zipfile raise many unrelated kinds on damaged files
            raise InputError(
                f"{path}: is not a mesh of this project, or is damaged ({type(error).__name__})."
            ) from None
