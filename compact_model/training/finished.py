"""An earlier run taken from its folder: its task, its network as the last checkpoint left it, its settings and model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from compact_model.model import CompactModel
from compact_model.training.checkpoint import load_checkpoint
from compact_model.training.run import data_of, make_task
from compact_model.training.settings import TrainSettings
from compact_model.training.task import Task
from compact_model.training.trainer import CHECKPOINT, fresh_network
from ground.errors import InputError


@dataclass(frozen=True)
class FinishedRun:
    """epochs : how many the checkpoint has seen."""

    task: Task
    network: torch.nn.Module
    settings: TrainSettings
    model: CompactModel
    epochs: int


def load_run(folder: str | Path, *, data: Path | None = None, model_file: Path | None = None) -> FinishedRun:
    """Return a run of `reram train` from its folder, finished or not; on the CPU, whatever it was trained on.

    data : where the data are, if no longer where they were.  model_file : of runs whose folder holds no model.json.
    Raises InputError where the folder holds no run, or the model is another than the one it was trained with.
    """
    folder = Path(folder)
    try:
        given = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        several = " It holds several seeds: name one, such as seed-0." if any(folder.glob("seed-*")) else ""
        raise InputError(f"{folder}: is no folder of `reram train`: settings.json {_why(error)}.{several}") from None
    settings = TrainSettings(**given)
    model = _model(folder, model_file)
    if settings.model_content not in ("", model.content_hash):
        raise InputError(
            f"{folder}: was trained with the model {settings.model_content}, not with {model.name!r} ({model.content_hash}): "
            "give its file with --model."
        )
    task = make_task(settings.task, data or data_of(folder), settings.batch, settings.test_bytes)
    place = "cpu" if settings.device == "cpu" else "torch-cpu"
    network = fresh_network(task, settings.replace(device=place), settings.population(model))
    record = load_checkpoint(folder / CHECKPOINT, network)
    return FinishedRun(task, network, settings, model, len(record["curve"]))


def _model(folder: Path, model_file: Path | None) -> CompactModel:
    own = folder / "model.json"
    if model_file is None and not own.is_file():
        return CompactModel.published()
    return CompactModel.load(model_file or own)


def _why(error: Exception) -> str:
    return "is not there" if isinstance(error, FileNotFoundError) else "cannot be read"
