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
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process

from device_physics.executors import Compute, Job, Outcome, Row, guarded
from ground.errors import ReramError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerDied(ReramError):
    """The process that computed a point ended without an answer: killed, out of memory, or crashed."""


def on_processes(
    workers: int, compute: Compute, chains: list[list[Job]], *, first_alone: bool = True
) -> Iterator[Outcome]:
    """Give the outcome of every point as it comes. A chain stays with one process; one that dies costs its point a second try.

    first_alone : the first point leaves compiled forms and mesh on disk, which the others would make over again.
    """
    waiting, idle, flying = (
        deque(chains),
        [_Lane() for _ in range(min(workers, len(chains)))],
        dict[Future[Row], _Lane](),
    )
    lanes, answered = list(idle), not first_alone
    with _single_threaded():
        try:
            while waiting or flying:
                while waiting and idle and (answered or not flying):
                    lane = idle.pop()
                    lane.chain = deque(waiting.popleft())
                    flying[lane.submit(compute)] = lane
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    lane = flying.pop(future)
                    outcome = lane.outcome(future)
                    if outcome is not None:
                        answered = True
                        yield outcome
                    if lane.chain:
                        flying[lane.submit(compute)] = lane
                    else:
                        idle.append(lane)
        finally:
            for lane in lanes:
                lane.pool.shutdown()


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _begin_worker)


@dataclass
class _Lane:
    """A process of its own, and what is left of the chain it is at."""

    pool: ProcessPoolExecutor = field(default_factory=_process)
    chain: deque[Job] = field(default_factory=deque)
    died: bool = False

    def submit(self, compute: Compute) -> Future[Row]:
        arguments = self.chain[0][1]
        try:
            return self.pool.submit(guarded, compute, arguments)
        except BrokenProcessPool:  # between two points
            self._begin_again()
            return self.pool.submit(guarded, compute, arguments)

    def outcome(self, future: Future[Row]) -> Outcome | None:
        """Return the outcome of the point that was in flight and go on to the next; None where it is to be tried again."""
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self._begin_again()
            self.died = not self.died
            if self.died:
                return None
            error = WorkerDied(
                "the process died on this point: killed, out of memory, or a crash in a library. Where every point says so, "
                "the script that asked for workers lacks `if __name__ == '__main__':`."
            )
        self.died = False
        i, _ = self.chain.popleft()
        if error is None:
            return i, future.result()
        self.chain.clear()
        return i, error

    def _begin_again(self) -> None:
        self.pool.shutdown()
        self.pool = _process()


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
