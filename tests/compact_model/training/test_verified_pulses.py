"""Pulses on W that are looked at: what they moved is taken off the digital sum, on both tiles."""

import numpy as np
import pytest
from tiles import POPULATION, equal_devices, make_tile

from compact_model.training.algorithm import algorithm_named
from compact_model.training.bank import DeviceBank
from compact_model.training.converters import Converters
from compact_model.training.torch_tile import TorchTile
from ground.errors import InputError

IDEAL = Converters(ideal=True)
MORE = {"agad": {"transfer_every": 1, "rho": 0.5}}


def _tile(kind, name, shape, *, devices=None, settings=None, io=IDEAL):
    if kind == "numba":
        return make_tile(name, shape, devices=devices, settings=settings, forward=io)
    law = algorithm_named(name, **settings)
    banks = [DeviceBank(devices or POPULATION.sample(shape, 0, first_device=n)) for n in (0, 10_000)]
    return TorchTile(banks[0], banks[1] if law.has_fast_array else None, law, device="cpu", forward=io)


@pytest.mark.parametrize("kind", ["numba", "torch"])
def test_mixed_precision_takes_off_what_the_device_moved(kind):
    """A sum of 2.65 steps pays 3 pulses where 0.6 of a step is enough; their shrinking steps are what goes off the sum."""
    devices = equal_devices((1, 1), nsr=0.0)
    tile = _tile(kind, "mp", (1, 1), devices=devices, settings={"lr": 1.0, "verify": 0.6})
    before = float(tile.weights[0, 0])
    tile.update(np.ones((1, 1)), -2.65 * tile.W.grain * np.ones((1, 1)))
    left = tile.state()["digital"][0, 0, 0]
    moved = (float(tile.weights[0, 0]) - before) / tile.W.grain
    assert tile.pulses[0] == 3 and 1.5 < moved < 2.9  # soft bounds: less than three whole steps
    assert left == pytest.approx(2.65 - moved, abs=1e-5)


@pytest.mark.parametrize("kind", ["numba", "torch"])
@pytest.mark.parametrize("name", ["ttv2", "c-ttv2", "agad"])
def test_a_transfer_takes_off_what_the_device_moved(kind, name):
    """H plus W in steps is what blind pulses would have let pass: it changes with reads of A alone, however noisy the pulses."""
    settings = {"lr": 0.3, "transfer_every": 1, "verify": 0.6}
    tile = _tile(kind, name, (6, 9), devices=equal_devices((6, 9), nsr=0.9), settings=settings)
    rng = np.random.default_rng(0)
    for _ in range(150):
        tile.update(rng.uniform(0, 1, (2, 9)), rng.standard_normal((2, 6)))
    told = tile.pulses[1]
    assert told > 100
    whole, h = tile.weights / tile.W.grain, tile.state()["digital"][..., 0].copy()
    tile.update(np.zeros((2, 9)), np.zeros((2, 6)), lr=0.0)  # reads with lambda_H = 0: whatever is still due is paid
    after, left = tile.weights / tile.W.grain, tile.state()["digital"][..., 0]
    free = np.abs(left) < 4.0
    assert (after + left)[free] == pytest.approx((whole + h)[free], abs=1e-4)
    assert np.abs(left).max() <= 4.0


def test_verified_weights_follow_the_sum_of_gradients_where_blind_ones_wander_off():
    """A thousand updates of random sign: the weight a digital sum would have is kept to about a step; blindly the error grows."""
    rng, shape = np.random.default_rng(3), (20, 20)
    wanted = rng.uniform(-0.3, 0.3, shape)
    gradients = 0.01 * rng.standard_normal((1000, *shape))
    gradients -= gradients.mean(0) + wanted / 1000  # their sum, times -1, is `wanted`
    error = {}
    for verify in (None, 0.6):
        law = {"lr": 1.0, "verify": verify}
        tile = make_tile("mp", shape, devices=equal_devices(shape, nsr=0.9, n_states=40.0), settings=law, forward=IDEAL)
        for g in gradients:
            tile.update(np.eye(20), g.T)
        error[verify] = float(np.sqrt(np.mean((tile.weights - wanted) ** 2))) / tile.W.grain
    assert error[0.6] < 1.0 < 2.0 < error[None]


