"""`reram fit folder | population`: every file below a folder as one table; the laws that devices differ by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fits.results.options import (
    Ambient,
    CurrentColumn,
    Gate,
    Html,
    Json,
    Layout,
    Model,
    Plot,
    RSeries,
    TransistorFile,
    VoltageColumn,
    VRead,
)

Folder = Annotated[Path, typer.Argument(help="Folder with measured files, sub-folders included.", show_default=False)]
TableOut = Annotated[Path | None, typer.Option("-o", "--output", help="Write the table of devices (NetCDF) here.")]
Pattern = Annotated[str | None, typer.Option("--pattern", help="Files to take, such as '*_set_*.csv'.")]
DevicePattern = Annotated[
    str | None, typer.Option("--device-pattern", help="Regular expression of the device's name in the path.")
]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes (default: all cores).")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Devices = Annotated[
    Path, typer.Argument(help="Devices: n_states, sp_skew, gamma, gamma_up_down (csv, tsv, JSON).", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of resampling and tests.")]
Replicas = Annotated[int, typer.Option("--replicas", help="Resamplings.", min=99)]


def folder_command(
    folder: Folder,
    output: TableOut = None,
    plot: Plot = None,
    html: Html = None,
    pattern: Pattern = None,
    device_pattern: DevicePattern = None,
    layout: Layout = None,
    v_read: VRead = 0.2,
    ambient_K: Ambient = None,
    r_series: RSeries = 0.0,
    transistor: TransistorFile = None,
    gate: Gate = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    workers: Workers = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Extract every device of a folder: forming, SET, RESET, LRS, HRS, their population. Stop it at any time: it goes on.

    Files that cannot be read are listed with their reason; the exit code is 0 unless every file failed.
    """
    from device_physics.executors import default_workers
    from fits.devices.folder import read_folder
    from fits.extraction.transistor_fit import load_transistor
    from fits.results.delivery import check_outputs, deliver
    from ground.progress import progress_bar

    check_outputs(output, plot, html)
    with progress_bar("extracting files", quiet=quiet or as_json) as progress:
        table = read_folder(
            folder,
            pattern=pattern,
            device_pattern=device_pattern,
            layout=layout,
            v_read_V=v_read,
            ambient_K=ambient_K,
            r_series_ohm=r_series,
            transistor=None if transistor is None else load_transistor(transistor),
            gate_V=gate,
            voltage_column=voltage_column,
            current_column=current_column,
            workers=default_workers() if workers is None else workers,
            progress=progress,
        )
    deliver(
        table,
        f"Devices of the folder {table.folder}",
        table.record(near=output or plot or html),
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=table.save,
        tables=table.tables,
        notes=[f"{file} failed: {reason}" for file, reason in table.failed.items()],
        caption="Distributions over the devices",
    )


def population_command(
    file: Devices,
    output: Model = None,
    seed: Seed = 0,
    replicas: Replicas = 999,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Fit G1 and G2, the bivariate normal laws of devices, with errors and a test of whether they fit; -o writes the model."""
    from fits.devices.bivariate_fit import QUANTITIES
    from fits.devices.population_fit import fit_population, read_parameters
    from fits.results.delivery import check_outputs, deliver
    from ground.page import Table
    from ground.provenance import provenance, sources

    check_outputs(output, plot, html)
    parameters, synthetic = read_parameters(file)
    fit = fit_population(parameters, seed=seed, replicas=replicas, source=file.name, synthetic=synthetic)
    laws = ((fit.states, "G1: number of states, skew"), (fit.exponents, "G2: exponents"))
    header = ("parameter", "value", "standard error", "95 % low", "95 % high")
    deliver(
        fit,
        "Population of devices",
        provenance(
            "reram fit population",
            files=sources("device parameters", file),
            near=output or plot or html,
            synthetic=synthetic,
            seed=seed,
            replicas=replicas,
        ),
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=lambda path: fit.to_compact_model(
            files=sources("device parameters", file), near=path, seed=seed, replicas=replicas
        ).save(path),
        tables=lambda: [
            Table(title, header, list(zip(QUANTITIES, x.values, x.stderr, x.low, x.high, strict=True)))
            for x, title in laws
        ],
        caption="Devices, and the ellipses of both laws",
    )
