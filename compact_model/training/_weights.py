"""From the state of a device to its weight: one rounding, wherever it is computed.

In double precision the product is exact, so it does not matter whether the machine fuses it with the difference: a resumed run sees,
to the last bit, the weights of the run that stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._normals import SERIAL


@njit(**SERIAL)
def weight_of(u: Any, scale: Any) -> Any:
    """Return the weight of a device in state u; scale : its span and its reference, in units of weight."""
    return np.float32(np.float64(u) * np.float64(scale[0]) - np.float64(scale[1]))


@njit(**SERIAL)
def weights_of(state: Any, scale: Any) -> Any:
    """Return the weights of all devices; state (rows, columns), scale (rows, columns, 2)."""
    out = np.empty(state.shape, np.float32)
    for i in range(state.shape[0]):
        for k in range(state.shape[1]):
            out[i, k] = weight_of(state[i, k], scale[i, k])
    return out
