"""Trains of pulses, and for every slot of every vector the list of columns whose line is up."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit, prange
from compact_model.training._lanes import hashed, uniform
from compact_model.training._normals import PARALLEL, SERIAL, key_of

_U = np.uint32
_TOGETHER = 32  # vectors that one thread works off after the other


@njit(**SERIAL)
def train(words: Any, chance: Any, slots: int, first: Any, key: Any, other: Any) -> None:
    """Set bit b of words[j] with probability chance[j], for every slot b. first : count of the first hash; 32 for every word."""
    for j in range(words.size):
        words[j] = _U(0)
    for b in range(slots):
        start, bit = _U(first + _U(b * words.size)), _U(b)
        for j in range(words.size):
            below = uniform(hashed(_U(start + _U(j)), key, other)) < chance[j]
            words[j] = _U(words[j] | _U(_U(below) << bit))


@njit(**PARALLEL)
def active_lines(
    x: Any, slots: Any, chance: Any, chop: Any, reads: Any, seed: Any, update: Any, offset: Any, entry: Any
) -> None:
    """List, for every vector and slot, the columns whose line is up: entry = 2 column + (1 where x times chopper is negative).

    x (vectors, columns), slots and chance (vectors,): length of the train and probability per unit of |x|.
    chop (columns,) is +1 or -1 before the batch; where reads, see `columns_due`, turn a column, its sign changes after that read.
    Results: offset (vectors, 33) into entry (vectors, at least columns * slots + 8).
    Lines that are not up are written too and then written over: no branch depends on chance.
    """
    vectors, columns = x.shape
    for block in prange((vectors + _TOGETHER - 1) // _TOGETHER):
        sign, done = chop.copy(), 0
        for s in range(_TOGETHER * block, min(_TOGETHER * (block + 1), vectors)):
            while done < reads[0].size and reads[0][done] < s:
                if reads[5][done]:
                    sign[reads[1][done]] = -sign[reads[1][done]]
                done += 1
            key, other = key_of(seed, update, 3 * s)
            up, line = np.empty(columns + 1, np.uint16), np.empty(columns, np.uint16)
            n = np.uintp(0)
            for j in range(columns):
                up[n] = j
                n += np.uintp(x[s, j] != 0.0)
            p, words = np.empty(n, np.float32), np.empty(n, np.uint32)
            for k in range(n):
                j = up[k]
                line[k] = 2 * j + (x[s, j] * sign[j] < 0.0)
                p[k] = abs(x[s, j]) * chance[s]
            train(words, p, slots[s], _U(0), key, other)
            listed, total = entry[s], np.uintp(0)
            for b in range(32):
                offset[s, b] = total
                if b < slots[s]:
                    for k in range(n):
                        listed[total] = line[k]
                        total += np.uintp(_U(words[k] >> _U(b)) & _U(1))
            offset[s, 32] = total
