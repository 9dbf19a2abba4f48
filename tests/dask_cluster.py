"""A Dask cluster in a process of its own, as users have one: no event loop, no scheduler in the process of the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_SERVE = """
import json, sys
from distributed import LocalCluster

if __name__ == "__main__":
    workers, threads = map(int, sys.argv[1:])
    with LocalCluster(n_workers=workers, threads_per_worker=threads, processes=True, dashboard_address=None) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        print(json.dumps({"address": cluster.scheduler_address, "pids": pids}), flush=True)
        sys.stdin.read()
"""


@dataclass(frozen=True)
class Served:
    """address : of the scheduler.  pids : of the workers, as they began; one that dies is replaced."""

    address: str
    pids: list[int]
    process: subprocess.Popen[str]

    def close(self) -> None:
        """End scheduler and workers, in order; a second call does nothing."""
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(60)


@contextmanager
def dask_cluster(workers: int, threads: int = 1) -> Iterator[Served]:
    """Serve a cluster while the block runs; a test is skipped where distributed is not installed."""
    pytest.importorskip("distributed")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # workers import the functions of the tests
    command = [sys.executable, "-c", _SERVE, str(workers), str(threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        served = Served(process=process, **json.loads(process.stdout.readline()))
        yield served
        served.close()
    finally:
        process.kill()
        process.wait()
