"""Meshes as gmsh .msh files, one physical group per region: written for others, and read from them after checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ground.errors import InputError, nearest
from ground.files import write_text
from meshes._gmsh import KINDS, gmsh_session, nodes_and_cells
from meshes.build import assemble
from meshes.mesh import Mesh
from meshes.plane import disc_radius_m
from meshes.stack import Stack
from meshes.topology import all_faces

UNITS_m = {"m": 1.0, "um": 1e-6, "nm": 1e-9}


def load_msh(path: str | Path, stack: Stack, *, unit: str = "nm", domain: str = "full") -> Mesh:
    """Read a .msh file of linear tetrahedra (or, axisymmetric, triangles with x = r and y = z) as the mesh of a stack.

    It has one physical group per region of the stack (Stack.region_names); the bottom lies at height 0, the axis of the box
    at x = y = 0. unit : of its lengths ("m", "um", "nm").  domain : "quarter", "full" or "axisymmetric".
    Raises InputError for a group that is missing or not known, cells in no group or in two, inverted or flat cells, faces
    shared by more than two cells, gaps, and volumes that are not those of the stack.
    """
    check_is_msh(path)
    if unit not in UNITS_m:
        raise InputError(f"load_msh: unit={unit!r} is not allowed: expected one of {', '.join(UNITS_m)}.")
    dimension = 2 if domain == "axisymmetric" else 3
    with gmsh_session() as gmsh:
        try:
            gmsh.merge(str(path))
        except Exception as error:  # gmsh raises bare Exception
            raise InputError(f"{path}: gmsh cannot read this mesh ({error}).") from None
        groups = _groups(gmsh, path, stack, dimension)
        points, cells, region = nodes_and_cells(gmsh, dimension, groups)
        _check_all_cells_are_in_groups(gmsh, path, dimension, len(cells))
    points = points[:, :dimension] * UNITS_m[unit]
    used, cells = np.unique(cells, return_inverse=True)
    cells = np.asarray(cells, np.int64).reshape(-1, dimension + 1)
    mesh = assemble(points[used], cells, region, stack, domain)
    try:
        _check_size(mesh, stack, unit, domain)
        _check_sound(mesh)
        mesh.check()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return mesh


def write_msh(mesh: Mesh, path: str | Path, *, unit: str = "nm") -> None:
    """Write a mesh as gmsh's format 2.2, one physical group per region, whole or not at all; `load_msh` reads it back."""
    points = np.zeros((len(mesh.points), 3))
    points[:, : mesh.dimension] = mesh.points / UNITS_m[unit]
    kind, names = KINDS[mesh.dimension], {tag: name for name, tag in mesh.regions.items()}
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(names))]
    lines += [f'{mesh.dimension} {tag} "{name}"' for tag, name in names.items()]
    lines += ["$EndPhysicalNames", "$Nodes", str(len(points))]
    lines += [f"{i} {x:.17g} {y:.17g} {z:.17g}" for i, (x, y, z) in enumerate(points.tolist(), 1)]
    lines += ["$EndNodes", "$Elements", str(len(mesh.cells))]
    for i, (cell, tag) in enumerate(zip((mesh.cells + 1).tolist(), mesh.region.tolist(), strict=True), 1):
        lines.append(f"{i} {kind} 2 {tag if tag in names else 0} {tag} {' '.join(map(str, cell))}")
    write_text(path, "\n".join([*lines, "$EndElements", ""]))


