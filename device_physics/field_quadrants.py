"""The whole device without a quadrant, as surfaces: a quarter with its mirror images, a half-section turned, a full box cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from device_physics.field_files import is_channel, is_half, load_pyvista, surface_of

_TINY_nm = 1e-3
_TURN_STEPS = 135


def three_quadrants(whole: Any, regions: dict[str, Any]) -> tuple[list[Any], list[Any], tuple[float, float]]:
    """Return the surfaces of all regions without the quadrant, their edges, and the axis (x, y) [nm] it is cut at."""
    if whole.bounds[2] == whole.bounds[3]:
        return *_turned(regions), (0.0, 0.0)
    if is_half(whole):
        mirrors = ((1, 1), (-1, 1), (-1, -1))
        parts = [_mirrored(_surface(r), *signs) for r in regions.values() for signs in mirrors]
        return parts, [_edges(p, (0.0, 0.0)) for p in parts], (0.0, 0.0)
    first = next((r for n, r in regions.items() if is_channel(n)), whole)
    x, y = first.center[0] + _TINY_nm, first.center[1] - _TINY_nm
    return *_without_quadrant(regions, x, y), (x, y)


def _without_quadrant(regions: dict[str, Any], x: float, y: float) -> tuple[list[Any], list[Any]]:
    """Return the skins of the regions of a full box outside the quadrant and both cut faces, and the edges of all."""
    parts: list[Any] = []
    edges: list[Any] = []
    for region in regions.values():
        skin = _surface(region)
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


def _surface(part: Any) -> Any:
    return surface_of(part).triangulate()


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


def _turned(regions: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Turn the half-section by three quarters about the axis: both cut faces, and the outer skin between them."""
    pieces: list[Any] = []
    edges: list[Any] = []
    widest = max(region.bounds[1] for region in regions.values())
    for region in regions.values():
        face = _surface(region)
        rim = _rim(face)
        for angle in (0, 270):
            pieces.append(face.rotate_z(angle))
            edges.append(rim.rotate_z(angle))
        middle = rim.cell_centers().points
        outside = surface_of(rim.extract_cells(middle[:, 0] > _TINY_nm))
        pieces.append(outside.extrude_rotate(resolution=_TURN_STEPS, angle=270, capping=False))
        if face.bounds[1] > widest - _TINY_nm:
            edges += [_arc(widest, z) for z in face.bounds[4:]]
    return pieces, edges


def _arc(radius: float, z: float) -> Any:
    """Three quarters of a circle about the axis."""
    turn = np.linspace(0.0, 1.5 * np.pi, _TURN_STEPS + 1)
    points = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), np.full(len(turn), z)])
    return load_pyvista().lines_from_points(points)
