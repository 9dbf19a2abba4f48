"""A run in a folder: settings, checkpoint, learning curve, accuracy in time, and what made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.model import CompactModel
from compact_model.mvm.settings import MvmSettings
from compact_model.training.settings import TrainSettings, check_devices
from ground.errors import InputError
from ground.files import cache_dir, write_json
from ground.provenance import Source, provenance, sources
from ground.stamp import stamp

TASKS = ("mnist", "digits", "text")
DATA = "data.json"


def make_task(name: str, data: Path | None, batch: int, test_bytes: int | None = None) -> Any:
    """Return a task by name, or of a Python file."""
    from compact_model.training.images import digits, mnist
    from compact_model.training.own_task import own_task
    from compact_model.training.text import Text

    if name == "mnist":
        return mnist(data, batch=batch)
    if name == "digits":
        return digits(batch=batch)
    if name == "text":
        return Text(data, batch=batch, test_bytes=test_bytes)
    if not name.endswith(".py"):
        raise InputError(f"task={name!r} is not known: expected mnist, digits, text or a Python file (name.py).")
    return own_task(name, batch=batch)


def run(
    settings: TrainSettings,
    folder: Path,
    *,
    data: Path | None = None,
    model_file: Path | None = None,
    resume: bool = False,
    start: Path | None = None,
    threads: int = 1,
    read: MvmSettings | None = None,
    times: tuple[float, ...] | None = None,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Train in `folder` and return the result that is also written there as result.json.

    Writes settings.json, data.json (where the data are), model.json, checkpoint.npz, curve.csv, result.json, arrays.npz (conductances
    and bounds [S] of every layer), and curve.png where matplotlib is installed.
    data : file or folder of the task's data; a resumed run knows it.
    start : folder of another run of the same task and devices, from whose last checkpoint this one goes on with its own rates, which
    decay from there; epochs count in all. That checkpoint is kept as start.npz.
    read, times : the chain through which the trained arrays are read, and when [s] (default: `evaluate_trained`'s).
    Raises InputError where the folder holds another run and `resume` is not asked for.
    """
    from compact_model.training.aftermath import MOMENTS_S, evaluate_trained, trained_arrays
    from compact_model.training.convert import torch_device
    from compact_model.training.start import START, keep_start, started
    from compact_model.training.threads import use_threads
    from compact_model.training.trainer import CHECKPOINT, fresh_network, train

    model = CompactModel.published() if model_file is None else CompactModel.load(model_file)
    check_devices(model)
    settings = settings.replace(model_content=model.content_hash)
    if (folder / CHECKPOINT).exists() and not resume:
        raise InputError(f"{folder}: holds a run already; go on with --resume, or give another folder with -o.")
    torch_device(settings.device)
    settings = started(settings, start, folder, resume)
    data = data or (data_of(folder) if resume else None)
    task = make_task(settings.task, data, settings.batch, settings.test_bytes)
    if settings.layers:
        fresh_network(
            task, settings, settings.population(model)
        )  # a layer that is not there is told before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    if start is not None and not any((folder / name).exists() for name in (START, CHECKPOINT)):
        keep_start(start, folder)
    write_json(folder / "settings.json", settings.model_dump(mode="json"))
    write_json(folder / DATA, {"data": None if data is None else str(data.resolve())})
    model.save(folder / "model.json")
    use_threads(threads)
    how: dict[str, Any] = {"folder": folder, "resume": resume, "say": say, "progress": progress}
    result = train(task, settings, settings.population(model), **how)
    result.curve.save_csv(folder / "curve.csv")
    _plot(result.curve, folder / "curve.png", say)
    arrays = trained_arrays(result.network, model.noise)
    with (folder / "arrays.npz").open("wb") as stream:
        np.savez(stream, **{f"{n}/{k}": v for n, a in arrays.items() for k, v in _conductances(a).items()})
    made = provenance(
        "reram train",
        files=[
            *sources("compact model", model_file or folder / "model.json"),
            *_data(settings.task, data),
            *([] if settings.start is None else sources("start", folder / START)),
        ],
        near=folder / "result.json",
        synthetic=model.synthetic,
        content=settings.content,
        model=model.name,
        model_content=model.content_hash,
    )
    for name in ("curve.csv", "curve.png", "arrays.npz"):
        if (folder / name).is_file():
            stamp(folder / name, made, beside=name == "curve.csv")  # which is compared byte by byte, and read as it is
    later = None
    if arrays:
        say("reading the arrays as time passes")
        when = times or MOMENTS_S
        later = evaluate_trained(result.network, task.to("cpu"), read, noise=model.noise, times=when)
    last = result.curve.rows[-1]
    record = {
        "task": task.name,
        "figure": task.figure,
        "last": last[task.figure],
        "best": result.curve.best[task.figure],
        "best_epoch": result.curve.best["epoch"],
        "epochs": last["epoch"],
        "in_time": later.rows() if later else [],
        "read": later.record() if later else None,
        "data": None if data is None else str(data.resolve()),
        "curve": result.curve.rows,
        "settings": settings.model_dump(mode="json"),
        "provenance": made,
    }
    write_json(folder / "result.json", record)
    return record


def data_of(folder: Path) -> Path | None:
    """Return where the run in a folder found its data, if it says so."""
    for name in (DATA, "result.json"):  # the latter of runs from before there was the former
        try:
            record: Any = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and isinstance(record.get("data"), str):
            return Path(record["data"])
    return None


def _data(task: str, data: Path | None) -> list[Source]:
    """Return the files of a task as inputs."""
    if task == "mnist":
        from compact_model.training.download import SHA256
        from compact_model.training.idx import find_idx

        return sources("training data", *(find_idx(data or cache_dir() / "mnist", name) for name in SHA256))
    if task.endswith(".py"):
        return sources("task", task)
    return sources("training data", data)


def _conductances(array: Any) -> dict[str, Any]:
    return {"g_S": array.g_written_S, "g_min_S": array.devices.g_min_S, "g_max_S": array.devices.g_max_S}


def _plot(curve: Any, path: Path, say: Callable[[str], None]) -> None:
    from ground.errors import MissingLibrary

    try:
        curve.save_plot(path)
    except MissingLibrary as error:
        say(f"no plot: {error}")
