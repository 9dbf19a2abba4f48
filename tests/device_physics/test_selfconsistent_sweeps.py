"""Sweeps of self-consistent devices: continued bias by bias, the same numbers as alone, and an end with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_physics import selfconsistent, stepping
from device_physics.device import Device
from device_physics.executors import NOT_TRIED
from device_physics.points import PointStore
from device_physics.selfconsistent import Continuation, bias_sweep
from device_physics.sweeps import sweep

pytestmark = pytest.mark.fem
LAW = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm", "attempt": "9.2e12 Hz"}
DEVICE: dict[str, Any] = {
    "materials": {"CMO": {"hopping": LAW}},
    "mesh": {"domain": "axisymmetric", "rim_size": "0.5 nm", "growth": 1.0, "dome_divisions": 4},
}
VOLTS = [0.4, -0.3, 0.0, 0.1, -0.1, 0.25]
RUNAWAY: dict[str, Any] = {
    **DEVICE,
    "materials": {
        "CMO": {"hopping": {**LAW, "barrier": "600 meV", "trap_density": "1e30 1/m^3", "attempt": "1e16 Hz"}}
    },
}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was set up and which biases were solved for a sweep in this process."""
    calls: list[str] = []
    begin, solve = Continuation.__init__, Continuation.solve

    def counted_begin(self: Continuation, device: Device) -> None:
        calls.append("set up")
        begin(self, device)

    def counted_solve(self: Continuation, bias_V: float) -> Any:
        calls.append(f"{bias_V:g}")
        return solve(self, bias_V)

    monkeypatch.setattr(Continuation, "__init__", counted_begin)
    monkeypatch.setattr(Continuation, "solve", counted_solve)
    return calls


def test_it_is_continued_on_each_side_and_gives_what_each_bias_gives_alone(tmp_path: Path, counted: list[str]) -> None:
    store, seen = PointStore(tmp_path), list[tuple[int, int]]()
    table = sweep(DEVICE, VOLTS, store=store, progress=lambda *at: seen.append(at))
    assert counted == ["set up", "0", "0.1", "0.25", "0.4", "-0.1", "-0.3"]
    assert seen == [(n, 6) for n in range(7)]
    assert not selfconsistent._held, "the matrices of the last device are still there"
    alone = bias_sweep(Device.from_tables(DEVICE), VOLTS)
    assert list(table["bias_V"].values) == VOLTS
    assert table["current_A"].values == pytest.approx([s.current_A for s in alone], rel=1e-6)
    assert table["T_mean_K"].values == pytest.approx([s.dome.T_mean_K for s in alone], rel=1e-6)
    assert float(table["conductance_S"].sel(bias_V=0.0)) == pytest.approx(alone[2].conductance_S, rel=1e-9)
    assert len(list(tmp_path.glob("*.json"))) == 6
    counted.clear()
    again = sweep(DEVICE, [*VOLTS, 0.3], store=store)
    assert counted == ["set up", "0.3"], "what is stored is not stepped through"
    assert again["current_A"].values[:6] == pytest.approx(table["current_A"].values, rel=0)


def test_on_processes_each_side_is_continued_by_one(tmp_path: Path) -> None:
    vary = {"filament.radius": ["10 nm", "11 nm"]}
    here, there = (sweep(DEVICE, VOLTS, vary, store=PointStore(tmp_path / str(n)), workers=n) for n in (1, 2))
    assert set(there["failure"].values.ravel()) == {""}
    assert there["current_A"].values == pytest.approx(here["current_A"].values, rel=1e-12)
    assert np.all(np.abs(there["current_A"].values[0]) <= np.abs(there["current_A"].values[1]))


def test_beyond_the_last_good_bias_the_reason_names_it(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping, "STEP_MIN_V", 0.05)
    volts = [8.0, 0.02, 10.0, -0.02]
    table = sweep(RUNAWAY, volts, store=PointStore(tmp_path))
    reasons = [str(r) for r in table["failure"].values]
    assert reasons[1] == reasons[3] == ""
    assert reasons[0].startswith("no solution at ")
    assert "The last good point is " in reasons[0]
    assert reasons[2] == NOT_TRIED + reasons[0]
    assert np.isnan(table["current_A"].values[[0, 2]]).all()
    assert "10" not in counted
    sweep(RUNAWAY, volts, store=PointStore(tmp_path))
    assert counted.count("8") == 1
    sweep(RUNAWAY, volts, store=PointStore(tmp_path), retry_failed=True)
    assert counted.count("8") == 2
    assert counted.count("0.02") == 1


def test_going_back_begins_at_0_V() -> None:
    steps = Continuation(Device.from_tables(DEVICE))
    first, _, again = steps.solve(0.1), steps.solve(0.3), steps.solve(0.1)
    steps.release()
    assert again.current_A == pytest.approx(first.current_A, rel=1e-9)
