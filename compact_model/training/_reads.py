"""Reads of A, and what follows from them: the digital side of the algorithm, and pulses on W, which are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray

from compact_model.compiled import njit
from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training._lanes import exp2, fetch, hashed, log2, stack_room, two_normals, uniform
from compact_model.training._normals import SERIAL, fill, key_of
from compact_model.training._weights import weight_of

_U, _F = np.uint32, np.float32
MOST_PULSES, MOST_OWED, MOST_ROWS = 31, _F(4.0), 128
TTV1, TTV2, AGAD = 1, 2, 4
H, P, P_REF, SCALE, ZERO = range(5)

read_ttv1, read_ttv2, read_cttv2, read_agad = (
    njit(inline="always")(algorithm.read_column) for algorithm in (ttv1, ttv2, cttv2, agad)
)


@njit(**SERIAL)
def bring_reads(i: int, columns: Any, scale: Any, digital: Any) -> None:
    """Ask for the memory that the reads of row i will need: of each column once, for they come in turn."""
    first, own = np.uintp(scale[i].ctypes.data), np.uintp(digital[min(i, digital.shape[0] - 1)].ctypes.data)
    for n in range(min(columns.size, scale.shape[1])):
        fetch(np.uintp(first + np.uintp(8 * columns[n])))
        fetch(np.uintp(own + np.uintp(12 * columns[n])))


@njit(**SERIAL)
def read_rows(
    start: int,
    seen: Any,
    scale: Any,
    W: Any,
    shown: Any,
    digital: Any,
    reads: Any,
    rules: Any,
    seed: Any,
    update: Any,
    chunk: int,
) -> int:
    """Work off the reads of some rows: converter, algorithm, pulses on W. Returns the pulses given to W.

    start : first row.  seen (reads, rows) : state of A when the column was due; its later pulses do not matter any more.
    scale : of A, see `DeviceBank`.  W : bank as a tuple.  shown, digital, reads : as in `pulse_rows`.
    rules : (code, lambda_H, momentum, fire, beta, steps per weight and noise of `pulse_weight`, read noise, step and bound of the
    converter); steps per weight is 0 where pulses are not verified.
    """
    code, _, _, _, _, per_weight, verify_noise, read_noise, step, bound = rules
    _, column, chopper, fresh, write, _ = reads
    due, rows = seen.shape
    key, other = key_of(seed, update, 3 * chunk + 2)
    size = (rows * due + 15) // 16 * 16
    z = np.empty(size, np.float32)
    fill(z, np.empty(size // 2, np.uint32), _U(1 << 24), key, other)
    own = _gathered(start, rows, column, scale, digital, code >= TTV2)
    turns = own.shape[0]  # columns come in turn, so read n is of the same column as read n + turns
    omega, fired, given = carray(stack_room(), MOST_ROWS), carray(stack_room(), MOST_ROWS), 0
    for n in range(due):
        k, first, mine = column[n], n * rows, own[n % turns]
        _converted(seen[n], mine, z[first : first + rows], read_noise, step, bound, omega)
        if not _settled(rules[:5], chopper[n], fresh[n], omega, mine, first, key, other, fired) or not write[n]:
            continue
        for r in range(rows):
            if fired[r] != 0.0:
                count = min(int(abs(fired[r])), MOST_PULSES)
                number = _U((1 << 25) + 32 * (first + r))
                moved = pulse_weight(start + r, k, fired[r] < 0.0, count, W, shown, number, key, other, verify_noise)
                given += count
                if per_weight > 0.0:  # held, for the debt of a device at its bound must not grow
                    mine[H, r] = min(max(mine[H, r] - moved * per_weight, -MOST_OWED), MOST_OWED)
    if code >= TTV2:
        _put_back(start, column, own, digital)
    return given


@njit(**SERIAL)
def _converted(u: Any, own: Any, noise: Any, read_noise: Any, step: Any, bound: Any, omega: Any) -> None:
    """Set omega to what the converter shows of one column of A, whose devices stand at u."""
    for r in range(u.size):
        value = u[r] * own[SCALE, r] - own[ZERO, r] + read_noise * noise[r]
        omega[r] = min(max(_F(np.rint(value / step)) * step, -bound), bound)


@njit(**SERIAL)
def _settled(
    rules: Any, c: Any, fresh: bool, omega: Any, own: Any, first: int, key: Any, other: Any, fired: Any
) -> bool:
    """Work off the read of one column by the law of the algorithm; set `fired`, the pulses due, and say whether there are any."""
    code, lambda_H, momentum, fire, beta = rules
    h, p, p_ref = own[H], own[P], own[P_REF]
    if code == AGAD:
        if fresh:
            p_ref[:] = p
        for r in range(h.size):
            fired[r], h[r], p[r] = read_agad(omega[r], c, lambda_H, h[r], momentum, fire, p[r], p_ref[r], beta)
    elif code == TTV1:
        for r in range(h.size):
            fired[r] = read_ttv1(omega[r], lambda_H, uniform(hashed(_U(first + r), key, other)))
    elif code == TTV2:
        for r in range(h.size):
            fired[r], h[r] = read_ttv2(omega[r], lambda_H, h[r], momentum, fire)
    else:  # c-TTv2
        for r in range(h.size):
            fired[r], h[r] = read_cttv2(omega[r], c, lambda_H, h[r], momentum, fire)
    pulses = _F(0.0)
    for r in range(h.size):
        pulses += abs(fired[r])
    return bool(pulses > 0.0)


@njit(**SERIAL)
def _gathered(start: int, rows: int, column: Any, scale: Any, digital: Any, held: bool) -> Any:
    """Return H, P, P_ref and scale of some rows side by side: (columns that are due, 5, rows).

    held : whether `digital` holds them; its shape is (1, 1, 3) where not.
    """
    own = np.zeros((min(scale.shape[1], column.size), 5, rows), np.float32)
    for n in range(own.shape[0]):
        k = column[n]
        for r in range(rows):
            i = start + r
            for m in range(3 if held else 0):
                own[n, m, r] = digital[i, k, m]
            own[n, SCALE, r], own[n, ZERO, r] = scale[i, k, 0], scale[i, k, 1]
    return own


@njit(**SERIAL)
def _put_back(start: int, column: Any, own: Any, digital: Any) -> None:
    """Write H, P and P_ref that `_gathered` has put side by side to where they are kept."""
    for n in range(own.shape[0]):
        for r in range(own.shape[2]):
            for m in range(3):
                digital[start + r, column[n], m] = own[n, m, r]


@njit(**SERIAL)
def pulse_weight(
    i: int, k: int, down: bool, count: int, W: Any, shown: Any, number: Any, key: Any, other: Any, noise_of_look: Any
) -> Any:
    """Give W[i, k] `count` pulses, by the law of `_pulses`, and show its new weight; return by how much it looks to have moved."""
    word, law, bound = W[1][i, 2 * k + down], W[2], _F(0.0 if down else 1.0)
    step = _F(np.int32(_U(word >> _U(21)))) * law[1] + law[0]
    gamma = _F(np.int32(_U(_U(word >> _U(10)) & _U(0x7FF)))) * law[3] + law[2]
    noise = _F(np.int32(_U(word & _U(0x3FF)))) * law[5] + law[4]
    v, look = abs(W[0][i, k] - bound), _F(0.0)
    for n in range(count):
        z, look = two_normals(_U(number + _U(n)), key, other)
        v = min(max(v - exp2(step + gamma * log2(v)) * (_F(1.0) + noise * z), _F(0.0)), _F(1.0))
    before = weight_of(W[0][i, k], W[3][i, k])
    W[0][i, k] = abs(v - bound)
    shown[i, k] = weight_of(W[0][i, k], W[3][i, k])
    return shown[i, k] - before + noise_of_look * look
