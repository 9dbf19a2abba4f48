"""forming: the jump into compliance is found through noise; smooth curves, noise and formed devices are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fits.reading.measurement import Measurement
from fits.sweeps.forming_voltage import forming
from fits.sweeps.segments import segment
from ground.errors import InputError

N = 401


def sweep(
    v_form_V: float, *, sign: int = 1, after_A=lambda v: np.minimum(v / 2e3, 5e-4), seed: int = 0, noise: float = 0.0
) -> Measurement:
    up = np.linspace(0, 4, N)
    volts = np.r_[up, up[::-1]]
    rng = np.random.default_rng(seed)
    tail = 1e-11 * np.sinh(2 * volts)
    formed = np.r_[up >= v_form_V - 1e-9, np.ones(N, bool)]
    amps = np.where(formed, after_A(volts), tail * (1 + noise * rng.normal(size=volts.size)))
    return Measurement.from_arrays(sign * volts, sign * amps, source="f.csv", synthetic=True)


@pytest.mark.parametrize("sign", [1, -1])
def test_jump_into_compliance(sign):
    found = forming(sweep(3.17, sign=sign), r_series_ohm=800.0)
    assert found.v_forming_V == pytest.approx(sign * 3.17) and found.v_before_V == pytest.approx(sign * 3.16)
    assert found.i_forming_A == pytest.approx(sign * 5e-4) and found.in_compliance
    assert found.v_forming_device_V == pytest.approx(sign * (3.17 - 0.4))
    assert found.v_forming_magnitude_V == pytest.approx(3.17) and found.instrument_definition_V == pytest.approx(3.17)
    assert "magnitude 3.17 V" in found.report() and "SYNTHETIC" in found.report() and "compliance" in found.report()


def test_published_subtraction_of_the_transistor():
    found = forming(sweep(3.38, after_A=lambda v: 258e-6 + 0 * v), r_series_ohm=800.0)
    assert found.v_forming_V == pytest.approx(3.38) and found.i_forming_A == pytest.approx(258e-6)
    assert found.v_forming_device_V == pytest.approx(3.17, abs=0.005)


@pytest.mark.parametrize("seed", range(20))
def test_noise_in_the_tail_does_not_win(seed):
    assert forming(sweep(2.5, seed=seed, noise=0.5)).v_forming_V == pytest.approx(2.5)


def test_a_step_inside_the_plateau_or_on_the_way_back_does_not_win():
    m = sweep(2.5)
    amps = m.current.copy()
    amps[300:] *= 1.004
    amps[N + 350 :] = 0.0
    amps[N + 380 :] = 5e-4  # larger than the forming jump, on the return branch
    found = forming(m.replace(current_A=amps))
    assert found.v_forming_V == pytest.approx(2.5)


def test_the_two_definitions_are_both_shown_where_they_differ():
    m = sweep(2.5, after_A=lambda v: np.minimum(v / 1e4, 5e-4))  # 0.25 mA, no compliance reached
    amps = m.current.copy()
    amps[N + 390 :] = 4e-4
    found = forming(m.replace(current_A=amps))
    assert found.v_forming_V == pytest.approx(2.5) and found.instrument_definition_V == pytest.approx(0.1)
    assert "the two definitions differ" in found.report() and not found.in_compliance


def test_a_jump_that_takes_two_points():
    m = sweep(2.5)
    amps = m.current.copy()
    amps[249] = 2e-4
    assert forming(m.replace(current_A=amps)).v_forming_V == pytest.approx(2.5)


def test_a_glitch_before_the_jump_does_not_win():
    m = sweep(2.5, after_A=lambda v: np.minimum(v / 1e4, 5e-4))
    amps = m.current.copy()
    amps[120] = 4e-4
    assert forming(m.replace(current_A=amps)).v_forming_V == pytest.approx(2.5)


def test_dictionary_is_json():
    data = json.loads(json.dumps(forming(sweep(3.0)).to_dict(), allow_nan=False))
    assert data["v_forming_V"] == pytest.approx(3.0) and data["v_forming_magnitude_V"] == pytest.approx(3.0)
    assert {"i_forming_A", "v_forming_device_V", "instrument_definition_V", "method", "in_compliance"} <= data.keys()


UP = np.linspace(0, 2, 101)
DOWN = UP[::-1]


@pytest.mark.parametrize(
    ("volts", "amps", "message"),
    [
        (
            np.r_[UP, DOWN],
            np.r_[UP, DOWN] / 1e4,
            r"no forming found\. forward \+: the largest step, .* brings 1 % of the highest",
        ),
        (
            np.r_[UP, DOWN],
            1e-12 * np.sinh(8 * np.r_[UP, DOWN]),
            r"no forming found.*brings 15 % of the highest current.*30 % or more",
        ),
        (
            np.linspace(0, 2, 21),
            1e-12 * np.exp(5 * np.linspace(0, 2, 21)),
            r"is only 2\.7 times the steps before it, as on a smooth",
        ),
        (UP, np.random.default_rng(0).normal(0, 1e-12, 101), r"no forming found"),
        (UP, np.r_[0, np.full(100, 1e-3)], r"forward \+: 2 points before compliance, 8 are needed"),
        (np.linspace(0, 2, 9), np.r_[0, 1e-9, np.linspace(1, 1.5, 7) * 1e-3], r"is one of the first two"),
        (DOWN, DOWN / 1e4, r"it has no forward branch \(away from 0 V\)\. Was the device formed already"),
    ],
)
def test_no_forming(volts, amps, message):
    with pytest.raises(InputError, match=message):
        forming(Measurement.from_arrays(volts, amps))


@pytest.mark.parametrize(
    ("r_series_ohm", "message"),
    [
        (-1.0, r"r_series_ohm=-1\.0 is not allowed: expected 0\.\.1e\+09 ohm"),
        (
            1e5,
            r"r_series_ohm=100000 is not allowed: with 0\.0005 A it takes the whole 3 V; expected less than 6e\+03 ohm",
        ),
    ],
)
def test_series_resistance(r_series_ohm, message):
    with pytest.raises(InputError, match=message):
        forming(sweep(3.0), r_series_ohm)


def test_several_runs():
    m = sweep(3.0)
    both = segment(
        Measurement.from_arrays(np.r_[m.voltage, m.voltage], np.r_[m.current, m.current], run=["A"] * 802 + ["B"] * 802)
    )
    with pytest.raises(
        InputError, match=r"holds the runs A, B; a device forms in one of them: give measurement\.run\('A'\)"
    ):
        forming(both)
    assert forming(both.run("B")).run == "B"


def test_forming_is_found_through_the_noise_of_the_whole_trace():
    """5 % noise on every point, an additive floor and glitches: voltage to one step, current to a few per cent."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        m = sweep(2.5, after_A=lambda v: v / 1e4)
        amps = m.current * (1 + 0.05 * rng.normal(size=len(m))) + 1e-8 * rng.normal(size=len(m))
        amps[rng.integers(20, 240, 2)] = 2e-4
        found.append(forming(m.replace(current_A=amps)))
    assert np.mean([abs(f.v_forming_V - 2.5) < 0.0101 for f in found]) >= 0.95
    formed = np.array([f.i_formed_A for f in found])
    assert np.median(formed) == pytest.approx(2.5e-4, rel=0.03) and formed.std() < 0.6 * 0.05 * 2.5e-4 * 1.5