@pytest.mark.parametrize("kind", ["numba", "torch"])
def test_a_device_at_its_bound_owes_four_steps_at_most(kind):
    """Asked up a hundred times it stays at its bound, and turns back after as many steps down."""
    tile = _tile(kind, "mp", (1, 1), devices=equal_devices((1, 1)), settings={"lr": 1.0, "verify": 0.6})
    one = np.ones((1, 1))
    for _ in range(100):
        tile.update(one, -2.0 * tile.W.grain * one)
    top = float(tile.weights[0, 0])
    assert tile.state()["digital"][0, 0, 0] == 4.0
    for _ in range(6):
        tile.update(one, tile.W.grain * one)
    assert float(tile.weights[0, 0]) < top - 0.5 * tile.W.grain


@pytest.mark.parametrize("kind", ["numba", "torch"])
def test_the_look_has_the_noise_of_two_reads(kind):
    """Devices that move by exactly one step, seen with noise: what is left of the sum has the deviation sqrt(2) verify_noise."""
    shape = (60, 70)
    devices = equal_devices(shape, nsr=0.0)
    seen = Converters(verify_noise=0.02)
    tile = _tile(kind, "mp", shape, devices=devices, settings={"lr": 1.0, "verify": 0.6}, io=seen)
    tile.update(np.ones((1, 70)), -0.7 * tile.W.grain * np.ones((1, 60)))
    left = tile.state()["digital"][..., 0] * tile.W.grain
    assert left.std() == pytest.approx(np.sqrt(2.0) * 0.02, rel=0.05)


def test_verified_pulses_follow_the_noise_law_of_the_paper():
    """The default noise of a look is the published read noise, 1 s after a pulse, over half the published window."""
    from compact_model.noise import ReadNoise
    from ground.paper import paper

    low, high = paper()["mvm"]["g_window_uS"]
    noise = float(ReadNoise.published().std_S(0.5e-6 * (low + high), 1.0))
    assert Converters().verify_noise == pytest.approx(noise / (0.5e-6 * (high - low)), rel=0.02)


def test_what_cannot_be_verified_or_chopped_is_refused():
    for name in ("fp", "sgd", "ttv1"):
        with pytest.raises(InputError, match="verify is not known"):
            algorithm_named(name, verify=0.6)
    for verify in (0.0, 1.2):
        with pytest.raises(InputError, match=r"AGAD.verify=.* is not allowed: expected 0.05..1"):
            algorithm_named("agad", verify=verify)
    for name, rate in (("ttv1", "rho"), ("ttv1", "momentum"), ("ttv2", "rho"), ("ttv2", "tail"), ("c-ttv2", "tail")):
        with pytest.raises(InputError, match=f"{rate} is not known"):
            algorithm_named(name, **{rate: 0.1})


def test_converters_of_earlier_runs_keep_their_content():
    assert "verify_noise" not in Converters().model_dump()
    assert Converters().reaching(2.0).verify_noise == 2.0 * Converters().verify_noise


@pytest.mark.parametrize("verify", [None, 0.6])
@pytest.mark.parametrize("name", ["mp", "agad"])
def test_the_weights_shown_are_those_of_the_state_to_the_last_bit(name, verify):
    """A product fused with its sum would round otherwise, and a resumed run would go other ways than the one that stopped."""
    tile = make_tile(name, (30, 40), settings={"lr": 0.5, "verify": verify, **MORE.get(name, {})})
    rng = np.random.default_rng(1)
    for _ in range(60):
        tile.update(rng.uniform(0, 1, (8, 40)), rng.standard_normal((8, 30)))
    assert tile.pulses[int(name == "agad")] > 300
    assert np.array_equal(tile.weights, tile.W.weights)
