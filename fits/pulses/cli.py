"""`reram fit pulses`: traces of pulsed devices in, metrics, exponents and a population out. Heavy imports stay inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fits.results.options import Html, Json, Layout, Model, Plot

Files = Annotated[
    list[Path], typer.Argument(help="Pulse tables (csv, tsv): conductance after every pulse.", show_default=False)
]
Batch = Annotated[int | None, typer.Option("--batch", help="Pulses of one direction, where no column says it.")]
VRead = Annotated[float | None, typer.Option("--v-read", help="Read voltage [V], where the table has a current.")]
ReadNoise = Annotated[
    str, typer.Option("--read-noise", help="auto, none or fit: noise of the read beside that of the step.")
]
LeaveOut = Annotated[
    list[str] | None, typer.Option("--leave-out", help="Name of a device to leave out. Several times.")
]


def pulses_command(
    files: Files,
    batch: Batch = None,
    v_read: VRead = None,
    layout: Layout = None,
    read_noise: ReadNoise = "auto",
    leave_out: LeaveOut = None,
    as_json: Json = False,
    output: Model = None,
    plot: Plot = None,
    html: Html = None,
) -> None:
    """Fit pulse traces: N_states, skew, NSR by likelihood and by the published protocol, exponents, comparison of laws."""
    from fits.pulses.survey import fit_survey
    from fits.pulses.trace import traces_of
    from fits.reading.pulse_readers import read_pulses
    from fits.results.delivery import deliver
    from fits.results.parameter_table import parameter_table
    from ground.errors import InputError, nearest
    from ground.page import Table
    from ground.progress import progress_bar
    from ground.provenance import provenance, sources

    traces = [t for f in files for t in traces_of(read_pulses(f, layout=layout, batch=batch, read_voltage_V=v_read))]
    names = [t.device for t in traces]
    for name in leave_out or ():
        if name not in names:
            raise InputError(f"--leave-out: there is no device '{name}'. {nearest(name, names)}")
    traces = [t for t in traces if t.device not in (leave_out or ())]
    with progress_bar("fitting", quiet=as_json or len(traces) < 10) as report:
        survey = fit_survey(traces, read_noise=read_noise, progress=report)  # type: ignore[arg-type]
    record = provenance(
        "reram fit pulses",
        files=sources("measured data", *files),
        near=output or plot or html,
        synthetic=survey.synthetic,
        read_noise=read_noise,
        left_out=list(leave_out or ()),
    )

    def tables() -> list[Table]:
        first = parameter_table(
            survey.fits[0].parameters, f"Parameters of {survey.fits[0].trace.device or 'the device'}"
        )
        columns = ("n_states", "sp_skew", "nsr", "gamma_up", "gamma_down")
        rows = [(f.trace.device, *(f.parameters[n].value for n in columns), f.delta_aic) for f in survey.fits]
        return [first, Table("Devices", ("device", *columns, "AIC, soft minus generalised"), rows)]

    deliver(
        survey,
        "Pulse fit",
        record,
        as_json=as_json,
        plot=plot,
        html=html,
        output=output,
        save=lambda path: survey.to_compact_model(files=sources("measured data", *files), near=path).save(path),
        tables=tables,
        notes=[f"{n} left out: {r}" for n, r in survey.failed.items()],
    )
