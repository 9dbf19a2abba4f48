import numpy as np
import pytest

from compact_model.array import Array
from compact_model.population import Population
from ground.errors import InputError

P = Population.published()
ARRAY = Array.from_population(P, (6, 5), 11)


def test_a_life_program_wait_read():
    targets = np.linspace(20e-6, 80e-6, 30).reshape(6, 5)
    done = ARRAY.program(targets, acceptance=0.005)
    assert done.programming.converged.all() and np.array_equal(done.g_S, done.programming.g_S)
    assert np.array_equal(ARRAY.g_S, ARRAY.devices.g_min_S) and ARRAY.programming is None  # the old one is untouched
    hour = done.wait(3600)
    shift = hour.g_S - done.g_S
    assert shift.mean() == pytest.approx(-0.73e-6, abs=0.5e-6) and shift.std() == pytest.approx(0.76e-6, rel=0.4)
    assert hour.read() != pytest.approx(hour.g_S, abs=1e-9) and np.array_equal(hour.read(), hour.read())
    assert not np.array_equal(hour.read(), hour.read(repeat=1))
    assert np.array_equal(done.read(), done.g_S)  # no time has passed for the noise to grow


def test_waiting_in_pieces_is_waiting():
    done = ARRAY.program(50e-6)
    a, b = done.wait(1).wait(3599), done.wait(3600)
    assert a.clock_s == 3600 and np.array_equal(a.g_S, b.g_S)


def test_each_write_has_its_own_noise_and_starts_the_clock_again():
    first = ARRAY.program(50e-6)
    second = first.wait(100).program(50e-6)
    assert (first.writes, second.writes, second.clock_s) == (1, 2, 0.0)
    assert not np.array_equal(first.g_S, second.g_S)
    assert not np.array_equal(first.wait(10).g_S - first.g_S, second.wait(10).g_S - second.g_S)


def test_pulses_move_the_conductance_inside_its_bounds():
    state = ARRAY
    for _ in range(40):
        state = state.pulse(+1)
    assert np.mean(state.g_S) > 80e-6 and np.all(state.g_S <= state.devices.g_max_S)
    sign = np.where(np.arange(30).reshape(6, 5) % 2, 1, -1)
    after = state.pulse(sign)
    assert after.g_S[sign < 0].mean() < state.g_S[sign < 0].mean() - 1e-6
    assert np.all((after.wait(3e9).g_S >= after.devices.g_min_S) & (after.wait(3e9).g_S <= after.devices.g_max_S))


def test_device_17_lives_the_same_life_in_another_shape():
    other = Array.from_population(P, 30, 11)
    life = [a.program(50e-6).wait(60).pulse(1).wait(3600).read() for a in (ARRAY, other)]
    assert np.array_equal(life[0].ravel(), life[1])
    assert not np.array_equal(
        life[1], Array.from_population(P, 30, 12).program(50e-6).wait(60).pulse(1).wait(3600).read()
    )


def test_arrays_are_immutable():
    with pytest.raises(ValueError, match="read-only"):
        ARRAY.program(50e-6).g_written_S[0, 0] = 1.0


def test_wrong_uses_are_explained():
    with pytest.raises(InputError, match=r"targets_S has shape \(3, 6, 5\) for an array of shape \(6, 5\)"):
        ARRAY.program(np.full((3, 6, 5), 5e-5))
    with pytest.raises(InputError, match=r"direction is not allowed: expected \+1 .up. or -1"):
        ARRAY.pulse(0)
    with pytest.raises(InputError, match="seconds=-1 is not allowed: expected 0 or more"):
        ARRAY.wait(-1)
    with pytest.raises(InputError, match=r"t_s=0.1 is not allowed: .* measured from 1 s on"):
        ARRAY.wait(0.1)
    with pytest.raises(InputError, match=r"Array.g_written_S has shape \(2,\), but the devices have \(6, 5\)"):
        Array(ARRAY.devices, np.ones(2), 0)
    with pytest.raises(InputError, match="seed=-1 is not allowed"):
        Array.from_population(P, 3, -1)
