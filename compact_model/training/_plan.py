"""Before the pulses: length and strength of every train (update and bit-length management), and which columns are read when.

Follows aihwkit 1.1.0 (rpu_pulsed_meta_parameter.cpp, rpu_chopped_transfer_device.cpp, rpu_dynamic_transfer_device.cpp).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._lanes import hashed, uniform
from compact_model.training._normals import key_of

_SERIAL: Any = {"error_model": "numpy", "cache": True, "fastmath": {"nnan", "nsz"}}
NONE, RANDOM, REGULAR = 0, 1, 2
VECTORS, COLUMN, SWEEPS, UPDATES, FORWARD, BACKWARD = range(6)  # places in the counters of a tile


@njit(**_SERIAL)
def largest(x: Any) -> Any:
    """Return the largest |x| of every vector; x (vectors, lines)."""
    most = np.zeros(x.shape[0], np.float32)
    for s in range(x.shape[0]):
        value = np.float32(0.0)
        for j in range(x.shape[1]):
            value = max(value, abs(x[s, j]))
        most[s] = value
    return most


@njit(**_SERIAL)
def trains(
    x: Any, d: Any, rate: float, grain: float, most: int, manage: bool, shorten: bool, scale: Any, means: Any
) -> Any:
    """Return (slots, chance per unit of |x|, chance per unit of |d|), each (vectors,).

    x (vectors, columns), d (vectors, rows).  rate : learning rate of the tile.  grain : its weight granularity.
    most : slots at most.  manage : balance the two trains by their maxima.  shorten : only as many slots as needed.
    scale : (fast_lr, momentum) where the rate follows the running means of the maxima `means` (changed here), or (0, 0).
    """
    vectors = x.shape[0]
    slots, chance_x, chance_d = (
        np.zeros(vectors, np.int32),
        np.zeros(vectors, np.float32),
        np.zeros(vectors, np.float32),
    )
    most_x, most_d = largest(x), largest(d)
    for s in range(vectors):
        x_most, d_most = most_x[s], most_d[s]
        if scale[0] > 0.0:
            for n, value in ((0, x_most), (1, d_most)):
                if means[n] <= 0.0:
                    means[n] = value
                elif value > 0.0:
                    means[n] += (1.0 - scale[1]) / vectors * (value - means[n])
            rate = scale[0] * most * grain
            if means[0] > 0.0 and means[1] > 0.0:
                rate /= means[0] * means[1]
        if x_most == 0.0 or d_most == 0.0 or rate == 0.0:
            continue
        needed = rate * x_most * d_most / grain
        n = min(int(np.ceil(needed)), most) if shorten else most
        both = np.sqrt(rate / (grain * n))
        slots[s], chance_x[s], chance_d[s] = n, both, both
        if manage:
            if needed > most:
                d_most = d_most * np.float32(most / needed)
            balance = np.sqrt(d_most / x_most)
            chance_x[s], chance_d[s] = both * balance, both / balance
    return slots, chance_x, chance_d


@njit(**_SERIAL)
def bursts(slots: Any, spread: bool) -> Any:
    """Return in which order the slots (vectors,) of all trains go to the array, as (vector, which, when).

    Burst t gives those slots of vector[t] whose bits are set in which[t], one after the other.  spread : the first slots of all vectors,
    then the second of those that have one, and so on; else every train in one piece.  when (vectors, 1 or longest train) : the burst
    of a vector's train, or of its every slot. Every vector has one, also without slots.
    """
    vectors, sweeps, total = slots.size, max(int(slots.max()), 1) if spread else 1, 0
    most = vectors * sweeps if spread else vectors
    vector, which, when = np.empty(most, np.int32), np.empty(most, np.uint32), np.empty((vectors, sweeps), np.int32)
    for n in range(sweeps):
        for s in range(vectors):
            when[s, n] = total
            if n == 0 or slots[s] > n:
                vector[total] = s
                which[total] = (1 << n) if sweeps > 1 else (1 << slots[s]) - 1
                total += 1
    return vector[:total], which[:total], when


@njit(**_SERIAL)
def columns_due(
    vectors: int,
    count: int,
    every: float,
    choppers: int,
    rho: float,
    period: int,
    chop: Any,
    switched: Any,
    counters: Any,
    seed: Any,
) -> Any:
    """Return the reads of this batch: after which burst, column, chopper, switched before, may write, chopper turns after it.

    count : of the bursts that `bursts` makes of the vectors; a read keeps its place, as a part of the batch.
    every : vectors from read to read; 0.25 reads four columns after every vector.
    chop, switched (columns,) and counters are the state of the schedule and are changed.
    """
    columns = chop.size
    gap, at_once = max(round(every), 1), min(max(round(1.0 / every), 1), columns)
    most = (vectors // gap + 1) * at_once
    after, column, sign = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.float32)
    fresh, write, turns = np.empty(most, np.bool_), np.empty(most, np.bool_), np.zeros(most, np.bool_)
    n = 0
    for s in range(vectors):
        counters[VECTORS] += 1
        if counters[VECTORS] % gap:
            continue
        for _ in range(at_once):
            k = counters[COLUMN]
            after[n] = (s + 1) * count // vectors - 1
            column[n], sign[n], fresh[n] = k, chop[k], switched[k]
            write[n] = choppers != REGULAR or counters[SWEEPS] > period
            turn = choppers == REGULAR and counters[SWEEPS] % period == period - 1
            if choppers == RANDOM:
                key, other = key_of(seed, counters[VECTORS], 0)
                turn = uniform(hashed(np.uint32(k), key, other)) < rho
            turns[n] = turn
            switched[k] = turn
            if turn:
                chop[k] = -chop[k]
            n += 1
            counters[COLUMN] = (k + 1) % columns
            if k == columns - 1:
                counters[SWEEPS] += 1
    return after[:n], column[:n], sign[:n], fresh[:n], write[:n], turns[:n]
