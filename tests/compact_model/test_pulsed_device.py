from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_model.pulsed_device import (
    DOWN,
    UP,
    PulsedDevices,
    distance_to_g_max,
    mean_step_S,
    pulse,
    step_at_symmetry_point_S,
    symmetry_point_S,
)
from ground.errors import InputError


def device(**changes):
    values = {
        "n_states": 22.0,
        "sp_skew": 0.61,
        "gamma": 1.5,
        "gamma_up_down": 0.1,
        "nsr": 0.9,
        "g_min_S": 4e-6,
        "g_max_S": 1e-4,
        "device_id": 0,
    }
    return PulsedDevices.from_metrics(**{**values, **changes})


metrics = st.fixed_dictionaries(
    {
        "n_states": st.floats(2, 500),
        "sp_skew": st.floats(0.05, 0.95),
        "gamma": st.floats(0.1, 4),
        "gamma_up_down": st.floats(-0.9, 0.9),
        "nsr": st.floats(0, 10),
        "g_min_S": st.floats(0, 5e-5),
        "g_max_S": st.floats(6e-5, 1e-3),
    }
)


@settings(deadline=None)
@given(metrics, st.floats(0, 1), st.lists(st.tuples(st.sampled_from([UP, DOWN]), st.floats(-20, 20)), max_size=30))
def test_no_pulse_leaves_the_bounds(values, start, pulses):
    d = device(**values)
    g = d.g_min_S + start * (d.g_max_S - d.g_min_S)
    for direction, xi in pulses:
        g = pulse(g, d, direction, xi)
        assert d.g_min_S <= g <= d.g_max_S


@settings(deadline=None)
@given(metrics)
def test_ideal_device_has_exactly_the_metrics_it_was_made_from(values):
    d = device(**values)
    window = float(d.g_max_S - d.g_min_S)
    sp = symmetry_point_S(d)
    assert (d.g_max_S - sp) / window == pytest.approx(values["sp_skew"], rel=1e-9)
    assert window / step_at_symmetry_point_S(d) == pytest.approx(values["n_states"], rel=1e-8)
    assert mean_step_S(sp, d, UP) == pytest.approx(-mean_step_S(sp, d, DOWN), rel=1e-8)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 0.8), st.floats(0.5, 2.5), st.floats(-0.5, 0.5))
def test_mean_alternating_pulses_come_to_rest_at_the_symmetry_point(skew, gamma, bias):
    d = device(n_states=60.0, sp_skew=skew, gamma=gamma, gamma_up_down=bias)
    g = np.array([d.g_min_S, d.g_max_S])
    for _ in range(500):
        top = pulse(g, d, UP, 0.0)
        g = pulse(top, d, DOWN, 0.0)
    step = float(step_at_symmetry_point_S(d))
    assert g[0] == pytest.approx(g[1], abs=0.02 * step)
    assert 0.5 * (g + top) == pytest.approx(float(symmetry_point_S(d)), abs=0.5 * step)


def test_linear_soft_bounds_have_the_textbook_symmetry_point():
    d = replace(device(gamma=1.0, gamma_up_down=0.0), dg_up_S=np.array(3e-6), dg_down_S=np.array(1e-6))
    assert (d.g_max_S - symmetry_point_S(d)) / (d.g_max_S - d.g_min_S) == pytest.approx(1 / 4, rel=1e-12)


def test_step_by_hand_and_its_noise():
    d = device(gamma=2.0, gamma_up_down=0.0)
    half = 0.5 * (d.g_max_S + d.g_min_S)
    assert distance_to_g_max(half, d) == pytest.approx(0.5)
    assert mean_step_S(half, d, UP) == pytest.approx(d.dg_up_S / 4)
    assert pulse(half, d, DOWN, 1.0) - half == pytest.approx(-d.dg_down_S / 4 * 1.9)
    assert pulse(half, d, UP, -2.0) < half  # 1 - 2 * 0.9 < 0: a step against its pulse


def test_devices_are_immutable_and_keep_their_identity_in_parts():
    d = device(n_states=np.full((3, 4), 20.0), device_id=np.arange(12).reshape(3, 4))
    with pytest.raises(FrozenInstanceError):
        d.g_max_S = 1.0
    with pytest.raises(ValueError, match="read-only"):
        d.g_max_S[0, 0] = 1.0
    assert d[1, 2].device_id == 6 and d[:, 1].shape == (3,) and d.reshape(12).device_id[7] == 7 and d.size == 12


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("g_max_S", 3e-6, "more than g_min_S"),
        ("g_min_S", -1e-6, "0 S or more"),
        ("dg_up_S", 0.0, "more than 0"),
        ("dg_down_S", -1e-6, "more than 0"),
        ("gamma_up", 0.0, "more than 0"),
        ("gamma_down", np.nan, "more than 0"),
        ("step_noise", -0.1, "0 or more"),
        ("device_id", -1, "0 or more"),
        ("g_max_S", np.inf, "more than g_min_S"),
    ],
)
def test_a_value_that_is_no_device_is_named(name, value, words):
    with pytest.raises(
        InputError,
        match=rf"PulsedDevices\.{name}=.* is not allowed \(place 0, 1 of 1 devices\): "
        rf"expected {words}",
    ):
        replace(device(), **{name: np.array(value)})


def test_fields_of_different_shapes_are_refused():
    with pytest.raises(InputError, match=r"gamma_up has shape \(2,\), but g_max_S has \(\)"):
        replace(device(), gamma_up=np.ones(2))


@pytest.mark.parametrize("wrong", [{"sp_skew": 61.0}, {"n_states": 0.0}, {"sp_skew": 0.0}])
def test_per_cent_instead_of_a_fraction_is_refused(wrong):
    with pytest.raises(InputError, match=r"sp_skew inside 0..1 .a fraction, not per cent"):
        device(**wrong)
