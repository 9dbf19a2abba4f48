"""segment: branches from turning points, cycles, offset, compliance and glitches, each with a known answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fits.reading.measurement import Measurement
from fits.sweeps.segments import segment, segmented, turning_points
from ground.errors import InputError


def triangle(v_top_V: float, n: int = 101) -> np.ndarray:
    up = np.linspace(0.0, v_top_V, n)
    return np.r_[up, up[::-1]]


def blocks(m: Measurement) -> list[tuple[str, int, int]]:
    """(branch, cycle, number of points) in the order measured."""
    keys = list(zip(m.branch_names.tolist(), m.cycle.tolist(), strict=True))
    starts = [0, *(k for k in range(1, len(keys)) if keys[k] != keys[k - 1]), len(keys)]
    return [(*keys[a], b - a) for a, b in itertools.pairwise(starts)]


def of(volts, amps=None, **options) -> Measurement:
    volts = np.asarray(volts, float)
    return segment(Measurement.from_arrays(volts, volts * 1e-5 if amps is None else amps, **options))


@pytest.mark.parametrize("sign", [1, -1])
def test_double_sweep_with_the_top_twice(sign):
    s = "+" if sign > 0 else "-"
    assert blocks(of(sign * triangle(1.0))) == [(f"forward {s}", 1, 101), (f"return {s}", 1, 101)]


def test_full_loop_and_cycles():
    loop = np.r_[triangle(1.0, 11), triangle(-1.2, 11)]
    names = ["forward +", "return +", "forward -", "return -"]
    assert blocks(of(np.r_[loop, loop])) == [(n, c, 11) for c in (1, 2) for n in names]


def test_loop_through_zero_gives_zero_to_the_ending_branch():
    assert blocks(of([-0.2, -0.1, 0, 0.1, 0.2, 0.2, 0.1, 0, -0.1, -0.2])) == [
        ("return -", 1, 3),
        ("forward +", 1, 2),
        ("return +", 1, 3),
        ("forward -", 1, 2),
    ]


def test_single_sweep_held_top_and_coarse_sweep():
    assert blocks(of([-1, 0, 0, 0, 1])) == [("return -", 1, 3), ("forward +", 1, 2)]
    assert blocks(of([0, 1, 2, 3])) == [("forward +", 1, 4)]
    assert blocks(of([0, 1, 2, 2, 2, 2, 1, 0])) == [("forward +", 1, 4), ("return +", 1, 4)]
    assert blocks(of([0, 1, 0, -1, 0])) == [
        ("forward +", 1, 2),
        ("return +", 1, 1),
        ("forward -", 1, 1),
        ("return -", 1, 1),
    ]


@given(st.integers(0, 2**32 - 1))
def test_measured_voltage_noise_makes_no_branch(seed):
    rng = np.random.default_rng(seed)
    clean = np.r_[triangle(1.0), triangle(-1.0)]
    noisy = clean + rng.normal(0, 3e-4, clean.size)  # 3 % of a step: 0.3 mV
    found = blocks(of(noisy))
    assert [b[0] for b in found] == ["forward +", "return +", "forward -", "return -"]
    assert all(abs(n - 101) <= 2 for *_, n in found)


def test_turning_points_indices():
    assert turning_points(np.array([0, 1, 2, 2, 1, 0.0])) == [3]
    assert turning_points(np.array([0, 1, 2, 1.99, 2.5, 3, 1])) == [6]
    assert turning_points(np.linspace(0, 1, 50)) == []


def test_runs_are_segmented_apart():
    m = segment(
        Measurement.from_arrays(np.r_[[0, 1, 2, 3], [3, 2, 1, 0]], np.arange(8) * 1e-6, run=["a"] * 4 + ["b"] * 4)
    )
    assert blocks(m.run("a")) == [("forward +", 1, 4)] and blocks(m.run("b")) == [("return +", 1, 4)]


def test_offset_of_each_branch():
    volts = triangle(1.0, 11)
    m = of(volts, volts * 1e-5 + np.repeat([2e-8, -3e-8], 11))
    assert np.allclose(m.offset_current, np.repeat([2e-8, -3e-8], 11), rtol=1e-12)
    lone = of([-0.1, 0, 0.1, 0.2], [0, 5e-9, 0, 0])
    assert np.allclose(lone.branch("forward +").offset_current, 5e-9)  # the 0 V point just before it
    assert np.isnan(of([0.1, 0.2, 0.3]).offset_current).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_compliance_plateau_is_flagged_where_it_is(sign):
    volts = triangle(2.0, 201)
    amps = np.minimum(volts / 1e4, 5e-5) * (1 + 1e-5 * np.cos(np.arange(402)))
    m = of(sign * volts, sign * amps)
    assert np.array_equal(m.in_compliance, volts >= 0.495 - 1e-9)  # 1 % below the level counts as held
    assert m.compliance_A == pytest.approx(5e-5, rel=1e-4)


def test_each_polarity_has_its_own_compliance():
    volts = np.r_[triangle(2.0, 201), triangle(-2.0, 201)]
    amps = np.maximum(np.minimum(volts / 1e4, 5e-5), -1.0)
    m = of(volts, amps)
    assert m.branch("forward +").in_compliance.any() and not m.branch("forward -").in_compliance.any()


@pytest.mark.parametrize(
    "curve",
    [
        lambda v: v / 1e4,  # a resistor reaches its tip
        lambda v: 1e-9 * np.sinh(8 * v),
        lambda v: 1e-4 * np.exp(-(((v - 1.0) / 0.4) ** 2)),  # a round peak, as at RESET
        lambda v: 0 * v,
    ],
    ids=["resistor", "sinh", "peak", "zero"],
)
def test_no_compliance_where_the_device_makes_the_curve(curve):
    volts = triangle(2.0, 2001)  # dense: many points within 1 % of the tip
    m = of(volts, curve(volts))
    assert not m.in_compliance.any() and np.isnan(m.compliance_A)


def test_known_compliance_is_kept():
    assert of(triangle(1.0), compliance_A=1e-3).compliance_A == 1e-3


@pytest.mark.parametrize("where", [20, 50, 150])
@pytest.mark.parametrize("factor", [-1.0, 2.5])
def test_a_single_wild_point_is_a_glitch(where, factor):
    rng = np.random.default_rng(1)
    volts = triangle(1.0)
    amps = volts * 1e-5 * (1 + 1e-3 * rng.normal(size=volts.size)) + 1e-9
    amps[where] *= factor
    assert np.flatnonzero(of(volts, amps).glitch).tolist() == [where]


def test_noise_steps_and_jumps_are_no_glitches():
    rng = np.random.default_rng(2)
    volts = triangle(1.0)
    assert of(volts, rng.normal(0, 1e-12, volts.size)).glitch.mean() < 0.02
    jump = np.where(np.arange(202) > 60, 1e-4, 1e-8) * (0.1 + volts)
    assert not of(volts, jump).glitch.any()


@pytest.mark.parametrize(
    ("volts", "message"),
    [
        ([0.0, 1.0], r"the measurement, Run1: 2 points are no sweep; expected at least 3"),
        ([0.2] * 10, r"the voltage stays at 0\.2 V; expected a sweep\. Is this a reading over time"),
        ([0.0] * 10, r"the voltage stays at 0 V"),
    ],
)
def test_messages(volts, message):
    with pytest.raises(InputError, match=message):
        of(volts)


def test_segmented_does_it_once_and_data_stay():
    m = Measurement.from_arrays(triangle(1.0), triangle(1.0) * 1e-5)
    once = segmented(m)
    assert segmented(once) is once and not m.branches
    assert np.array_equal(once.current, m.current) and np.array_equal(once.voltage, m.voltage)
