"""Weights on devices."""

import numpy as np
import pytest
from tiles import POPULATION, equal_devices

from compact_model.pulsed_device import symmetry_point_S
from compact_model.training.bank import DeviceBank, packed
from ground.errors import InputError


def test_weight_zero_is_the_symmetry_point_and_a_fresh_bank_stands_there():
    bank = DeviceBank(POPULATION.sample((5, 7), 1))
    assert np.abs(bank.weights).max() < 1e-6
    assert bank.g_S == pytest.approx(symmetry_point_S(bank.devices), rel=1e-6)


def test_written_weights_come_back_where_the_device_reaches_them():
    bank = DeviceBank(POPULATION.sample((5, 7), 1))
    wanted = np.random.default_rng(0).uniform(-2, 2, (5, 7))
    bank.write(wanted)
    low = (bank.devices.g_min_S - bank.reference_S) / bank.unit_S
    high = (bank.devices.g_max_S - bank.reference_S) / bank.unit_S
    assert bank.weights == pytest.approx(np.clip(wanted, low, high), abs=2e-6)


def test_packed_parameters_are_held_to_a_fraction_of_their_range_and_equal_ones_exactly():
    rng = np.random.default_rng(0)
    a, b, same = rng.uniform(-8, -2, 999), rng.uniform(0.3, 3, 999), np.full(999, 0.9)
    word, law = packed((a, 11), (b, 11), (same, 10))
    back_a, back_b = (word >> 21) * law[1] + law[0], ((word >> 10) & 0x7FF) * law[3] + law[2]
    assert np.abs(back_a - a).max() <= 0.51 * np.ptp(a) / 2047
    assert np.abs(back_b - b).max() <= 0.51 * np.ptp(b) / 2047
    assert np.all((word & 0x3FF) * law[5] + law[4] == np.float32(0.9))


def test_grain_is_the_larger_step_in_the_middle_of_the_window():
    d = equal_devices((2, 2))
    expected = max(d.dg_up_S[0, 0] * 0.5 ** d.gamma_up[0, 0], d.dg_down_S[0, 0] * 0.5 ** d.gamma_down[0, 0]) / 48e-6
    assert DeviceBank(d).grain == pytest.approx(expected)


def test_reach_makes_every_weight_larger_and_every_state_the_same():
    devices = POPULATION.sample((6, 9), 4)
    one, three = DeviceBank(devices), DeviceBank(devices, reach=3.0)
    wanted = np.linspace(-0.6, 0.6, 54).reshape(6, 9)
    one.write(wanted)
    three.write(3 * wanted)
    assert three.grain == pytest.approx(3 * one.grain)
    assert three.g_S == pytest.approx(one.g_S, rel=1e-6)
    assert three.weights == pytest.approx(3 * one.weights, abs=1e-5)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match=r"shape \(4,\); expected \(rows, columns\)"):
        DeviceBank(POPULATION.sample(4, 0))
    with pytest.raises(InputError, match=r"weights have shape \(2, 2\), but the bank holds \(5, 7\)"):
        DeviceBank(POPULATION.sample((5, 7), 1)).write(np.zeros((2, 2)))
