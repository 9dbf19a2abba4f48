"""`reram fit iv | forming`: what single sweeps say. Heavy imports stay inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fits.results.options import (
    Ambient,
    CurrentColumn,
    Gate,
    Html,
    Json,
    Layout,
    Output,
    Plot,
    Sheet,
    TransistorFile,
    VMax,
    VoltageColumn,
    VRead,
)

Files = Annotated[list[Path], typer.Argument(help="csv, tsv or Keithley .xlsx files.", show_default=False)]
File = Annotated[Path, typer.Argument(help="csv, tsv or .xlsx file with a forming sweep.", show_default=False)]
Series = Annotated[float, typer.Option("--r-series", help="Series resistance [ohm], as the transistor's.")]
Run = Annotated[str | None, typer.Option("--run", help="The run, where the file has several.")]
Device = Annotated[str | None, typer.Option("--device", help="The device, where the file has several.")]


def iv_command(
    files: Files,
    v_read: VRead = 0.2,
    v_max: VMax = 0.2,
    ambient_K: Ambient = None,
    sheet: Sheet = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    layout: Layout = None,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Low-field conductance and resistance states of each file, the population over all, and the hopping fit."""
    from fits.reading.readers import read_devices
    from fits.results.delivery import check_outputs, deliver
    from fits.sweeps.iv_summary import IvSummary
    from ground.provenance import provenance, sources

    check_outputs(output, plot, html)
    columns: dict[str, Any] = {"voltage_column": voltage_column, "current_column": current_column, "layout": layout}
    measured = [m for f in files for m in read_devices(f, sheet=sheet, ambient_K=ambient_K, **columns)]
    summary = IvSummary.of(measured, v_read_V=v_read, v_max_V=v_max)
    record = provenance(
        "reram fit iv",
        files=sources("measured data", *files),
        near=output or plot or html,
        synthetic=summary.data["synthetic"],
        v_read_V=v_read,
        v_max_V=v_max,
        ambient_K=ambient_K,
        sheet=sheet,
    )
    deliver(
        summary,
        "States and conductances of measured sweeps",
        record,
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        tables=summary.tables,
        notes=[reason for f in summary.data["files"] for reason in f["left_out"]],
        caption="Sweeps, and the resistances read in them",
    )


def forming_command(
    file: File,
    r_series: Series = 0.0,
    transistor: TransistorFile = None,
    gate: Gate = None,
    run: Run = None,
    device: Device = None,
    ambient_K: Ambient = None,
    sheet: Sheet = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    layout: Layout = None,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Forming voltage of one sweep: where the current jumps, and what stood on the device then."""
    from fits.extraction.transistor_fit import load_transistor
    from fits.reading.readers import read_iv
    from fits.results.delivery import deliver
    from fits.sweeps.forming_voltage import forming
    from ground.page import Table
    from ground.provenance import provenance, sources

    columns: dict[str, Any] = {"voltage_column": voltage_column, "current_column": current_column, "layout": layout}
    measurement = read_iv(file, sheet=sheet, ambient_K=ambient_K, device=device, **columns)
    found = forming(
        measurement if run is None else measurement.run(run),
        r_series_ohm=r_series,
        transistor=None if transistor is None else load_transistor(transistor),
        gate_V=gate,
    )
    record = provenance(
        "reram fit forming",
        files=[*sources("measured data", file), *sources("transistor", transistor)],
        near=output or plot or html,
        synthetic=found.synthetic,
        r_series_ohm=r_series,
        gate_V=gate,
        run=run,
        ambient_K=ambient_K,
        sheet=sheet,
    )
    deliver(
        found,
        "Forming voltage",
        record,
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        tables=lambda: [Table("Forming", ("quantity", "value"), list(found.to_dict().items()))],
        caption="The sweep, and the jump in it",
    )
