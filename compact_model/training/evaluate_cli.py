"""`reram evaluate`: an earlier run of `reram train`, read through arrays; a thin door."""

from __future__ import annotations

import json as _json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from compact_model.mvm.cli import Reference, ReferenceEvery
from compact_model.training.chain_options import Adc, Dac, IrDrop, TileSize, Wire, chain_of, words


def evaluate_command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="Folder of `reram train`, finished or not.")],
    times: Annotated[str, typer.Option(help="Times after the last write: 0,1s,1h,1d,1w,10y.")] = "0,1s,1h,1d,10y",
    wire: Wire = "0.35 ohm",
    dac: Dac = 6,
    adc: Adc = 8,
    ir_drop: IrDrop = "tabulated",
    tile: TileSize = 64,
    compensation: Annotated[str, typer.Option(help="none, gain, shift, gain and shift.")] = "none",
    references: Annotated[
        str, typer.Option(help="Devices that stand for weight 0: fixed, or relaxing like all others.")
    ] = "fixed",
    input_scale: Annotated[
        str, typer.Option(help="Full scale of the DAC: vector (the largest of each vector), or a number.")
    ] = "vector",
    program: Annotated[
        str | None,
        typer.Option(help="Write the weights into fresh arrays instead: stated, simulated or ideal programming."),
    ] = None,
    acceptance: Annotated[float, typer.Option(help="With --program: of the closed loop, a fraction.")] = 0.002,
    window: Annotated[str, typer.Option(help="With --program: conductances of -1 and 1.")] = "9..89 uS",
    scheme: Annotated[str, typer.Option(help="With --program: single (device and mid-point) or pair.")] = "pair",
    reference: Reference = "column",
    reference_every: ReferenceEvery = 0,
    cell: Annotated[
        bool, typer.Option("--cell", help="Read through the current-voltage curve of the model's cell.")
    ] = False,
    repeats: Annotated[int, typer.Option(help="With --program: how often, with other devices.")] = 1,
    seed: Annotated[int, typer.Option(help="With --program: of devices and noise.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Where the data are, if no longer where they were.")] = None,
    model: Annotated[Path | None, typer.Option(help="Model file, for runs without a model.json.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder; default: that of the run.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Read the arrays of an earlier training as time passes: as it left them, or programmed with its weights.

    A run in floating point has no arrays; its weights are programmed (stated width) where --program says nothing else.
    """
    from compact_model.moments import parse_times
    from compact_model.training import load_training

    load_training()
    from compact_model.mvm.cli import parse_window
    from compact_model.training.aftermath import evaluate_trained
    from compact_model.training.finished import load_run
    from compact_model.training.network_in_arrays import evaluate
    from ground.errors import InputError
    from ground.progress import progress_bar

    when = parse_times(times)
    low, high = parse_window(window)
    settings: dict[str, Any] = {"compensation": compensation, "low_S": low, "high_S": high, "scheme": scheme}
    settings |= {"reference": reference, "reference_every": reference_every or None}
    chain = chain_of(wire, dac, adc, ir_drop, tile, **settings, acceptance=acceptance, programming=program or "stated")
    found = load_run(run, data=data, model_file=model)
    if program is None and found.settings.law.code < 0:
        program = "stated"
    if program is None and reference != "column":
        raise InputError(
            f"reference={reference!r} is not allowed without --program: as trained, every device stands beside a reference of "
            "its own in the array; --references says whether that relaxes."
        )
    if cell and found.model.cell is None:
        raise InputError(
            f"--cell is not allowed: the model {found.model.name!r} of {run} has no cell. `reram model calibrate` writes one with a cell, "
            "to train with; for a run without a model.json, give it with --model."
        )
    if cell:
        chain = chain.replace(cell=found.model.cell)
    with progress_bar("reading", quiet=json) as report:
        how: dict[str, Any] = {"times": when, "input_scale": _scale(input_scale), "progress": report}
        if program is None:
            how |= {"noise": found.model.noise, "references": references}
            result = evaluate_trained(found.network, found.task, chain, **how)
        else:
            how |= {"repeats": repeats, "seed": seed}
            result = evaluate(found.network, found.task, found.model, chain, **how)
    record = _write(result, found, run, output or run, input_scale=how["input_scale"])
    if json:
        sys.stdout.write(_json.dumps(record, indent=2, allow_nan=False) + "\n")
        return
    figure = result.figure
    typer.echo(
        f"{found.task.name}, {result.state}: {figure} {result.digital[figure]:.4f} in floating point, after {found.epochs} epochs"
    )
    typer.echo("\n".join(words(result.rows(), figure)))
    typer.echo(f"  {output or run}/: evaluation.json, evaluation.csv, evaluation.png")


def _scale(text: str) -> str | float:
    from ground.errors import InputError

    try:
        return text if text == "vector" else float(text)
    except ValueError:
        raise InputError(f"input-scale={text!r} is not allowed: expected vector, or a number above 0.") from None


def _write(result: Any, found: Any, run: Path, folder: Path, **how: Any) -> dict[str, Any]:
    from compact_model.training.trainer import CHECKPOINT
    from ground.errors import MissingLibrary
    from ground.files import write_json
    from ground.provenance import provenance, sources
    from ground.stamp import stamp

    folder.mkdir(parents=True, exist_ok=True)
    made_there = (run / name for name in ("result.json", CHECKPOINT, "settings.json"))
    files = sources("training run", *(p for p in made_there if p.is_file()))
    if (run / "model.json").is_file():
        files += sources("compact model", run / "model.json")
    made = provenance(
        "reram evaluate",
        files=files,
        near=folder / "evaluation.json",
        synthetic=found.model.synthetic,
        content=found.settings.content,
        model=found.model.name,
        **how,
    )
    record = {"task": found.task.name, "epochs": found.epochs, **result.record(), "provenance": made}
    write_json(folder / "evaluation.json", record)
    result.save_csv(folder / "evaluation.csv")
    stamp(folder / "evaluation.csv", made)
    try:
        result.save_plot(folder / "evaluation.png")
        stamp(folder / "evaluation.png", made)
    except MissingLibrary as error:
        typer.echo(f"no plot: {error}", err=True)
    return record
