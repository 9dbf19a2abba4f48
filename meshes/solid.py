"""The device as gmsh solids: boxes, cones and half-balls made conforming, with edge lengths graded to the rims."""

from __future__ import annotations

import math
from typing import Any

from meshes.channel import Channel
from meshes.options import MeshOptions
from meshes.stack import Stack

_NM = 1e-9


def solids(gmsh: Any, stack: Stack, options: MeshOptions) -> dict[str, list[int]]:
    """Draw layers, filaments and domes in nanometres, make them conforming, and return region name -> volume tags."""
    occ, quarter = gmsh.model.occ, options.domain == "quarter"
    half = stack.width_m / 2 / _NM
    corner, size = (0.0, half) if quarter else (-half, 2 * half)
    turn = math.pi / 2 if quarter else 2 * math.pi
    parts = [
        (3, occ.addBox(corner, corner, stack.floor_m(layer.name) / _NM, size, size, layer.thickness_m / _NM))
        for layer in stack.layers
    ]
    flat = len(parts)
    for channel in stack.channels:
        parts += _channel(occ, channel, turn)
    objects, tools = (parts[:flat], parts[flat:]) if stack.channels else (parts[:1], parts[1:])
    _, children = occ.fragment(objects, tools)
    occ.synchronize()
    return claimed(dict(zip(stack.region_names, children, strict=True)), 3)


def claimed(children: dict[str, list[tuple[int, int]]], dimension: int) -> dict[str, list[int]]:
    """Give every piece to the last region that covers it: filaments and domes take theirs from the layers."""
    out: dict[str, list[int]] = {}
    taken: set[int] = set()
    for name, pieces in reversed(list(children.items())):
        out[name] = [tag for dim, tag in pieces if dim == dimension and tag not in taken]
        taken.update(out[name])
    return {name: out[name] for name in children}


def _channel(occ: Any, channel: Channel, turn: float) -> list[tuple[int, int]]:
    x, y = channel.filament.x_m / _NM, channel.filament.y_m / _NM
    floor, height = channel.floor_m / _NM, channel.length_m / _NM
    low, high = channel.radius_floor_m / _NM, channel.radius_ceiling_m / _NM
    if low == high:
        parts = [(3, occ.addCylinder(x, y, floor, 0, 0, height, low, angle=turn))]
    else:
        parts = [(3, occ.addCone(x, y, floor, 0, 0, height, low, high, angle=turn))]
    if channel.dome_region:
        a, b = (0.0, math.pi / 2) if channel.dome_is_above else (-math.pi / 2, 0.0)
        centre, radius = channel.contact_m / _NM, channel.dome_radius_m / _NM
        parts.append((3, occ.addSphere(x, y, centre, radius, angle1=a, angle2=b, angle3=turn)))
    return parts


def grade_solids(gmsh: Any, stack: Stack, options: MeshOptions) -> None:
    """Set the edge lengths: from the rims of the filaments outwards, and limited in the dome.

    The rims are where the field is singular. The edge of the dome is not: it stands upright on an insulator.
    """
    rims = [tag for _, tag in gmsh.model.getEntities(1) if _is_rim(gmsh, tag, stack)]
    balls = []
    for channel in stack.channels:
        x, y = (
            f"({v}{-c / _NM:+.9f})" if c else v for v, c in (("x", channel.filament.x_m), ("y", channel.filament.y_m))
        )
        balls.append((f"{x}*{x} + {y}*{y} + (z-{channel.contact_m / _NM})^2", _ball_m(channel) / _NM))
    set_sizes(gmsh, options, "CurvesList", rims, balls)
    gmsh.option.setNumber("Mesh.Algorithm3D", 1)
    gmsh.option.setNumber("Mesh.OptimizeThreshold", 0.3)


def _ball_m(channel: Channel) -> float:
    """Radius of the ball around the filament's end in which edges are limited [m]."""
    return channel.dome_radius_m or channel.filament.radius_m


def set_sizes(gmsh: Any, options: MeshOptions, kind: str, rims: list[int], balls: list[tuple[str, float]]) -> None:
    """Background field: rim_size + growth * distance from the rims; radius / dome_divisions in each ball (squared distance, radius)."""
    field, fields = gmsh.model.mesh.field, []
    if rims:
        distance = field.add("Distance")
        field.setNumbers(distance, kind, rims)
        field.setNumber(distance, "Sampling", 400)
        fields.append(field.add("MathEval"))
        field.setString(fields[-1], "F", f"{options.rim_size_m / _NM} + {options.growth}*F{distance}")
    for square, radius in balls:
        fields.append(field.add("MathEval"))
        outside = f"(sqrt({square}) - {radius})"
        field.setString(
            fields[-1], "F", f"{radius / options.dome_divisions} + {options.growth / 2}*({outside} + fabs{outside})"
        )
    if fields:
        size = field.add("Min")
        field.setNumbers(size, "FieldsList", fields)
        field.setAsBackgroundMesh(size)
    for name in ("MeshSizeExtendFromBoundary", "MeshSizeFromPoints", "MeshSizeFromCurvature"):
        gmsh.option.setNumber(f"Mesh.{name}", 0)
    gmsh.option.setNumber("Mesh.MeshSizeMax", options.size_max_m / _NM)
    gmsh.option.setNumber("Mesh.RandomSeed", 1)
    gmsh.option.setNumber("General.NumThreads", 1)  # the same mesh on every machine


def _is_rim(gmsh: Any, curve: int, stack: Stack) -> bool:
    """Whether a curve lies on the edge of an end of a filament: three of its points do."""
    low, high = (float(v[0]) for v in gmsh.model.getParametrizationBounds(1, curve))
    points = [gmsh.model.getValue(1, curve, [low + share * (high - low)]) for share in (0.1, 0.4, 0.8)]
    for channel in stack.channels:
        for radius, height in channel.rims:
            axis = channel.filament.x_m / _NM, channel.filament.y_m / _NM
            if all(
                abs(math.hypot(p[0] - axis[0], p[1] - axis[1]) - radius / _NM) < 1e-3
                and abs(p[2] - height / _NM) < 1e-3
                for p in points
            ):
                return True
    return False
