"""The record of what the FEM computed: the device in full, hashes of device and mesh, the libraries that solved."""

from __future__ import annotations

from typing import Any

from device_physics.device import Device
from ground.provenance import FEM, Source, provenance, shipped
from meshes.build import mesh_hash


def fem_record(made_by: str, device: Device, **settings: Any) -> dict[str, Any]:
    """Return the record of a result of one device; its inputs are the material table and, where it names one, its mesh file."""
    return provenance(
        made_by,
        files=fem_inputs(device),
        libraries=FEM,
        device=device.model_dump(mode="json"),
        device_hash=device.content_hash(),
        mesh_hash=mesh_hash(device.stack, device.mesh),
        substituted=device.substituted(),
        **settings,
    )


def fem_inputs(device: Device) -> list[Source]:
    """Return the files that a device is made of."""
    own = [] if device.mesh.file is None else [Source(device.mesh.file, "mesh")]
    return [shipped("device_physics/materials.toml", "material table"), *own]
