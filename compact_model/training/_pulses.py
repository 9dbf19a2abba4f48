"""The numba kernels of a pulsed update: trains of pulses, lists of active lines, and the pulses themselves.

Devices do not know of each other, so a device sees the right history whatever the order of the devices. So the rows are worked
off one after the other, all vectors of the batch for one row (its parameters fit the first cache), and the coincidences of one
slot are gathered, moved eight at a time, and put back. All randomness is a function of (seed, update, row, count): the number
of threads changes no digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training._lanes import exp2, fetch, hashed, log2, lowest_bit, two_normals, uniform

_U, _F = np.uint32, np.float32
ROWS_AT_ONCE = 8  # rows that share one stream of normals; fixed, so that the stream does not know of threads
_NORMALS = 512
_MOST_PULSES = 31
_SERIAL: Any = {"fastmath": True, "error_model": "numpy", "cache": True}
_PARALLEL: Any = {**_SERIAL, "parallel": True}
TTV1, TTV2, CTTV2, AGAD = 1, 2, 3, 4
H, P, P_REF = 0, 1, 2

read_ttv1, read_ttv2 = njit(ttv1.read_column, inline="always"), njit(ttv2.read_column, inline="always")
read_cttv2, read_agad = njit(cttv2.read_column, inline="always"), njit(agad.read_column, inline="always")


@njit(**_SERIAL)
def key_of(seed: Any, update: Any, place: Any) -> Any:
    """Return the 64-bit key of one stream as two uint32 (SplitMix64 of the three numbers)."""
    x = np.uint64(seed)
    for number in (np.uint64(update), np.uint64(place)):
        x = x + number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return _U(x), _U(x >> np.uint64(32))


@njit(**_SERIAL)
def _train(words: Any, chance: Any, size: int, slots: int, first: Any, key: Any, other: Any) -> None:
    """Set bit b of words[j] with probability chance[j], for every slot b."""
    for j in range(size):
        words[j] = _U(0)
    for b in range(slots):
        start, bit = _U(first + _U(b * size)), _U(b)
        for j in range(size):
            below = uniform(hashed(_U(start + _U(j)), key, other)) < chance[j]
            words[j] = _U(words[j] | _U(_U(below) << bit))


@njit(**_PARALLEL)
def active_lines(  # noqa: C901 - one kernel
    x: Any,
    slots: Any,
    chance: Any,
    chop: Any,
    flips: Any,
    flip_after: Any,
    seed: Any,
    update: Any,
    offset: Any,
    entry: Any,
) -> None:
    """List, for every vector and slot, the columns whose line is up: entry = 2 column + (1 where x times chopper is negative).

    x (vectors, columns), slots and chance (vectors,): length of the train and probability per unit of |x|.
    chop (columns,) is +1 or -1 before the batch; after vector flip_after[k] column flips[k] changes its sign.
    Results: offset (vectors, 33) into entry (vectors, at least columns * slots + 8).
    """
    vectors, columns = x.shape
    for s in prange(vectors):
        key, other = key_of(seed, update, 2 * s + 1)
        sign = chop.copy()
        for k in range(flips.size):
            if flip_after[k] < s:
                sign[flips[k]] = -sign[flips[k]]
        line, p, words = np.empty(columns, np.uint32), np.empty(columns, np.float32), np.empty(columns, np.uint32)
        n = 0
        for j in range(columns):
            if x[s, j] != 0.0:
                line[n] = _U(2 * j + (1 if x[s, j] * sign[j] < 0.0 else 0))
                p[n] = abs(x[s, j]) * chance[s]
                n += 1
        _train(words, p, n, slots[s], _U(0), key, other)
        count = np.zeros(32, np.int64)
        for j in range(n):
            word = words[j]
            while word != 0:
                count[lowest_bit(word)] += 1
                word = _U(word & _U(word - _U(1)))
        total = 0
        for b in range(32):
            offset[s, b] = total
            total += count[b]
            count[b] = offset[s, b]
        offset[s, 32] = total
        for j in range(n):
            word = words[j]
            while word != 0:
                b = lowest_bit(word)
                entry[s, count[b]] = line[j]
                count[b] += 1
                word = _U(word & _U(word - _U(1)))


@njit(**_SERIAL)
def fill(z: Any, size: int, start: Any, key: Any, other: Any) -> None:
    half = size // 2
    first, second = z[:half], z[half:]  # views: a sum as an index would be checked for its sign, every time
    for k in range(half):
        first[k], second[k] = two_normals(_U(start + _U(k)), key, other)


@njit(**_SERIAL)
def _bring(row: Any) -> None:
    address = np.uintp(row.ctypes.data)
    for line in range(0, row.size, 16):
        fetch(np.uintp(address + np.uintp(4 * line)))


@njit(**_SERIAL, inline="always")
def _move(u: Any, up: Any, word: Any, law: Any, z: Any) -> Any:
    """State of a device after one pulse, up (1.0) or down (0.0): the law of `pulsed_device.pulse`, for a state in 0..1.

    The distance v to the bound that the pulse goes to shrinks by 2^(log2 step + gamma log2 v) (1 + noise z).
    """
    step = _F(np.int32(_U(word >> _U(21)))) * law[1] + law[0]
    gamma = _F(np.int32(_U(_U(word >> _U(10)) & _U(0x7FF)))) * law[3] + law[2]
    noise = _F(np.int32(_U(word & _U(0x3FF)))) * law[5] + law[4]
    v = abs(u - up)
    v = v - exp2(step + gamma * log2(v)) * (_F(1.0) + noise * z)
    return abs(min(max(v, _F(0.0)), _F(1.0)) - up)


@njit(**_SERIAL, inline="always")
def _move_all(up: Any, flip: Any, u: Any, word: Any, law: Any, z: Any) -> None:
    """Give as many gathered devices as there are normals z one pulse each: down where the entry, flipped, is odd."""
    for k in range(z.size):
        u[k] = _move(u[k], _F(np.int32(_U(~_U(_U(up[k]) ^ flip)) & _U(1))), word[k], law, z[k])


@njit(**_PARALLEL)
def pulse_rows(  # noqa: C901 - one kernel
    d: Any,
    slots: Any,
    chance: Any,
    offset: Any,
    entry: Any,
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

    d (rows, vectors) : error; positive d x lowers the weight.  slots, chance : as in `active_lines`, for d.
    A, W : banks as tuples (state, word, law, scale), see `DeviceBank`.  shown (rows, columns) : the weights of W, kept up to date.
    digital : (rows, columns, 3), of every device H, P and P_ref.
    reads : (vector after which, column, chopper, whether it switched last time, whether W may be written).
    rules : (code, lambda_H, momentum, beta, read noise, step and bound of the converter).
    """
    rows, vectors = d.shape
    u_A, word_A, law = A[0], A[1], A[2]
    columns = u_A.shape[1]
    longest = slots.max()
    chunks = (rows + ROWS_AT_ONCE - 1) // ROWS_AT_ONCE
    given = np.zeros((chunks, 2), np.int64)
    room = max(_NORMALS, (columns + 15) // 8 * 8)
    for chunk in prange(chunks):
        key, other = key_of(seed, update, 2 * chunk + 2)
        z, drawn, at = np.empty(room, np.float32), _U(1 << 24), room
        u_ = np.ones(columns + 8, np.float32)
        word_ = np.zeros(columns + 8, np.uint32)
        p, words = np.empty(vectors, np.float32), np.empty(vectors, np.uint32)
        for i in range(chunk * ROWS_AT_ONCE, min(rows, (chunk + 1) * ROWS_AT_ONCE)):
            u_row, word_row = u_A[i], word_A[i]
            if i + 1 < rows:
                _bring(u_A[i + 1])
                _bring(word_A[i + 1])
            for s in range(vectors):
                p[s] = abs(d[i, s]) * chance[s]
            first = _U((i - chunk * ROWS_AT_ONCE) * vectors * 32)
            _train(words, p, vectors, longest, first, key, other)
            due = 0
            for s in range(vectors):
                word = _U(words[s] & _U((np.uint64(1) << np.uint64(slots[s])) - np.uint64(1)))
                flip = _U(1) if d[i, s] > 0.0 else _U(0)
                while word != 0:
                    b = lowest_bit(word)
                    word = _U(word & _U(word - _U(1)))
                    n = offset[s, b + 1] - offset[s, b]
                    size = (n + 7) // 8 * 8
                    up = entry[s, offset[s, b] : offset[s, b] + size]
                    for k in range(n):
                        e = _U(_U(up[k]) ^ flip)
                        u_[k], word_[k] = u_row[_U(e >> _U(1))], word_row[e]
                    if at + size > room:
                        fill(z, room, drawn, key, other)
                        drawn, at = _U(drawn + _U(room // 2)), 0
                    _move_all(up, flip, u_, word_, law, z[at : at + size])
                    at += size
                    for k in range(n):
                        u_row[_U(_U(up[k]) >> _U(1))] = u_[k]
                    given[chunk, 0] += n
                while due < reads[0].size and reads[0][due] == s:
                    if at + _MOST_PULSES + 1 > room:
                        fill(z, room, drawn, key, other)
                        drawn, at = _U(drawn + _U(room // 2)), 0
                    u = uniform(hashed(_U(_U(_U(drawn << _U(1)) + _U(at)) ^ _U(1 << 31)), key, other))
                    done = _transfer(i, due, A, W, shown, digital, reads, rules, z, at, u)
                    given[chunk, 1] += done
                    at += 1 + done
                    due += 1
    return given.sum(axis=0)


@njit(**_SERIAL)
def _transfer(
    i: int, due: int, A: Any, W: Any, shown: Any, digital: Any, reads: Any, rules: Any, z: Any, at: int, chance: Any
) -> int:
    """Read A[i, column] through the converter, follow the algorithm, pulse W[i, column]. Returns the pulses given to W."""
    code, lambda_H, momentum, beta, read_noise, step, bound = rules
    k, c = reads[1][due], reads[2][due]
    own = digital[i, k]
    omega = A[0][i, k] * A[3][i, k, 0] - A[3][i, k, 1] + read_noise * z[at]
    omega = min(max(np.rint(omega / step) * step, -bound), bound)
    pulses = 0.0
    if code == TTV1:
        pulses = read_ttv1(omega, lambda_H, chance)
    elif code == TTV2:
        pulses, own[H] = read_ttv2(omega, lambda_H, own[H], momentum)
    elif code == CTTV2:
        pulses, own[H] = read_cttv2(omega, c, lambda_H, own[H], momentum)
    elif code == AGAD:
        if reads[3][due]:
            own[P_REF] = own[P]
        pulses, own[H], own[P] = read_agad(omega, c, lambda_H, own[H], momentum, own[P], own[P_REF], beta)
    if not reads[4][due]:
        return 0
    down = 1 if pulses < 0.0 else 0
    count = min(int(abs(pulses)), _MOST_PULSES)
    for n in range(count):
        W[0][i, k] = _move(W[0][i, k], _F(1 - down), W[1][i, 2 * k + down], W[2], z[at + 1 + n])
    shown[i, k] = W[0][i, k] * W[3][i, k, 0] - W[3][i, k, 1]
    return count
