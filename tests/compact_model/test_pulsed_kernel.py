"""The compiled pulses are the pulses of `pulsed_device` with the random numbers of `streams`."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model import pulsed_kernel as kernel
from compact_model.population import Population
from compact_model.program_verify import PulseWindow, program
from compact_model.pulse_trains import train
from compact_model.pulsed_device import mean_step_S, pulse
from compact_model.streams import normals
from ground.errors import InputError

DEVICES = Population.published().sample((5, 6), 3)


def test_random_numbers_are_those_of_the_streams() -> None:
    ids = np.array([7, 2**33 + 5], np.uint64)
    want = normals(11, "program", ids, trial=9, first=8, count=4)
    c, z, ln_x = np.empty((4, 2), np.uint64), np.empty((4, 2)), np.empty(2)
    x, m = np.empty(2), np.empty(2)
    kernel.words(2, kernel.key(11, "program"), np.full(2, 2, np.uint64), ids, np.full(2, 9, np.uint64), c)
    for half in (0, 2):
        room = (x, x.view(np.int64), m, m.view(np.int64), ln_x)
        kernel.normal_pair(2, c[half], c[half + 1], *room, z[half], z[half + 1])
    assert z == pytest.approx(want, abs=1e-13)


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


@pytest.mark.parametrize("increment", [0.0, 0.2])
def test_a_closed_loop_is_pulse_after_pulse(increment: float) -> None:
    """The compiled loop gives places to several devices in turn and must not mix them up: here, one device at a time by hand."""
    devices = Population.published().sample(330, 5)
    targets = np.random.default_rng(0).uniform(10e-6, 90e-6, (2, 330))
    windows = [PulseWindow(low_S=60e-6, high_S=91e-6, up_factor=3.0, down_factor=0.5)]
    found = program(devices, targets, 0.004, seed=6, max_pulses=150, trial=3, windows=windows, increment=increment)
    for trial, i in ((0, 0), (0, 17), (1, 0), (1, 255), (1, 329)):
        mine, goal = devices[i], targets[trial, i]
        up, down = (3.0, 0.5) if goal > 60e-6 else (1.0, 1.0)
        xi = normals(6, "program", mine.device_id, trial=3 + trial, count=152)
        g, pulses, run = float(mine.g_min_S), 0, 0
        while pulses < 150 and abs(g - goal) > 0.004 * goal:
            rising = g < goal
            run = max(run, 0) + 1 if rising else min(run, 0) - 1
            step = (
                mean_step_S(g, mine, 1 if rising else -1) * (up if rising else down) * (1 + increment) ** (abs(run) - 1)
            )
            g = float(np.clip(g + step * (1.0 + mine.step_noise * xi[pulses]), mine.g_min_S, mine.g_max_S))
            pulses += 1
        assert found.pulses[trial, i] == pulses
        assert found.g_S[trial, i] == pytest.approx(g, rel=1e-12)


def test_growing_pulses_need_fewer_and_change_nothing_where_they_do_not_grow() -> None:
    small = Population.published().replace(nsr_mean=0.1, nsr_sigma=0.0)
    devices = small.replace(states=small.states.replace(mean=(400.0, 0.61))).sample(60, 0)
    plain, same, growing = (program(devices, 60e-6, 0.02, seed=0, increment=i) for i in (0.0, 1e-300, 0.2))
    assert np.array_equal(plain.g_S, same.g_S)
    assert growing.converged.all() and growing.mean_pulses < 0.5 * plain.mean_pulses
    with pytest.raises(InputError, match=r"increment=-1 is not allowed: expected 0 .identical pulses. to 10"):
        program(devices, 60e-6, 0.02, seed=0, increment=-1)
