"""Points on a Dask cluster: the one room that knows dask and distributed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from device_physics.executors import Compute, Outcome, guarded
from device_physics.points import SOLVER_VERSION
from ground.errors import InputError, MissingLibrary, ReramError

CONNECT_S, WORKERS_S = 15, 60


class SchedulerLost(ReramError):
    """The Dask scheduler went away in mid-run. Finished points are kept."""


def on_dask(address: str, compute: Compute, missing: dict[int, tuple[Any, ...]]) -> Iterator[Outcome]:
    """Give the outcome of every point as it comes. Dask itself moves the points of a worker that dies to others.

    Raises InputError where no scheduler or no worker answers, or a worker has another version of this project.
    """
    distributed = _load()
    with _client(distributed, address) as client, client.as_current():
        futures = {client.submit(guarded, compute, arguments, pure=False): i for i, arguments in missing.items()}
        for future in distributed.as_completed(list(futures)):
            if future.status in ("cancelled", "lost"):
                raise SchedulerLost(
                    f"the Dask scheduler {address} went away. Finished points are kept; the same command goes on from there."
                )
            error = future.exception()
            yield futures.pop(future), future.result() if error is None else error
            future.release()


def _load() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingLibrary(
            "dask and distributed are not installed. They run sweeps on a cluster (`--scheduler`); install them with "
            "`pip install 'cmo-reram[cluster]'`. `--workers N` needs neither."
        ) from None
    return distributed


def _client(distributed: Any, address: str) -> Any:
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
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
