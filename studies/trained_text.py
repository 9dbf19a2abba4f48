"""The text network as AGAD left it on the array, kept in the project, for its training takes hours: to read, to evaluate, to train on.

python -m studies.trained_text RUN    keeps the state of a run of `reram train text`, finished or not

The folder `text_arrays` is one of `reram train`, whose data must be named:
reram evaluate studies/text_arrays --data FILE, reram train text --start studies/text_arrays ..., python -m studies.gradient_noise
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from ground.errors import InputError
from ground.files import atomic, write_json
from ground.provenance import provenance, sources
from ground.stamp import stamp
from studies.training_targets import TEXT_ARRAYS

FOLDER = Path(__file__).with_name("text_arrays")


def keep(run: Path, folder: Path = FOLDER) -> None:
    """Keep settings and last checkpoint of a run in a folder; raises InputError where there are none, or it learned something else."""
    from compact_model.training.checkpoint import CHECKPOINT, read_record
    from compact_model.training.run import data_of
    from compact_model.training.settings import TrainSettings

    record = read_record(run / CHECKPOINT)
    try:
        settings = TrainSettings(**json.loads((run / "settings.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(f"{run}: is no folder of `reram train`: it has no readable settings.json.") from None
    if (settings.task, settings.algorithm) != ("text", "agad"):
        raise InputError(f"{run}: learned {settings.task!r} by {settings.algorithm!r}; expected 'text' by 'agad'.")
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(run / CHECKPOINT, allow_pickle=False) as arrays:
        state = dict(arrays)
    with atomic(folder / CHECKPOINT) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **state)
    write_json(folder / "settings.json", settings.model_dump(mode="json"))
    last, data = record["curve"][-1], data_of(run)
    made = provenance(
        TEXT_ARRAYS,
        files=sources("training data", data) if data is not None and data.is_file() else (),
        synthetic=False,
        content=settings.content,
        epoch=last["epoch"],
        perplexity=last["perplexity"],
        model_content=settings.model_content,
    )
    stamp(folder / CHECKPOINT, made)


if __name__ == "__main__":
    from compact_model.training import load_training

    try:
        load_training()
        if len(sys.argv) != 2:
            raise InputError(f"trained text: got {sys.argv[1:]}; expected RUN, a folder of `reram train text`.")
        keep(Path(sys.argv[1]))
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
