"""Points on a Dask cluster: the one room that knows dask and distributed."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from device_physics.executors import Compute, Job, Outcome, guarded
from device_physics.points import SOLVER_VERSION
from ground.errors import InputError, MissingLibrary, ReramError

CONNECT_S, WORKERS_S = 15, 60


class SchedulerLost(ReramError):
    """The Dask scheduler went away in mid-run. Finished points are kept."""


def on_dask(address: str, compute: Compute, chains: list[list[Job]]) -> Iterator[Outcome]:
    """Give the outcome of every point as it comes. Dask itself moves the points of a worker that dies to others.

    Points that stand alone are submitted at once; chains one to a worker, with which they stay while it lives.
    Raises InputError where no scheduler or no worker answers, or a worker has another version of this project.
    """
    distributed = _load()
    with _client(distributed, address) as client, client.as_current():
        cluster = _Cluster(client, distributed.as_completed(), compute, deque(c for c in chains if len(c) > 1))
        for chain in chains:
            if len(chain) == 1:
                cluster.submit(chain, None)
        cluster.begin()
        for future in cluster.answers:
            if future.status in ("cancelled", "lost"):
                raise SchedulerLost(
                    f"the Dask scheduler {address} went away. Finished points are kept; the same command goes on from there."
                )
            error, (chain, worker) = future.exception(), cluster.flying.pop(future)
            yield chain[0][0], future.result() if error is None else error
            future.release()
            cluster.begin(chain[1:] if error is None else [], worker)


@dataclass
class _Cluster:
    """What is in flight, with the worker it was given to, and the chains that wait for one."""

    client: Any
    answers: Any
    compute: Compute
    waiting: deque[list[Job]]
    flying: dict[Any, tuple[list[Job], str | None]] = field(default_factory=dict)

    def submit(self, chain: list[Job], worker: str | None) -> None:
        where = {"workers": worker, "allow_other_workers": True} if worker else {}
        future = self.client.submit(guarded, self.compute, chain[0][1], pure=False, **where)
        self.flying[future] = chain, worker
        self.answers.add(future)

    def begin(self, chain: list[Job] | None = None, worker: str | None = None) -> None:
        """Go on with a chain at its worker, or at another where that one is gone; begin others where there is room."""
        if not (chain or self.waiting):
            return
        free: dict[str | None, None] = dict.fromkeys(self.client.nthreads() or [None])
        for _, busy in self.flying.values():
            free.pop(busy, None)
        if chain:
            here = worker if worker in free else next(iter(free), None)
            free.pop(here, None)
            self.submit(chain, here)
        for other in list(free)[: len(self.waiting)]:
            self.submit(self.waiting.popleft(), other)


def _load() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingLibrary(
            "dask and distributed are not installed. They run sweeps on a cluster (`--scheduler`); install them with "
            "`pip install 'cmo-reram[cluster]'`. `--workers N` needs neither."
        ) from None
    return distributed


def _check_answers(address: str) -> None:
    """Raise OSError or ValueError where nothing listens at an address: a client that fails leaves its event loop behind."""
    scheme, _, place = address.rpartition("://")
    if scheme not in ("", "tcp", "tls"):
        raise ValueError(f"unknown kind of address '{scheme}://'")
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("no host and port in it")
    socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()


def _client(distributed: Any, address: str) -> Any:
    try:
        _check_answers(address)
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"scheduler={address!r} cannot be reached ({error}). Start one with `dask scheduler`, give its address as "
            "tcp://host:8786, and start workers with `dask worker tcp://host:8786`."
        ) from None
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
        found = client.run(solver_version)
    except TimeoutError:
        client.close()
        raise InputError(
            f"scheduler={address!r} has no workers (waited {WORKERS_S} s). Start some with `dask worker {address}`."
        ) from None
    except Exception as error:  # whatever the workers' import of this project raises
        client.close()
        raise InputError(
            f"scheduler={address!r}: its workers cannot load this project ({type(error).__name__}: {error}). "
            "Install the same cmo-reram in the environment of the workers."
        ) from None
    if set(found.values()) != {SOLVER_VERSION}:
        client.close()
        raise InputError(
            f"scheduler={address!r}: its workers have solver versions {sorted(set(found.values()))}, this process has "
            f"{SOLVER_VERSION}. Install the same cmo-reram everywhere."
        )
    return client


def solver_version() -> int:
    """Return the solver version of the process this runs in."""
    return SOLVER_VERSION
