"""What is done with a column that was read, law by law; needs no torch."""

import numpy as np
import pytest

from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training.algorithm import algorithm_named, algorithms
from ground.errors import InputError


def test_ttv2_collects_until_one_and_fires_once():
    h, fired = 0.0, []
    for _ in range(10):
        pulses, h = ttv2.read_column(0.25, 1.0, h, 0.1, 1.0)
        fired.append(pulses)
    assert fired == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]  # after a pulse a tenth of h stays
    assert h == pytest.approx(0.5 + 0.1 * (0.1 + 0.75 + 0.25), abs=0.02)


def test_the_chopper_takes_the_sign_of_the_read():
    plain, chopped = ttv2.read_column(-0.7, 2.0, 0.0, 0.0, 1.0), cttv2.read_column(0.7, -1.0, 2.0, 0.0, 0.0, 1.0)
    assert plain == chopped == (-1.0, -0.0)


def test_agad_does_not_see_a_constant_offset_of_A():
    for offset in (0.0, 0.3):
        fired, h, p = agad.read_column(0.1 + offset, 1.0, 1.0, 0.2, 0.0, 1.0, 0.0, offset, 0.5)
        assert (fired, h) == (0.0, pytest.approx(0.3))
        assert p == pytest.approx(0.5 * (0.1 + offset))


def test_ttv1_rounds_stochastically_without_bias():
    u = np.random.default_rng(0).random(200_000)
    for value in (-1.3, -0.2, 0.45, 2.8):
        assert ttv1.read_column(value, 1.0, u).mean() == pytest.approx(value, abs=0.01)


def test_unknown_algorithms_and_rates_are_answered_with_the_near_ones():
    assert list(algorithms()) == ["fp", "sgd", "mp", "ttv1", "ttv2", "c-ttv2", "agad"]
    with pytest.raises(InputError, match=r"algorithm='agat' is not known. Did you mean 'agad'"):
        algorithm_named("agat")
    with pytest.raises(InputError, match="AnalogSGD.fast_lr is not known"):
        algorithm_named("sgd", fast_lr=0.1)
    with pytest.raises(InputError, match=r"AGAD.rho=2.0 is not allowed: expected 0..1"):
        algorithm_named("agad", rho=2.0)
