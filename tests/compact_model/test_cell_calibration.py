"""Calibration: known constants come back, and what targets cannot tell is said."""

from __future__ import annotations

import pytest

from compact_model.cell_calibration import CellTarget, _Bench, calibrate, published_targets
from compact_model.cell_pulses import Pulse
from compact_model.cycle import CycleProtocol
from compact_model.published_cell import ION_CONSTANTS, published_cell
from ground.errors import InputError, NotConverged

CELL = published_cell()
BARRIERS = ("barrier_set_eV", "barrier_reset_eV")


def test_the_published_cell_is_the_calibration_of_the_published_numbers() -> None:
    start = CELL.replace(ions=CELL.ions.replace(barrier_set_eV=0.9, barrier_reset_eV=0.9))
    found = calibrate(start, free=BARRIERS)
    assert dict(zip(found.names, found.values, strict=True)) == pytest.approx(
        {n: ION_CONSTANTS[n] for n in BARRIERS}, abs=2e-3
    )
    assert all(0.001 < s < 0.05 for s in found.stderr)
    assert found.undetermined == ()
    shown = {t.kind: m for t, m in zip(found.targets, found.modelled, strict=True)}
    assert shown["r_hrs_ohm"] == pytest.approx(256e3, rel=0.01)
    assert shown["step_up"] == pytest.approx(1 / 22, rel=0.02) and shown["step_down"] == pytest.approx(1 / 22, rel=0.02)


def test_constants_come_back_from_what_they_make() -> None:
    kinds = [("step_up", 0.5), ("step_up", 0.8), ("step_down", 0.5), ("step_down", 0.2)]
    asked = tuple(CellTarget(k, 1.0, 0.02, at=w) for k, w in kinds)
    true = CELL.ions.replace(barrier_set_eV=0.87, barrier_reset_eV=0.83, exponent_set=3.0, exponent_reset=1.3)
    shown = _Bench(CELL, asked, CycleProtocol(), Pulse.published(), None).shown(true)
    targets = [
        CellTarget(t.kind, float(v), 0.002, at=t.at, source="synthetic") for t, v in zip(asked, shown, strict=True)
    ]
    found = calibrate(CELL, targets, free=(*BARRIERS, "exponent_set", "exponent_reset"))
    want = [true.barrier_set_eV, true.barrier_reset_eV, 3.0, 1.3]
    assert found.values == pytest.approx(want, rel=0.02)
    for value, error, truth in zip(found.values, found.stderr, want, strict=True):
        assert abs(value - truth) < 4 * error + 1e-3


def test_what_the_published_numbers_do_not_tell_is_listed() -> None:
    found = calibrate(CELL)
    listed = "; ".join(found.undetermined)
    assert "exponent_set" in listed and "hop_distance_m" in listed
    assert "not determined: " + listed in found.report()
    assert "not determined" in found.cell.assumed["ions"]


def test_wrong_uses_are_explained() -> None:
    with pytest.raises(InputError, match=r"calibrate: \['speed'\] is not allowed: expected constants out of"):
        calibrate(CELL, free=("speed",))
    with pytest.raises(InputError, match=r"calibrate: \['r_ohm'\] is not allowed"):
        calibrate(CELL, [CellTarget("r_ohm", 1.0, 0.1)])
    impossible = [CellTarget("r_lrs_ohm", 1e6, 0.01), *published_targets()[2:]]
    with pytest.raises(NotConverged, match=r"calibrate: no constants bring r_lrs_ohm near 1e\+06"):
        calibrate(CELL, impossible, free=BARRIERS)
