"""Stack -> gmsh -> Mesh: the one room that talks to gmsh. Lengths are nanometres inside gmsh, metres outside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ground.errors import InputError, MissingLibrary
from ground.files import cache_dir, content_hash
from meshes.mesh import Mesh
from meshes.options import MeshOptions
from meshes.stack import Stack

_NM = 1e-9
_BUILDER = 1  # raised when the same specification would give another mesh, so that cached ones are not reused


def build_mesh(stack: Stack, options: MeshOptions | None = None, *, reuse: bool = True) -> Mesh:
    """Return the checked mesh of a stack; with `reuse` it is kept in the cache folder by content hash.

    Raises InputError where the geometry cannot be meshed and MissingLibrary where gmsh is not installed.
    """
    options = options or MeshOptions()
    path = cache_dir() / f"mesh-{mesh_hash(stack, options)}.npz"
    if reuse and path.exists():
        try:
            mesh = Mesh.load(path)
            mesh.check()
            return mesh
        except InputError:
            path.unlink(missing_ok=True)  # a damaged copy in the cache is simply made again
    mesh = _with_gmsh(stack, options)
    mesh.check()
    if reuse:
        mesh.save(path)
    return mesh


def mesh_hash(stack: Stack, options: MeshOptions) -> str:
    """Content hash of everything the mesh depends on: geometry and grading, not materials or temperature."""
    geometry = {
        "layers": [(la.name, la.thickness_m) for la in stack.layers],
        "width_m": stack.width_m,
        "filament": (stack.filament.layer, stack.filament.radius_m),
        "dome": (stack.dome.layer, stack.dome_radius_m),
    }
    return content_hash({"builder": _BUILDER, "geometry": geometry, "options": options.model_dump()})


@contextmanager
def _gmsh() -> Iterator[Any]:
    try:
        import gmsh
    except (ImportError, OSError) as error:
        raise MissingLibrary(
            f"gmsh cannot be loaded ({error}). It makes the meshes; install it with "
            "`pip install 'cmo-reram[fem]'`, and on Debian/Ubuntu `apt-get install libglu1-mesa libxft2 "
            "libxcursor1 libxinerama1`. `reram doctor` shows what else is missing."
        ) from None
    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        yield gmsh
    finally:
        gmsh.finalize()


def _with_gmsh(stack: Stack, options: MeshOptions) -> Mesh:
    with _gmsh() as gmsh:
        gmsh.model.add("stack")
        volumes = _geometry(gmsh, stack, options)
        _grading(gmsh, stack, options)
        try:
            gmsh.model.mesh.generate(3)
        except Exception as error:  # gmsh raises bare Exception
            raise InputError(
                f"MeshOptions: gmsh cannot mesh this geometry ({error}). Try a smaller mesh.rim_size, a smaller "
                "mesh.growth, or layers thicker than mesh.rim_size."
            ) from None
        return _arrays(gmsh, stack, options, volumes)


def _geometry(gmsh: Any, stack: Stack, options: MeshOptions) -> dict[str, list[int]]:
    """Draw layers, filament and dome, make them conforming, and return region name -> volume tags."""
    occ, quarter = gmsh.model.occ, options.domain == "quarter"
    half = stack.width_m / 2 / _NM
    corner, size = (0.0, half) if quarter else (-half, 2 * half)
    turn = math.pi / 2 if quarter else 2 * math.pi
    parts, names = [], []
    for layer in stack.layers:
        parts.append(
            (3, occ.addBox(corner, corner, stack.floor_m(layer.name) / _NM, size, size, layer.thickness_m / _NM))
        )
        names.append(layer.name)
    floor, oxide = stack.floor_m(stack.filament.layer) / _NM, stack.layer(stack.filament.layer)
    parts.append(
        (3, occ.addCylinder(0, 0, floor, 0, 0, oxide.thickness_m / _NM, stack.filament.radius_m / _NM, angle=turn))
    )
    names.append("filament")
    low, high = (0.0, math.pi / 2) if stack.dome_is_above else (-math.pi / 2, 0.0)
    parts.append(
        (3, occ.addSphere(0, 0, stack.contact_m / _NM, stack.dome_radius_m / _NM, angle1=low, angle2=high, angle3=turn))
    )
    names.append("dome")
    _, children = occ.fragment(parts[:-2], parts[-2:])
    occ.synchronize()
    volumes: dict[str, list[int]] = {}
    taken: set[int] = set()
    for name, pieces in reversed(list(zip(names, children, strict=True))):  # filament and dome take their pieces first
        volumes[name] = [tag for dim, tag in pieces if dim == 3 and tag not in taken]
        taken.update(volumes[name])
    return volumes


def _grading(gmsh: Any, stack: Stack, options: MeshOptions) -> None:
    """Edge length rim_size + growth * distance from the two rims of the filament, and at most a sixth of the dome in it.

    The rims are where the field is singular. The edge of the dome is not: it stands upright on an insulator.
    """
    floor = stack.floor_m(stack.filament.layer)
    circles = [
        (stack.filament.radius_m, floor),
        (stack.filament.radius_m, floor + stack.layer(stack.filament.layer).thickness_m),
    ]
    rims = []
    for _, tag in gmsh.model.getEntities(1):
        x0, y0, z0, x1, y1, z1 = gmsh.model.getBoundingBox(1, tag)
        reach = max(abs(x0), abs(x1), abs(y0), abs(y1)) * _NM
        flat = z1 - z0 < 1e-3 and min(x1 - x0, y1 - y0) > 1e-3
        if flat and any(abs(reach - r) < 1e-12 and abs(z0 * _NM - z) < 1e-12 for r, z in circles):
            rims.append(tag)
    field = gmsh.model.mesh.field
    distance = field.add("Distance")
    field.setNumbers(distance, "CurvesList", rims)
    field.setNumber(distance, "Sampling", 400)
    rim = field.add("MathEval")
    field.setString(rim, "F", f"{options.rim_size_m / _NM} + {options.growth}*F{distance}")
    ball = field.add("MathEval")
    centre, radius = stack.contact_m / _NM, stack.dome_radius_m / _NM
    outside = f"(sqrt(x*x + y*y + (z-{centre})^2) - {radius})"
    field.setString(ball, "F", f"{radius / 6} + {options.growth / 2}*({outside} + fabs{outside})")
    size = field.add("Min")
    field.setNumbers(size, "FieldsList", [rim, ball])
    field.setAsBackgroundMesh(size)
    for name in ("MeshSizeExtendFromBoundary", "MeshSizeFromPoints", "MeshSizeFromCurvature"):
        gmsh.option.setNumber(f"Mesh.{name}", 0)
    gmsh.option.setNumber("Mesh.MeshSizeMax", options.size_max_m / _NM)
    gmsh.option.setNumber("Mesh.RandomSeed", 1)
    gmsh.option.setNumber("General.NumThreads", 1)  # the same mesh on every machine
    gmsh.option.setNumber("Mesh.Algorithm3D", 1)
    gmsh.option.setNumber("Mesh.OptimizeThreshold", 0.3)


def _arrays(gmsh: Any, stack: Stack, options: MeshOptions, volumes: dict[str, list[int]]) -> Mesh:
    tags, points, _ = gmsh.model.mesh.getNodes()
    number = np.full(int(tags.max()) + 1, -1, dtype=np.int64)
    number[tags.astype(np.int64)] = np.arange(len(tags))
    order = [layer.name for layer in stack.layers] + ["filament", "dome"]
    regions = {name: i + 1 for i, name in enumerate(order)}
    tets, region = [], []
    for name in order:
        for tag in volumes[name]:
            _, _, nodes = gmsh.model.mesh.getElements(3, tag)
            cells = number[nodes[0].astype(np.int64)].reshape(-1, 4)
            tets.append(cells)
            region.append(np.full(len(cells), regions[name], np.int32))
    triangles, face, faces = _faces(gmsh, stack, options, volumes, number)
    return Mesh(
        points=points.reshape(-1, 3) * _NM,
        tets=np.concatenate(tets),
        region=np.concatenate(region),
        regions=regions,
        triangles=triangles,
        face=face,
        faces=faces,
        symmetry=4 if options.domain == "quarter" else 1,
        expected_m3=exact_volumes_m3(stack, options),
    )


def _faces(
    gmsh: Any, stack: Stack, options: MeshOptions, volumes: dict[str, list[int]], number: Any
) -> tuple[Any, Any, dict[str, int]]:
    """Tag every geometric face by what it separates: two regions, or a region and the outside."""
    owner = {tag: name for name, tags in volumes.items() for tag in tags}
    top = stack.height_m / _NM
    faces: dict[str, int] = {}
    triangles, face = [], []
    for _, tag in gmsh.model.getEntities(2):
        sides = sorted({owner[int(v)] for v in gmsh.model.getAdjacencies(2, tag)[0]})
        _, _, z0, x1, y1, z1 = gmsh.model.getBoundingBox(2, tag)
        if len(sides) == 2:
            name = "/".join(sides)
        elif z1 < 1e-3:
            name = "bottom"
        elif z0 > top - 1e-3:
            name = "top"
        else:
            name = "symmetry" if options.domain == "quarter" and min(x1, y1) < 1e-3 else "side"
        _, _, nodes = gmsh.model.mesh.getElements(2, tag)
        cells = number[nodes[0].astype(np.int64)].reshape(-1, 3)
        triangles.append(cells)
        face.append(np.full(len(cells), faces.setdefault(name, len(faces) + 1), np.int32))
    return np.concatenate(triangles), np.concatenate(face), faces


def exact_volumes_m3(stack: Stack, options: MeshOptions) -> dict[str, float]:
    """Volume of every region of the exact geometry inside the meshed box [m3]."""
    share = 0.25 if options.domain == "quarter" else 1.0
    out = {layer.name: share * stack.width_m**2 * layer.thickness_m for layer in stack.layers}
    filament = share * math.pi * stack.filament.radius_m**2 * stack.layer(stack.filament.layer).thickness_m
    dome = share * 2 / 3 * math.pi * stack.dome_radius_m**3
    out[stack.filament.layer] -= filament
    out[stack.dome.layer] -= dome
    return {**out, "filament": filament, "dome": dome}
