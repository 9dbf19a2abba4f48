"""Measurement: shape, units and ranges are checked, selections are measurements, nothing changes in place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fits.reading.measurement import Measurement
from fits.sweeps.segments import segment
from ground.errors import InputError


def two_runs() -> Measurement:
    return Measurement.from_arrays(
        [0.0, 0.1, 0.0, 0.1],
        [0.0, 1e-6, 0.0, 2e-6],
        run=["Run8", "Run8", "Run9", "Run9"],
        device="M12",
        ambient_K=300.0,
        source="a.csv",
    )


def test_arrays_come_back_with_units():
    m = two_runs()
    assert m.voltage.tolist() == [0.0, 0.1, 0.0, 0.1] and m.current.tolist() == [0.0, 1e-6, 0.0, 2e-6]
    assert np.isnan(m.time).all() and not m.in_compliance.any() and not m.glitch.any()
    assert {n: m.dataset[n].attrs["units"] for n in ("voltage_V", "current_A", "time_s", "offset_current_A")} == {
        "voltage_V": "V",
        "current_A": "A",
        "time_s": "s",
        "offset_current_A": "A",
    }
    assert (m.device, m.ambient_K, m.source, m.synthetic, len(m)) == ("M12", 300.0, "a.csv", False, 4)
    assert np.isnan(m.compliance_A) and m.runs == ("Run8", "Run9") and m.branches == ()


def test_run_branch_and_select_are_measurements():
    m = segment(Measurement.from_arrays([0, 0.1, 0.2, 0.1, 0], [0, 1e-6, 2e-6, 1e-6, 0]))
    assert m.branch("return +").voltage.tolist() == [0.1, 0]
    assert two_runs().run("Run9").current.tolist() == [0.0, 2e-6]
    assert two_runs().select(two_runs().current > 1.5e-6).voltage.tolist() == [0.1]


def test_nothing_changes_in_place():
    given = np.array([0.0, 0.1, 0.2])
    m = Measurement.from_arrays(given, [0.0, 1e-6, 2e-6])
    given[1] = 99.0
    assert m.voltage[1] == 0.1
    for array in (m.voltage, m.current, m.time, m.run_labels, m.branch_names, m.in_compliance, m.offset_current):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(ValueError, match="read-only"):
        m.dataset["current_A"].values[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        m._dataset = None
    copy = m.dataset
    copy.attrs["device"] = "other"
    copy["current_A"] = copy["current_A"] * 2
    assert m.device == "" and m.current[2] == 2e-6


def test_repr_says_synthetic():
    assert "SYNTHETIC" in repr(Measurement.from_arrays([0, 1], [0, 1e-6], synthetic=True))
    assert "SYNTHETIC" not in repr(two_runs()) and "2 run(s)" in repr(two_runs())


def test_offset_is_subtracted_per_branch_once():
    volts = np.array([0, 0.1, 0.2, 0.2, 0.1, 0])
    m = segment(Measurement.from_arrays(volts, volts * 1e-4 + np.repeat([3e-7, -2e-7], 3)))
    assert m.current[0] == 3e-7  # not silently
    clean = m.subtract_offset()
    assert np.allclose(clean.current, volts * 1e-4, atol=1e-20, rtol=1e-12)
    assert np.array_equal(clean.subtract_offset().current, clean.current)


V3, I3 = [0.0, 0.1, 0.2], [0.0, 1e-6, 2e-6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((V3, [0.0, 1e-6]), r"current_A has 2 points and voltage_V has 3"),
        ((V3, I3, [0.0]), r"time_s has 1 points and voltage_V has 3"),
        (([[0.0, 1.0]], I3), r"voltage_V has the shape \(1, 2\); expected one dimension"),
        ((["a", "b"], I3), r"voltage_V is not an array of numbers: could not convert"),
        (([], []), r"has no point: give at least one"),
        (([0.0, float("nan"), 0.2], I3), r"voltage_V\[1\]=nan is not allowed: expected finite"),
        ((V3, [0.0, float("inf"), 1.0]), r"current_A\[1\]=inf is not allowed"),
        (
            ([0.0, 500.0, 1300.0], I3),
            r"voltage_V\[2\]=1300 is not allowed: expected -210\.\.210 V\. Are the numbers in mV",
        ),
        (
            (V3, [0.0, 25.0, 50.0]),
            r"current_A\[2\]=50 is not allowed: expected -2\.\.2 A\. Are the numbers in mA or uA",
        ),
    ],
)
def test_wrong_arrays(arguments, message):
    with pytest.raises(InputError, match=message):
        Measurement.from_arrays(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ambient_K": 25},
            r"ambient_K=25 is not allowed: expected 50\.\.1500 K\. Did you mean 298\.15 \(you gave degC\)",
        ),
        ({"ambient_K": 4000.0}, r"ambient_K=4000\.0 is not allowed: expected 50\.\.1500 K"),
        ({"ambient_K": "warm"}, r"ambient_K='warm' is not allowed"),
        ({"run": ["Run1", "Run2"]}, r"run has the shape \(2,\); expected one value, or \(3,\)"),
        ({"glitch": [True]}, r"glitch has the shape \(1,\)"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        Measurement.from_arrays(V3, I3, **options)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m: m.run("run8"), r"run 'run8' is not in a\.csv\. Did you mean 'Run8'"),
        (lambda m: m.branch("forward +"), r"a\.csv has no branches yet: use segment"),
        (lambda m: m.subtract_offset(), r"a\.csv has no offset yet: use segment"),
        (lambda m: m.select([0, 1]), r"mask has dtype int64 and shape \(2,\); expected bool of shape \(4,\)"),
        (lambda m: m.select(m.voltage > 5), r"the selection leaves no point of a\.csv"),
        (lambda m: m.replace(voltage=[0]), r"voltage is not part of a measurement\. Did you mean 'voltage_V'"),
        (lambda m: m.replace(ambient_K=20), r"ambient_K=20 is not allowed"),
        (lambda m: Measurement(m.dataset.drop_vars("glitch")), r"the dataset has no 'glitch'"),
        (lambda m: Measurement(m.dataset.rename(point="row")), r"voltage_V has the dimensions \('row',\)"),
        (lambda m: Measurement(m.dataset.assign_attrs(device=None).drop_attrs(deep=False)), r"no attribute 'device'"),
    ],
)
def test_wrong_use(use, message):
    with pytest.raises(InputError, match=message):
        use(two_runs())


def test_wrong_unit_attribute():
    dataset = two_runs().dataset
    dataset["voltage_V"] = ("point", dataset["voltage_V"].values, {"units": "mV"})
    with pytest.raises(InputError, match=r"voltage_V says units='mV'; expected 'V'"):
        Measurement(dataset)


def test_unknown_branch_and_unknown_offset():
    m = segment(Measurement.from_arrays([0.1, 0.2, 0.3, 0.2, 0.1], [1e-6, 2e-6, 3e-6, 2e-6, 1e-6]))
    with pytest.raises(InputError, match=r"branch 'forward' is not in this measurement\. Did you mean 'forward \+'"):
        m.branch("forward")
    with pytest.raises(InputError, match=r"the branch 'forward \+' of 'Run1' has no point at 0 V"):
        m.subtract_offset()
