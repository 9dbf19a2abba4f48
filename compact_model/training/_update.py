"""One update of a tile as one call of compiled code: plan, lists of active lines, pulses and reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._lists import active_lines
from compact_model.training._normals import SERIAL
from compact_model.training._plan import UPDATES, bursts, columns_due, trains
from compact_model.training._pulses import pulse_rows


@njit(**SERIAL)
def update(
    x: Any,
    d: Any,
    A: Any,
    W: Any,
    shown: Any,
    digital: Any,
    chop: Any,
    switched: Any,
    counters: Any,
    means: Any,
    pulses: Any,
    entry: Any,
    train: Any,
    schedule: Any,
    rules: Any,
    seed: int,
    stream: int,
) -> Any:
    """Move the weights by the products of x (vectors, columns) and d (vectors, rows); returns `entry`, grown where it must be.

    A : bank that gets the gradient, W : bank that gets the transfers, as `DeviceBank.for_kernel` gives them.
    chop, switched, counters, means, pulses : state of the tile, changed.  entry : room for the lists, kept between updates.
    train : (rate, grain, slots at most, manage, shorten, fast_lr, momentum), see `trains`, spread, see `bursts`, and even, see
    `even_train`.
    schedule : (vectors between two reads, choppers, rho, period), see `columns_due`.  rules : see `pulse_rows`.
    """
    vectors, columns = x.shape
    rate, grain, most, manage, shorten, fast_lr, momentum, spread, even = train
    scale = (fast_lr, momentum)
    slots, chance_x, chance_d = trains(x, d, rate, grain, most, manage, shorten, scale, means)
    vector, which, when = bursts(slots, spread)
    before = chop.copy()
    every, choppers, rho, period = schedule
    reads = columns_due(vectors, vector.size, every, choppers, rho, period, chop, switched, counters, seed)
    number = 8 * counters[UPDATES] + stream
    counters[UPDATES] += 1
    width = columns * slots.max() + 8
    if entry.size < vectors * width:
        entry = np.empty(vectors * width, np.uint16)
    lists = entry[: vectors * width].reshape((vectors, width))
    busy, offset = np.empty(vectors, np.uint32), np.empty((vectors, 33), np.int32)
    active_lines(x, slots, chance_x, when, before, reads, even, seed, number, busy, offset, lists)
    pulses += pulse_rows(
        d, slots, chance_d, vector, which, busy, offset, lists, even, A, W, shown, digital, reads, rules, seed, number
    )
    return entry
