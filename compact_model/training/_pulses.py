"""The numba kernel of the pulses: all vectors of a batch for a few rows of devices after the other.

Devices do not know of each other, so a device sees the right history whatever the order of the devices. So all vectors of the
batch are worked off for as many rows as fit the first cache: coincidences are gathered from one slot of every row, not the same
one for all rows, moved eight at a time, and put back. All randomness is a function of (seed, update, row, count): the number of
threads changes no digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray

from compact_model.compiled import njit, prange
from compact_model.training._lanes import bits_float, exp2, fetch, float_bits, log2, lowest_bit, stack_room
from compact_model.training._lists import SPACED, even_train, train
from compact_model.training._normals import PARALLEL, SERIAL, fill, key_of
from compact_model.training._reads import MOST_ROWS, bring_reads, read_rows

_U, _F = np.uint32, np.float32
_NORMALS, _MOST = 512, 256  # drawn at once, and devices moved at once
_SHORT = 32  # columns that are copied without a loop made for many
_ALIKE = 32  # vectors whose trains are drawn as long as the longest of them needs
_FIRST_CACHE, _SECOND_CACHE = 2048, 16384  # devices worked off together, with room to spare


@njit(**SERIAL)
def _pulse(n: int, place: Any, u: Any, words: Any, law: Any, z: Any) -> None:
    """Give n different devices, at most 256, one pulse each: up where their place among the words is even, down where it is odd.

    The law is that of `pulsed_device.pulse` for a state in 0..1: the distance v to the bound that the pulse goes to shrinks by
    2^(log2 step + gamma log2 v) (1 + noise z). Three loops for what one could do: see `fill`.
    place and z, the normals, are read up to the next multiple of 8.
    """
    v, y = carray(stack_room(), _MOST), carray(stack_room(), _MOST)
    bound, word = carray(stack_room(), _MOST), carray(stack_room(), _MOST)
    step_0, step_1, gamma_0, gamma_1, noise_0, noise_1 = law[0], law[1], law[2], law[3], law[4], law[5]
    size = (n + 7) // 8 * 8
    for k in range(n):
        v[k], word[k] = u[_U(place[k] >> _U(1))], bits_float(words[place[k]])
    for k in range(size):
        bound[k] = _F(np.int32(_U(~place[k]) & _U(1)))
        v[k] = abs(v[k] - bound[k])
        y[k] = log2(v[k])
    for k in range(size):
        w = _U(float_bits(word[k]))
        step = _F(np.int32(_U(w >> _U(21)))) * step_1 + step_0
        gamma = _F(np.int32(_U(_U(w >> _U(10)) & _U(0x7FF)))) * gamma_1 + gamma_0
        y[k] = exp2(step + gamma * y[k])
    for k in range(size):
        noise = _F(np.int32(_U(_U(float_bits(word[k])) & _U(0x3FF)))) * noise_1 + noise_0
        left = v[k] - y[k] * (_F(1.0) + noise * z[k])
        v[k] = abs(min(max(left, _F(0.0)), _F(1.0)) - bound[k])
    for k in range(n):
        u[_U(place[k] >> _U(1))] = v[k]


@njit(**SERIAL)
def _rows_together(rows: int, columns: int, spread: bool) -> int:
    """Return how many rows are worked off together: as fit the first cache, or the second, for bursts of spread trains are short."""
    if not spread:
        return max(1, min(32, _FIRST_CACHE // columns))
    most = max(1, min(MOST_ROWS, _SECOND_CACHE // columns))
    parts = 2 * ((rows + 2 * most - 1) // (2 * most))  # so that two threads have as much to do
    return (rows + parts - 1) // parts


@njit(**PARALLEL)
def pulse_rows(  # noqa: C901 - one kernel
    d: Any,
    slots: Any,
    chance: Any,
    vector: Any,
    which: Any,
    busy: Any,
    offset: Any,
    entry: Any,
    even: bool,
    A: Any,
    W: Any,
    shown: Any,
    digital: Any,
    reads: Any,
    rules: Any,
    seed: Any,
    update: Any,
) -> Any:
    """Update every row of A by every vector of the batch; where a column is due, read it and pulse W. Returns the pulses given.

    d (vectors, rows) : error; positive d x lowers the weight.  slots, chance : as in `active_lines`, for d.
    vector, which (bursts,) : see `bursts`.
    busy, offset, entry : the lists of active columns that `active_lines` makes.  even : see `even_train`.
    A, W : banks as tuples (state, word, law, scale), see `DeviceBank`.  shown (rows, columns) : the weights of W, kept up to date.
    digital : (rows, columns, 3), of every device H, P and P_ref.  reads : see `columns_due`.  rules : see `read_rows`.
    """
    vectors, rows = d.shape
    columns, due = A[0].shape[1], reads[0].size
    group = _rows_together(rows, columns, vector.size > vectors)
    many = group * max(1, 8 // group)
    chunks = (rows + many - 1) // many
    given = np.zeros((chunks, 2), np.int64)
    for chunk in prange(chunks):
        key, other = key_of(seed, update, 3 * chunk + 1)
        z, bits = np.empty(_NORMALS, np.float32), np.empty(_NORMALS // 2, np.uint32)
        drawn, at = _U(1 << 31), _NORMALS
        place = np.zeros(_MOST + 8, np.uint32)
        p, level = np.empty(_ALIKE, np.float32), np.empty(_ALIKE, np.uint32)
        drawn_words = np.empty((group, _ALIKE), np.uint32)
        some = np.zeros(vectors, np.int64)  # rows that are up in any slot: how many, which, and in which slots
        rows_of, words_of = np.empty((vectors, group), np.uint8), np.empty((vectors, group), np.uint32)
        up, left = np.empty(group + 1, np.int64), np.empty(group + 1, np.uint32)  # rows with slots left, and these
        given_A = 0
        start, stop = chunk * many, min(rows, (chunk + 1) * many)
        seen = np.empty((due, stop - start), np.float32)
        for first in range(start, stop, group):
            last = min(first + group, stop)
            u, word = A[0][first:last].reshape(-1), A[1][first:last].reshape(-1)
            for i in range(first, last):
                bring_reads(i, reads[1], A[3], digital)
            for s in range(0, vectors, _ALIKE):
                end, longest = min(s + _ALIKE, vectors), slots[s : s + _ALIKE].max()
                for r in range(last - first):
                    for v in range(s, end):
                        p[v - s] = abs(d[v, first + r]) * chance[v]
                    count = _U((first + r - start) * vectors + s) * _U(32)
                    words = drawn_words[r, : end - s]
                    if even:
                        even_train(words, p[: end - s], slots[s:end], SPACED, count, key, other)
                    else:
                        train(words, p[: end - s], level, longest, count, key, other)
                for v in range(s, end):
                    listed_rows = np.uintp(0)
                    for r in range(last - first):
                        mine = drawn_words[r, v - s]
                        rows_of[v, listed_rows], words_of[v, listed_rows] = r, mine
                        listed_rows += np.uintp(mine != 0)
                    some[v] = listed_rows
            next_u, next_word = np.uintp(u.ctypes.data + 4 * u.size), np.uintp(word.ctypes.data + 4 * word.size)
            lines = u.size // 16 + 1
            share = lines // vector.size + 1
            done = 0
            for burst in range(vector.size):
                s = vector[burst]
                now = _U(busy[s] & which[burst])
                for line in range(burst * share, min((burst + 1) * share, lines)):  # of the rows that come next
                    fetch(np.uintp(next_u + np.uintp(64 * line)))
                    fetch(np.uintp(next_word + np.uintp(128 * line)))
                    fetch(np.uintp(next_word + np.uintp(128 * line + 64)))
                listed, begin, sign = entry[s], offset[s], d[s]
                rows_up, own_rows, own_words = np.uintp(0), rows_of[s], words_of[s]
                for m in range(some[s] if now else 0):
                    up[rows_up], left[rows_up] = own_rows[m], _U(own_words[m] & now)
                    rows_up += np.uintp(left[rows_up] != 0)
                while rows_up > 0:  # each turn takes the next slot of every row, so no device is there twice
                    n, still = 0, np.uintp(0)
                    for m in range(rows_up):
                        r, own = up[m], left[m]
                        b = np.uintp(lowest_bit(own))
                        taken, end = begin[b], begin[b + np.uintp(1)]
                        base, flip = _U(2 * columns * r), _U(sign[first + r] > 0.0)
                        given_A += end - taken
                        while taken < end:
                            if n == _MOST:
                                if at + n > _NORMALS:
                                    fill(z, bits, drawn, key, other)
                                    drawn, at = _U(drawn + _U(_NORMALS // 2)), 0
                                _pulse(n, place, u, word, A[2], z[at:])
                                at, n = at + n, 0
                            part = min(end - taken, _MOST - n)
                            source, aim = np.uintp(taken), np.uintp(n)
                            if part > _SHORT:
                                lines_up, free = listed[source:], place[aim:]
                                for k in range(part):
                                    free[k] = _U(base + _U(_U(lines_up[k]) ^ flip))
                            else:  # by eights: what is too much is written over
                                for k in range(0, part, 8):
                                    for o in range(8):
                                        column = _U(listed[source + np.uintp(k + o)])
                                        place[aim + np.uintp(k + o)] = _U(base + _U(column ^ flip))
                            n, taken = n + part, taken + part
                        up[still], left[still] = r, _U(own & _U(own - _U(1)))
                        still += np.uintp(left[still] != 0)
                    rows_up = still
                    if at + n + 7 > _NORMALS:
                        fill(z, bits, drawn, key, other)
                        drawn, at = _U(drawn + _U(_NORMALS // 2)), 0
                    _pulse(n, place, u, word, A[2], z[at:])
                    at += (n + 7) // 8 * 8
                while done < due and reads[0][done] == burst:
                    for r in range(last - first):
                        seen[done, first - start + r] = u[r * columns + reads[1][done]]
                    done += 1
        given[chunk, 0] = given_A
        if due:
            given[chunk, 1] = read_rows(start, seen, A[3], W, shown, digital, reads, rules, seed, update, chunk)
    return given.sum(axis=0)
