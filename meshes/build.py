"""Stack -> gmsh -> Mesh, kept by content. Lengths are nanometres inside gmsh, metres outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from ground.errors import InputError
from ground.files import cache_dir, content_hash, file_hash
from meshes._gmsh import gmsh_session, nodes_and_cells
from meshes.channel import Channel
from meshes.mesh import Mesh
from meshes.options import MeshOptions
from meshes.options_checks import check_options
from meshes.plane import grade_surfaces, surfaces
from meshes.solid import grade_solids, solids
from meshes.stack import Stack
from meshes.topology import tagged_faces

_NM = 1e-9
_BUILDER = 1  # raised when the same specification would give another mesh, so that cached ones are not reused


def build_mesh(stack: Stack, options: MeshOptions | None = None, *, reuse: bool = True) -> Mesh:
    """Return the checked mesh of a stack; with `reuse` it is kept in the cache folder by content hash.

    Raises InputError where the geometry cannot be meshed and MissingLibrary where gmsh is not installed.
    """
    options = options or MeshOptions()
    check_options(stack, options)
    path = cache_dir() / f"mesh-{mesh_hash(stack, options)}.npz"
    if reuse and path.exists():
        try:
            mesh = Mesh.load(path)
            mesh.check()
            return mesh
        except InputError:
            path.unlink(missing_ok=True)  # a damaged copy in the cache is simply made again
    mesh = _made(stack, options)
    mesh.check()
    if reuse:
        mesh.save(path)
    return mesh


def mesh_hash(stack: Stack, options: MeshOptions) -> str:
    """Content hash of everything the mesh depends on: geometry and grading, not materials or temperature."""
    geometry: dict[str, Any] = {
        "layers": [(la.name, la.thickness_m) for la in stack.layers],
        "width_m": stack.width_m,
    }
    channels = stack.channels
    if len(channels) == 1 and _is_plain(channels[0]):
        geometry["filament"] = (channels[0].filament.layer, channels[0].filament.radius_m)
        geometry["dome"] = (channels[0].dome.layer, channels[0].dome_radius_m)
    else:
        geometry["channels"] = [
            (c.filament_region, c.filament.x_m, c.filament.y_m, c.rims, c.dome_region, c.contact_m, c.dome_radius_m)
            for c in channels
        ]
    if stack.contacts is not None:
        geometry["contacts"] = stack.contacts_m
    outside = {} if options.file is None else {"file": file_hash(_existing(options.file))}
    return content_hash({"builder": _BUILDER, "geometry": geometry, "options": options.model_dump(), **outside})


def _is_plain(channel: Channel) -> bool:
    return channel.filament.shape == "cylinder" and channel.is_centred and channel.dome_region is not None


def _existing(file: str) -> str:
    from meshes.msh import check_is_msh

    check_is_msh(file)
    return file


def _made(stack: Stack, options: MeshOptions) -> Mesh:
    if options.file is not None:
        from meshes.msh import load_msh

        return load_msh(options.file, stack, unit=options.file_unit, domain=options.domain)
    dimension = 2 if options.domain == "axisymmetric" else 3
    with gmsh_session() as gmsh:
        gmsh.model.add("stack")
        try:
            if dimension == 2:
                parts = surfaces(gmsh, stack, options)
                grade_surfaces(gmsh, stack, options)
            else:
                parts = solids(gmsh, stack, options)
                grade_solids(gmsh, stack, options)
            gmsh.model.mesh.generate(dimension)
        except Exception as error:  # gmsh raises bare Exception
            raise InputError(
                f"MeshOptions: gmsh cannot mesh this geometry ({error}). Try a smaller mesh.rim_size, a smaller "
                "mesh.growth, or layers thicker than mesh.rim_size."
            ) from None
        points, cells, region = nodes_and_cells(gmsh, dimension, parts)
    return assemble(points[:, :dimension] * _NM, cells, region, stack, options.domain)


def assemble(points: Any, cells: Any, region: Any, stack: Stack, domain: str) -> Mesh:
    """Join points [m], cells and regions (numbered from 1 in the order of Stack.region_names) to a Mesh with named faces."""
    regions = {name: i for i, name in enumerate(stack.region_names, 1)}
    facets, face, faces = tagged_faces(points, cells, region, regions, domain)
    return Mesh(
        points=np.ascontiguousarray(points),
        cells=cells,
        region=region,
        regions=regions,
        facets=facets,
        face=face,
        faces=faces,
        symmetry=4 if domain == "quarter" else 1,
        expected_m3=exact_volumes_m3(stack, domain),
        contacts_m=stack.contacts_m,
    )


def exact_volumes_m3(stack: Stack, domain: str = "quarter") -> dict[str, float]:
    """Volume of every region of the exact geometry inside the meshed box [m3]; the axisymmetric disc is as large as the box."""
    share = 0.25 if domain == "quarter" else 1.0
    out = {layer.name: share * stack.width_m**2 * layer.thickness_m for layer in stack.layers}
    for channel in stack.channels:
        out[channel.filament_region] = share * channel.filament_volume_m3
        out[channel.filament.layer] -= out[channel.filament_region]
        if channel.dome_region:
            out[channel.dome_region] = share * channel.dome_volume_m3
            out[channel.dome.layer] -= out[channel.dome_region]
    return out
