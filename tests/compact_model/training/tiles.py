"""Small tiles for the tests."""

import numpy as np

from compact_model.population import Population
from compact_model.pulsed_device import PulsedDevices
from compact_model.training.algorithm import algorithm_named
from compact_model.training.bank import DeviceBank

POPULATION = Population.published()


def equal_devices(shape, nsr=0.0, n_states=22.0, sp_skew=0.61, gamma=1.5):
    """Return devices that are all the same."""
    return PulsedDevices.from_metrics(
        n_states=n_states,
        sp_skew=sp_skew,
        gamma=gamma,
        gamma_up_down=0.1,
        nsr=nsr,
        g_min_S=4e-6,
        g_max_S=100e-6,
        device_id=np.arange(np.prod(shape)).reshape(shape),
    )


def make_tile(name="agad", shape=(6, 9), *, seed=0, devices=None, settings=None, **how):
    """Return a tile of the published population, or of given devices."""
    from compact_model.training.tile import Tile

    law = algorithm_named(name, **(settings or {}))
    W = DeviceBank(devices or POPULATION.sample(shape, seed))
    A = DeviceBank(devices or POPULATION.sample(shape, seed, first_device=10_000)) if law.has_fast_array else None
    return Tile(W, A, law, seed=seed, **how)


def passes_are_updates(make, name):
    """Assert that a batch in three passes is, to the last bit, three updates by it at a third of the rate."""
    law, rng = {"lr": 0.6, "transfer_every": 1}, np.random.default_rng(0)
    at_once, one_by_one = (make(name, (4, 6), settings={**law, "passes": n}) for n in (3, 1))
    for _ in range(20):
        x, d = rng.uniform(0, 1, (7, 6)), rng.uniform(-1, 1, (7, 4))
        at_once.update(x, d)
        for _ in range(3):
            one_by_one.update(x, d, lr=0.2)
    assert at_once.pulses[1] > 0
    for key, value in at_once.state().items():
        assert np.array_equal(value, one_by_one.state()[key]), key
