"""`reram fit filament | cmo | transistor`: a constant of the device from a few numbers. Heavy imports stay inside the commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fits.results.options import Ambient, Html, Json, Layout, Output, Plot, RSeries

if TYPE_CHECKING:
    from fits.extraction.low_field_fit import Extraction
    from fits.extraction.low_field_source import LowFieldSource
    from ground.provenance import Source

Resistance = Annotated[str | None, typer.Option("--resistance", help="Low-field resistance, such as '18 kohm'.")]
Error = Annotated[str | None, typer.Option("--error", help="Its standard error: '1%' or '200 ohm'.")]
Iv = Annotated[Path | None, typer.Option("--iv", help="Measured sweep instead: its low-field line with its error.")]
Run = Annotated[str | None, typer.Option("--run", help="The run of --iv, where the file has several.")]
Branch = Annotated[str | None, typer.Option("--branch", help="The branch of --iv, such as 'return +'.")]
Cycle = Annotated[int | None, typer.Option("--cycle", help="The cycle of --iv, where the run has several.")]
LineVMax = Annotated[float, typer.Option("--v-max", help="The line of --iv uses |V| up to this [V].")]
DeviceFile = Annotated[Path | None, typer.Option("--device", help="Device file (TOML); else the published cell.")]
ResponseFile = Annotated[
    Path | None, typer.Option("--response", help="Answer from this response table instead of the FEM.")
]
Engine = Annotated[str, typer.Option("--engine", help="fem, table, or auto: the FEM where it is installed.")]
NoConstants = Annotated[bool, typer.Option("--no-constants", help="Do not vary the substituted constants (quicker).")]
Characteristics = Annotated[
    Path, typer.Argument(help="Output or transfer characteristics (csv, tsv, xlsx, xls).", show_default=False)
]
TransistorOut = Annotated[Path | None, typer.Option("-o", "--output", help="Write the transistor (JSON) here.")]
Threshold = Annotated[float | None, typer.Option("--threshold", help="Fix the threshold voltage [V].")]
Slope = Annotated[float | None, typer.Option("--slope", help="Fix the slope factor.")]


def filament_command(
    resistance: Resistance = None,
    error: Error = None,
    iv: Iv = None,
    run: Run = None,
    branch: Branch = None,
    cycle: Cycle = None,
    v_max: LineVMax = 0.2,
    sigma: Annotated[str, typer.Option("--sigma", help="Conductivity of the CMO after forming.")] = "5 S/cm",
    r_series: RSeries = 0.0,
    device: DeviceFile = None,
    response: ResponseFile = None,
    engine: Engine = "auto",
    no_constants: NoConstants = False,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Filament radius from the post-forming resistance, with errors from the data and from the substituted constants."""
    from fits.extraction.low_field_fit import fit_filament
    from fits.extraction.low_field_source import low_field_source

    source = low_field_source(resistance, error, iv, run=run, branch=branch, cycle=cycle, v_max_V=v_max)
    common = _common(r_series, device, response, engine, no_constants, as_json, (plot, html, output))
    with common.pop("bar"):
        found = fit_filament(**source.as_arguments(), sigma_cmo_S_per_m=sigma, **common)
    _deliver(found, source, "reram fit filament", device, response, as_json, plot, html, output)


def cmo_command(
    r_cf: Annotated[str, typer.Option("--r-cf", help="Filament radius, such as '11 nm'.")] = "11 nm",
    resistance: Resistance = None,
    error: Error = None,
    iv: Iv = None,
    run: Run = None,
    branch: Branch = None,
    cycle: Cycle = None,
    v_max: LineVMax = 0.2,
    r_series: RSeries = 0.0,
    device: DeviceFile = None,
    response: ResponseFile = None,
    engine: Engine = "auto",
    no_constants: NoConstants = False,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Conductivity of the CMO from a low-field resistance at a known filament radius, with errors as `filament`."""
    from fits.extraction.low_field_fit import fit_cmo
    from fits.extraction.low_field_source import low_field_source

    source = low_field_source(resistance, error, iv, run=run, branch=branch, cycle=cycle, v_max_V=v_max)
    common = _common(r_series, device, response, engine, no_constants, as_json, (plot, html, output))
    with common.pop("bar"):
        found = fit_cmo(**source.as_arguments(), r_cf_m=r_cf, **common)
    _deliver(found, source, "reram fit cmo", device, response, as_json, plot, html, output)


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
    from fits.results.delivery import check_outputs
    from ground.progress import progress_bar

    check_outputs(*outputs)
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
    response: Path | None,
    as_json: bool,
    plot: Path | None,
    html: Path | None,
    output: Path | None,
) -> None:
    from fits.results.delivery import deliver
    from ground.page import Table
    from ground.provenance import FEM, provenance, sources

    files = [*sources("measured data", source.file), *sources("device file", device), *_asked(found, response)]
    settings = {"resistance": source.described, "r_series_ohm": found.r_series_ohm, "engine": found.engine}
    name, unit, scale = found.shown
    header = ("constant", "from", "to", f"{name} [{unit}] at the first", "at the second", "reason")
    rows = [
        (v.name, v.low, v.high, *(x and x * scale for x in (v.result_low, v.result_high)), v.reason)
        for v in found.levers
    ]
    deliver(
        replace(found, resistance_from=source.described),
        f"{name} from a low-field resistance",
        provenance(
            made_by,
            files=files,
            near=output or plot or html,
            libraries=FEM if found.engine == "FEM" else (),
            synthetic=found.synthetic,
            **settings,
        ),
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        tables=lambda: [Table("Substituted constants", header, rows)] if rows else [],
        caption="What the value hangs on: the error of the data, and each constant over its range",
    )


def _asked(found: Extraction, response: Path | None) -> list[Source]:
    """What answered: the response table, or the FEM with its constants."""
    from ground.provenance import response_table, shipped

    if found.engine == "response table":
        return response_table(response)
    return [shipped("device_physics/materials.toml", "material table")]


def transistor_command(
    file: Characteristics,
    output: TransistorOut = None,
    threshold: Threshold = None,
    slope: Slope = None,
    layout: Layout = None,
    ambient_K: Ambient = None,
    plot: Plot = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Fit the EKV transistor: threshold, gain, slope with errors, and R_DS at every gate voltage."""
    from fits.extraction.transistor_fit import NAMES, fit_transistor, save_fit
    from fits.reading.transistor_data import read_transistor
    from fits.results.delivery import deliver
    from ground.page import Table
    from ground.provenance import provenance, sources

    fixed = {n: v for n, v in (("threshold_V", threshold), ("slope", slope)) if v is not None}
    fit = fit_transistor(read_transistor(file, layout=layout, ambient_K=ambient_K), fixed=fixed)
    record = provenance(
        "reram fit transistor",
        files=sources("measured data", file),
        near=output or plot or html,
        synthetic=fit.data.synthetic,
        fixed=fixed,
    )
    seen = [(n, fit.values[n], fit.stderr[n], "fixed" if n in fixed else n not in fit.unidentified) for n in NAMES]
    deliver(
        fit,
        "Series transistor (EKV)",
        record,
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=lambda path: save_fit(fit, path, record),
        tables=lambda: [
            Table("Parameters", ("parameter", "value", "standard error", "seen by the data"), seen),
            Table(
                "On-resistance", list(vars(fit.on_resistance[0])), [tuple(vars(r).values()) for r in fit.on_resistance]
            ),
        ],
    )
