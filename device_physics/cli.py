"""`reram solve | sweep | response`: the FEM from the command line."""

from __future__ import annotations

import json as _json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ground.progress import progress_bar

if TYPE_CHECKING:
    from device_physics.device import Device
    from device_physics.solution import Solution
    from ground.provenance import Source

DeviceFile = Annotated[
    Path | None, typer.Argument(help="Device file (TOML). Without one: the published post-forming cell.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")]
Workers = Annotated[
    int | None, typer.Option("--workers", help="Processes of this machine, one thread each (default: all cores).")
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a Dask scheduler, tcp://host:8786, instead of processes.")
]


def read_device(path: Path | None) -> Device:
    """Return the device of a file, or the published one."""
    from device_physics.device import Device

    return Device.from_toml(path) if path else Device.of()


def solve_command(
    device: DeviceFile = None,
    bias: Annotated[str, typer.Option("--bias", help="Bias of the top electrode, such as 0.2 or '200 mV'.")] = "0.2",
    output: Output = None,
    vtu: Annotated[
        Path | None, typer.Option("--vtu", help="Write V, T, |E|, |J| and power density for ParaView (.vtu).")
    ] = None,
    vtx: Annotated[
        Path | None, typer.Option("--vtx", help="Write V and T for ParaView as VTX (.bp; needs a dolfinx with ADIOS2).")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw V, T, |E|, |J| and power density on the cross-section (.png, .pdf)."),
    ] = None,
    cutaway: Annotated[
        Path | None, typer.Option("--cutaway", help="Draw the whole device in 3D, a quadrant cut away (.png, .pdf).")
    ] = None,
    field: Annotated[str, typer.Option("--field", help="Field of the cut-away: T, V, E, J or power.")] = "T",
    json: Json = False,
) -> None:
    """Solve current and heat in 3D at one bias. -o writes the scalars as JSON, the other options fields and pictures."""
    from device_physics.electrothermal import solve
    from device_physics.field_requests import FieldRequests
    from ground.files import check_writable, write_json
    from ground.provenance import with_inputs

    requests = FieldRequests(vtu=vtu, vtx=vtx, picture=picture, cutaway=cutaway, field=field)
    requests.check()
    if output:
        check_writable(output)
    solution = solve(read_device(device), volts(bias, "--bias"))
    requests.write(solution)
    if not is_first_rank():
        return
    record = with_inputs(solution.provenance, read_files(device), near=output or vtu or picture or cutaway)
    requests.stamp(record)
    told = {**solution.to_dict(), "provenance": record}
    if output:
        write_json(output, told)
    print(_json.dumps(told) if json else describe(solution))


def read_files(device: Path | None) -> list[Source]:
    """Return the device file as an input of what is computed from it."""
    from ground.provenance import sources

    return sources("device file", device)


def is_first_rank() -> bool:
    """True but for the further processes of mpirun, which have solved the same and say nothing."""
    from device_physics._dolfinx import is_first_rank as is_first

    return is_first()


