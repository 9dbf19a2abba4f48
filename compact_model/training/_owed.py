"""Pulses that a digital sum owes to the devices of W."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._normals import SERIAL, key_of
from compact_model.training._reads import MOST_OWED, MOST_PULSES, pulse_weight

_U, _F = np.uint32, np.float32


@njit(**SERIAL)
def pay(owed: Any, W: Any, shown: Any, rules: Any, seed: Any, call: Any) -> int:
    """Give every device the pulses due, at most 31, and take off what they count; return how many.

    owed (rows, columns) : steps, positive up.  W, shown, rules : as in `read_rows`.  call : number of the update.
    """
    _, fire, _, per_weight, verify_noise = rules
    key, other = key_of(seed, call, 0)
    rows, columns = owed.shape
    given = 0
    for i in range(rows):
        for k in range(columns):
            count = min(int(abs(owed[i, k]) + _F(1.0) - fire), MOST_PULSES)
            if count > 0:
                down, first = owed[i, k] < 0.0, _U(32 * (i * columns + k))
                moved = pulse_weight(i, k, down, count, W, shown, first, key, other, verify_noise)
                if per_weight > 0.0:
                    owed[i, k] = min(max(owed[i, k] - moved * per_weight, -MOST_OWED), MOST_OWED)
                else:
                    owed[i, k] += _F(count if down else -count)
                given += count
    return given
