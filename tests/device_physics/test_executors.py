"""Points in this process, on processes and on Dask: same rows, nothing lost, every failure with its reason."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import dask_cluster

from device_physics import executors
from device_physics.executors import Point, compute_points, default_workers
from device_physics.points import PointStore
from ground.errors import InputError, MissingLibrary, NotConverged

needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="distributed is not installed")


def work(number: int, marks: str = "") -> dict[str, Any]:
    """What the tests compute: 0.1 * number; some numbers end badly. A line in the file `marks` for every call."""
    if marks:
        with Path(marks).open("a") as stream:
            stream.write(f"{number}\n")
    if number == 13:
        raise NotConverged("it did not converge at 13")
    if number == 14:
        raise ZeroDivisionError("a bug at 14")
    if number == 15:
        raise MissingLibrary("a library is missing")
    if number == 16:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": 0.1 * number, "pid": os.getpid()}


def points(*numbers: int, marks: str = "") -> list[Point]:
    return [Point({"number": n}, (n, marks)) for n in numbers]


def values(rows: list[dict[str, Any]]) -> list[Any]:
    return [row.get("x", row.get("failure")) for row in rows]


def test_one_worker_is_this_process_and_two_are_not(tmp_path: Path) -> None:
    here = compute_points(work, points(*range(6)), store=PointStore(tmp_path / "a"))
    assert {row["pid"] for row in here} == {os.getpid()}
    there = compute_points(work, points(*range(6)), store=PointStore(tmp_path / "b"), workers=2)
    assert os.getpid() not in {row["pid"] for row in there}
    assert values(there) == values(here) == [0.1 * n for n in range(6)]


def test_progress_begins_with_what_is_there(tmp_path: Path) -> None:
    store, seen = PointStore(tmp_path), list[tuple[int, int]]()
    compute_points(work, points(0, 1, 2), store=store)
    compute_points(work, points(*range(5)), store=store, progress=lambda *at: seen.append(at))
    assert seen == [(3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_keep_their_reason(tmp_path: Path, workers: int) -> None:
    store, marks = PointStore(tmp_path), str(tmp_path / "marks")
    jobs = points(1, 13, 14, 2, marks=marks)
    expected = [0.1, "it did not converge at 13", "ZeroDivisionError: a bug at 14", 0.2]
    assert values(compute_points(work, jobs, store=store, workers=workers)) == expected
    assert values(compute_points(work, jobs, store=store, workers=workers)) == expected
    assert values(compute_points(work, jobs, store=store, workers=workers, retry_failed=True)) == expected
    calls = Path(marks).read_text().split()
    assert calls.count("1") == 1
    assert calls.count("14") == 3, "a bug is not stored: every run tries again"
    assert calls.count("13") == 2, "what did not converge is tried again on request"


def test_a_missing_library_stops_the_run(tmp_path: Path) -> None:
    for workers in (1, 2):
        with pytest.raises(MissingLibrary, match="a library is missing"):
            compute_points(work, points(1, 15, 2), store=PointStore(tmp_path / str(workers)), workers=workers)


def test_a_process_that_dies_costs_only_its_point(tmp_path: Path) -> None:
    store = PointStore(tmp_path)
    rows = compute_points(work, points(1, 2, 16, 3, 4, 5), store=store, workers=2)
    assert values(rows)[:2] + values(rows)[3:] == [0.1, 0.2, 0.1 * 3, 0.4, 0.5]
    assert "WorkerDied: the process died on this point: killed, out of memory" in values(rows)[2]
    assert len(list(tmp_path.glob("*.json"))) == 5


def chain(name: str, *numbers: int, marks: str = "") -> list[Point]:
    return [Point({"number": n}, (n, marks), name) for n in numbers]


def _three_chains(store: PointStore, marks: str = "", **where: Any) -> list[dict[str, Any]]:
    jobs = [*chain("a", 1, 2, 13, 4, 5, marks=marks), *chain("b", 21, 22, 23, marks=marks), *points(0, marks=marks)]
    return compute_points(work, jobs, store=store, **where)


NOT_TRIED = "not tried, as the continuation ended before it: it did not converge at 13"


def _check_three_chains(rows: list[dict[str, Any]]) -> None:
    end = ["it did not converge at 13", NOT_TRIED, NOT_TRIED]
    assert values(rows) == [0.1, 0.2, *end, *(0.1 * n for n in (21, 22, 23)), 0.0]
    for one in (rows[:2], rows[5:8]):
        assert len({row["pid"] for row in one}) == 1, "a chain changed its process"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_chain_stays_in_one_process_and_ends_at_its_first_failure(tmp_path: Path, workers: int) -> None:
    store, marks = PointStore(tmp_path / "points"), str(tmp_path / "marks")
    _check_three_chains(_three_chains(store, marks, workers=workers))
    calls = Path(marks).read_text().split()
    assert calls.index("1") < calls.index("2") < calls.index("13")
    assert calls.index("21") < calls.index("22") < calls.index("23")
    assert not {"4", "5"} & set(calls)
    _check_three_chains(_three_chains(store, marks, workers=workers))
    assert Path(marks).read_text().split() == calls, "what failed, and what lies beyond, is kept"
    _three_chains(store, marks, workers=workers, retry_failed=True)
    assert Path(marks).read_text().split() == [*calls, "13"]


def test_beyond_a_stored_failure_nothing_new_is_tried(tmp_path: Path) -> None:
    store, marks, seen = PointStore(tmp_path / "points"), str(tmp_path / "marks"), list[tuple[int, int]]()
    compute_points(work, chain("a", 1, 13, marks=marks), store=store)
    rows = compute_points(work, chain("a", 1, 2, 13, 4, marks=marks), store=store, progress=lambda *at: seen.append(at))
    assert values(rows) == [0.1, 0.2, "it did not converge at 13", NOT_TRIED]
    assert Path(marks).read_text().split() == ["1", "13", "2"]
    assert seen == [(3, 4), (4, 4)]


def test_a_bug_ends_a_chain_for_this_run_only(tmp_path: Path) -> None:
    store, seen = PointStore(tmp_path / "points"), list[tuple[int, int]]()
    rows = compute_points(work, chain("a", 1, 14, 2), store=store, progress=lambda *at: seen.append(at))
    assert values(rows)[2] == "not tried, as the continuation ended before it: ZeroDivisionError: a bug at 14"
    assert seen == [(0, 3), (1, 3), (3, 3)]
    assert len(list((tmp_path / "points").glob("*.json"))) == 1


def test_a_process_that_dies_in_a_chain(tmp_path: Path) -> None:
    jobs, marks = [*chain("a", 1, 16, 2), *chain("b", 3, 4)], tmp_path / "marks"
    jobs = [Point(p.key, (p.arguments[0], str(marks)), p.chain) for p in jobs]
    rows = compute_points(work, jobs, store=PointStore(tmp_path / "points"), workers=2)
    assert values(rows)[:1] + values(rows)[3:] == [0.1, 0.1 * 3, 0.4]
    assert values(rows)[2] == f"not tried, as the continuation ended before it: {values(rows)[1]}"
    assert marks.read_text().split().count("16") == 2, "a process that died costs its point a second try"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": 0}, r"workers=0 is not allowed: expected a whole number of processes, 1..4096"),
        ({"workers": 1.5}, r"workers=1.5 is not allowed"),
        ({"workers": True}, r"workers=True is not allowed"),
        ({"workers": 2, "scheduler": "tcp://x:1"}, r"workers=2 and scheduler='tcp://x:1' exclude each other"),
    ],
)
def test_bad_workers_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compute_points(work, points(1), store=PointStore(tmp_path), **given)


def test_under_mpirun_the_processes_share_one_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_workers() >= 1
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    assert default_workers() == 1
    with pytest.raises(InputError, match=r"workers=2 is not allowed under mpirun, whose 2 processes"):
        compute_points(work, points(1), store=PointStore(tmp_path), workers=2)


def test_without_dask_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'cmo-reram\[cluster\]'.*--workers N. needs neither"):
        compute_points(work, points(1), store=PointStore(tmp_path), scheduler="tcp://127.0.0.1:1")


@needs_dask
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ftp://x:1"])
def test_a_scheduler_that_is_not_there(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_physics.dask_points.CONNECT_S", 1)
    with pytest.raises(InputError, match=rf"scheduler='{address}' cannot be reached .*dask scheduler"):
        compute_points(work, points(1), store=PointStore(tmp_path), scheduler=address)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with dask_cluster(2, threads=2) as found:
        yield found


def test_dask_gives_the_same(tmp_path: Path, cluster: Any) -> None:
    jobs = points(*range(8), 13, 14)
    here = compute_points(work, jobs, store=PointStore(tmp_path / "a"))
    store = PointStore(tmp_path / "b")
    there = compute_points(work, jobs, store=store, scheduler=cluster.address)
    assert values(there) == values(here)
    assert os.getpid() not in {row.get("pid") for row in there}
    assert len(list((tmp_path / "b").glob("*.json"))) == 9
    with pytest.raises(MissingLibrary, match="a library is missing"):
        compute_points(work, points(15), store=store, scheduler=cluster.address)


def test_chains_on_dask(tmp_path: Path, cluster: Any) -> None:
    address = cluster.address
    _check_three_chains(_three_chains(PointStore(tmp_path / "a"), scheduler=address))
    jobs = [p for n in range(5) for p in chain(str(n), *range(20 + 4 * n, 24 + 4 * n))]  # more than there are workers
    rows = compute_points(work, jobs, store=PointStore(tmp_path / "b"), scheduler=address)
    assert values(rows) == [0.1 * n for n in range(20, 40)]
    assert all(len({row["pid"] for row in rows[i : i + 4]}) == 1 for i in range(0, 20, 4))
    assert len({row["pid"] for row in rows}) == 2


def test_a_dask_worker_that_dies_in_a_chain_costs_nothing(tmp_path: Path) -> None:
    killed: list[int] = []
    with dask_cluster(2) as mortal:

        def kill_one(done: int, total: int) -> None:
            if done >= 8 and not killed:
                killed.append(mortal.pids[0])
                os.kill(killed[0], signal.SIGKILL)

        jobs = [Point({"n": n}, (n, str(tmp_path / "m")), str(n // 20)) for n in range(20, 80)]
        rows = compute_points(slow, jobs, store=PointStore(tmp_path / "p"), scheduler=mortal.address, progress=kill_one)
    assert killed
    assert values(rows) == [0.1 * n for n in range(20, 80)]
    assert len((tmp_path / "m").read_text().split()) <= 61, "more than the point in flight was computed twice"


def test_a_cluster_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_physics.dask_points.WORKERS_S", 1)
    with (
        dask_cluster(0) as empty,
        pytest.raises(InputError, match=r"has no workers \(waited 1 s\). Start some with `dask worker"),
    ):
        compute_points(work, points(1), store=PointStore(tmp_path), scheduler=empty.address)


def test_workers_of_another_version(tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_physics.dask_points.SOLVER_VERSION", 999)
    with pytest.raises(InputError, match=r"workers have solver versions \[\d+\], this process has 999"):
        compute_points(work, points(1), store=PointStore(tmp_path), scheduler=cluster.address)


def test_a_scheduler_that_goes_away(tmp_path: Path) -> None:
    from device_physics.dask_points import SchedulerLost

    store = PointStore(tmp_path)
    with dask_cluster(1) as brief:

        def leave(done: int, total: int) -> None:
            if done == 3:
                brief.close()

        with pytest.raises(SchedulerLost, match="went away. Finished points are kept; the same command goes on"):
            compute_points(slow, points(*range(40)), store=store, scheduler=brief.address, progress=leave)
    assert len(list(tmp_path.glob("*.json"))) >= 3


def slow(number: int, marks: str) -> dict[str, Any]:
    import time

    time.sleep(0.05)
    return work(number, marks)


def test_the_lock_is_one_per_process() -> None:
    assert executors.guarded(work, (3,))["x"] == pytest.approx(0.3)
