"""The mesh a user of the other libraries sets up: the full box from Netgen, refined at the edges of the filament."""

from __future__ import annotations

import netgen.occ as occ
import numpy as np

from device_physics.device import Device
from fem_peers.case import Case


def full_box(edge_nm: float, *, far_nm: float = 20.0, grading: float = 0.3) -> Case:
    """Netgen's mesh of the default device: `edge_nm` at the rims of the filament, `far_nm` elsewhere, its own default grading."""
    device = Device.of()
    stack = device.stack
    half, radius, contact = stack.width_m * 5e8, stack.filament.radius_m * 1e9, stack.contact_m * 1e9
    oxide = stack.layer(stack.filament.layer).thickness_m * 1e9
    filament = occ.Cylinder((0, 0, contact - oxide), occ.Z, r=radius, h=oxide)
    above = occ.Box((-half, -half, contact), (half, half, stack.height_m * 1e9))
    dome = occ.Sphere((0, 0, contact), radius) * above
    parts = [filament, dome]
    names = ["filament", "dome"]
    for layer in stack.layers:
        floor = stack.floor_m(layer.name) * 1e9
        film = occ.Box((-half, -half, floor), (half, half, floor + layer.thickness_m * 1e9))
        parts.append(film - filament - dome)
        names.append(layer.name)
    for part, name in zip(parts, names, strict=True):
        part.mat(name)
    glued = occ.Glue(parts)
    for edge in glued.edges:
        low, high = edge.bounding_box
        if abs(high[2] - low[2]) < 1e-6 and max(abs(low[0]), abs(high[0])) < 1.05 * radius:
            edge.maxh = edge_nm
    mesh = occ.OCCGeometry(glued).GenerateMesh(maxh=far_nm, grading=grading)
    elements = mesh.Elements3D().NumPy()
    region = np.asarray(elements["index"], dtype=np.int32)
    regions = {mesh.GetMaterial(int(tag)): int(tag) for tag in np.unique(region)}
    return Case(
        points=np.array(mesh.Coordinates()),
        tets=np.asarray(elements["nodes"][:, :4], dtype=np.int64) - 1,
        region=region,
        regions=regions,
        symmetry=1,
        sigma=device.electrical_conductivities(),
        kappa=device.thermal_conductivities(),
    )
