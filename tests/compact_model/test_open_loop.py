import numpy as np
import pytest

from compact_model.open_loop import open_loop_metrics, run_open_loop
from compact_model.population import Population
from compact_model.pulsed_device import PulsedDevices
from ground.errors import InputError
from ground.paper import paper


def copies(count, nsr=0.9, **changes):
    values = {"n_states": 22.0, "sp_skew": 0.61, "gamma": 1.5, "gamma_up_down": 0.0, "g_min_S": 4e-6, "g_max_S": 1e-4}
    return PulsedDevices.from_metrics(**{**values, **changes}, nsr=nsr, device_id=np.arange(count))


def test_protocol_is_the_published_one():
    trace = run_open_loop(copies(1), seed=0)
    assert "batches of 400" in paper()["open_loop"]["protocol"] and "500" in paper()["open_loop"]["protocol"]
    d = trace.direction
    assert [d[i * 400 : (i + 1) * 400].tolist() for i in range(4)] == [[1] * 400, [-1] * 400, [1] * 400, [-1] * 400]
    assert d[1600:].tolist() == [1, -1] * 250 and trace.g_S.shape == (2101, 1)


def test_noise_free_metrics_approach_the_asked_ones_as_steps_shrink():
    """The alternating device sits half a step off its symmetry point, so the bias is of order 1/n_states."""
    errors = []
    for n in (20, 40, 80, 160):
        m = run_open_loop(
            copies(1, nsr=0.0, n_states=float(n)), seed=0, pulses_per_batch=4000, alternating_pulses=4000
        ).metrics(settle_pulses=3000)
        errors.append((abs(m.n_states[0] / n - 1), abs(m.sp_skew[0] - 0.61)))
    errors = np.array(errors)
    assert np.all(errors[-1] < (0.015, 0.003)) and np.all(np.diff(errors, axis=0) < 0)
    assert errors[0, 0] / errors[2, 0] > 3


def test_measured_metrics_of_22_states_and_their_known_bias():
    m = run_open_loop(copies(400), seed=1).metrics()
    assert m.n_states.mean() == pytest.approx(20.2, abs=0.3)  # asked 22: - 8 %
    assert m.sp_skew.mean() == pytest.approx(0.616, abs=0.005)  # asked 0.61
    assert m.nsr.mean() == pytest.approx(0.97, abs=0.02)  # asked 0.90: + 8 %


def test_published_population_measures_within_ten_per_cent_of_the_published_means():
    m = run_open_loop(Population.published().sample(400, 0), seed=0).metrics()
    target = paper()["open_loop"]
    for measured, name in ((m.n_states, "n_states"), (m.sp_skew, "sp_skew"), (m.nsr, "nsr")):
        assert measured.mean() == pytest.approx(target[name]["mean"], rel=0.12)


def test_a_device_alone_gives_the_trace_it_gives_inside_an_array():
    devices = Population.published().sample((4, 5), 3)
    whole = run_open_loop(devices, seed=9, pulses_per_batch=50, alternating_pulses=130)
    alone = run_open_loop(devices[3, 2], seed=9, pulses_per_batch=50, alternating_pulses=130)
    assert np.array_equal(whole.g_S[:, 3, 2], alone.g_S)
    assert not np.array_equal(
        alone.g_S, run_open_loop(devices[3, 2], seed=9, trial=1, pulses_per_batch=50, alternating_pulses=130).g_S
    )


def test_metrics_by_hand():
    g = np.array([0, 10, 4, 6, 4, 6, 4.0])
    m = open_loop_metrics(g, [1, -1, 1, -1, 1, -1], 4, settle_pulses=0)
    assert (m.g_max_S, m.g_min_S, m.g_sp_S, m.dg_sp_S) == (10, 0, 5, 2)
    assert (m.n_states, m.sp_skew, m.nsr) == (5, 0.5, 0)


@pytest.mark.parametrize("name", ["batches", "pulses_per_batch", "alternating_pulses"])
def test_too_short_a_protocol_is_refused(name):
    with pytest.raises(InputError, match=f"{name}=1 is not allowed: expected 2 or more"):
        run_open_loop(copies(1), seed=0, **{name: 1})


def test_metrics_refuse_what_is_no_trace():
    with pytest.raises(InputError, match="g_S has 5 conductances for 5 pulses: expected one more"):
        open_loop_metrics(np.ones(5), np.ones(5), 2)
    with pytest.raises(InputError, match="settle_pulses=499 is not allowed with alternating_pulses=500"):
        run_open_loop(copies(1), seed=0).metrics(settle_pulses=499)
    trace = run_open_loop(copies(2), seed=0)
    with pytest.raises(InputError, match=r"does not follow its pulses.*2 devices. Is the direction inverted"):
        open_loop_metrics(trace.g_S, -trace.direction, 500)
