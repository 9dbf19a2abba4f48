"""`reram fit relaxation | noise`: reads of resting cells in, laws of drift, spread and noise out. Heavy imports stay inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fits.results.options import Html, Json, Layout, Model, Plot

Reads = Annotated[
    Path, typer.Argument(help="Table: device, time, conductance (and target), a row per reading.", show_default=False)
]
Series = Annotated[Path, typer.Argument(help="Table: time and conductance of resting cells.", show_default=False)]
Device = Annotated[str | None, typer.Option("--device", help="The device, where the file has several.")]


def relaxation_command(
    file: Reads,
    layout: Layout = None,
    as_json: Json = False,
    output: Model = None,
    plot: Plot = None,
    html: Html = None,
) -> None:
    """Fit drift and spread of programmed devices against ln t, and the width of programming against the target."""
    from fits.noise.relaxation_data import read_relaxation
    from fits.noise.relaxation_fit import fit_relaxation
    from fits.results.delivery import deliver
    from fits.results.parameter_table import parameter_table
    from ground.provenance import provenance, sources

    reads = read_relaxation(file, layout=layout)
    fit = fit_relaxation(reads.time_s, reads.conductance_S, target_S=reads.target_S, synthetic=reads.synthetic)
    deliver(
        fit,
        "Relaxation and programming noise",
        provenance(
            "reram fit relaxation",
            files=sources("measured data", file),
            near=output or plot or html,
            synthetic=fit.synthetic,
        ),
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=lambda path: fit.to_compact_model(files=sources("measured data", file), near=path).save(path),
        tables=lambda: [parameter_table(fit.parameters)],
    )


def noise_command(
    file: Series,
    layout: Layout = None,
    device: Device = None,
    as_json: Json = False,
    plot: Plot = None,
    html: Html = None,
) -> None:
    """Fit size and spectrum of the read noise of one resting cell: rms, drift, exponent of 1/f with its error."""
    from fits.noise.noise_spectrum import fit_noise
    from fits.reading.state_readers import read_retention
    from fits.results.delivery import deliver
    from fits.results.parameter_table import parameter_table
    from ground.errors import InputError, nearest
    from ground.provenance import provenance, sources

    data = read_retention(file, layout=layout)
    names = list(dict.fromkeys(data["device"].values.astype(str).tolist()))
    if device is None and len(names) > 1:
        raise InputError(f"{file}: holds {len(names)} devices; name one with --device, such as --device '{names[0]}'.")
    if device is not None and device not in names:
        raise InputError(f"--device='{device}' is not in {file}. {nearest(device, names)}")
    mine = data["device"].values.astype(str) == (device or names[0])
    fit = fit_noise(
        data["time_s"].values[mine],
        data["conductance_S"].values[mine],
        device=device or names[0],
        synthetic=bool(data.attrs.get("synthetic")),
    )
    deliver(
        fit,
        "Read noise and its spectrum",
        provenance(
            "reram fit noise",
            files=sources("measured data", file),
            near=plot or html,
            synthetic=fit.synthetic,
            device=fit.device,
        ),
        as_json=as_json,
        plot=plot,
        html=html,
        tables=lambda: [parameter_table(fit.parameters)],
    )
