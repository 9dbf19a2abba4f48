"""The compiled pulses are the pulses of `pulsed_device` with the random numbers of `streams`."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model import pulsed_kernel as kernel
from compact_model.population import Population
from compact_model.program_verify import program
from compact_model.pulse_trains import train
from compact_model.pulsed_device import pulse
from compact_model.streams import normals
from ground.errors import InputError

DEVICES = Population.published().sample((5, 6), 3)


def test_random_numbers_are_those_of_the_streams() -> None:
    want = normals(11, "program", [7, 2**33 + 5], trial=9, first=8, count=4)
    for column, device in enumerate((7, 2**33 + 5)):
        assert kernel._four(kernel.key(11, "program"), 2, device, 9) == pytest.approx(want[:, column], abs=1e-14)


def test_a_train_is_pulse_after_pulse() -> None:
    direction = np.array([1, 1, 1, -1, 1, -1, -1, 1, 1, -1])
    g, out = DEVICES.g_min_S.ravel().copy(), np.empty((10, 30))
    train(g, kernel.rows(DEVICES), DEVICES.device_id.ravel(), direction, kernel.key(4, "pulse"), 2, out)
    now, xi = DEVICES.g_min_S, normals(4, "pulse", DEVICES.device_id, trial=2, count=12)
    for k, sign in enumerate(direction):
        now = pulse(now, DEVICES, sign, xi[k])
        assert out[k] == pytest.approx(now.ravel(), rel=1e-12)
    assert np.array_equal(g, out[-1])


def test_a_device_does_the_same_alone_as_among_many() -> None:
    devices = Population.published().sample(600, 1)
    direction, k = np.tile([1, 1, -1], 7), kernel.key(2, "pulse")
    ends = []
    for some in (slice(0, 600), slice(300, 301), slice(290, 560)):
        g = devices.g_min_S[some].copy()
        train(g, kernel.rows(devices[some]), devices.device_id[some], direction, k, 0, np.empty((0, 0)))
        ends.append(g)
    assert ends[1][0] == ends[0][300]
    assert np.array_equal(ends[2], ends[0][290:560])
    assert np.all((ends[0] >= devices.g_min_S) & (ends[0] <= devices.g_max_S))


def test_growing_pulses_need_fewer_and_change_nothing_where_they_do_not_grow() -> None:
    small = Population.published().replace(nsr_mean=0.1, nsr_sigma=0.0)
    devices = small.replace(states=small.states.replace(mean=(400.0, 0.61))).sample(60, 0)
    plain, same, growing = (program(devices, 60e-6, 0.02, seed=0, increment=i) for i in (0.0, 1e-300, 0.2))
    assert np.array_equal(plain.g_S, same.g_S)
    assert growing.converged.all() and growing.mean_pulses < 0.5 * plain.mean_pulses
    with pytest.raises(InputError, match=r"increment=-1 is not allowed: expected 0 .identical pulses. to 10"):
        program(devices, 60e-6, 0.02, seed=0, increment=-1)
