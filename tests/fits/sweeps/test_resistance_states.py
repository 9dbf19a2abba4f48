"""states: LRS and HRS before and after each sweep, SET and RESET voltages, statistics over runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fits.reading.measurement import Measurement
from fits.sweeps.resistance_states import Statistics, population, states
from ground.errors import InputError


def loop(
    lrs_ohm: float, hrs_ohm: float, v_set_V: float, v_reset_V: float, n: int = 151
) -> tuple[np.ndarray, np.ndarray]:
    """SET on the positive side, RESET on the negative one; the sweep is 0, +1.5, 0, -1.5, 0 V."""
    up = np.linspace(0, 1.5, n)
    volts = np.r_[up, up[::-1], -up, -up[::-1]]
    r = np.r_[
        np.where(up >= v_set_V - 1e-9, lrs_ohm, hrs_ohm),
        np.full(n, lrs_ohm),
        np.where(up > v_reset_V + 1e-9, hrs_ohm, lrs_ohm),
        np.full(n, hrs_ohm),
    ]
    return volts, volts / r


def test_known_loop(switching):
    result = states(switching)
    set_, reset = result.sweeps
    assert (set_.kind, set_.state_before, set_.state_after, set_.polarity) == ("set", "HRS", "LRS", "+")
    assert set_.r_before_ohm == pytest.approx(2e5) and set_.r_after_ohm == pytest.approx(1e4)
    assert set_.v_switch_V == pytest.approx(1.0) and set_.i_switch_A == pytest.approx(1e-4)
    assert (reset.kind, reset.state_before, reset.state_after, reset.polarity) == ("reset", "LRS", "HRS", "-")
    assert reset.v_switch_V == pytest.approx(-1.19) and reset.i_switch_A == pytest.approx(-1.19e-4)  # the highest |I|
    p = result.population
    assert p.lrs_ohm.n == p.hrs_ohm.n == 2 and p.ratio_of_means == pytest.approx(20) and p.set_V.n == p.reset_V.n == 1
    assert "SYNTHETIC" in result.report() and "set at 1 V" in result.report() and not result.left_out


def test_read_voltage_between_points_is_interpolated():
    volts, amps = loop(1e4, 2e5, 1.0, 1.2)
    assert states(Measurement.from_arrays(volts, amps), 0.2037).sweeps[0].r_before_ohm == pytest.approx(2e5)
    v = np.array([0, 0.1, 0.3, 0.3, 0.1, 0])
    r = states(Measurement.from_arrays(v, [0, 1e-6, 5e-6, 5e-6, 1e-6, 0]), 0.2).sweeps[0]
    assert r.r_before_ohm == pytest.approx(0.2 / 3e-6) and r.r_after_ohm == pytest.approx(0.2 / 3e-6)


def test_population_over_runs_has_the_statistics_put_in():
    lrs, hrs, v_set = [1.0e4, 1.2e4, 1.1e4], [2e5, 3e5, 4e5], [0.9, 1.0, 1.1]
    parts = [loop(*x, 1.2) for x in zip(lrs, hrs, v_set, strict=True)]
    volts, amps = (np.concatenate(x) for x in zip(*parts, strict=True))
    whole = states(Measurement.from_arrays(volts, amps, run=np.repeat(["Run1", "Run2", "Run3"], 604)))
    assert len(whole.sweeps) == 6
    p = whole.population
    assert p.lrs_ohm.mean == pytest.approx(1.1e4) and p.lrs_ohm.n == 6
    assert p.hrs_ohm.std == pytest.approx(np.std([2e5, 2e5, 3e5, 3e5, 4e5, 4e5], ddof=1))
    assert (
        p.set_V.mean == pytest.approx(1.0)
        and p.set_V.std == pytest.approx(0.1)
        and p.reset_V.mean == pytest.approx(-1.2)
    )
    assert p.ratio_of_means == pytest.approx(3e5 / 1.1e4) and p.ratio_of_medians == pytest.approx(3e5 / 1.1e4)
    apart = population([states(Measurement.from_arrays(*part)) for part in parts])
    assert apart == p
    cycles = states(Measurement.from_arrays(volts, amps))  # the same as cycles of one run
    assert [s.cycle for s in cycles.sweeps] == [1, 1, 2, 2, 3, 3] and cycles.population == p


def test_sweep_without_switching_is_named_by_the_population():
    volts, amps = loop(1e4, 2e5, 1.0, 1.2)
    up = np.linspace(0, 0.5, 51)
    v2 = np.r_[up, up[::-1]]
    both = Measurement.from_arrays(
        np.r_[volts, v2, v2], np.r_[amps, v2 / 1.1e4, v2 / 1.5e5], run=["a"] * 604 + ["b"] * 102 + ["c"] * 102
    )
    b, c = states(both).sweeps[2:]
    assert (b.kind, b.state_before, b.state_after, b.v_switch_V) == ("none", "LRS", "LRS", None)
    assert (c.kind, c.state_before, c.state_after) == ("none", "HRS", "HRS")
    alone = states(Measurement.from_arrays(v2, v2 / 1e4))
    assert alone.sweeps[0].state_before == "unknown" and alone.population.ratio_of_means is None
    assert alone.population.lrs_ohm is None and "no switching" in alone.report()


def test_what_cannot_be_read_is_none_with_a_reason():
    up = np.linspace(0, 1, 101)
    volts = np.r_[up, up[::-1]]
    amps = np.r_[np.where(up >= 0.8 - 1e-9, 1e-4, up * 1e-6), np.minimum(up[::-1] * 1e-2, 1e-4)]
    result = states(Measurement.from_arrays(volts, amps))
    assert result.sweeps[0].r_before_ohm == pytest.approx(1e6) and result.sweeps[0].r_after_ohm is None
    assert result.left_out == ("Run1 cycle 1 return +: is in compliance at the read voltage 0.2 V",)
    single = states(Measurement.from_arrays(up, up * 1e-6))
    assert single.left_out == ("Run1 cycle 1 return +: this branch was not measured",)
    assert "not read" in single.report()


def test_noise_and_offset_are_no_resistance_but_bound_one():
    rng = np.random.default_rng(4)
    up = np.linspace(0, 2, 201)
    volts = np.r_[up, up[::-1]]
    amps = np.r_[np.where(up >= 1.5 - 1e-9, up / 5e3, rng.normal(0, 1e-13, 201)), up[::-1] / 5e3]
    forming_sweep = states(Measurement.from_arrays(volts, amps)).sweeps[0]
    assert forming_sweep.r_before_ohm is None and forming_sweep.r_after_ohm == pytest.approx(5e3)
    assert forming_sweep.kind == "set" and forming_sweep.v_switch_V == pytest.approx(1.5)
    shifted = np.r_[up / 1e9 + 1e-9, up[::-1] / 1e4 + 1e-9]
    result = states(Measurement.from_arrays(volts, shifted))
    assert result.sweeps[0].r_before_ohm is None
    assert result.left_out == (
        "Run1 cycle 1 forward +: 1.2e-09 A at the read voltage is not above twice the 1e-09 A at 0 V",
    )
    noise = Measurement.from_arrays(volts, np.r_[0, rng.normal(0, 1e-13, 400), 0])
    with pytest.raises(
        InputError, match=r"v_read_V=0\.2 reads no state of the measurement.*no slope stands above the noise|not above"
    ):
        states(noise)


def test_a_change_of_thirty_percent_is_no_switching():
    up = np.linspace(0, 1, 101)
    sweep = states(Measurement.from_arrays(np.r_[up, up[::-1]], np.r_[up / 1.3e4, up[::-1] / 1e4])).sweeps[0]
    assert sweep.kind == "none" and sweep.r_before_ohm == pytest.approx(1.3e4)


def test_set_is_the_jump_before_compliance_not_one_after_it():
    up = np.linspace(0, 2, 201)
    amps = np.where(up >= 1.0 - 1e-9, 5e-4, up * 1e-6)
    amps[99] = 2e-4  # the jump takes two points, 2e-4 and 3e-4
    amps[150:153] = 0.0  # contact lost for a moment: 5e-4 on its return
    m = Measurement.from_arrays(np.r_[up, up[::-1]], np.r_[amps, np.minimum(up[::-1] / 1e3, 5e-4)])
    assert states(m).sweeps[0].v_switch_V == pytest.approx(1.0)


def test_reset_into_noise_is_a_reset():
    up = np.linspace(0, 2, 201)
    rng = np.random.default_rng(4)
    amps = np.r_[np.where(up <= 1.5 + 1e-9, up / 5e3, 0), np.zeros(201)] + rng.normal(0, 1e-13, 402)
    sweep = states(Measurement.from_arrays(np.r_[up, up[::-1]], amps)).sweeps[0]
    assert sweep.kind == "reset" and sweep.r_after_ohm is None and sweep.v_switch_V == pytest.approx(1.5)


def test_statistics():
    assert Statistics.of([]) is None and Statistics.of([2.0]) == Statistics(2.0, None, 2.0, 1)
    assert Statistics.of([1.0, 3.0, 8.0]) == Statistics(4.0, pytest.approx(13**0.5), 3.0, 3)


def test_dictionary_is_json(switching):
    data = json.loads(json.dumps(states(switching).to_dict(), allow_nan=False))
    assert data["sweeps"][0]["kind"] == "set" and data["population"]["lrs_ohm"]["n"] == 2 and data["synthetic"] is True


def test_messages(switching):
    with pytest.raises(InputError, match=r"v_read_V=200 is not allowed.*Did you mean 0\.2 \(you gave mV\)"):
        states(switching, 200)
    with pytest.raises(
        InputError, match=r"v_read_V=2 reads no state of switching: .*covers 0\.\.1\.5 V, and the read voltage is 2 V"
    ):
        states(switching, 2.0)
    with pytest.raises(InputError, match=r"v_read_V differs between the results \(0\.1, 0\.2 V\)"):
        population([states(switching, 0.1), states(switching, 0.2)])
