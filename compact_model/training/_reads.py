"""Reads of A, and what follows from them: the digital side of the algorithm, and pulses on W, which are rare."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training._lanes import exp2, fetch, hashed, log2, two_normals, uniform
from compact_model.training._normals import SERIAL, fill, key_of
from compact_model.training._weights import weight_of

_U, _F = np.uint32, np.float32
MOST_PULSES, MOST_OWED = 31, _F(4.0)
TTV1, TTV2, CTTV2, AGAD = 1, 2, 3, 4
H, P, P_REF = 0, 1, 2

read_ttv1, read_ttv2, read_cttv2, read_agad = (
    njit(inline="always")(algorithm.read_column) for algorithm in (ttv1, ttv2, cttv2, agad)
)


@njit(**SERIAL)
def bring_reads(i: int, columns: Any, scale: Any, digital: Any) -> None:
    """Ask for the memory that the reads of row i will need."""
    first, own = np.uintp(scale[i].ctypes.data), np.uintp(digital[min(i, digital.shape[0] - 1)].ctypes.data)
    for n in range(columns.size):
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

    start : first row.  seen (rows, reads) : state of A when the column was due; its later pulses do not matter any more.
    scale : of A, see `DeviceBank`.  W : bank as a tuple.  shown, digital, reads : as in `pulse_rows`.
    rules : (code, lambda_H, momentum, fire, beta, steps per weight and noise of `pulse_weight`, read noise, step and bound of the
    converter); steps per weight is 0 where pulses are not verified.
    """
    code, lambda_H, momentum, fire, beta, per_weight, verify_noise, read_noise, step, bound = rules
    _, column, chopper, fresh, write, _ = reads
    rows, due = seen.shape
    key, other = key_of(seed, update, 3 * chunk + 2)
    size = (rows * due + 15) // 16 * 16
    z = np.empty(size, np.float32)
    fill(z, np.empty(size // 2, np.uint32), _U(1 << 24), key, other)
    given = 0
    for r in range(rows):
        i = start + r
        for n in range(due):
            k, c, u = column[n], chopper[n], seen[r, n]
            number = _U(r * due + n)
            omega = u * scale[i, k, 0] - scale[i, k, 1] + read_noise * z[number]
            omega = min(max(_F(np.rint(omega / step)) * step, -bound), bound)
            own = digital[i, k] if code >= TTV2 else digital[0, 0]
            pulses = 0.0
            if code == AGAD:
                if fresh[n]:
                    own[P_REF] = own[P]
                pulses, own[H], own[P] = read_agad(omega, c, lambda_H, own[H], momentum, fire, own[P], own[P_REF], beta)
            elif code == TTV1:
                pulses = read_ttv1(omega, lambda_H, uniform(hashed(number, key, other)))
            elif code == TTV2:
                pulses, own[H] = read_ttv2(omega, lambda_H, own[H], momentum, fire)
            elif code == CTTV2:
                pulses, own[H] = read_cttv2(omega, c, lambda_H, own[H], momentum, fire)
            if pulses != 0.0 and write[n]:
                count = min(int(abs(pulses)), MOST_PULSES)
                first = _U((1 << 25) + 32 * number)
                moved = pulse_weight(i, k, pulses < 0.0, count, W, shown, first, key, other, verify_noise)
                given += count
                if per_weight > 0.0:  # held, for the debt of a device at its bound must not grow
                    own[H] = min(max(own[H] - moved * per_weight, -MOST_OWED), MOST_OWED)
    return given


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
