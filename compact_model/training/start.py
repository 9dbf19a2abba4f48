"""A run that starts from the arrays that another one left, with other rates: a schedule by hand, or wires that come in late."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from compact_model.training.checkpoint import CHECKPOINT, read_record
from compact_model.training.settings import Start, TrainSettings
from ground.errors import InputError
from ground.files import atomic, file_hash
from ground.spec import Spec

START = "start.npz"
_SAME = ("task", "seed", "model_content", "variant", "reach", "learn_scales", "test_bytes")


def started(settings: TrainSettings, source: Path | None, folder: Path, resume: bool) -> TrainSettings:
    """Return the settings of a run in `folder` that starts from the run in `source`, or, resumed, from where it once started.

    Raises InputError where the devices or the network of `source` are others, or its epochs are not less than those asked for.
    """
    kept = folder / START
    if resume and kept.is_file():
        return settings.replace(start=_of(kept))
    if source is None:
        return settings
    theirs = _settings(source)
    for name in _SAME:
        mine, other = getattr(settings, name), getattr(theirs, name)
        if mine != other:
            raise InputError(
                f"start={source}: was trained with {name}={_shown(other)}, but this run has {_shown(mine)}: its devices or its task would "
                "be others. Give the same; only rates, algorithm, trains, converters and wires may change."
            )
    if theirs.law.code < 0 or theirs.law.has_fast_array != settings.law.has_fast_array:
        raise InputError(
            f"start={source}: was trained with algorithm={theirs.algorithm!r}, whose arrays are not those of {settings.algorithm!r}: "
            "expected both with a fast array (ttv1, ttv2, c-ttv2, agad), or both without (sgd, mp)."
        )
    start = _of(source / CHECKPOINT)
    if settings.epochs <= start.epoch:
        raise InputError(
            f"epochs={settings.epochs} is not allowed with start={source}: expected more than the {start.epoch} it has; they count in all."
        )
    return settings.replace(start=start)


def keep_start(source: Path, folder: Path) -> None:
    """Copy the checkpoint a run starts from into its folder, so that it can be resumed whatever becomes of `source`."""
    with atomic(folder / START) as temporary:
        shutil.copyfile(source / CHECKPOINT, temporary)


def _of(checkpoint: Path) -> Start:
    """Return the start that a checkpoint is."""
    epoch = len(read_record(checkpoint)["curve"])  # says so where there is none
    return Start(content=file_hash(checkpoint)[:16], epoch=epoch)


def _settings(source: Path) -> TrainSettings:
    try:
        return TrainSettings(**json.loads((source / "settings.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(f"start={source}: is no folder of `reram train`: it has no readable settings.json.") from None


def _shown(value: Any) -> str:
    return repr(value.model_dump() if isinstance(value, Spec) else value)
