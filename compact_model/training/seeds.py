"""Several seeds of one run side by side, on processes of this machine or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.mvm.settings import MvmSettings
from compact_model.training.settings import TrainSettings
from device_physics.executors import Point, compute_points, default_workers
from device_physics.points import PointStore
from ground.errors import InputError, NotConverged
from ground.files import file_hash, write_json
from ground.provenance import provenance, sources


def run_seeds(
    settings: TrainSettings,
    folder: Path,
    seeds: int,
    *,
    data: Path | None = None,
    model_file: Path | None = None,
    resume: bool = False,
    read: MvmSettings | None = None,
    times: tuple[float, ...] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Run `seeds` seeds from settings.seed onwards, each in its own folder seed-N; return mean and spread of the figure.

    workers : processes, default as many as there are cores and seeds.  scheduler : address of a Dask scheduler instead, whose
    workers see the same folders.  A finished seed is not run again; one that was cut off goes on from its checkpoint with
    `resume`, bit for bit.  Raises InputError where a folder holds a run already and `resume` is not asked for, and NotConverged
    where a seed ends without a result, when all others are through.
    """
    from compact_model.training.trainer import CHECKPOINT

    numbers = [settings.seed + k for k in range(seeds)]
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    begun = [n for n in numbers if (folder / f"seed-{n}" / CHECKPOINT).exists()]
    if begun and not resume:
        raise InputError(
            f"{folder}: holds seed {begun[0]} already; go on with --resume, or give another folder with -o."
        )
    count = min(seeds, default_workers()) if workers is None and scheduler is None else workers or 1
    rows = compute_points(
        run_seed,
        [_point(settings.replace(seed=n), folder / f"seed-{n}", data, model_file, read, times) for n in numbers],
        store=PointStore(folder / "finished"),
        workers=count,
        scheduler=scheduler,
        retry_failed=True,
        first_alone=False,
        progress=progress,
    )
    failed = [f"seed {n}: {row['failure']}" for n, row in zip(numbers, rows, strict=True) if "failure" in row]
    if failed:
        raise NotConverged(
            f"{'; '.join(failed)} The other {seeds - len(failed)} of {seeds} seeds are kept in {folder}."
        )
    summary = {**_summary(numbers, rows), "provenance": _record(folder, numbers, rows[0]["provenance"])}
    write_json(folder / "result.json", summary)
    return summary


def run_seed(
    settings: dict[str, Any], folder: str, data: str | None, model_file: str | None, read: Any, times: Any
) -> dict[str, Any]:
    """Run one seed where it was sent to; all arguments are JSON-like."""
    from compact_model.training import load_training

    load_training()
    from compact_model.training.run import run

    return run(
        TrainSettings(**settings),
        Path(folder),
        data=data if data is None else Path(data),
        model_file=model_file if model_file is None else Path(model_file),
        resume=True,
        read=None if read is None else MvmSettings(**read),
        times=None if times is None else tuple(times),
    )


def _point(
    settings: TrainSettings, folder: Path, data: Path | None, model_file: Path | None, read: Any, times: Any
) -> Point:
    chain = None if read is None else read.model_dump(mode="json")
    where = [None if p is None else str(Path(p).resolve()) for p in (data, model_file)]
    given = settings.model_dump(mode="json")
    model = None if model_file is None else file_hash(model_file)
    key = {"settings": given, "data": where[0], "model": model, "read": chain, "times": times and list(times)}
    return Point(key, (given, str(folder), *where, chain, times))


def _summary(numbers: list[int], records: list[dict[str, Any]]) -> dict[str, Any]:
    last, figure = np.array([r["last"] for r in records]), records[0]["figure"]
    in_time = []
    for rows in zip(*(r["in_time"] for r in records), strict=True):
        values = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "time_s"}
        row = {"time_s": rows[0]["time_s"], **{name: float(v.mean()) for name, v in values.items()}}
        in_time.append(row | {f"{name}_spread": _spread(v) for name, v in values.items()})
    return {
        "task": records[0]["task"],
        "figure": figure,
        "seeds": numbers,
        "last": last.tolist(),
        "mean": float(last.mean()),
        "spread": _spread(last),
        "best": [r["best"] for r in records],
        "in_time": in_time,
    }


def _record(folder: Path, numbers: list[int], first: dict[str, Any]) -> dict[str, Any]:
    """What made the summary: the results of the seeds."""
    results = [folder / f"seed-{n}" / "result.json" for n in numbers]
    settings = {n: first["settings"][n] for n in ("model", "model_content") if n in first["settings"]}
    return provenance(
        "reram train",
        files=sources("training run", *(p for p in results if p.is_file())),
        near=folder / "result.json",
        synthetic=first["synthetic"],
        **settings,
    )


def _spread(values: Any) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