def describe(solution: Solution) -> str:
    """Return the scalars of a solution as a few readable lines."""
    d, b = solution.dome, solution.balances
    flux = "" if b.surface_flux is None else f"   surface flux {b.surface_flux:.1e}"
    dome = "no dome"
    if d.T_mean_K is not None:
        dome = (
            f"dome: T mean {d.T_mean_K:.2f} K, max {d.T_max_K:.2f} K   E mean {d.E_mean_V_per_m:.4g} V/m   "
            f"R_th {solution.r_th_K_per_W:.4g} K/W"
        )
    return (
        f"bias {solution.bias_V:g} V   current {solution.current_A:.5g} A   resistance {solution.resistance_ohm:.6g} ohm\n"
        f"{dome}\n"
        f"balances: current {b.current:.1e}, power {b.power:.1e}, heat {b.heat:.1e}{flux}\n"
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
        Path,
        typer.Argument(
            help='Sweep file (TOML): volts = [...], device = "file.toml" (optional), [vary] with dotted.field = [...] '
            'or {from = "5 nm", to = "15 nm", count = 11}.'
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table to write (NetCDF).")],
    workers: Workers = None,
    scheduler: Scheduler = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Solve failed points of earlier runs again.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw I(V), dome T, E and R_th, and the balances (.png, .pdf).")
    ] = None,
    json: Json = False,
) -> None:
    """Solve a device over lists or ranges of its fields and of biases. A stopped run goes on where it was."""
    from device_physics.sweep_file import read_sweep, sweep_sources
    from device_physics.sweep_plot import check_plot, draw_sweep
    from device_physics.sweeps import save_sweep
    from device_physics.sweeps import sweep as run
    from ground.errors import NotConverged
    from ground.files import check_writable
    from ground.provenance import with_inputs
    from ground.stamp import stamp

    tables, volts_, vary = read_sweep(sweep)
    check_writable(output)
    if plot:
        check_plot(plot)
    where = _where(workers, scheduler)
    with progress_bar("solving", quiet=json) as progress:
        table = run(tables, volts_, vary, progress=progress, retry_failed=retry_failed, **where)
    record = with_inputs(_json.loads(table.attrs["provenance"]), sweep_sources(sweep), near=output)
    table.attrs["provenance"] = _json.dumps(record)
    save_sweep(table, output)
    reasons = [str(r) for r in table["failure"].values.ravel() if r]
    if len(reasons) == table["failure"].size:
        raise NotConverged(f"all {len(reasons)} points failed; {output} has the reasons. The first: {reasons[0]}")
    if plot:
        draw_sweep(table, plot)
        stamp(plot, record)
    if json:
        print(_json.dumps({"output": str(output), "points": int(table["current_A"].size), "failed": len(reasons)}))
    else:
        print(f"{table['current_A'].size} points ({len(reasons)} failed) in {output}")
        for reason in sorted(set(reasons))[:5]:
            print(f"  {reasons.count(reason)} failed: {reason}")


def sweep_plot_command(
    sweep: Annotated[Path, typer.Argument(help="Table of a sweep (NetCDF), as `reram sweep` writes it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Plot to write (.png, .pdf).")],
    json: Json = False,
) -> None:
    """Draw a finished sweep: I(V), dome temperature and field, thermal resistance, balances; one curve per varied device."""
    from device_physics.sweep_plot import draw_sweep, load_sweep
    from ground.provenance import provenance, sources
    from ground.stamp import stamp

    draw_sweep(load_sweep(sweep), output)
    stamp(output, provenance("reram sweep-plot", files=sources("sweep table", sweep), near=output))
    print(_json.dumps({"output": str(output)}) if json else f"plot in {output}")


def response_command(
    device: DeviceFile = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Table (NetCDF).")] = Path("response.nc"),
    workers: Workers = None,
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Make the response table of a stack (conductance, field and heating of the dome): what fits and arrays use for the FEM."""
    from dataclasses import replace

    from device_physics.response_table import response
    from ground.files import check_writable
    from ground.provenance import with_inputs

    spec = read_device(device) if device else None
    check_writable(output)
    where = _where(workers, scheduler)
    with progress_bar("solving", quiet=json) as progress:
        table = response(spec, progress=progress, **where)
    replace(table, provenance=with_inputs(table.provenance, read_files(device), near=output)).save(output)
    if json:
        print(_json.dumps({"output": str(output), "points": int(table.conductance_S.size)}))
    else:
        print(f"{table.conductance_S.size} points in {output}")


def _where(workers: int | None, scheduler: str | None) -> dict[str, Any]:
    """Return where points are computed: on all cores, unless the user says otherwise."""
    from device_physics.executors import default_workers

    return {"workers": (1 if scheduler else default_workers()) if workers is None else workers, "scheduler": scheduler}
