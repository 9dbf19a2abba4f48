"""Many points, each computed once: in this process, on processes of this machine, or on a Dask cluster.

Only the caller's process writes to the store, one whole file per point as it comes in. So a run that is killed loses at
most the points in flight, workers need no common disk, and a worker that dies costs its point a second try.
Points of one chain follow one another at one place, which may keep what it needs for the next one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from device_physics.points import PointStore, Progress
from ground.errors import InputError, MissingLibrary, NotConverged

Row = dict[str, Any]
Compute = Callable[..., Row]
Job = tuple[int, tuple[Any, ...]]  # the number of a point and the arguments of `compute`
# What a backend gives back per point: its number, and its row or the exception it ended with, which ends its chain.
Outcome = tuple[int, "Row | BaseException"]
Backend = Callable[[Compute, list[list[Job]]], Iterator[Outcome]]
NOT_TRIED = "not tried, as the continuation ended before it: "
WORKERS_MAX = 4096
_MPI_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
_one_at_a_time = threading.Lock()  # PETSc and gmsh are not made for the threads of a Dask worker


@dataclass(frozen=True)
class Point:
    """One point: its key in the store (JSON-like, with everything the result depends on) and the arguments of `compute`.

    chain : points of one name are computed one after another, in order, by one process; "" stands alone.
    """

    key: Any
    arguments: tuple[Any, ...]
    chain: str = ""


def compute_points(
    compute: Compute,
    points: Sequence[Point],
    *,
    store: PointStore,
    workers: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    first_alone: bool = True,
    progress: Progress | None = None,
) -> list[Row]:
    """Return the row of every point, in order; those in the store are not computed again.

    compute : a function of a module (workers import it by name).  workers : processes of this machine, 1 = this process.
    scheduler : address of a Dask scheduler, instead of processes.  retry_failed : also compute stored rows that carry a "failure".
    first_alone : on processes, begin the others after the first point, which may leave compiled forms and a mesh on disk.
    A point that raises NotConverged or InputError is stored as {"failure": reason}; one that ends in any other error, or
    takes its worker down, gets such a row too, but is not stored, so that the next run tries it again. What lies beyond it
    in its chain is not tried and gets its reason.
    Raises MissingLibrary, and InputError for workers or a scheduler that cannot be used.
    """
    backend = _backend(workers, scheduler, first_alone)
    rows = [_reusable(store.get(p.key), retry_failed) for p in points]
    chains = _chains(points)
    for chain in chains:
        for i in _give_up(chain, rows):
            store.put(points[i].key, rows[i] or {})
    missing = [[(i, points[i].arguments) for i in chain if rows[i] is None] for chain in chains]
    chain_of = {i: chain for chain in chains for i in chain}

    done, total = len(points) - sum(map(len, missing)), len(points)
    if progress:
        progress(done, total)
    for i, outcome in backend(compute, [jobs for jobs in missing if jobs]) if done < total else ():
        rows[i], stays = _as_row(outcome)
        settled = [i, *_give_up(chain_of[i], rows)]
        for j in settled if stays else []:
            store.put(points[j].key, rows[j] or {})
        done += len(settled)
        if progress:
            progress(done, total)
    return [row for row in rows if row is not None]


def _chains(points: Sequence[Point]) -> list[list[int]]:
    """Return the numbers of the points, those of one chain together and in order."""
    out: dict[Any, list[int]] = {}
    for i, point in enumerate(points):
        out.setdefault(point.chain or i, []).append(i)
    return list(out.values())


def _give_up(chain: Sequence[int], rows: list[Row | None]) -> list[int]:
    """Give every point without a row beyond a failure of its chain the reason of that; return which they are."""
    reason, beyond = "", []
    for i in chain:
        row = rows[i]
        if row is not None:
            reason = row.get("failure", reason)
        elif reason:
            rows[i] = {"failure": NOT_TRIED + reason.removeprefix(NOT_TRIED)}
            beyond.append(i)
    return beyond


def default_workers() -> int:
    """Return the number of cores this process may use, or 1 under mpirun, whose processes solve one point together."""
    if _ranks() > 1:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def guarded(compute: Compute, arguments: tuple[Any, ...]) -> Row:
    """Call `compute` while no other thread of this process does: what a worker runs."""
    with _one_at_a_time:
        return compute(*arguments)


def _backend(workers: int, scheduler: str | None, first_alone: bool) -> Backend:
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= WORKERS_MAX:
        raise InputError(f"workers={workers!r} is not allowed: expected a whole number of processes, 1..{WORKERS_MAX}.")
    if scheduler is not None:
        if workers != 1:
            raise InputError(
                f"workers={workers} and scheduler={scheduler!r} exclude each other: a Dask scheduler has workers of its "
                "own. Give one of them."
            )
        from device_physics.dask_points import on_dask

        return lambda compute, chains: on_dask(scheduler, compute, chains)
    if workers == 1:
        return _here
    if _ranks() > 1:
        raise InputError(
            f"workers={workers} is not allowed under mpirun, whose {_ranks()} processes solve each point together. "
            "Use workers=1, or start without mpirun."
        )
    from device_physics.process_points import on_processes

    return lambda compute, chains: on_processes(workers, compute, chains, first_alone=first_alone)


def _ranks() -> int:
    return max((int(os.environ[n]) for n in _MPI_SIZES if os.environ.get(n, "").isdigit()), default=1)


def _here(compute: Compute, chains: list[list[Job]]) -> Iterator[Outcome]:
    for chain in chains:
        for i, arguments in chain:
            try:
                outcome: Row | BaseException = guarded(compute, arguments)
            except Exception as error:
                outcome = error
            yield i, outcome
            if isinstance(outcome, BaseException):
                break


def _reusable(row: Row | None, retry_failed: bool) -> Row | None:
    return None if row is not None and retry_failed and "failure" in row else row


def _as_row(outcome: Row | BaseException) -> tuple[Row, bool]:
    """Return the row of an outcome and whether it is stored."""
    if isinstance(outcome, dict):
        return outcome, True
    if isinstance(outcome, MissingLibrary):
        raise outcome
    if isinstance(outcome, (NotConverged, InputError)):
        return {"failure": str(outcome)}, True
    return {"failure": f"{type(outcome).__name__}: {outcome}"}, False
