"""Each algorithm by what its paper promises."""

import numpy as np
import pytest
from tiles import equal_devices, make_tile

from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training.algorithm import algorithm_named, algorithms
from compact_model.training.converters import Converters
from ground.errors import InputError

LR = {"sgd": 0.03, "ttv1": 0.05, "ttv2": 0.05, "c-ttv2": 0.05, "agad": 0.05}


def test_ttv2_collects_until_one_and_fires_once():
    h, fired = 0.0, []
    for _ in range(10):
        pulses, h = ttv2.read_column(0.25, 1.0, h, 0.1)
        fired.append(pulses)
    assert fired == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]  # after a pulse a tenth of h stays
    assert h == pytest.approx(0.5 + 0.1 * (0.1 + 0.75 + 0.25), abs=0.02)


def test_the_chopper_takes_the_sign_of_the_read():
    plain, chopped = ttv2.read_column(-0.7, 2.0, 0.0, 0.0), cttv2.read_column(0.7, -1.0, 2.0, 0.0, 0.0)
    assert plain == chopped == (-1.0, -0.0)


def test_agad_does_not_see_a_constant_offset_of_A():
    for offset in (0.0, 0.3):
        fired, h, p = agad.read_column(0.1 + offset, 1.0, 1.0, 0.2, 0.0, 0.0, offset, 0.5)
        assert (fired, h) == (0.0, pytest.approx(0.3))
        assert p == pytest.approx(0.5 * (0.1 + offset))


def test_ttv1_rounds_stochastically_without_bias():
    u = np.random.default_rng(0).random(200_000)
    for value in (-1.3, -0.2, 0.45, 2.8):
        assert ttv1.read_column(value, 1.0, u).mean() == pytest.approx(value, abs=0.01)


def test_the_laws_work_on_tensors_as_on_numbers():
    import torch

    numbers = [agad.read_column(w, -1.0, 0.9, 0.3, 0.1, 0.2, 0.05, 0.5) for w in (-2.0, 0.1, 2.0)]
    tensors = agad.read_column(torch.tensor([-2.0, 0.1, 2.0]), -1.0, 0.9, 0.3, 0.1, 0.2, 0.05, 0.5)
    assert pytest.approx(torch.stack(tensors).numpy(), rel=1e-6) == np.array(numbers).T


@pytest.mark.parametrize("name", ["sgd", "ttv1", "ttv2", "c-ttv2", "agad"])
def test_every_algorithm_learns_a_linear_map(name):
    rng = np.random.default_rng(1)
    target = rng.uniform(-0.4, 0.4, (5, 8))
    ideal, fine = Converters(ideal=True), equal_devices((5, 8), nsr=0.3, n_states=200.0)
    tile = make_tile(name, (5, 8), devices=fine, settings={"lr": LR[name]}, forward=ideal, backward=ideal)
    errors = []
    for _ in range(700):
        x = rng.uniform(-1, 1, (16, 8)).astype(np.float32)
        d = tile.forward(x) - x @ target.T.astype(np.float32)
        tile.update(x, d)
        errors.append(np.sqrt(np.mean((tile.weights - target) ** 2)))
    assert np.mean(errors[-200:]) < 0.15 * errors[0]


def test_without_a_gradient_a_wrong_reference_drives_W_to_its_bound_in_ttv2_but_not_in_agad():
    """The reference of A is off its symmetry point by 0.3 and the errors are pure noise (Rasch 2024, figure 3)."""
    rng = np.random.default_rng(2)
    final = {}
    for name in ("ttv2", "agad"):
        fine = equal_devices((5, 8), nsr=0.3, n_states=200.0)
        tile = make_tile(name, (5, 8), devices=fine, settings={"lr": 0.05}, forward=Converters(ideal=True))
        tile.A.scale[..., 1] += np.float32(0.3)
        for _ in range(400):
            tile.update(rng.uniform(0, 1, (16, 8)), rng.standard_normal((16, 5)))
        final[name] = float(tile.weights.mean())
    assert final["ttv2"] < -0.5
    assert abs(final["agad"]) < 0.1


def test_no_pulse_on_W_before_every_column_had_a_chopper_period():
    tile = make_tile("agad", (4, 5), settings={"lr": 5.0, "transfer_every": 1, "rho": 0.25})
    rng = np.random.default_rng(0)
    for _ in range(5 * (4 + 1)):
        tile.update(rng.uniform(0, 1, (1, 5)), rng.uniform(-1, 1, (1, 4)))
    assert tile.pulses[1] == 0 and tile.pulses[0] > 0
    for _ in range(25):
        tile.update(rng.uniform(0, 1, (1, 5)), rng.uniform(-1, 1, (1, 4)))
    assert tile.pulses[1] > 0


def test_unknown_algorithms_and_rates_are_answered_with_the_near_ones():
    assert list(algorithms()) == ["fp", "sgd", "ttv1", "ttv2", "c-ttv2", "agad"]
    with pytest.raises(InputError, match=r"algorithm='agat' is not known. Did you mean 'agad'"):
        algorithm_named("agat")
    with pytest.raises(InputError, match="AnalogSGD.fast_lr is not known"):
        algorithm_named("sgd", fast_lr=0.1)
    with pytest.raises(InputError, match=r"AGAD.rho=2.0 is not allowed: expected 0..1"):
        algorithm_named("agad", rho=2.0)
