"""Pulses that a digital sum owes to the devices of W."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._normals import SERIAL, key_of
from compact_model.training._reads import MOST_PULSES, pulse_weight

_U = np.uint32


@njit(**SERIAL)
def pay(owed: Any, W: Any, shown: Any, seed: Any, call: Any) -> int:
    """Give every device its whole pulses, at most 31, and take them off; return how many.

    owed (rows, columns) : pulses, positive up.  W, shown : as in `read_rows`.  call : number of the update.
    """
    key, other = key_of(seed, call, 0)
    rows, columns = owed.shape
    given = 0
    for i in range(rows):
        for k in range(columns):
            count = min(int(abs(owed[i, k])), MOST_PULSES)
            if count > 0:
                down = owed[i, k] < 0.0
                pulse_weight(i, k, down, count, W, shown, _U(32 * (i * columns + k)), key, other)
                owed[i, k] += np.float32(count if down else -count)
                given += count
    return given
