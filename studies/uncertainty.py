"""Standard uncertainties of our own numbers: of means and widths over devices, of a statistic by leaving devices out, over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEEDS = 5  # runs that a spread over seeds is taken from


def mean_error(values: ArrayLike) -> float:
    """Standard error of the mean of independent values."""
    v = np.ravel(np.asarray(values, float))
    return float(v.std(ddof=1) / np.sqrt(v.size))


def jackknife(statistic: Callable[..., float], *samples: NDArray[np.float64], groups: int = 64) -> float:
    """Standard error of a statistic of arrays whose last axis is the device, leaving out one group of devices at a time.

    Devices are independent, whatever is repeated on one of them is not. groups : at most this many, of equal size or nearly so.
    """
    count = samples[0].shape[-1]
    edges = np.linspace(0, count, min(groups, count) + 1).astype(int)
    left = np.array(
        [statistic(*(np.concatenate([s[..., :a], s[..., b:]], axis=-1) for s in samples)) for a, b in pairwise(edges)]
    )
    n = left.size
    return float(np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2)))


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation of one run among runs that differ in their seed; None for a single run."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
