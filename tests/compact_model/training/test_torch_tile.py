"""The torch tile, here on the CPU, has the law of the numba tile: distributions agree, ideal products are equal."""

import numpy as np
import pytest
import torch
from scipy import stats
from tiles import POPULATION, equal_devices, make_tile

from compact_model.pulsed_device import DOWN, UP, pulse
from compact_model.training.algorithm import algorithm_named
from compact_model.training.bank import DeviceBank
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.torch_tile import TorchTile

IDEAL = {"forward": Converters(ideal=True), "backward": Converters(ideal=True)}


def make_torch_tile(name, shape, *, seed=0, devices=None, settings=None, **how):
    law = algorithm_named(name, **(settings or {}))
    W = DeviceBank(devices or POPULATION.sample(shape, 0))
    A = DeviceBank(devices or POPULATION.sample(shape, 0, first_device=10_000)) if law.has_fast_array else None
    return TorchTile(W, A, law, device="cpu", seed=seed, **how)


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_certain_noise_free_pulse_is_the_pulse_of_the_device(direction):
    certain = PulseTrains(slots=1, shorten=False, manage=False)
    tile = make_torch_tile("sgd", (3, 5), devices=equal_devices((3, 5)), trains=certain)
    before = tile.W.g_S
    tile.update(np.ones((1, 5)), -direction * np.ones((1, 3)), lr=10.0)
    tile.state()
    assert tile.W.g_S == pytest.approx(pulse(before, tile.W.devices, direction, 0.0), rel=2e-5)


@pytest.mark.parametrize(
    ("name", "more"),
    [(name, {}) for name in ("sgd", "mp", "ttv1", "ttv2", "c-ttv2")]
    + [("agad", {"rho": 0.5}), ("mp", {"verify": 0.6}), ("agad", {"rho": 0.5, "verify": 0.6})],
)
def test_weights_are_distributed_as_those_of_the_numba_tile(name, more):
    settings = {"lr": 0.3, **({"transfer_every": 1} if name not in ("sgd", "mp") else {}), **more}
    shape, rng = (16, 20), np.random.default_rng(0)
    x = rng.uniform(0, 1, (12, 8, 20)).astype(np.float32)
    d = (np.linspace(-0.3, 0.3, 16) + 0.5 * rng.standard_normal((12, 8, 16))).astype(np.float32)
    found = {"numba": [], "torch": []}
    for seed in range(3):
        for kind in found:
            how = {"settings": settings, **IDEAL}
            devices = POPULATION.sample(shape, 0)
            tile = (
                make_torch_tile(name, shape, seed=seed, **how)
                if kind == "torch"
                else make_tile(name, shape, devices=devices, **how)
            )
            if kind == "numba":
                tile.seed = 100 + seed
                if tile.A is not None:
                    tile.A = DeviceBank(POPULATION.sample(shape, 0, first_device=10_000))
            for a, b in zip(x, d, strict=True):
                tile.update(a, b)
            found[kind].append((np.array(tile.weights), tile.pulses.copy()))
    ours, theirs = (np.array([w for w, _ in found[k]]) for k in found)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 0.01
    pulses = [np.mean([p for _, p in found[k]], axis=0) for k in found]
    assert pulses[0][int(name not in ("sgd", "mp"))] > 100  # on W
    assert pulses[0] == pytest.approx(pulses[1], rel=0.08)  # coincidences of one line come together


def test_products_and_converters():
    ideal, real = make_torch_tile("sgd", (20, 30), **IDEAL), make_torch_tile("sgd", (20, 30))
    rng = np.random.default_rng(0)
    w, x = rng.uniform(-0.4, 0.4, (20, 30)), rng.uniform(-1, 1, (300, 30)).astype(np.float32)
    for tile in (ideal, real):
        tile.write(w)
    exact = x @ ideal.weights.T
    assert ideal.forward(x).numpy() == pytest.approx(exact, abs=1e-5)
    assert ideal.backward(exact).numpy() == pytest.approx(exact @ ideal.weights, abs=1e-4)
    other = make_tile("sgd", (20, 30))
    other.write(w)
    spread = [np.std(y - exact) for y in (real.forward(x).numpy(), other.forward(x))]
    assert spread[0] == pytest.approx(spread[1], rel=0.03)


def test_a_saved_state_goes_on_alike():
    rng = np.random.default_rng(0)
    x, d = rng.uniform(0, 1, (6, 8, 9)), rng.uniform(-1, 1, (6, 8, 6))
    a, b = (make_torch_tile("agad", (6, 9), settings={"transfer_every": 1}) for _ in range(2))
    for k in range(3):
        a.update(x[k], d[k])
    b.load_state({k: v.copy() for k, v in a.state().items()})
    for tile in (a, b):
        for k in range(3, 6):
            tile.update(x[k], d[k])
    assert all(np.array_equal(v, b.state()[k]) for k, v in a.state().items())


def test_a_network_trains_through_it():
    from compact_model.training.layers import AnalogLinear
    from compact_model.training.optimiser import AnalogOptimiser

    layer = AnalogLinear(make_torch_tile("sgd", (2, 3), **IDEAL), torch.zeros(2))
    before = layer.tile.weights.copy()
    layer(torch.rand(4, 3)).sum().backward()
    AnalogOptimiser(layer, lr=0.5).step()
    assert (layer.tile.weights - before).mean() < 0
