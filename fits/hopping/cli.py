"""`reram fit hopping`: measured sweeps in, hopping parameters and a compact model out. Heavy imports stay inside the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fits.results.options import Ambient, CurrentColumn, Html, Json, Layout, Model, Plot, RSeries, VoltageColumn

if TYPE_CHECKING:
    from device_physics.dome_response import Response
    from fits.hopping.result import HoppingFit, StateCurve

Files = Annotated[
    list[Path],
    typer.Argument(help="Sweeps (csv, tsv, workbooks): LRS and HRS, one or several ambients.", show_default=False),
]
RCf = Annotated[str, typer.Option("--r-cf", help="Filament radius.")]
VMax = Annotated[float, typer.Option("--v-max", help="Fit |V| up to this [V].")]
ResponseFile = Annotated[Path | None, typer.Option("--response", help="Response table; else the shipped one.")]
Fix = Annotated[
    list[str] | None,
    typer.Option("--fix", help="Hold a parameter with its source: 'barrier_hrs_eV=80 meV: figure 2d'. Several times."),
]
Share = Annotated[
    str,
    typer.Option("--share", help="What LRS and HRS have in common: hop_distance, barrier, both by comma, or nothing."),
]
Offset = Annotated[str, typer.Option("--offset", help="Offset of the current: one per curve, shared, or none.")]
Bootstrap = Annotated[int, typer.Option("--bootstrap", help="Replicas for bootstrap intervals; 200 or more.")]
BootstrapKind = Annotated[str, typer.Option("--bootstrap-kind", help="residual or parametric.")]
Emcee = Annotated[bool, typer.Option("--emcee", help="Intervals of the posterior (needs emcee).")]
EmceeSteps = Annotated[int, typer.Option("--emcee-steps", help="Steps per walker.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the bootstrap or the sampler.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes of the bootstrap; 0: one per core.")]
CheckFem = Annotated[bool, typer.Option("--check-fem", help="Solve the FEM at the fitted point (needs dolfinx).")]


def hopping_command(
    files: Files,
    r_cf: RCf = "11 nm",
    r_series: RSeries = 0.0,
    v_max: VMax = 1.0,
    response: ResponseFile = None,
    fix: Fix = None,
    share: Share = "hop_distance",
    offset: Offset = "curve",
    ambient_K: Ambient = None,
    voltage_column: VoltageColumn = None,
    current_column: CurrentColumn = None,
    layout: Layout = None,
    bootstrap: Bootstrap = 0,
    bootstrap_kind: BootstrapKind = "residual",
    emcee: Emcee = False,
    emcee_steps: EmceeSteps = 1000,
    seed: Seed = 0,
    workers: Workers = 0,
    check_fem: CheckFem = False,
    as_json: Json = False,
    output: Model = None,
    plot: Plot = None,
    html: Html = None,
) -> None:
    """Fit the trap-to-trap hopping law to LRS and HRS together; -o writes the compact model."""
    from device_physics.dome_response import Response
    from fits.hopping.choice import parse_fixed
    from fits.hopping.fit import fit_hopping
    from fits.hopping.state_curves import state_curves
    from fits.reading.readers import read_devices
    from fits.results.delivery import deliver
    from fits.results.parameter_table import parameter_table
    from ground.errors import InputError
    from ground.provenance import provenance, sources
    from ground.units import Quantity

    if bootstrap and emcee:
        raise InputError("--bootstrap and --emcee exclude each other: both give the intervals. Give one.")
    radius = Quantity("m", 1e-9, 1e-7).named("--r-cf", r_cf)
    measured = [
        m
        for f in files
        for m in read_devices(
            f, ambient_K=ambient_K, voltage_column=voltage_column, current_column=current_column, layout=layout
        )
    ]
    curves: list[StateCurve] = state_curves(measured, v_max_V=v_max, r_series_ohm=r_series)
    table = Response.load(response) if response else Response.default()
    shared = () if share == "nothing" else tuple(s.strip() for s in share.split(","))
    fit = fit_hopping(curves, table, r_cf_m=radius, fixed=parse_fixed(fix or ()), shared=shared, offset=offset)  # type: ignore[arg-type]
    fit = _resampled(fit, bootstrap, bootstrap_kind, emcee, emcee_steps, seed, workers, as_json)
    if check_fem:
        fit = replace(fit, fem=_check(fit, table, as_json))
    record = provenance(
        "reram fit hopping",
        files=[*sources("measured data", *files), *fit.response_table],
        near=output or plot or html,
        synthetic=fit.synthetic,
        r_cf_m=radius,
        r_series_ohm=r_series,
        v_max_V=v_max,
        shared=list(shared),
        offset=offset,
        seed=seed,
    )
    deliver(
        fit,
        "Hopping fit of LRS and HRS",
        record,
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=lambda path: fit.to_compact_model(files=sources("measured data", *files), near=path).save(path),
        tables=lambda: [parameter_table(fit.parameters), fit.correlation_table()],
        notes=[*fit.doubts, *fit.weak],
    )


def _resampled(
    fit: HoppingFit, replicas: int, kind: str, emcee: bool, steps: int, seed: int, workers: int, quiet: bool
) -> Any:
    from ground.progress import progress_bar

    if emcee:
        from fits.hopping.sampler import sample_posterior

        with progress_bar("sampling", quiet=quiet) as report:
            return sample_posterior(fit, steps, seed=seed, progress=report)
    if replicas:
        from device_physics.executors import default_workers
        from fits.hopping.bootstrap import bootstrap

        with progress_bar("bootstrap", quiet=quiet) as report:
            many = workers or default_workers()
            return bootstrap(fit, replicas, kind=kind, seed=seed, workers=many, progress=report)  # type: ignore[arg-type]
    return fit


def _check(fit: HoppingFit, table: Response, quiet: bool) -> Any:
    from fits.hopping.fem_check import check_fem
    from ground.progress import progress_bar

    with progress_bar("FEM", quiet=quiet) as report:
        return check_fem(fit, table, progress=report)
