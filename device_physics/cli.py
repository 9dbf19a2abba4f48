"""`reram mesh | solve | sweep | response`: the FEM from the command line."""

from __future__ import annotations

import json as _json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ground.progress import progress_bar

if TYPE_CHECKING:
    from device_physics.device import Device
    from device_physics.solution import Solution

DeviceFile = Annotated[
    Path | None, typer.Argument(help="Device file (TOML). Without one: the published post-forming cell.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")]


def _device(path: Path | None) -> Device:
    from device_physics.device import Device

    return Device.from_toml(path) if path else Device.of()


def mesh_command(device: DeviceFile = None, output: Output = None, json: Json = False) -> None:
    """Make the tetrahedral mesh of a device, check volumes and tags, keep it for the next solve; -o saves it as .npz."""
    from meshes.build import build_mesh, mesh_hash

    spec = _device(device)
    mesh = build_mesh(spec.stack, spec.mesh)
    if output:
        mesh.save(output)
    found: dict[str, Any] = {
        "hash": mesh_hash(spec.stack, spec.mesh),
        "points": len(mesh.points),
        "cells": len(mesh.tets),
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
    if json:
        print(_json.dumps(found))
        return
    print(f"{found['cells']} tetrahedra, {found['points']} points, {'quarter' if mesh.symmetry == 4 else 'full'} box")
    for name, row in found["regions"].items():
        print(
            f"  {name:<12} {row['cells']:>8} cells   {row['volume_m3'] * 1e27:12.1f} nm3 (exact {row['expected_m3'] * 1e27:.1f})"
        )
    print("faces: " + ", ".join(mesh.faces) + (f"\nsaved to {output}" if output else ""))


def solve_command(
    device: DeviceFile = None,
    bias: Annotated[str, typer.Option("--bias", help="Bias of the top electrode, such as 0.2 or '200 mV'.")] = "0.2",
    output: Output = None,
    vtu: Annotated[Path | None, typer.Option("--vtu", help="Write V, T, |E| and power density for ParaView.")] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the cross-section of T and |E| (PNG).")
    ] = None,
    json: Json = False,
) -> None:
    """Solve current and heat in 3D at one bias. -o writes the scalars as JSON, --vtu the fields, --picture a cross-section."""
    from device_physics.electrothermal import solve
    from ground.files import write_json

    solution = solve(_device(device), volts(bias, "--bias"))
    if output:
        write_json(output, solution.to_dict())
    if vtu:
        from device_physics.field_files import write_vtu

        write_vtu(solution, vtu)
    if picture:
        from device_physics.field_picture import draw_cross_section

        draw_cross_section(solution, picture)
    print(_json.dumps(solution.to_dict()) if json else describe(solution))


def describe(solution: Solution) -> str:
    """Return the scalars of a solution as a few readable lines."""
    d, b = solution.dome, solution.balances
    return (
        f"bias {solution.bias_V:g} V   current {solution.current_A:.5g} A   resistance {solution.resistance_ohm:.6g} ohm\n"
        f"dome: T mean {d.T_mean_K:.2f} K, max {d.T_max_K:.2f} K   E mean {d.E_mean_V_per_m:.4g} V/m   "
        f"R_th {solution.r_th_K_per_W:.4g} K/W\n"
        f"balances: current {b.current:.1e}, power {b.power:.1e}, heat {b.heat:.1e}   surface flux {b.surface_flux:.1e}\n"
        f"{solution.dofs} dofs, {solution.cells} cells, {solution.seconds:.2f} s\n"
        f"substituted constants: {', '.join(solution.provenance['settings']['substituted']) or 'none'}"
    )


def volts(text: str, option: str) -> float:
    """Return volts from "0.2" or "200 mV", or raise InputError naming the option."""
    from ground.units import Quantity

    try:
        return float(text)  # NaN and too large a bias are the solver's to refuse
    except ValueError:
        return Quantity("V", -1e3, 1e3).named(option, text)


def sweep_command(
    sweep: Annotated[
        Path, typer.Argument(help='Sweep file (TOML): volts = [...], device = "file.toml" (optional), [vary] tables.')
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table to write (NetCDF).")],
    json: Json = False,
) -> None:
    """Solve a device over lists of its fields and of biases. A stopped run goes on where it was."""
    from device_physics.sweep_file import read_sweep
    from device_physics.sweeps import save_sweep
    from device_physics.sweeps import sweep as run

    tables, volts_, vary = read_sweep(sweep)
    with progress_bar("solving", quiet=json) as progress:
        table = run(tables, volts_, vary, progress=progress)
    save_sweep(table, output)
    failed = int((table["failure"] != "").sum())
    if json:
        print(_json.dumps({"output": str(output), "points": int(table["current_A"].size), "failed": failed}))
    else:
        print(f"{table['current_A'].size} points ({failed} failed) in {output}")


def response_command(
    device: DeviceFile = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Table (NetCDF).")] = Path("response.nc"),
    json: Json = False,
) -> None:
    """Make the response table of a stack (conductance, field and heating of the dome): what fits and arrays use for the FEM."""
    from device_physics.response_table import response

    with progress_bar("solving", quiet=json) as progress:
        table = response(_device(device), progress=progress)
    table.save(output)
    if json:
        print(_json.dumps({"output": str(output), "points": int(table.conductance_S.size)}))
    else:
        print(f"{table.conductance_S.size} points in {output}")
