"""Sweeps under kill -9: what was finished stays finished, on processes and on a Dask cluster, with the same numbers everywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_cluster import dask_cluster

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.points import PointStore
from device_physics.sweeps import COLUMNS, sweep

ROOT = Path(__file__).resolve().parent.parent
CHEAP: dict[str, Any] = {"mesh": {"rim_size": "2 nm", "growth": 2.0}, "solver": {"degree": 1}}
VARY = {
    "filament.radius": [f"{r} nm" for r in (9, 10, 11, 12)],
    "materials.CMO.electrical_conductivity": [f"{s} S/cm" for s in range(1, 51)],
}
DEVICE = '[mesh]\nrim_size = "2 nm"\ngrowth = 2.0\n[solver]\ndegree = 1\n'
BIASES = tuple(round(0.05 * n, 2) for n in (*range(-20, 0, 2), *range(2, 22, 2)))
SWEEP = """
volts = [-1.0, 0.2]
[vary]
filament.radius = {from = "9 nm", to = "12 nm", count = 4}
materials.CMO.electrical_conductivity = {from = "1 S/cm", to = "50 S/cm", count = 50}
"""


def _start(folder: Path, *more: str, device: str = DEVICE, sweep: str = SWEEP) -> subprocess.Popen[str]:
    (folder / "device.toml").write_text(device)
    (folder / "sweep.toml").write_text('device = "device.toml"\n' + sweep)
    command = [sys.executable, "-m", "reram", "sweep", folder / "sweep.toml", "-o", folder / "out.nc", *more]
    environment = {**os.environ, "RERAM_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        list(map(str, command)), cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _stored(folder: Path) -> dict[str, int]:
    """Name -> time of writing of every finished point; files begun and not finished have names with a leading dot."""
    found = [p for p in folder.glob("*.json") if not p.name.startswith(".")]
    return {p.name: p.stat().st_mtime_ns for p in found}


def _wait_for(count: int, folder: Path, limit_s: float = 120.0) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if folder.is_dir() and len(_stored(folder)) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{len(_stored(folder)) if folder.is_dir() else 0} of {count} points after {limit_s} s")


@pytest.mark.fem
@pytest.mark.slow
def test_a_killed_sweep_of_200_points_goes_on_where_it_was(tmp_path: Path) -> None:
    points = tmp_path / "cache" / "points"
    first = _start(tmp_path, "--workers", "2")
    _wait_for(60, points)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)  # returns only when the workers, which hold its stderr, have ended too
    before = _stored(points)
    assert 60 <= len(before) < 200
    second = _start(tmp_path, "--workers", "2", "--json")
    stdout, stderr = second.communicate(timeout=300)
    assert second.returncode == 0, stderr
    after = _stored(points)
    assert len(after) == 200
    assert {name: after[name] for name in before} == before, "a finished point was computed again"
    assert '"points": 400, "failed": 0' in stdout
    third = _start(tmp_path, "--workers", "2")
    assert third.wait(timeout=60) == 0
    assert _stored(points) == after


SELF_CONSISTENT = """
[mesh]
domain = "axisymmetric"
rim_size = "0.2 nm"
growth = 0.5
[materials.CMO.hopping]
trap_density = "5e19 1/cm^3"
barrier = "65 meV"
hop_distance = "2 nm"
"""


@pytest.mark.fem
def test_a_killed_self_consistent_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    import xarray as xr

    points = tmp_path / "cache" / "points"
    first = _start(tmp_path, "--workers", "2", device=SELF_CONSISTENT, sweep=f"volts = {list(BIASES)}\n")
    _wait_for(4, points)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    before = _stored(points)
    assert 4 <= len(before) < len(BIASES)
    second = _start(tmp_path, "--workers", "2", device=SELF_CONSISTENT, sweep=f"volts = {list(BIASES)}\n")
    _, stderr = second.communicate(timeout=120)
    assert second.returncode == 0, stderr
    assert f"solving: {len(before)}/{len(BIASES)}" in stderr, "the progress begins with what is there"
    after = _stored(points)
    assert len(after) == len(BIASES)
    assert {name: after[name] for name in before} == before, "a finished bias was computed again"
    device = Device.from_toml(tmp_path / "device.toml")
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as table:
        assert list(table["bias_V"].values) == list(BIASES)
        for bias in (-1.0, 0.3, 1.0):  # the numbers do not depend on where the chain was cut
            assert float(table["current_A"].sel(bias_V=bias)) == pytest.approx(solve(device, bias).current_A, rel=1e-5)


# What the driver below computes: a mark when a point begins, so that points begun and not stored can be counted.
DRIVER = """
import sys, time
from pathlib import Path
from device_physics.executors import Point, compute_points
from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.points import PointStore

def begin(number, marks):
    with Path(marks).open("a") as stream:
        stream.write(f"{number}\\n")
    time.sleep(0.02)
    return {"x": number}

if __name__ == "__main__":
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    jobs = [Point({"n": n}, (n, str(folder / "marks"))) for n in range(200)]
    compute_points(begin, jobs, store=PointStore(folder / "points"), workers=workers)
"""


@pytest.mark.parametrize("workers", [1, 3])
def test_at_most_the_points_in_flight_are_lost(tmp_path: Path, workers: int) -> None:
    (tmp_path / "driver.py").write_text(DRIVER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(tmp_path / "driver.py"), str(tmp_path), str(workers)]
    with subprocess.Popen(command, env=environment) as run:
        _wait_for(50, tmp_path / "points")
        run.kill()
    time.sleep(0.5)
    begun, before = (tmp_path / "marks").read_text().split(), _stored(tmp_path / "points")
    assert 50 <= len(before) < 200
    assert len(begun) - len(before) <= workers, "points were lost that were not in flight"
    time.sleep(0.5)
    assert (tmp_path / "marks").read_text().split() == begun, "workers outlived the run that was killed"
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    after, again = _stored(tmp_path / "points"), (tmp_path / "marks").read_text().split()
    assert {name: after[name] for name in before} == before
    assert len(after) == 200
    assert len(again) - len(begun) == 200 - len(before)


@pytest.mark.fem
@pytest.mark.slow
def test_a_dask_worker_killed_in_mid_sweep_loses_nothing_and_all_ways_agree(tmp_path: Path) -> None:
    vary = {**VARY, "filament.radius": ["9 nm", "11 nm"]}
    killed: list[int] = []
    with dask_cluster(2) as cluster:

        def kill_one(done: int, total: int) -> None:
            if done >= 20 and not killed:
                killed.append(cluster.pids[0])
                os.kill(killed[0], signal.SIGKILL)

        by_dask = sweep(
            CHEAP,
            [0.2],
            vary,
            store=PointStore(tmp_path / "dask"),
            scheduler=cluster.address,
            progress=kill_one,
        )
    assert killed
    assert set(by_dask["failure"].values.ravel()) == {""}
    assert len(_stored(tmp_path / "dask")) == 100
    here = sweep(CHEAP, [0.2], vary, store=PointStore(tmp_path / "here"))
    by_two = sweep(CHEAP, [0.2], vary, store=PointStore(tmp_path / "two"), workers=2)
    for name in COLUMNS:
        assert np.array_equal(here[name], by_dask[name]), name
        assert np.array_equal(here[name], by_two[name]), name
