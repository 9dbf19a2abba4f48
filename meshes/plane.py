"""The device as a plane (r, z) that is turned about its axis: rectangles, trapezia and quarter discs for gmsh."""

from __future__ import annotations

import math
from typing import Any

from meshes.channel import Channel
from meshes.options import MeshOptions
from meshes.solid import claimed, set_sizes
from meshes.stack import Stack

_NM = 1e-9


def disc_radius_m(stack: Stack) -> float:
    """Radius of the disc that is as large as the square box [m]."""
    return stack.width_m / math.sqrt(math.pi)


def surfaces(gmsh: Any, stack: Stack, options: MeshOptions) -> dict[str, list[int]]:
    """Draw the half-section in nanometres (x is r, y is z), make it conforming, and return region name -> surface tags."""
    occ, width = gmsh.model.occ, disc_radius_m(stack) / _NM
    parts = [
        (2, occ.addRectangle(0, stack.floor_m(layer.name) / _NM, 0, width, layer.thickness_m / _NM))
        for layer in stack.layers
    ]
    flat = len(parts)
    for channel in stack.channels:
        parts.append((2, _filament(occ, channel)))
        if channel.dome_region:
            parts.append((2, _dome(occ, channel)))
    objects, tools = (parts[:flat], parts[flat:]) if stack.channels else (parts[:1], parts[1:])
    _, children = occ.fragment(objects, tools)
    occ.synchronize()
    return claimed(dict(zip(stack.region_names, children, strict=True)), 2)


def _filament(occ: Any, channel: Channel) -> int:
    (a, low), (b, high) = ((r / _NM, z / _NM) for r, z in channel.rims)
    corners = [occ.addPoint(r, z, 0) for r, z in ((0, low), (a, low), (b, high), (0, high))]
    return _surface(occ, [occ.addLine(corners[i], corners[(i + 1) % 4]) for i in range(4)])


def _dome(occ: Any, channel: Channel) -> int:
    height, radius = channel.contact_m / _NM, channel.dome_radius_m / _NM
    tip = height + radius if channel.dome_is_above else height - radius
    centre, foot, top = (occ.addPoint(r, z, 0) for r, z in ((0, height), (radius, height), (0, tip)))
    arc = occ.addCircleArc(foot, centre, top) if channel.dome_is_above else occ.addCircleArc(top, centre, foot)
    ends = (foot, top) if channel.dome_is_above else (top, foot)
    return _surface(occ, [occ.addLine(centre, ends[0]), arc, occ.addLine(ends[1], centre)])


def _surface(occ: Any, curves: list[int]) -> int:
    return int(occ.addPlaneSurface([occ.addCurveLoop(curves)]))


def grade_surfaces(gmsh: Any, stack: Stack, options: MeshOptions) -> None:
    """Set the edge lengths as for the solids; the rims are points here."""
    rims = []
    for _, tag in gmsh.model.getEntities(0):
        r, z, _ = gmsh.model.getValue(0, tag, [])
        ends = [end for channel in stack.channels for end in channel.rims]
        if any(abs(r - radius / _NM) < 1e-4 and abs(z - height / _NM) < 1e-4 for radius, height in ends):
            rims.append(tag)
    balls = [
        (f"x*x + (y-{c.contact_m / _NM})^2", (c.dome_radius_m or c.filament.radius_m) / _NM) for c in stack.channels
    ]
    set_sizes(gmsh, options, "PointsList", rims, balls)
    gmsh.option.setNumber("Mesh.Algorithm", 5)  # Delaunay: it follows steep gradients of the size
