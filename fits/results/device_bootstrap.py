"""Errors of a population from the scatter of its devices: whole devices drawn again, so that all that links parameters is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.model import Covariance
from compact_model.model_parameters import values_of
from compact_model.population import Population

Picked = NDArray[np.intp]


def covariance_over_devices(
    made: Callable[[Picked], Population], devices: int, names: Sequence[str], *, seed: int = 0, replicas: int = 400
) -> Covariance:
    """Return the covariance of population parameters over samples of as many devices.

    made : the population of some devices, given their numbers (each may come several times).  names : see `model_parameters`.
    The scatter of replicas is that of a sample around its own mean, too small by (n - 1)/n, which is put back.
    """
    rng = np.random.default_rng(seed)
    rows = [_values(made(rng.integers(0, devices, devices)), names) for _ in range(replicas)]
    matrix = np.atleast_2d(np.cov(np.array(rows).T)) * devices / (devices - 1)
    return Covariance(names=tuple(names), matrix=tuple(tuple(float(x) for x in row) for row in matrix))


def _values(population: Population, names: Sequence[str]) -> Any:
    return values_of(SimpleNamespace(population=population), names)
