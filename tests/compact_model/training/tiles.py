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
