"""The fields on the faces of every region, a quadrant cut away, small enough for a web page: what its 3D view draws.

Positions and values are 16-bit whole numbers (1/65535 of the box, of the range of the colours), in base64.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.field_cutaway import box_of, first_channel
from device_physics.field_files import is_half, load_pyvista, regions_of
from device_physics.field_quadrants import MIRRORS, axis_of, outside, without_quadrant
from device_physics.field_scales import SCALES, FieldScale
from ground.errors import InputError
from ground.plotting import load_matplotlib

Array = NDArray[np.float64]
_PATIENCE_s = 300
_STEPS = 65535
_TICKS = 5
_CORNERS = {
    5: (5, 3),
    22: (5, 3),
    10: (10, 4),
    24: (10, 4),
}  # VTK's triangles and tetrahedra: the linear kind, its corners
_TURN_STEPS = 48  # of a half-section: round enough for a page


def field_surface(path: str | Path) -> dict[str, Any]:
    """Return box [nm], mirrors, focus, fields (range, ticks, colours) and parts (points, triangles, edges, values) of a VTU file.

    It is read in a process of its own: VTK and the system's PETSc bring C++ libraries that do not always live together.
    Raises InputError where the file is none that `write_vtu` wrote, and MissingLibrary without pyvista or matplotlib.
    """
    load_pyvista()
    load_matplotlib()
    command = [sys.executable, "-W", "ignore", "-m", "device_physics.field_surface", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_s, check=False)
    if done.returncode or not done.stdout.startswith("{"):
        reason = (done.stderr.strip().splitlines() or [f"the reading process ended with {done.returncode}"])[-1]
        reason = reason.removeprefix("ground.errors.InputError: ")
        raise InputError(f"{path}: is not a file of fields as --vtu writes it, or is damaged: {reason}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def surface_of_grid(whole: Any) -> dict[str, Any]:
    """Return what `field_surface` does of a pyvista grid in metres as `field_files.grid` makes it."""
    whole = _linear(whole)
    regions = regions_of(whole) if "region" in whole.cell_data else {}
    if not regions:
        raise InputError("it names no regions")
    axis = axis_of(whole, regions)
    is_quarter = is_half(whole) and whole.bounds[2] != whole.bounds[3]
    faces: dict[str, Faces] = {}
    lines: dict[str, Array] = {}
    for name, region in regions.items():
        pieces, edges = without_quadrant(region, whole, axis, _TURN_STEPS)
        faces[name] = Faces.of([outside(region)] if is_quarter else pieces)
        lines[name] = np.concatenate([np.empty((0, 3)), *(_segments(e) for e in edges if e.n_cells)])
    box = np.stack([whole.points.min(axis=0), whole.points.max(axis=0)], axis=1)
    if is_half(whole):
        box[:2] = [-box[0, 1], box[0, 1]]
    ranges = {n: s.limits(np.concatenate([f.values[n] for f in faces.values()])) for n, s in SCALES.items()}
    return {
        "box": box.tolist(),
        "mirrors": [list(m) for m in MIRRORS] if is_quarter else [[1, 1]],
        "focus": _focus(regions, axis),
        "fields": {n: _field(s, *ranges[n]) for n, s in SCALES.items()},
        "parts": [_part(n, f, lines[n], box, ranges) for n, f in faces.items() if len(f.triangles)],
    }


def _linear(whole: Any) -> Any:
    """Return the grid in nm with the corners of its cells alone: a quarter of the triangles."""
    found = getattr(whole, "cells_dict", {})
    kind = next(iter(found), 0)
    if len(found) != 1 or kind not in _CORNERS:
        raise InputError("its cells are not the triangles or tetrahedra of one degree that a solve has")
    cells = found[kind]
    linear, corners = _CORNERS[kind]
    out = load_pyvista().UnstructuredGrid({linear: cells[:, :corners]}, np.asarray(whole.points) * 1e9)
    for data in ("point_data", "cell_data", "field_data"):
        getattr(out, data).update(getattr(whole, data))
    return out


@dataclass(frozen=True)
class Faces:
    """Triangles of one region: points (n, 3) [nm], triangles (m, 3), values of each field (n,)."""

    points: Array
    triangles: NDArray[np.int64]
    values: dict[str, Array]

    @classmethod
    def of(cls, pieces: list[Any]) -> Faces:
        """Join surfaces; points that no triangle uses, which clipping leaves behind, are dropped."""
        pieces = [p.triangulate() for p in pieces if p.n_cells]
        starts = np.cumsum([0, *(p.n_points for p in pieces)])
        triangles = np.concatenate([np.asarray(p.regular_faces) + s for p, s in zip(pieces, starts, strict=False)])
        used, triangles = np.unique(triangles, return_inverse=True)
        points = np.concatenate([np.asarray(p.points) for p in pieces])[used]
        values = {n: np.concatenate([p.point_data[s.array] for p in pieces])[used] for n, s in SCALES.items()}
        return cls(points, triangles.reshape(-1, 3), values)


def _segments(edges: Any) -> Array:
    """Return the ends of lines one after the other, (2 k, 3)."""
    return np.asarray(edges.points)[np.asarray(edges.lines).reshape(-1, 3)[:, 1:]].reshape(-1, 3)


def _focus(regions: dict[str, Any], axis: tuple[float, float]) -> list[float] | None:
    """Return centre and half height [nm] of a view of the first filament and its dome; None where there is none."""
    channel = list(first_channel({n: box_of([r]) for n, r in regions.items()}).values())
    if not channel:
        return None
    (low, high) = np.min([b[2, 0] for b in channel]), np.max([b[2, 1] for b in channel])
    return [*axis, 0.5 * (low + high), 1.6 * max(np.max([b[0, 1] for b in channel]) - axis[0], high - low)]


def _field(scale: FieldScale, low: float, high: float, log: bool) -> dict[str, Any]:
    colours = load_matplotlib().get_cmap(scale.colours)(np.linspace(0, 1, 256), bytes=True)[:, :3]
    known = {"title": scale.title, "label": scale.label, "low": low, "high": high, "log": log}
    return {**known, "ticks": _ticks(low, high, log), "colours": _packed(colours)}


def _ticks(low: float, high: float, log: bool) -> list[list[Any]]:
    """Return [place on the bar 0..1, text] of each tick."""
    if log:
        decades = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
        places = (decades - np.log10(low)) / np.log10(high / low)
        return [[float(p), f"1e{d:.0f}"] for p, d in zip(places, decades, strict=True)][:: 1 + len(decades) // 7]
    digits = max(3, 2 + int(np.ceil(np.log10(max(abs(low), abs(high)) / (high - low)))))
    return [[float(p), f"{low + p * (high - low):.{digits}g}"] for p in np.linspace(0, 1, _TICKS)]


def _part(
    name: str, faces: Faces, edges: Array, box: Array, ranges: dict[str, tuple[float, float, bool]]
) -> dict[str, Any]:
    values = {}
    for key, (low, high, log) in ranges.items():
        v = np.clip(faces.values[key], low, high)
        values[key] = _steps((np.log(v / low) / np.log(high / low)) if log else (v - low) / (high - low))
    return {
        "name": name,
        "points": _placed(faces.points, box),
        "triangles": _packed(faces.triangles.astype("<u4")),
        "edges": _placed(edges, box),
        "values": values,
    }


def _placed(points: Array, box: Array) -> str:
    low, size = box[:, 0], np.maximum(box[:, 1] - box[:, 0], 1e-12)
    return _steps((points - low) / size)


def _steps(values: Array) -> str:
    return _packed(np.clip(np.rint(values * _STEPS), 0, _STEPS).astype("<u2"))


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


if __name__ == "__main__":
    print(json.dumps(surface_of_grid(load_pyvista().read(sys.argv[1]))))
