"""Each algorithm by what its paper promises."""

import numpy as np
import pytest
from tiles import equal_devices, make_tile

from compact_model.pulsed_device import DOWN, UP, pulse
from compact_model.training import agad
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains

LR = {"sgd": 0.03, "mp": 0.05, "ttv1": 0.05, "ttv2": 0.05, "c-ttv2": 0.05, "agad": 0.05}


def test_the_laws_work_on_tensors_as_on_numbers():
    import torch

    numbers = [agad.read_column(w, -1.0, 0.9, 0.3, 0.1, 1.0, 0.2, 0.05, 0.5) for w in (-2.0, 0.1, 2.0)]
    tensors = agad.read_column(torch.tensor([-2.0, 0.1, 2.0]), -1.0, 0.9, 0.3, 0.1, 1.0, 0.2, 0.05, 0.5)
    assert pytest.approx(torch.stack(tensors).numpy(), rel=1e-6) == np.array(numbers).T


@pytest.mark.parametrize("name", ["sgd", "mp", "ttv1", "ttv2", "c-ttv2", "agad"])
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


def test_mixed_precision_pays_whole_pulses_and_keeps_the_rest():
    """Devices without noise in the middle of their window: a sum of 2.6 pulses is two pulses now and a third one later."""
    still = equal_devices((1, 2), nsr=0.0, n_states=1e4)
    tile = make_tile("mp", (1, 2), devices=still, settings={"lr": 1.0}, forward=Converters(ideal=True))
    grain, before, d = tile.W.grain, tile.W.g_S, tile.W.devices
    tile.update(np.array([[1.3, 0.9]]), np.array([[-2.0 * grain]]))
    assert tile.pulses[0] == 3 and tile.digital[..., 0] == pytest.approx(np.array([[0.6, 0.8]]), abs=1e-5)
    once = pulse(before, d, UP, 0.0)
    now = np.stack([pulse(once, d, UP, 0.0)[:, 0], once[:, 1]], axis=1)
    assert tile.W.g_S == pytest.approx(now, rel=1e-6)
    tile.update(np.array([[0.3, -1.0]]), np.array([[-2.0 * grain]]))
    assert tile.pulses[0] == 5 and tile.digital[..., 0] == pytest.approx(np.array([[0.2, -0.2]]), abs=1e-5)
    now = np.stack([pulse(now, d, UP, 0.0)[:, 0], pulse(now, d, DOWN, 0.0)[:, 1]], axis=1)
    assert tile.W.g_S == pytest.approx(now, rel=1e-6)


def test_mixed_precision_gives_no_more_pulses_at_once_than_a_train_has():
    tile = make_tile("mp", (1, 1), devices=equal_devices((1, 1), n_states=1e4), settings={"lr": 1.0})
    tile.update(np.ones((1, 1)), -100.0 * tile.W.grain * np.ones((1, 1)))
    assert tile.pulses[0] == 31 and tile.digital[0, 0, 0] == pytest.approx(69.0, rel=1e-5)


@pytest.mark.parametrize("name", ["ttv1", "ttv2", "c-ttv2", "agad"])
def test_of_true_size_a_transfer_moves_W_by_the_gradient_and_not_by_what_auto_scale_makes_of_it(name):
    """Ten times the error moves W ten times as far; by default, where the rate of A follows the error, as far as before."""
    moved = {}
    for true_size in (False, True):
        for size in (1.0, 10.0):
            fine = equal_devices((4, 6), nsr=0.0, n_states=2000.0, sp_skew=0.5)
            law = {"lr": 4e-3, "transfer_every": 1, "true_size": true_size, "threshold": 9.0 if true_size else 1.0}
            ideal = Converters(ideal=True)
            tile = make_tile(name, (4, 6), devices=fine, settings=law, trains=PulseTrains(slots=31), forward=ideal)
            rng = np.random.default_rng(4)
            for _ in range(150):
                tile.update(rng.uniform(0.5, 1, (16, 6)), size * 1e-3 * rng.uniform(0.5, 1, (16, 4)))
            moved[true_size, size] = -float(tile.weights.mean())
    assert moved[False, 10.0] == pytest.approx(moved[False, 1.0], rel=0.1)
    assert 6.0 < moved[True, 10.0] / moved[True, 1.0] < 15.0  # one pulse a read at most, and whole ones


def test_mixed_precision_divides_its_rate_by_the_threshold():
    owed = []
    for law in ({"lr": 0.4}, {"lr": 1.0, "threshold": 2.5}):
        tile = make_tile("mp", (1, 1), devices=equal_devices((1, 1)), settings=law)
        tile.update(np.ones((1, 1)), 0.5 * tile.W.grain * np.ones((1, 1)))
        owed.append(float(tile.digital[0, 0, 0]))
    assert owed == pytest.approx([-0.2, -0.2], rel=1e-5)
