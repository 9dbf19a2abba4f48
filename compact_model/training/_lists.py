"""Trains of pulses, and for every slot of every vector the list of columns whose line is up."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit, prange
from compact_model.training._lanes import hashed
from compact_model.training._normals import PARALLEL, SERIAL, key_of

_U = np.uint32
_HALF = _U(0xFFFF)
_TOGETHER = 32  # vectors that one thread works off after the other


@njit(**SERIAL)
def train(words: Any, chance: Any, level: Any, slots: int, first: Any, key: Any, other: Any) -> Any:
    """Set bit b of words[j] with probability chance[j], for every slot b below `slots`, at most 31; return the slots with any.

    level : room for as many uint32.  first : count of the first hash; 32 are kept for every word.
    A hash is two numbers of 16 bits. The very first rounds the chance up or down to 16 bits, so that the small ones last.
    """
    size = words.size
    for j in range(size):
        bits = hashed(_U(first + _U(j)), key, other)
        dither = (np.float32(np.int32(_U(bits & _HALF))) + np.float32(0.5)) * np.float32(2.0**-16)
        level[j] = _U(np.int32(min(chance[j], np.float32(1.0)) * np.float32(65536.0) + dither))
        words[j] = _U(_U(bits >> _U(16)) < level[j])
    for b in range(1, slots, 2):
        start, low, high = _U(first + _U(((b + 1) // 2) * size)), _U(b), _U(b + 1)
        for j in range(size):
            bits = hashed(_U(start + _U(j)), key, other)
            below = _U(_U(bits & _HALF) < level[j])
            words[j] = _U(words[j] | _U(below << low))
            below = _U(_U(bits >> _U(16)) < level[j])
            words[j] = _U(words[j] | _U(below << high))
    keep, some = _U((np.uint64(1) << np.uint64(slots)) - np.uint64(1)), _U(0)
    for j in range(size):
        words[j] = _U(words[j] & keep)
        some = _U(some | words[j])
    return some


def _patterns(even: bool) -> Any:
    """Return by (slots, pulses) the trains before they are turned: evenly spaced pulses, or one block of them."""
    words = np.zeros((32, 32), np.uint32)
    for slots in range(1, 32):
        for pulses in range(1, slots + 1):
            places = [n * slots // pulses for n in range(pulses)] if even else range(pulses)
            words[slots, pulses] = sum(1 << place for place in places)
    return words.reshape(-1)


BLOCKS, SPACED = _patterns(even=False), _patterns(even=True)


@njit(**SERIAL)
def even_train(words: Any, chance: Any, slots: Any, patterns: Any, first: Any, key: Any, other: Any) -> Any:
    """Set in words[j] that part of its slots[j] bits, at most 31, that chance[j] is; return the slots with any.

    patterns : `BLOCKS` or `SPACED`. A random number rounds the count up or down, another turns the train around. A block then meets
    spaced pulses in as many slots as the product of their chances says, rounded up or down, and in the mean in just as many.
    """
    some = _U(0)
    for j in range(words.size):
        bits, length = hashed(_U(first + _U(j)), key, other), _U(slots[j])
        dither = (np.float32(np.int32(_U(bits >> _U(12)))) + np.float32(0.5)) * np.float32(2.0**-20)
        pulses = _U(np.int32(min(chance[j], np.float32(1.0)) * np.float32(np.int32(length)) + dither))
        word = _U(patterns[_U(_U(length << _U(5)) | min(pulses, length))])  # more than length: by rounding of the sum
        turn = _U(_U(_U(bits & _U(0xFFF)) * length) >> _U(12))
        turned = _U(_U(word << turn) | _U(word >> _U(length - turn)))
        words[j] = _U(turned & _U(_U(_U(1) << length) - _U(1)))
        some = _U(some | words[j])
    return some


@njit(**PARALLEL)
def active_lines(  # noqa: C901 - one kernel
    x: Any,
    slots: Any,
    chance: Any,
    when: Any,
    chop: Any,
    reads: Any,
    even: bool,
    seed: Any,
    update: Any,
    busy: Any,
    offset: Any,
    entry: Any,
) -> None:
    """List, for every vector and slot, the columns whose line is up: entry = 2 column + (1 where x times chopper is negative).

    x (vectors, columns), slots and chance (vectors,): length of the train and probability per unit of |x|.
    when : the bursts of a vector's slots, see `bursts`.  even : trains by `even_train`, not by `train`.
    chop (columns,) is +1 or -1 before the batch; where reads, see `columns_due`, turn a column, its sign changes after that read.
    Results: busy (vectors,): bit b is set where any line is up in slot b; offset (vectors, 33) into entry (vectors, at least
    columns * slots + 8), up to the end of the last slot.
    Lines that are not up are written too and then written over: no branch depends on chance.
    """
    vectors, columns = x.shape
    sweeps = when.shape[1]
    for block in prange((vectors + _TOGETHER - 1) // _TOGETHER):
        start, end = _TOGETHER * block, min(_TOGETHER * (block + 1), vectors)
        sign, done, longest = chop.copy(), 0, slots[start:end].max()
        up, line = np.empty((end - start, columns + 1), np.uint16), np.empty(columns, np.uint16)
        words, lines = np.empty((end - start, columns), np.uint32), np.empty(end - start, np.uint32)
        p, level = np.empty(columns, np.float32), np.empty(columns, np.uint32)  # level: or lengths of even trains
        for sweep in range(min(sweeps, max(longest, 1))):
            for s in range(start, end):
                i = s - start
                if sweep == 0:
                    key, other = key_of(seed, update, 3 * s)
                    n = np.uintp(0)
                    for j in range(columns):
                        up[i, n] = j
                        n += np.uintp(x[s, j] != 0.0)
                    for k in range(n):
                        p[k] = abs(x[s, up[i, k]]) * chance[s]
                    if even:
                        level[:n] = slots[s]
                        busy[s] = even_train(words[i, :n], p[:n], level[:n], BLOCKS, _U(0), key, other)
                    else:
                        busy[s] = train(words[i, :n], p[:n], level[:n], slots[s], _U(0), key, other)
                    lines[i], offset[s, 0] = n, 0
                elif sweep >= slots[s]:
                    continue
                while done < reads[0].size and reads[0][done] < when[s, sweep]:
                    if reads[5][done]:
                        sign[reads[1][done]] = -sign[reads[1][done]]
                    done += 1
                n = np.uintp(lines[i])
                for k in range(n):
                    j = up[i, k]
                    line[k] = 2 * j + (x[s, j] * sign[j] < 0.0)
                first, last = (sweep, min(sweep + 1, slots[s])) if sweeps > 1 else (0, slots[s])
                listed, own = entry[s], words[i]
                total = np.uintp(offset[s, first])
                for b in range(first, last):
                    for k in range(n):
                        listed[total] = line[k]
                        total += np.uintp(_U(own[k] >> _U(b)) & _U(1))
                    offset[s, b + 1] = total
