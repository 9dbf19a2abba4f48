"""`reram uncertainty`: the errors of fits, carried to products in memory and to a network; a thin door."""

from __future__ import annotations

import json as _json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from compact_model.model import CompactModel


def uncertainty_command(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="Model file with a covariance; of several, the parts each one fitted.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path("runs/uncertainty"),
    samples: Annotated[int, typer.Option(help="Models to draw, and sets of devices beside them.")] = 20,
    times: Annotated[str, typer.Option(help="Times after programming: 0,1s,1h,1d,10y.")] = "0,1s,1h,10y",
    size: Annotated[int, typer.Option(help="Rows and columns of the matrix.")] = 64,
    inputs: Annotated[int, typer.Option(help="Vectors that are multiplied.")] = 100,
    window: Annotated[str, typer.Option(help="Conductances of the weights -1 and 1, with their unit.")] = "9..89 uS",
    network: Annotated[
        str | None, typer.Option(help="Folder of `reram train`, or digits: a small network, trained here once.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Where the network's data are, if no longer where they were.")
    ] = None,
    linear: Annotated[bool, typer.Option("--linear", help="Linear devices, also where the model has a cell.")] = False,
    seed: Annotated[int, typer.Option(help="Of drawn models, matrix, inputs and devices.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Carry the covariance of fits to MVM error and network accuracy: bands, beside those of other devices of one model.

    Finished samples are kept in the folder: a stopped run goes on, and --samples 40 after 20 adds 20.
    """
    from compact_model.model_samples import covariance_of
    from compact_model.moments import parse_times
    from compact_model.mvm.cli import parse_window
    from compact_model.mvm.settings import MvmSettings
    from compact_model.streams import check_seed
    from ground.errors import InputError
    from ground.progress import progress_bar
    from ground.provenance import provenance, sources
    from studies.trained_network import trained_network
    from studies.uncertainty_bands import Question, uncertainty_bands
    from studies.uncertainty_result import report, write_bands

    if output.is_file():
        raise InputError(f"-o {output}: is a file; expected a folder for the results.")
    low, high = parse_window(window)
    settings = MvmSettings.published(programming="simulated", low_S=low, high_S=high)
    plain = Question(tuple(parse_times(times)), size, inputs, settings, not linear, seed=check_seed(seed))
    model = _model(models, output)
    covariance_of(model)  # before a network is trained
    net = None if network is None else trained_network(network, output, data=data)
    question = Question(plain.times_s, size, inputs, settings, not linear, net, seed)
    with progress_bar("reram uncertainty", quiet=json) as progress:
        bands = uncertainty_bands(model, samples, question, folder=output, progress=progress)
    record = provenance(
        "reram uncertainty",
        files=[*sources("compact model", *models), *([] if net is None else net.files)],
        near=output / "uncertainty.json",
        synthetic=True,
        samples=samples,
        times_s=list(question.times_s),
        size=size,
        inputs=inputs,
        network=network,
        linear=linear,
        window=window,
        seed=seed,
    )
    written = write_bands(bands, output, record)
    if json:
        typer.echo(_json.dumps({**bands.to_dict(), "provenance": record}, indent=2, allow_nan=False))
        return
    typer.echo(report(bands))
    typer.echo("written: " + ", ".join(str(p) for p in written))


def _model(files: list[Path], folder: Path) -> CompactModel:
    """Return the model of a file; of several files one with the parts that each of them fitted, kept as model.json."""
    from compact_model.model import CompactModel
    from compact_model.model_join import join_models
    from compact_model.model_samples import covariance_of
    from ground.provenance import sources

    read = [CompactModel.load(f) for f in files]
    if len(read) == 1:
        return read[0]
    for model in read:
        covariance_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    joined = join_models(read, files=sources("compact model", *files), near=folder / "model.json")
    joined.save(folder / "model.json")
    return joined
