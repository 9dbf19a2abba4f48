"""`reram train`: a thin door; what it calls is imported on call."""

from __future__ import annotations

import json as _json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from compact_model.training.chain_options import Adc, Dac, IrDrop, TileSize, Wire, chain_of, words


def train_command(
    task: Annotated[str, typer.Argument(metavar="mnist|digits|text|PYTHON_FILE", help="What is learned.")],
    algorithm: Annotated[str, typer.Option(help="fp, sgd, mp, ttv1, ttv2, c-ttv2 or agad.")] = "agad",
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the MNIST files (default: the cache folder, loaded at first), or the text file."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Compact model file; default: the published population.")] = None,
    epochs: Annotated[int, typer.Option(help="Epochs in all, those before a resume included.")] = 80,
    seed: Annotated[int, typer.Option(help="Of devices, noise and order; the same seed gives the same curve.")] = 0,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN_FOLDER",
            help="Go on from the arrays of another run of the same task and devices, with these rates; they decay from there.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="That many seeds side by side.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes for several seeds; default: one per core, at most one per seed.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:8786, for several seeds.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate; default: the algorithm's.")] = None,
    decay: Annotated[float | None, typer.Option(help="What lr is multiplied by after every epoch.")] = None,
    fast_lr: Annotated[float | None, typer.Option(help="Learning rate of the fast array.")] = None,
    transfer_every: Annotated[
        float | None,
        typer.Option(help="Vectors from one read of a column to the next read; 0.25: four columns after every vector."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Pulses on W come later by this factor; lr of biases stays.")
    ] = None,
    rho: Annotated[float | None, typer.Option(help="Switches of the choppers per read of a column.")] = None,
    tail: Annotated[
        float | None,
        typer.Option(help="AGAD: how much the end of a chopper period counts in the reference; times rho."),
    ] = None,
    true_size: Annotated[
        bool,
        typer.Option(
            "--true-size",
            help="W follows the gradient by its size, whatever rate A had (aihwkit's correct_gradient_magnitudes).",
        ),
    ] = False,
    verify: Annotated[
        float | None,
        typer.Option(
            help="Look at every device pulsed and carry what it did not move; a pulse is due from that part of a step on."
        ),
    ] = None,
    reach: Annotated[float, typer.Option(help="Weight at the end of the devices' mean window.")] = 1.0,
    learn_scales: Annotated[
        bool, typer.Option("--learn-scales", help="A digital factor per row, from --reach on, learns with the biases.")
    ] = False,
    clip: Annotated[
        float | None,
        typer.Option(help="Largest norm of the gradient of everything digital; a longer one is shortened."),
    ] = None,
    digital_lr: Annotated[
        float | None, typer.Option(help="Largest rate of biases and row factors, where --lr is above it.")
    ] = None,
    line_rates: Annotated[
        float | None,
        typer.Option(
            help="A learning rate per row and per column, by how strong their errors and inputs are; lines weaker than this part of the "
            "strongest count as that strong."
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(help="A rate of one layer, such as out:fast_lr=0.05; may be repeated."),
    ] = None,
    output_noise: Annotated[
        float | None,
        typer.Option(help="Noise of one output of an array, in weights at full input; default: aihwkit's 0.06."),
    ] = None,
    device_noise: Annotated[
        float | None,
        typer.Option(
            help="Noise of one device read at full input, in weights; an output gets that of all devices on its line. Published: 0.006."
        ),
    ] = None,
    train_wire: Annotated[
        str | None,
        typer.Option(
            help="Resistance of one wire segment that products in training see, with its unit, on arrays of --tile; default: none."
        ),
    ] = None,
    train_wire_every: Annotated[
        int | None, typer.Option(help="Updates from one exact solution of those wires to the next; default: 100.")
    ] = None,
    slots: Annotated[int, typer.Option(help="Length of the pulse trains, at most 31.")] = 5,
    spread_trains: Annotated[
        bool,
        typer.Option(
            "--spread-trains",
            help="First slots of all vectors of a batch before the second ones: no burst of pulses from one vector.",
        ),
    ] = False,
    even_trains: Annotated[
        bool,
        typer.Option(
            "--even-trains",
            help="Evenly spaced pulses on the rows that meet blocks on the columns: as many coincidences as the product says.",
        ),
    ] = False,
    batch: Annotated[int, typer.Option(help="Vectors of a batch.")] = 32,
    nsr: Annotated[float | None, typer.Option(help="Change the mean noise of a step (fraction).")] = None,
    states: Annotated[float | None, typer.Option(help="Change the mean number of states.")] = None,
    skew: Annotated[float | None, typer.Option(help="Change the mean skew; 0.5 is symmetric.")] = None,
    test_bytes: Annotated[
        int | None, typer.Option(help="Characters at the end of a text that are the test; default: the last tenth.")
    ] = None,
    patience: Annotated[int, typer.Option(help="Stop after that many epochs without a better figure; 0: never.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads for the pulses; the result does not depend on it.")] = 1,
    device: Annotated[
        str, typer.Option(help="cpu (numba kernels), torch-cpu, or cuda: the tile in torch, on a GPU.")
    ] = "cpu",
    read_times: Annotated[
        str, typer.Option(help="When the trained arrays are read, after the last update.")
    ] = "0,1s,1h,1d,10y",
    wire: Wire = "0.35 ohm",
    dac: Dac = 6,
    adc: Adc = 8,
    ir_drop: IrDrop = "tabulated",
    tile: TileSize = 64,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("runs/train"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Train a network on arrays of pulsed devices, then let the arrays wait and read them again."""
    from compact_model.moments import parse_times
    from compact_model.training import load_training
    from compact_model.training.settings import TrainSettings, Variant
    from ground.errors import InputError

    load_training()
    from compact_model.training.converters import Converters
    from compact_model.training.pulse_trains import PulseTrains

    if seeds < 1:
        raise InputError(f"seeds={seeds} is not allowed: expected 1 or more.")
    if seeds == 1 and (workers is not None or scheduler is not None):
        raise InputError("workers and scheduler share out several seeds: give --seeds N with them.")
    if seeds > 1 and start is not None:
        raise InputError(
            f"start={start} is not allowed with several seeds: each would need a run of its own to start from."
        )
    if seeds > 1 and threads != 1:
        raise InputError(f"threads={threads} is not allowed with several seeds: each has one thread; give --workers.")
    rates = {"lr": lr, "fast_lr": fast_lr, "transfer_every": transfer_every}
    rates |= {
        "decay": decay,
        "threshold": threshold,
        "rho": rho,
        "tail": tail,
        "verify": verify,
        "true_size": true_size or None,
    }
    noises = {"noise": output_noise, "device_noise": device_noise}
    settings = TrainSettings(
        task=task,
        algorithm=algorithm,
        rates={k: v for k, v in rates.items() if v is not None},
        epochs=epochs,
        seed=seed,
        batch=batch,
        patience=patience,
        trains=PulseTrains(slots=slots, spread=spread_trains, even=even_trains),
        converters=Converters().replace(**{k: v for k, v in noises.items() if v is not None}),
        variant=Variant(nsr=nsr, states=states, skew=skew),
        device=device,
        test_bytes=test_bytes,
        reach=reach,
        learn_scales=learn_scales,
        clip=clip,
        digital_lr=digital_lr,
        line_rates=line_rates,
        layers=_rates_of_layers(layer or []),
        wires=_wires(train_wire, tile, train_wire_every),
    )
    settings.law  # noqa: B018 - says at once where a rate is not one of this algorithm
    chain = chain_of(wire, dac, adc, ir_drop, tile)
    how: dict[str, Any] = {"data": data, "model_file": model, "resume": resume, "read": chain}
    how["times"] = tuple(parse_times(read_times, "read-times"))
    if seeds > 1:
        record, text = _several(settings, output, seeds, json, **how, workers=workers, scheduler=scheduler)
    else:
        record, text = _one(settings, output, json, **how, threads=threads, start=start)
    if json:
        sys.stdout.write(_json.dumps(record, indent=2, allow_nan=False) + "\n")
        return
    typer.echo(text)
    typer.echo(f"  {output}/: result.json, " + ("seed-*/" if seeds > 1 else "curve.csv, checkpoint.npz, arrays.npz"))


def _wires(segment: str | None, lines: int, every: int | None) -> Any:
    """Return the wires that products in training see, or None."""
    from compact_model.mvm.cli import parse_quantity
    from compact_model.training.wires import TrainWires
    from ground.errors import InputError

    if segment is None:
        if every is not None:
            raise InputError(
                f"train-wire-every={every} is not allowed without --train-wire: there are no wires to solve."
            )
        return None
    often = {} if every is None else {"every": every}
    return TrainWires(segment_ohm=parse_quantity("train-wire", segment, "ohm"), lines=lines, **often)


def _rates_of_layers(texts: list[str]) -> dict[str, dict[str, float]]:
    """Return {layer: {rate: value}} of texts such as out:fast_lr=0.05."""
    from ground.errors import InputError

    out: dict[str, dict[str, float]] = {}
    for text in texts:
        name, _, rate = text.partition(":")
        rate, _, value = rate.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = None
        if not name or number is None:
            raise InputError(f"layer={text!r} is not allowed: expected NAME:RATE=VALUE, such as out:fast_lr=0.05.")
        out.setdefault(name, {})[rate] = number
    return out


def _one(settings: Any, output: Path, quiet: bool, **how: Any) -> tuple[dict[str, Any], str]:
    from compact_model.training.run import run
    from ground.progress import progress_bar

    with progress_bar("epoch", quiet=quiet) as report:
        say = (lambda line: None) if quiet else (lambda line: typer.echo(f"\r{line:<78}", err=True))
        record = run(settings, output, **how, say=say, progress=report)
    figure = record["figure"]
    first = (
        f"{record['task']}: {figure} {record['last']:.4f} after {record['epochs']} epochs, best {record['best']:.4f}"
    )
    return record, "\n".join([first, *words(record["in_time"], figure)])


def _several(settings: Any, output: Path, seeds: int, quiet: bool, **how: Any) -> tuple[dict[str, Any], str]:
    from compact_model.training.seeds import run_seeds
    from ground.progress import progress_bar

    with progress_bar("seeds", quiet=quiet) as report:
        record = run_seeds(settings, output, seeds, **how, progress=report)
    figure = record["figure"]
    first = f"{figure} {record['mean']:.4f} ± {record['spread']:.4f} over seeds {record['seeds']}"
    return record, "\n".join([first, *words(record["in_time"], figure)])
