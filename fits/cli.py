"""`reram fit iv | forming | hopping | filament | cmo`: measured files in, extractions out. Heavy imports stay inside the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fits.low_field_cli import cmo_command, filament_command

app = typer.Typer(no_args_is_help=True, help="Extract states, conductances and forming voltages from measured sweeps.")

AmbientOption = Annotated[float | None, typer.Option("--ambient-K", help="Ambient [K]; else the file's, else 293.15.")]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="One sheet of a workbook; else all sheets RunN.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
VoltageColumn = Annotated[
    str | None, typer.Option("--voltage-column", help="Name of the voltage column, where it is not recognised.")
]
CurrentColumn = Annotated[str | None, typer.Option("--current-column", help="Name of the current column, likewise.")]
OutOption = Annotated[Path | None, typer.Option("-o", "--output", help="Also write the JSON object to this file.")]


@app.command("iv")
def iv(
    files: Annotated[list[Path], typer.Argument(help="csv, tsv or Keithley .xlsx files.", show_default=False)],
    v_read: Annotated[float, typer.Option("--v-read", help="Read voltage [V] of the states.")] = 0.2,
    v_max: Annotated[float, typer.Option("--v-max", help="Low-field lines use |V| up to this [V].")] = 0.2,
    ambient_K: AmbientOption = None,
    sheet: SheetOption = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    as_json: JsonOption = False,
    output: OutOption = None,
) -> None:
    """Low-field conductance and resistance states of each file, the population over all, and the hopping fit."""
    from fits.iv_summary import hopping_of, iv_report, iv_summary
    from fits.readers import read_iv
    from ground.provenance import provenance

    measurements = [
        read_iv(f, sheet=sheet, ambient_K=ambient_K, voltage_column=voltage_column, current_column=current_column)
        for f in files
    ]
    result = iv_summary(measurements, v_read_V=v_read, v_max_V=v_max)
    result["hopping"], hopping_text = hopping_of(measurements)
    result["provenance"] = provenance(
        "reram fit iv",
        files=files,
        synthetic=result["synthetic"],
        v_read_V=v_read,
        v_max_V=v_max,
        ambient_K=ambient_K,
        sheet=sheet,
    )
    _deliver(result, iv_report(measurements, v_read_V=v_read, v_max_V=v_max) + "\n" + hopping_text, as_json, output)


@app.command("forming")
def forming(
    file: Annotated[Path, typer.Argument(help="csv, tsv or .xlsx file with a forming sweep.", show_default=False)],
    r_series: Annotated[float, typer.Option("--r-series", help="Series resistance [ohm], as the transistor's.")] = 0.0,
    run: Annotated[str | None, typer.Option("--run", help="The run, where the file has several.")] = None,
    ambient_K: AmbientOption = None,
    sheet: SheetOption = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    as_json: JsonOption = False,
    output: OutOption = None,
) -> None:
    """Forming voltage of one sweep: where the current jumps, and what stood on the device then."""
    from fits.forming_voltage import forming as find_forming
    from fits.readers import read_iv
    from ground.provenance import provenance

    measurement = read_iv(
        file, sheet=sheet, ambient_K=ambient_K, voltage_column=voltage_column, current_column=current_column
    )
    found = find_forming(measurement if run is None else measurement.run(run), r_series_ohm=r_series)
    result = found.to_dict()
    result["provenance"] = provenance(
        "reram fit forming",
        files=[file],
        synthetic=found.synthetic,
        r_series_ohm=r_series,
        run=run,
        ambient_K=ambient_K,
        sheet=sheet,
    )
    _deliver(result, found.report(), as_json, output)


@app.command("hopping")
def hopping(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="csv, tsv or Keithley .xlsx files: LRS and HRS, one or several ambients.", show_default=False
        ),
    ],
    r_cf: Annotated[str, typer.Option("--r-cf", help="Filament radius.")] = "11 nm",
    r_series: Annotated[float, typer.Option("--r-series", help="Series resistance to subtract [ohm].")] = 0.0,
    v_max: Annotated[float, typer.Option("--v-max", help="Fit |V| up to this [V].")] = 1.0,
    response: Annotated[Path | None, typer.Option("--response", help="Response table; else the shipped one.")] = None,
    barrier_lrs: Annotated[float | None, typer.Option("--barrier-lrs", help="Fix the LRS barrier [eV].")] = None,
    barrier_hrs: Annotated[float | None, typer.Option("--barrier-hrs", help="Fix the HRS barrier [eV].")] = None,
    ambient_K: AmbientOption = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    as_json: JsonOption = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the compact model (JSON) here.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw data, model and residuals (PNG).")] = None,
) -> None:
    """Fit the trap-to-trap hopping law to LRS and HRS together; -o writes the compact model."""
    from device_physics.dome_response import Response
    from fits.hopping import fit_hopping
    from fits.identifiability import Fixed
    from fits.readers import read_iv
    from fits.state_curves import state_curves
    from ground.provenance import provenance
    from ground.units import Quantity

    radius = Quantity("m", 1e-9, 1e-7).named("--r-cf", r_cf)
    fixed = {s: Fixed(v, "given by the user") for s, v in (("LRS", barrier_lrs), ("HRS", barrier_hrs)) if v is not None}
    curves = state_curves(
        [read_iv(f, ambient_K=ambient_K, voltage_column=voltage_column, current_column=current_column) for f in files],
        v_max_V=v_max,
        r_series_ohm=r_series,
    )
    table = Response.load(response) if response else Response.default()
    fit = fit_hopping(curves, table, r_cf_m=radius, barriers_eV=fixed)  # type: ignore[arg-type]
    result = fit.to_dict()
    result["provenance"] = provenance(
        "reram fit hopping", files=files, synthetic=fit.synthetic, r_cf_m=radius, r_series_ohm=r_series
    )
    if plot is not None:
        from fits.hopping_plot import draw_fit

        draw_fit(fit, plot)
    if output is not None:
        fit.to_compact_model(files=files).save(output)
    typer.echo(
        json.dumps(result, indent=2, allow_nan=False)
        if as_json
        else fit.report() + (f"\nmodel: {output}" if output else "")
    )


app.command("filament")(filament_command)
app.command("cmo")(cmo_command)


def _deliver(result: dict[str, Any], report: str, as_json: bool, output: Path | None) -> None:
    if output is not None:
        from ground.files import write_json

        write_json(output, result)
    typer.echo(json.dumps(result, indent=2, allow_nan=False) if as_json else report)
