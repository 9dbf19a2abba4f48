"""`reram iv` and `reram forming`: measured files in, extractions out. Heavy imports stay inside the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Extract states, conductances and forming voltages from measured sweeps.")

AmbientOption = Annotated[float | None, typer.Option("--ambient-K", help="Ambient [K]; else the file's, else 293.15.")]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="One sheet of a workbook; else all sheets RunN.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
OutOption = Annotated[Path | None, typer.Option("-o", "--output", help="Also write the JSON object to this file.")]


@app.command("iv")
def iv(
    files: Annotated[list[Path], typer.Argument(help="csv, tsv or Keithley .xlsx files.", show_default=False)],
    v_read: Annotated[float, typer.Option("--v-read", help="Read voltage [V] of the states.")] = 0.2,
    v_max: Annotated[float, typer.Option("--v-max", help="Low-field lines use |V| up to this [V].")] = 0.2,
    ambient_K: AmbientOption = None,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
    output: OutOption = None,
) -> None:
    """Low-field conductance and resistance states of each file, and the population over all of them."""
    from fits.iv_summary import iv_report, iv_summary
    from fits.readers import read_iv
    from ground.provenance import provenance

    measurements = [read_iv(f, sheet=sheet, ambient_K=ambient_K) for f in files]
    result = iv_summary(measurements, v_read_V=v_read, v_max_V=v_max)
    result["provenance"] = provenance("reram iv", files=files, synthetic=result["synthetic"], v_read_V=v_read,
                                      v_max_V=v_max, ambient_K=ambient_K, sheet=sheet)
    _deliver(result, iv_report(measurements, v_read_V=v_read, v_max_V=v_max), as_json, output)


@app.command("forming")
def forming(
    file: Annotated[Path, typer.Argument(help="csv, tsv or .xlsx file with a forming sweep.", show_default=False)],
    r_series: Annotated[float, typer.Option("--r-series", help="Series resistance [ohm], as the transistor's.")] = 0.0,
    run: Annotated[str | None, typer.Option("--run", help="The run, where the file has several.")] = None,
    ambient_K: AmbientOption = None,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
    output: OutOption = None,
) -> None:
    """Forming voltage of one sweep: where the current jumps, and what stood on the device then."""
    from fits.forming import forming as find_forming
    from fits.readers import read_iv
    from ground.provenance import provenance

    measurement = read_iv(file, sheet=sheet, ambient_K=ambient_K)
    found = find_forming(measurement if run is None else measurement.run(run), r_series_ohm=r_series)
    result = found.to_dict()
    result["provenance"] = provenance("reram forming", files=[file], synthetic=found.synthetic, r_series_ohm=r_series,
                                      run=run, ambient_K=ambient_K, sheet=sheet)
    _deliver(result, found.report(), as_json, output)


def _deliver(result: dict[str, Any], report: str, as_json: bool, output: Path | None) -> None:
    if output is not None:
        from ground.files import write_json

        write_json(output, result)
    typer.echo(json.dumps(result, indent=2, allow_nan=False) if as_json else report)
