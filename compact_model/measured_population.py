"""A population that *measures* as published, rather than one that *is* as published.

Published metrics are read off traces: 400 pulses do not quite reach the bounds a law approaches, and the extremes and the spread of
noisy steps are not those of the law without noise. So a population with the published numbers as its own measures differently.
Here its means are moved until the protocol, run on it, gives the published means back: computed, with nothing typed in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compact_model.open_loop import run_open_loop
from compact_model.population import PHYSICAL_HIGH, PHYSICAL_LOW, Bivariate, Population
from ground.errors import NotConverged

_TRIES = 40
_CLOSE = 1e-3  # of the mean of each metric


def measured_means(population: Population, *, devices: int = 4096, seed: int = 0) -> NDArray[np.float64]:
    """Return the means over devices of (n_states, sp_skew, nsr), (3,), that the published protocol reads off the population."""
    m = run_open_loop(population.sample(devices, seed), seed=seed).metrics()
    return np.array([m.n_states.mean(), m.sp_skew.mean(), m.nsr.mean()])


def as_measured(population: Population, *, devices: int = 4096, seed: int = 0) -> Population:
    """Return the population whose measured means are the means of `population`; its spreads and exponents stay.

    Solved for n_states, sp_skew and nsr together, each step with the same devices and noise.
    Raises NotConverged where no such population is found.
    """
    wanted = np.array([*population.states.mean, population.nsr_mean])
    latent = wanted.copy()
    for _ in range(_TRIES):
        tried = _with_means(population, latent)
        measured = measured_means(tried, devices=devices, seed=seed)
        if np.all(np.abs(measured / wanted - 1.0) < _CLOSE):
            return tried
        latent = np.clip(latent * wanted / measured, PHYSICAL_LOW[[0, 1, 4]], PHYSICAL_HIGH[[0, 1, 4]])
    raise NotConverged(
        f"as_measured: n_states, sp_skew, nsr measure as {measured.round(4).tolist()} instead of {wanted.round(4).tolist()} "
        f"after {_TRIES} corrections. Likely cause: a noise so large that its measured value does not rise with it."
    )


def _with_means(population: Population, latent: NDArray[np.float64]) -> Population:
    n, skew, nsr = (float(v) for v in latent)
    states = population.states
    return population.replace(
        states=Bivariate(mean=(n, skew), sigma=states.sigma, correlation=states.correlation),
        nsr_mean=nsr,
        assumed={
            **population.assumed,
            "states.mean, nsr_mean": "set so that the open-loop protocol measures the published means; the device's own differ",
        },
    )
