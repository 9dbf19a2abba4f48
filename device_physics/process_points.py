"""Points on processes of this machine: one thread each, started afresh (`spawn`: neither dolfinx nor MPI survives a fork)."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any

from device_physics.executors import Compute, Outcome, Row, guarded
from ground.errors import ReramError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
Job = tuple[int, tuple[Any, ...]]


class WorkerDied(ReramError):
    """The process that computed a point ended without an answer: killed, out of memory, or crashed."""


def on_processes(workers: int, compute: Compute, missing: dict[int, tuple[Any, ...]]) -> Iterator[Outcome]:
    """Give the outcome of every point as it comes. Where a process dies, the points in flight are tried again one by one."""
    waiting = deque(missing.items())
    while waiting:
        suspects: list[Job] = []
        yield from _pool(min(workers, len(waiting)), compute, waiting, suspects)
        yield from _each_alone(suspects, compute)


def _each_alone(jobs: list[Job], compute: Compute) -> Iterator[Outcome]:
    for job in jobs:
        guilty: list[Job] = []
        yield from _pool(1, compute, deque([job]), guilty)
        for i, _ in guilty:
            yield (
                i,
                WorkerDied(
                    "the process died on this point: killed, out of memory, or a crash in a library. Where every point says so, "
                    "the script that asked for workers lacks `if __name__ == '__main__':`."
                ),
            )


def _pool(workers: int, compute: Compute, waiting: deque[Job], suspects: list[Job]) -> Iterator[Outcome]:
    """Compute `waiting` until it is empty or a process dies; then `suspects` holds the points that were in flight.

    The first point is computed alone: it leaves compiled forms and mesh on disk, which the others would make over again.
    """
    answered = False
    with _single_threaded(), ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker) as pool:
        flying: dict[Future[Row], Job] = {}
        try:
            while waiting or flying:
                while waiting and len(flying) < (workers if answered else 1):
                    job = waiting.popleft()
                    flying[pool.submit(guarded, compute, job[1])] = job
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        continue
                    answered = True
                    yield flying.pop(future)[0], future.result() if error is None else error
                if any(isinstance(f.exception(), BrokenProcessPool) for f in flying if f.done()):
                    break
        except BrokenProcessPool:  # from submit: the job was taken from `waiting`, but is not in flight
            waiting.appendleft(job)
        suspects.extend(flying.values())


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let new processes start with one thread each: a core for every worker, and the same sums on every machine."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin_worker() -> None:
    """End silently on Ctrl-C, and end with the caller: one that was killed cannot say goodbye."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
