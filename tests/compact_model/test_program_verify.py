import numpy as np
import pytest

from compact_model.population import Population
from compact_model.program_verify import PulseWindow, levels_S, program
from compact_model.pulsed_device import DOWN, UP, pulse
from compact_model.streams import normals
from ground.errors import InputError

DEVICES = Population.published().sample((4, 3), 1)
LEVELS = levels_S(5).reshape(-1, 1, 1)


def test_every_device_ends_inside_its_own_band():
    result = program(DEVICES, LEVELS, 0.01, seed=1)
    assert result.g_S.shape == result.pulses.shape == result.converged.shape == (5, 4, 3)
    assert result.converged.all() and result.converged_fraction == 1
    assert np.all(np.abs(result.deviation_S) <= 0.01 * result.target_S)
    assert result.pulses.min() >= 1 and result.mean_pulses == result.pulses.mean()


def test_the_loop_is_read_pulse_read_pulse_written_out_for_one_device():
    d, target, g, count = DEVICES[2, 1], 42e-6, float(DEVICES[2, 1].g_min_S), 0
    xi = normals(1, "program", d.device_id, count=2000)
    while abs(g - target) > 0.005 * target:
        g = float(pulse(g, d, UP if g < target else DOWN, xi[count]))
        count += 1
    result = program(d, target, 0.005, seed=1)
    assert float(result.g_S) == pytest.approx(g, rel=1e-12)
    assert int(result.pulses) == count


def test_a_device_alone_is_programmed_as_inside_the_array():
    whole = program(DEVICES, LEVELS, 0.005, seed=3)
    for index in ((0, 0), (3, 2)):
        alone = program(DEVICES[index], LEVELS[:, 0, 0], 0.005, seed=3)
        assert np.array_equal(alone.g_S, whole.g_S[(slice(None), *index)])
        assert np.array_equal(alone.pulses, whole.pulses[(slice(None), *index)])
    assert np.array_equal(program(DEVICES, LEVELS[2], 0.005, seed=3, trial=2).g_S, whole.g_S[2])
    assert not np.array_equal(program(DEVICES, LEVELS, 0.005, seed=4).g_S, whole.g_S)


def test_a_tighter_band_takes_more_pulses():
    counts = [program(DEVICES, LEVELS, a, seed=0).mean_pulses for a in (0.05, 0.01, 0.002)]
    assert counts[0] < counts[1] < counts[2]


def test_too_few_pulses_are_not_convergence():
    result = program(DEVICES, LEVELS, 0.001, seed=0, max_pulses=3)
    assert not result.converged.all() and result.pulses.max() == 3
    outside = np.abs(result.deviation_S) > 0.001 * result.target_S
    assert np.array_equal(outside, ~result.converged)


def test_a_target_beyond_the_bounds_never_converges():
    result = program(DEVICES, 2e-4, 0.01, seed=0, max_pulses=50)
    assert not result.converged.any() and np.all(result.g_S <= DEVICES.g_max_S)


def test_a_window_with_larger_steps_changes_its_targets_only():
    plain = program(DEVICES, LEVELS, 0.02, seed=0)
    strong = program(DEVICES, LEVELS, 0.02, seed=0, windows=[PulseWindow(low_S=60e-6, high_S=90e-6, up_factor=3.0)])
    assert np.array_equal(plain.g_S[:3], strong.g_S[:3])
    assert strong.pulses[3:].mean() < plain.pulses[3:].mean()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "acceptance=0 is not allowed: expected 1e-06..0.5"),
        (2, "It is a fraction: 2 % is 0.02"),
        (-0.1, "expected 1e-06..0.5"),
        (float("nan"), "expected 1e-06..0.5"),
        ("2%", "acceptance='2%' is not allowed"),
        (True, "acceptance=True is not allowed"),
    ],
)
def test_a_bad_acceptance_is_explained(value, words):
    with pytest.raises(InputError, match=words):
        program(DEVICES, 5e-5, value, seed=0)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (50.0, "expected siemens. Did you mean 5e-05 .you gave uS"),
        (0.0, "finite and above 0 S"),
        (np.nan, "finite and above 0 S"),
        (np.full(4, 5e-5), r"targets_S has shape \(4,\), which does not fit devices of shape \(4, 3\)"),
    ],
)
def test_bad_targets_are_explained(targets, words):
    with pytest.raises(InputError, match=words):
        program(DEVICES, targets, 0.01, seed=0)


@pytest.mark.parametrize("levels", [1, 0, -3, 5000, True, 2.5])
def test_a_bad_number_of_levels_is_named(levels):
    with pytest.raises(InputError, match=r"levels=.* is not allowed: expected 2..4096 levels"):
        levels_S(levels)


def test_max_pulses_must_allow_one():
    with pytest.raises(InputError, match="max_pulses=0 is not allowed: expected 1 or more"):
        program(DEVICES, 5e-5, 0.01, seed=0, max_pulses=0)