def check_is_msh(path: str | Path) -> None:
    """Raise InputError unless the file is there and begins as a .msh file does (gmsh would run anything else as a script)."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(11)
    except OSError as error:
        raise InputError(f"{path}: the mesh file cannot be read: {error.strerror}.") from None
    if head != b"$MeshFormat":
        raise InputError(f"{path}: is not a gmsh mesh: a .msh file begins with $MeshFormat. Save it with gmsh as .msh.")


def _groups(gmsh: Any, path: str | Path, stack: Stack, dimension: int) -> dict[str, list[int]]:
    """Return region name -> entities, in the order of the stack; every region has its group and no group is unknown."""
    found: dict[str, list[int]] = {}
    for dim, tag in gmsh.model.getPhysicalGroups(dimension):
        name = gmsh.model.getPhysicalName(dim, tag)
        if name not in stack.region_names:
            raise InputError(
                f"{path}: the physical group {name or tag!r} is no region of the stack. {nearest(name, stack.region_names)}"
            )
        found[name] = [int(e) for e in gmsh.model.getEntitiesForPhysicalGroup(dim, tag)]
    for name in stack.region_names:
        if name not in found:
            kind = "volumes" if dimension == 3 else "surfaces"
            has = ", ".join(found) or "none"
            raise InputError(
                f"{path}: the physical group '{name}' is missing: every region of the stack needs one of {kind}. Found: {has}."
            )
    owners: dict[int, str] = {}
    for name, entities in found.items():
        for entity in entities:
            if entity in owners:
                raise InputError(
                    f"{path}: the physical groups '{owners[entity]}' and '{name}' overlap: both hold entity {entity}. "
                    "Every cell belongs to one region."
                )
            owners[entity] = name
    return {name: found[name] for name in stack.region_names}


def _check_all_cells_are_in_groups(gmsh: Any, path: str | Path, dimension: int, grouped: int) -> None:
    kind = KINDS[dimension]
    types, tags, _ = gmsh.model.mesh.getElements(dimension)
    counts = {int(t): len(g) for t, g in zip(types, tags, strict=True)}
    if set(counts) - {kind}:
        names = [gmsh.model.mesh.getElementProperties(t)[0] for t in counts if t != kind]
        raise InputError(
            f"{path}: has cells of another kind ({', '.join(names)}): expected linear "
            f"{'tetrahedra' if dimension == 3 else 'triangles'} only. Mesh it again with Mesh.ElementOrder = 1 and no recombination."
        )
    if counts.get(kind, 0) != grouped:
        raise InputError(
            f"{path}: {counts.get(kind, 0) - grouped} of {counts.get(kind, 0)} cells are in no physical group; every cell "
            "belongs to one region."
        )


def _check_size(mesh: Mesh, stack: Stack, unit: str, domain: str) -> None:
    half, slack = stack.width_m / 2, 1e-6 * max(stack.height_m, stack.width_m)
    low, high = {"full": (-half, half), "quarter": (0.0, half), "axisymmetric": (0.0, disc_radius_m(stack))}[domain]
    expected = [(low, high)] * (mesh.dimension - 1) + [(0.0, stack.height_m)]
    for name, found, (a, b) in zip("rz" if mesh.dimension == 2 else "xyz", mesh.points.T, expected, strict=True):
        if abs(found.min() - a) > slack or abs(found.max() - b) > slack:
            raise InputError(
                f"Mesh: {name} reaches from {found.min():.6g} to {found.max():.6g} m, that of the stack from {a:.6g} to {b:.6g} m "
                f"(unit = '{unit}', domain = '{domain}'). Likely cause: another unit or domain, a shifted origin, or other layers."
            )


def _check_sound(mesh: Mesh) -> None:
    signed = mesh.volumes_m3()
    inverted = int((signed < 0).sum())
    if 0 < inverted < len(signed):
        raise InputError(
            f"Mesh: {inverted} of {len(signed)} {mesh.cell_name} are inverted (negative volume): folded cells, or corners in "
            "mixed order."
        )
    faces = all_faces(mesh.cells)
    if len(faces.crowded):
        where = ", ".join(f"{v * 1e9:.3g}" for v in mesh.points[faces.crowded[0]].mean(axis=0))
        raise InputError(
            f"Mesh: non-manifold: {len(faces.crowded)} faces belong to more than two {mesh.cell_name}, the first near ({where}) nm. "
            "Likely cause: a part that is in the file twice, or regions that overlap."
        )
    corners = mesh.points[faces.corners[faces.cells[:, 1] < 0]]
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    slack = 1e-6 * float((high - low).max())
    on_box = np.any(np.all((corners < low + slack) | (corners > high - slack), axis=1), axis=1)
    if not on_box.all():
        where = ", ".join(f"{v * 1e9:.3g}" for v in corners[~on_box][0].mean(axis=0))
        raise InputError(
            f"Mesh: {int((~on_box).sum())} faces inside the box belong to one cell only, the first near ({where}) nm: a gap, or "
            "neighbouring regions whose meshes do not share their points. Likely cause: parts not made conforming (fragment, "
            "remove duplicate nodes)."
        )
