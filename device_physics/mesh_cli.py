"""`reram mesh [DEVICE]` and `reram mesh study [DEVICE]`."""

from __future__ import annotations

import json as _json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from device_physics.cli import DeviceFile, Json, Output, read_device, read_files, volts
from ground.progress import progress_bar

if TYPE_CHECKING:
    from device_physics.device import Device
    from meshes.mesh import Mesh

_PARTS = {4: "quarter box", 1: "full box"}


class _MakeUnlessNamed(TyperGroup):
    """A group whose first command needs no name: `reram mesh device.toml` is `reram mesh make device.toml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, list(args) if named else ["make", *args])


app = typer.Typer(
    cls=_MakeUnlessNamed, rich_markup_mode=None, help="Make the mesh of a device; `study` says how good it is."
)


@app.command("make")
def mesh_command(device: DeviceFile = None, output: Output = None, json: Json = False) -> None:
    """Make the mesh of a device, check volumes and tags, keep it for the next solve; -o saves it as .npz or, for gmsh, .msh.

    `reram mesh study [DEVICE]` solves on finer and finer meshes and says how far each is off.
    """
    from ground.stamp import stamp
    from meshes.build import build_mesh, mesh_hash
    from meshes.msh import write_msh

    spec = read_device(device)
    mesh = build_mesh(spec.stack, spec.mesh)
    if output and output.suffix == ".msh":
        write_msh(mesh, output)
    elif output:
        mesh.save(output)
    if output:
        stamp(output, _record(spec, device, output))
    found: dict[str, Any] = {
        "hash": mesh_hash(spec.stack, spec.mesh),
        "points": len(mesh.points),
        "cells": len(mesh.cells),
        "symmetry": mesh.symmetry,
        "regions": {
            n: {
                "cells": int((mesh.region == t).sum()),
                "volume_m3": mesh.region_volume_m3(n),
                "expected_m3": mesh.expected_m3[n],
            }
            for n, t in mesh.regions.items()
        },
        "faces": list(mesh.faces),
    }
    print(_json.dumps(found) if json else _describe(mesh, found) + (f"\nsaved to {output}" if output else ""))


def _record(spec: Device, device: Path | None, output: Path) -> dict[str, Any]:
    """What made a mesh: the geometry and how it was meshed."""
    from ground.provenance import Source, provenance
    from meshes.build import mesh_hash

    files = [*read_files(device), *([] if spec.mesh.file is None else [Source(spec.mesh.file, "mesh")])]
    parts: dict[str, Any] = {"stack": spec.stack.model_dump(mode="json"), "options": spec.mesh.model_dump(mode="json")}
    made = mesh_hash(spec.stack, spec.mesh)
    return provenance("reram mesh", files=files, near=output, libraries=("gmsh",), mesh_hash=made, **parts)


def _describe(mesh: Mesh, found: dict[str, Any]) -> str:
    """Return a mesh as a few readable lines."""
    part = "axisymmetric half-section" if mesh.dimension == 2 else _PARTS[mesh.symmetry]
    lines = [f"{found['cells']} {mesh.cell_name}, {found['points']} points, {part}"]
    for name, row in found["regions"].items():
        volume, exact = row["volume_m3"] * 1e27, row["expected_m3"] * 1e27
        lines.append(f"  {name:<12} {row['cells']:>8} cells   {volume:12.1f} nm3 (exact {exact:.1f})")
    return "\n".join([*lines, "faces: " + ", ".join(mesh.faces)])


@app.command("study")
def study_command(
    device: DeviceFile = None,
    bias: Annotated[str, typer.Option("--bias", help="Bias of the top electrode, such as 0.2 or '200 mV'.")] = "0.2",
    rim: Annotated[
        list[str] | None,
        typer.Option("--rim", help="Edge length at the rims, such as '0.1 nm'; three or more, finer each."),
    ] = None,
    output: Output = None,
    json: Json = False,
) -> None:
    """Solve on finer and finer meshes: observed order, extrapolated value with its error, error of the device's own mesh."""
    from device_physics.mesh_study import mesh_study
    from ground.files import write_json
    from ground.provenance import with_inputs
    from ground.units import Quantity

    sizes = [Quantity("m", 5e-13, 1e-8).named("--rim", size) for size in rim] if rim else None
    with progress_bar("solving", quiet=json) as progress:
        study = mesh_study(read_device(device), volts(bias, "--bias"), sizes, progress=progress)
    told = {**study.to_dict(), "provenance": with_inputs(study.provenance, read_files(device), near=output)}
    if output:
        write_json(output, told)
    print(_json.dumps(told) if json else study.report())
