"""The tagged tetrahedra: arrays, names of regions and interfaces, a check of volumes and tags, one file."""

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
    """A conforming tetrahedral mesh in metres.

    points : (n, 3) [m].  tets : (m, 4) point numbers.  region : (m,) tag of each tetrahedron.
    regions : name -> tag.  triangles : (k, 3) point numbers of tagged faces.  face : (k,) their tags.
    faces : name -> tag ("bottom", "top", "side", "symmetry", "CMO/filament", ...).
    symmetry : how many copies make the whole device (4 for the quarter box, 1 for the full one).
    expected_m3 : region name -> volume [m3] that the exact geometry has in this box.
    """

    points: NDArray[np.float64]
    tets: NDArray[np.int64]
    region: NDArray[np.int32]
    regions: dict[str, int]
    triangles: NDArray[np.int64]
    face: NDArray[np.int32]
    faces: dict[str, int]
    symmetry: int
    expected_m3: dict[str, float]

    def volumes_m3(self) -> NDArray[np.float64]:
        """Signed volume of every tetrahedron, (m,) [m3]."""
        a, b, c, d = (self.points[self.tets[:, i]] for i in range(4))
        return np.asarray(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6.0)

    def region_volume_m3(self, name: str) -> float:
        """Volume of a named region in this box [m3]."""
        return float(np.abs(self.volumes_m3()[self.region == self.regions[name]]).sum())

    def check(self, tolerance: float = 0.02) -> None:
        """Raise InputError unless every region is there, no cell is flat, and volumes are right within `tolerance`."""
        if not (np.all(np.isfinite(self.points)) and len(self.tets)):
            raise InputError(
                "Mesh: it has no tetrahedra or a point that is not finite; make it again with `reram mesh`."
            )
        volume = np.abs(self.volumes_m3())
        if volume.min() <= 0.0:
            raise InputError(
                f"Mesh: {int((volume <= 0).sum())} tetrahedra are flat; choose another mesh.rim_size or mesh.growth."
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
            raise InputError(f"Mesh: the tetrahedra fill {total:.8g} m3 of a box of {whole:.8g} m3: overlap or gap.")
        for name in ("bottom", "top"):
            if not np.any(self.face == self.faces.get(name, -1)):
                raise InputError(f"Mesh: no face is tagged '{name}'; tagged: {', '.join(self.faces)}.")

    def save(self, path: str | Path) -> None:
        """Write one .npz file, whole or not at all."""
        names = json.dumps(
            {"regions": self.regions, "faces": self.faces, "symmetry": self.symmetry, "expected_m3": self.expected_m3}
        )
        with atomic(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                points=self.points,
                tets=self.tets,
                region=self.region,
                triangles=self.triangles,
                face=self.face,
                names=np.frombuffer(names.encode(), np.uint8),
            )

    @classmethod
    def load(cls, path: str | Path) -> Mesh:
        """Read a file written by `save`; raises InputError where it is none (nothing in it is ever executed)."""
        try:
            with np.load(path, allow_pickle=False) as data:
                names: dict[str, Any] = json.loads(data["names"].tobytes())
                return cls(
                    points=data["points"],
                    tets=data["tets"],
                    region=data["region"],
                    triangles=data["triangles"],
                    face=data["face"],
                    **names,
                )
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such mesh file.") from None
        except Exception as error:  # numpy and zipfile raise many unrelated kinds on damaged files
            raise InputError(
                f"{path}: is not a mesh of this project, or is damaged ({type(error).__name__})."
            ) from None
