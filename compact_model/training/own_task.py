"""Your own task: a Python file with the data and, if wanted, the network."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compact_model.training.task import Task
from ground.errors import InputError

_HOW = "it must define data() -> (x, y, x_test, y_test), or train and test as torch Datasets, and may define network()."


class OwnTask(Task):
    """A task from a file; `network()` of the file replaces the fully connected one."""

    def __init__(self, name: str, build: Any, *data: Any, batch: int) -> None:
        super().__init__(name, *data, hidden=(64,), batch=batch)
        self._build = build

    def network(self) -> torch.nn.Module:
        """Return the file's network, or two layers."""
        made = super().network() if self._build is None else self._build()
        if not isinstance(made, torch.nn.Module):
            raise InputError(f"{self.name}: network() returned a {type(made).__name__}; expected a torch.nn.Module.")
        return made


def own_task(path: str | Path, *, batch: int = 32) -> OwnTask:
    """Run a Python file of yours and return its task; raises InputError naming what is missing in it."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. A task is mnist, digits, text or a Python file: {_HOW}")
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise InputError(f"{path}: {type(error).__name__} while running it: {error}") from error
    if callable(names.get("data")):
        data = names["data"]()
        if not isinstance(data, tuple) or len(data) != 4:
            raise InputError(f"{path}: data() must return four things: x, y, x_test, y_test.")
    elif "train" in names and "test" in names:
        data = (*_columns(path, names["train"]), *_columns(path, names["test"]))
    else:
        raise InputError(f"{path}: {_HOW}")
    return OwnTask(path.name, names.get("network"), *data, batch=batch)


def _columns(path: Path, dataset: Any) -> tuple[Any, Any]:
    try:
        pairs = [dataset[k] for k in range(len(dataset))]
        return np.stack([np.asarray(x, np.float32) for x, _ in pairs]), np.array([int(y) for _, y in pairs])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: train and test must be torch Datasets of (vector, label): {error}.") from None
