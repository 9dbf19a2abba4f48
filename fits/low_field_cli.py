"""`reram fit filament | cmo`: a low-field resistance in, r_CF or sigma_CMO out. Heavy imports stay inside the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fits.low_field_fit import Extraction
    from fits.low_field_source import LowFieldSource

Resistance = Annotated[str | None, typer.Option("--resistance", help="Low-field resistance, such as '18 kohm'.")]
Error = Annotated[str | None, typer.Option("--error", help="Its standard error: '1%' or '200 ohm'.")]
Iv = Annotated[Path | None, typer.Option("--iv", help="Measured sweep instead: its low-field line with its error.")]
Run = Annotated[str | None, typer.Option("--run", help="The run of --iv, where the file has several.")]
Branch = Annotated[str | None, typer.Option("--branch", help="The branch of --iv, such as 'return +'.")]
Cycle = Annotated[int | None, typer.Option("--cycle", help="The cycle of --iv, where the run has several.")]
VMax = Annotated[float, typer.Option("--v-max", help="The line of --iv uses |V| up to this [V].")]
RSeries = Annotated[float, typer.Option("--r-series", help="Series resistance to subtract [ohm], as the transistor's.")]
DeviceFile = Annotated[Path | None, typer.Option("--device", help="Device file (TOML); else the published cell.")]
Table = Annotated[Path | None, typer.Option("--response", help="Answer from this response table instead of the FEM.")]
Engine = Annotated[str, typer.Option("--engine", help="fem, table, or auto: the FEM where it is installed.")]
NoConstants = Annotated[bool, typer.Option("--no-constants", help="Do not vary the substituted constants (quicker).")]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw the tornado of the constants (PNG).")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Also write the JSON object to this file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def filament_command(
    resistance: Resistance = None,
    error: Error = None,
    iv: Iv = None,
    run: Run = None,
    branch: Branch = None,
    cycle: Cycle = None,
    v_max: VMax = 0.2,
    sigma: Annotated[str, typer.Option("--sigma", help="Conductivity of the CMO after forming.")] = "5 S/cm",
    r_series: RSeries = 0.0,
    device: DeviceFile = None,
    response: Table = None,
    engine: Engine = "auto",
    no_constants: NoConstants = False,
    plot: Plot = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Filament radius from the post-forming resistance, with errors from the data and from the substituted constants."""
    from fits.low_field_fit import fit_filament
    from fits.low_field_source import low_field_source

    source = low_field_source(resistance, error, iv, run=run, branch=branch, cycle=cycle, v_max_V=v_max)
    common = _common(r_series, device, response, engine, no_constants, as_json, (plot, output))
    with common.pop("bar"):
        found = fit_filament(**source.as_arguments(), sigma_cmo_S_per_m=sigma, **common)
    _deliver(found, source, "reram fit filament", device, plot, as_json, output)


def cmo_command(
    r_cf: Annotated[str, typer.Option("--r-cf", help="Filament radius, such as '11 nm'.")] = "11 nm",
    resistance: Resistance = None,
    error: Error = None,
    iv: Iv = None,
    run: Run = None,
    branch: Branch = None,
    cycle: Cycle = None,
    v_max: VMax = 0.2,
    r_series: RSeries = 0.0,
    device: DeviceFile = None,
    response: Table = None,
    engine: Engine = "auto",
    no_constants: NoConstants = False,
    plot: Plot = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Conductivity of the CMO from a low-field resistance at a known filament radius, with errors as `filament`."""
    from fits.low_field_fit import fit_cmo
    from fits.low_field_source import low_field_source

    source = low_field_source(resistance, error, iv, run=run, branch=branch, cycle=cycle, v_max_V=v_max)
    common = _common(r_series, device, response, engine, no_constants, as_json, (plot, output))
    with common.pop("bar"):
        found = fit_cmo(**source.as_arguments(), r_cf_m=r_cf, **common)
    _deliver(found, source, "reram fit cmo", device, plot, as_json, output)


def _common(
    r_series: float,
    device: Path | None,
    response: Path | None,
    engine: str,
    no_constants: bool,
    quiet: bool,
    outputs: tuple[Path | None, ...],
) -> dict[str, Any]:
    """Return the arguments both extractions share, and under "bar" the context that reports the FEM solves."""
    from contextlib import ExitStack

    from device_physics.device import Device
    from device_physics.dome_response import Response
    from ground.files import check_writable
    from ground.progress import progress_bar

    for path in outputs:
        if path is not None:
            check_writable(path)
    bar = ExitStack()
    report = bar.enter_context(progress_bar("solving", quiet=quiet))
    expected = 5 if no_constants else 18  # what an extraction usually takes
    return {
        "r_series_ohm": r_series,
        "device": Device.from_toml(device) if device else None,
        "table": Response.load(response) if response else None,
        "engine": engine,
        "constants": not no_constants,
        "solved": lambda done: report(done, max(expected, done + 1)),
        "bar": bar,
    }


def _deliver(
    found: Extraction,
    source: LowFieldSource,
    made_by: str,
    device: Path | None,
    plot: Path | None,
    as_json: bool,
    output: Path | None,
) -> None:
    from ground.files import write_json
    from ground.provenance import provenance

    result = found.to_dict()
    result["resistance_from"] = source.described
    files = [f for f in (source.file, device) if f is not None]
    result["provenance"] = provenance(made_by, files=files, synthetic=found.synthetic)
    if plot is not None:
        from fits.tornado_plot import draw_tornado

        draw_tornado(found, plot)
    if output is not None:
        write_json(output, result)
    typer.echo(
        json.dumps(result, indent=2, allow_nan=False) if as_json else f"{found.report()}\n  data: {source.described}"
    )
