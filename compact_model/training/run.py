"""A run in a folder: settings, checkpoint, learning curve, accuracy in time, and what made them; several seeds side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.model import CompactModel
from compact_model.training.settings import TrainSettings, check_devices
from ground.errors import InputError
from ground.files import write_json
from ground.provenance import provenance

TASKS = ("mnist", "digits", "text")


def make_task(name: str, data: Path | None, batch: int) -> Any:
    """Return a task by name, or of a Python file."""
    from compact_model.training.images import digits, mnist
    from compact_model.training.own_task import own_task
    from compact_model.training.text import Text

    if name == "mnist":
        return mnist(data, batch=batch)
    if name == "digits":
        return digits(batch=batch)
    if name == "text":
        return Text(data, batch=batch)
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
    threads: int = 1,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Train in `folder` and return the result that is also written there as result.json.

    Writes checkpoint.npz, curve.csv, result.json, arrays.npz (conductances and bounds [S] of every layer), and curve.png where
    matplotlib is installed. Raises InputError where the folder holds another run and `resume` is not asked for.
    """
    from compact_model.training.aftermath import figure_in_time, trained_arrays
    from compact_model.training.threads import use_threads
    from compact_model.training.trainer import CHECKPOINT, train

    model = CompactModel.published() if model_file is None else CompactModel.load(model_file)
    check_devices(model)
    settings = settings.replace(model_content=model.content_hash)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / CHECKPOINT).exists() and not resume:
        raise InputError(f"{folder}: holds a run already; go on with --resume, or give another folder with -o.")
    task = make_task(settings.task, data, settings.batch)
    write_json(folder / "settings.json", settings.model_dump(mode="json"))
    use_threads(threads)
    how: dict[str, Any] = {"folder": folder, "resume": resume, "say": say, "progress": progress}
    result = train(task, settings, settings.population(model), **how)
    result.curve.save_csv(folder / "curve.csv")
    _plot(result.curve, folder / "curve.png", say)
    arrays = trained_arrays(result.network, model.noise)
    with (folder / "arrays.npz").open("wb") as stream:
        np.savez(stream, **{f"{n}/{k}": v for n, a in arrays.items() for k, v in _conductances(a).items()})
    last = result.curve.rows[-1]
    record = {
        "task": task.name,
        "figure": task.figure,
        "last": last[task.figure],
        "best": result.curve.best[task.figure],
        "best_epoch": result.curve.best["epoch"],
        "epochs": last["epoch"],
        "in_time": figure_in_time(task, result.network, model.noise) if arrays else [],
        "curve": result.curve.rows,
        "settings": settings.model_dump(mode="json"),
        "provenance": provenance(
            "reram train",
            files=[model_file] if model_file else [],
            synthetic=model.synthetic,
            content=settings.content,
            model=model.name,
        ),
    }
    write_json(folder / "result.json", record)
    return record


def run_seeds(settings: TrainSettings, folder: Path, seeds: int, **how: Any) -> dict[str, Any]:
    """Run `seeds` seeds from settings.seed onwards, each in its own process and folder; return mean and spread.

    `how` goes to `run`; progress and messages of the single runs are not shown.
    """
    all_settings = [settings.replace(seed=settings.seed + k) for k in range(seeds)]
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(run, s, folder / f"seed-{s.seed}", **how) for s in all_settings]
        records = [job.result() for job in jobs]
    last = np.array([r["last"] for r in records])
    summary = {
        "task": records[0]["task"],
        "figure": records[0]["figure"],
        "seeds": [s.seed for s in all_settings],
        "last": last.tolist(),
        "mean": float(last.mean()),
        "spread": float(last.std(ddof=1)) if seeds > 1 else 0.0,
        "best": [r["best"] for r in records],
        "provenance": records[0]["provenance"],
    }
    write_json(folder / "result.json", summary)
    return summary


def _conductances(array: Any) -> dict[str, Any]:
    return {"g_S": array.g_written_S, "g_min_S": array.devices.g_min_S, "g_max_S": array.devices.g_max_S}


def _plot(curve: Any, path: Path, say: Callable[[str], None]) -> None:
    from ground.errors import MissingLibrary

    try:
        curve.save_plot(path)
    except MissingLibrary as error:
        say(f"no plot: {error}")
