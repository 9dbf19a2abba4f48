"""A trained network that models are tried on: from a folder of `reram train`, or a small one trained here on scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from ground.files import content_hash, file_hash
from ground.provenance import Source, sources

if TYPE_CHECKING:
    from compact_model.model import CompactModel

DIGITS = "digits"
_EPOCHS, _RATE = 20, 0.5  # of the small network: about 96 % right in floating point, within seconds


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """run : of `load_run`.  folder : where it is.  content : of its files, 16 hex digits."""

    run: Any
    folder: Path
    content: str

    @property
    def figure(self) -> str:
        """Name of its figure of merit, such as "accuracy"."""
        return str(self.run.task.figure)

    @property
    def files(self) -> list[Source]:
        """What it is made of, as inputs."""
        return sources("training run", *_files(self.folder))

    def scores(
        self, model: CompactModel, times_s: Sequence[float], seed: int, through_cell: bool = False
    ) -> list[float]:
        """Return its figure of merit at each time, programmed into devices of a model.

        through_cell : read each device through the curve of the model's cell, where it has one.
        """
        from compact_model.training.network_in_arrays import default_chain, evaluate

        chain = default_chain(simulated=True)
        if through_cell and model.cell is not None:
            chain = chain.replace(cell=model.cell)
        found = evaluate(self.run.network, self.run.task, model, chain, times=times_s, seed=seed)
        return [float(v) for v in found.mean]


def trained_network(given: str | Path, folder: Path, *, data: Path | None = None) -> TrainedNetwork:
    """Return the network of a run folder, or for "digits" one trained in floating point in folder/network (once).

    data : where the data of the run are, if no longer where they were.
    Raises InputError where the folder holds no run or is damaged, MissingLibrary without torch (or scikit-learn for digits).
    """
    from compact_model.training import load_training

    load_training()
    from compact_model.training.finished import load_run

    place = Path(given)
    if str(given) == DIGITS:
        place = folder / "network"
        _train_digits(place)
    elif not place.is_dir():
        raise InputError(f"network={str(given)!r} is not allowed: expected a folder of `reram train`, or {DIGITS}.")
    run = load_run(place, data=data)
    return TrainedNetwork(run, place, content_hash([file_hash(p) for p in _files(place)]))


def _train_digits(place: Path) -> None:
    from compact_model.training.run import run
    from compact_model.training.settings import TrainSettings
    from compact_model.training.trainer import CHECKPOINT

    if not (place / "result.json").is_file():
        settings = TrainSettings(task=DIGITS, algorithm="fp", rates={"lr": _RATE}, epochs=_EPOCHS)
        run(settings, place, resume=(place / CHECKPOINT).is_file())


def _files(folder: Path) -> list[Path]:
    from compact_model.training.trainer import CHECKPOINT

    return [p for name in (CHECKPOINT, "settings.json") if (p := folder / name).is_file()]
