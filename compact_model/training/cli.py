"""`reram train`: a thin door; what it calls is imported on call."""

from __future__ import annotations

import json as _json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def train_command(
    task: Annotated[str, typer.Argument(metavar="mnist|digits|text|PYTHON_FILE", help="What is learned.")],
    algorithm: Annotated[str, typer.Option(help="fp, sgd, ttv1, ttv2, c-ttv2 or agad.")] = "agad",
    data: Annotated[Path | None, typer.Option(help="Folder of the MNIST files, or the text file.")] = None,
    model: Annotated[Path | None, typer.Option(help="Compact model file; default: the published population.")] = None,
    epochs: Annotated[int, typer.Option(help="Epochs in all, those before a resume included.")] = 80,
    seed: Annotated[int, typer.Option(help="Of devices, noise and order; the same seed gives the same curve.")] = 0,
    seeds: Annotated[int, typer.Option(help="That many seeds side by side, one process each.")] = 1,
    lr: Annotated[float | None, typer.Option(help="Learning rate; default: the algorithm's.")] = None,
    fast_lr: Annotated[float | None, typer.Option(help="Learning rate of the fast array.")] = None,
    transfer_every: Annotated[float | None, typer.Option(help="Vectors between two reads of a column.")] = None,
    slots: Annotated[int, typer.Option(help="Length of the pulse trains, at most 31.")] = 5,
    batch: Annotated[int, typer.Option(help="Vectors of a batch.")] = 32,
    nsr: Annotated[float | None, typer.Option(help="Change the mean noise of a step (fraction).")] = None,
    states: Annotated[float | None, typer.Option(help="Change the mean number of states.")] = None,
    skew: Annotated[float | None, typer.Option(help="Change the mean skew; 0.5 is symmetric.")] = None,
    patience: Annotated[int, typer.Option(help="Stop after that many epochs without a better figure; 0: never.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads for the pulses; the result does not depend on it.")] = 1,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("runs/train"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Train a network on arrays of pulsed devices, then let the array wait and read it again."""
    from compact_model.training import load_training
    from compact_model.training.settings import TrainSettings, Variant
    from ground.errors import InputError
    from ground.progress import progress_bar

    load_training()
    from compact_model.training.pulse_trains import PulseTrains
    from compact_model.training.run import run, run_seeds

    if seeds < 1:
        raise InputError(f"seeds={seeds} is not allowed: expected 1 or more.")
    rates = {"lr": lr, "fast_lr": fast_lr, "transfer_every": transfer_every}
    settings = TrainSettings(
        task=task,
        algorithm=algorithm,
        rates={k: v for k, v in rates.items() if v is not None},
        epochs=epochs,
        seed=seed,
        batch=batch,
        patience=patience,
        trains=PulseTrains(slots=slots),
        variant=Variant(nsr=nsr, states=states, skew=skew),
    )
    settings.law  # noqa: B018 - says at once where a rate is not one of this algorithm
    how: dict[str, Any] = {"data": data, "model_file": model, "resume": resume, "threads": threads}
    if seeds > 1:
        record = run_seeds(settings, output, seeds, **how)
        text = f"{record['figure']} {record['mean']:.4f} ± {record['spread']:.4f} over seeds {record['seeds']}"
    else:
        with progress_bar("epoch", quiet=json) as report:
            say = (lambda line: None) if json else (lambda line: typer.echo(f"\r{line:<78}", err=True))
            record = run(settings, output, **how, say=say, progress=report)
        text = _words(record)
    if json:
        sys.stdout.write(_json.dumps(record, indent=2, allow_nan=False) + "\n")
        return
    typer.echo(text)
    typer.echo(f"  {output}/: result.json, curve.csv, checkpoint.npz" + ("" if seeds > 1 else ", arrays.npz"))


def _words(record: dict[str, Any]) -> str:
    figure = record["figure"]
    lines = [
        f"{record['task']}: {figure} {record['last']:.4f} after {record['epochs']} epochs, best {record['best']:.4f}"
    ]
    for row in record["in_time"]:
        corrected = row[f"{figure}_shift_corrected"]
        lines.append(f"  {row['time_s']:>10.4g} s after   {row[figure]:.4f}   mean shift taken back {corrected:.4f}")
    return "\n".join(lines)
