"""The whole device without a quadrant, as surfaces: a quarter with its mirror images, a half-section turned, a full box cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from device_physics.field_files import is_channel, is_half, load_pyvista, surface_of

_TINY_nm = 1e-3
_TURN_STEPS = 135
MIRRORS = ((1, 1), (-1, 1), (-1, -1))  # of a quarter: the copies that are there


def three_quadrants(whole: Any, regions: dict[str, Any]) -> tuple[list[Any], list[Any], tuple[float, float]]:
    """Return the surfaces of all regions without the quadrant, their edges, and the axis (x, y) [nm] it is cut at."""
    axis = axis_of(whole, regions)
    cut = [without_quadrant(region, whole, axis) for region in regions.values()]
    return [p for pieces, _ in cut for p in pieces], [e for _, edges in cut for e in edges], axis


def axis_of(whole: Any, regions: dict[str, Any]) -> tuple[float, float]:
    """Return where the quadrant is cut out, (x, y) [nm]: at the axis of the box, or in a full box at its first filament."""
    if is_half(whole):
        return 0.0, 0.0
    first = next((r for n, r in regions.items() if is_channel(n)), whole)
    return first.center[0] + _TINY_nm, first.center[1] - _TINY_nm


def without_quadrant(
    region: Any, whole: Any, axis: tuple[float, float], turn_steps: int = _TURN_STEPS
) -> tuple[list[Any], list[Any]]:
    """Return the surfaces of one region without the quadrant x > 0, y < 0 at the axis, and their edges.

    turn_steps : flat faces that a half-section is turned into.
    """
    if whole.bounds[2] == whole.bounds[3]:
        return _turned(region, whole.bounds[1], turn_steps)
    if is_half(whole):
        pieces = [_mirrored(outside(region), *signs) for signs in MIRRORS]
        return pieces, [_edges(p, axis) for p in pieces]
    return _clipped(region, *axis)


def _clipped(region: Any, x: float, y: float) -> tuple[list[Any], list[Any]]:
    """Return the skin of a region of a full box outside the quadrant and both cut faces, and the edges of all."""
    parts: list[Any] = []
    edges: list[Any] = []
    skin = outside(region)
    rims = skin.clean(tolerance=1e-6).extract_feature_edges(40, non_manifold_edges=False, manifold_edges=False)
    for pieces, whole in ((parts, skin), (edges, rims)):
        back = whole.clip(normal=(1, 0, 0), origin=(x, 0, 0))
        right = whole.clip(normal=(-1, 0, 0), origin=(x, 0, 0)).clip(normal=(0, -1, 0), origin=(0, y, 0))
        pieces += [back, right]
    faces = (
        region.slice(normal=(0, 1, 0), origin=(0, y, 0)).clip(normal=(-1, 0, 0), origin=(x, 0, 0)),
        region.slice(normal=(1, 0, 0), origin=(x, 0, 0)).clip(normal=(0, 1, 0), origin=(0, y, 0)),
    )
    for face in faces:
        if face.n_cells:
            parts.append(face.triangulate())
            edges.append(_rim(parts[-1]))
    return [p for p in parts if p.n_cells], [e for e in edges if e.n_cells]


def _rim(face: Any) -> Any:
    """Return the border of a flat face."""
    flat = face.clean(tolerance=1e-6)
    return flat.extract_feature_edges(feature_edges=False, manifold_edges=False, non_manifold_edges=False)


def outside(region: Any) -> Any:
    """Return the outside of a region as triangles."""
    return surface_of(region).triangulate()


def _mirrored(surface: Any, x: int, y: int) -> Any:
    out = surface.copy()
    out.points = out.points * (x, y, 1)
    return out


def _edges(surface: Any, axis: tuple[float, float]) -> Any:
    """Return the sharp edges and rims of a region, without the seams between the pieces the device is put together from."""
    edges = surface.clean(tolerance=1e-6).extract_feature_edges(40, non_manifold_edges=False, manifold_edges=False)
    if not edges.n_cells:
        return edges
    x, y = (edges.cell_centers().points[:, :2] - axis).T
    is_seam = ((np.abs(y) < 0.1) & (x < -0.1)) | ((np.abs(x) < 0.1) & (y > 0.1))
    return surface_of(edges.extract_cells(~is_seam))


def _turned(region: Any, widest: float, steps: int) -> tuple[list[Any], list[Any]]:
    """Turn a region of the half-section by three quarters about the axis: both cut faces, and the skin between them."""
    face = outside(region)
    rim = _rim(face)
    pieces, edges = [face.rotate_z(a) for a in (0, 270)], [rim.rotate_z(a) for a in (0, 270)]
    middle = rim.cell_centers().points
    skin = surface_of(rim.extract_cells(middle[:, 0] > _TINY_nm))
    pieces.append(skin.extrude_rotate(resolution=steps, angle=270, capping=False))
    if face.bounds[1] > widest - _TINY_nm:
        edges += [_arc(widest, z, steps) for z in face.bounds[4:]]
    return pieces, edges


def _arc(radius: float, z: float, steps: int) -> Any:
    """Three quarters of a circle about the axis."""
    turn = np.linspace(0.0, 1.5 * np.pi, steps + 1)
    points = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), np.full(len(turn), z)])
    return load_pyvista().lines_from_points(points)
