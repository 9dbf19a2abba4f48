"""Trains of pulses on very many devices: loops over 256 devices side by side that the compiler turns into vector instructions.

A library's log, cosine and power are calls and stop that, so they are polynomials here, good to 1e-13; the random numbers and steps are
those of `pulsed_kernel` to that accuracy. No lane depends on its neighbours, so a device alone does the same to the last digit.
Numbers are taken apart by looking at the same memory as floats and as integers, never both in one loop (it would not be vectorised).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from compact_model.pulsed_kernel import DOWN, G_MAX, G_MIN, GAMMA_DOWN, GAMMA_UP, NOISE, UP

_LANES = 256
_LOW, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_MANTISSA, _ONE, _BITS = np.int64(0x000FFFFFFFFFFFFF), np.int64(1023 << 52), np.int64(52)
_LN15, _LN2 = math.log(1.5), math.log(2.0)
# A float between 2^52 and 2^53 holds a whole number in its last bits: conversions without an instruction that few machines have.
_INTEGER, _TWO52, _ROUND = np.int64(0x4330000000000000), 2.0**52, 1.5 * 2.0**52


@njit(cache=True, inline="always", error_model="numpy")
def _ln_mantissa(m: float) -> float:
    """ln m for m of 1..2: 2 atanh((m - 1.5)/(m + 1.5)) + ln 1.5."""
    s = (m - 1.5) / (m + 1.5)
    q = s * s
    p = 1.0 / 17 + q * (1.0 / 19)
    p = 1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * p))
    return _LN15 + 2.0 * s * (1.0 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * p)))))


@njit(cache=True, error_model="numpy")
def _ln(x: Any, bits: Any, m: Any, m_bits: Any, out: Any) -> None:
    """ln of every lane; bits and m_bits are x and m seen as integers. x is used up."""
    for i in range(_LANES):
        m_bits[i] = (bits[i] & _MANTISSA) | _ONE
        bits[i] = (bits[i] >> _BITS) | _INTEGER
    for i in range(_LANES):
        out[i] = (x[i] - (_TWO52 + 1023.0)) * _LN2 + _ln_mantissa(m[i])


@njit(cache=True, error_model="numpy")
def _exp2(x: Any, power: Any, power_bits: Any, out: Any) -> None:
    """2^x of every lane, x of -1000..1000; power_bits is `power` seen as integers."""
    for i in range(_LANES):
        power[i] = x[i] + _ROUND  # its last bits are then the whole number nearest to x
    for i in range(_LANES):
        out[i] = (x[i] - (power[i] - _ROUND)) * _LN2
    for i in range(_LANES):
        power_bits[i] = (power_bits[i] << _BITS) + _ONE
    for i in range(_LANES):
        f = out[i]
        p = 1.0 / 39916800 + f * (1.0 / 479001600 + f * (1.0 / 6227020800))
        p = 1.0 / 40320 + f * (1.0 / 362880 + f * (1.0 / 3628800 + f * p))
        p = 1.0 / 120 + f * (1.0 / 720 + f * (1.0 / 5040 + f * p))
        out[i] = 1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6 + f * (1.0 / 24 + f * p))))
    for i in range(_LANES):
        out[i] *= power[i]


@njit(cache=True, error_model="numpy")
def _words(k: Any, block: int, ids: Any, trial: int, c: Any) -> None:
    """Philox 4x32-10 of every lane into c (4, lanes)."""
    for i in range(_LANES):
        c[0, i], c[1, i] = np.uint64(block), ids[i] & _LOW
        c[2, i], c[3, i] = np.uint64(trial), (ids[i] >> _WORD) | k[2]
    k0, k1 = k[0], k[1]
    for _ in range(10):
        for i in range(_LANES):
            a, b = c[0, i] * _M0, c[2, i] * _M1
            c[0, i], c[1, i] = (b >> _WORD) ^ c[1, i] ^ k0, b & _LOW
            c[2, i], c[3, i] = (a >> _WORD) ^ c[3, i] ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW


@njit(cache=True, error_model="numpy")
def _pair(radius_word: Any, angle_word: Any, x: Any, bits: Any, m: Any, m_bits: Any, ln: Any, z0: Any, z1: Any) -> None:
    """Two normal numbers of every lane from two words (Box-Muller)."""
    for i in range(_LANES):
        bits[i] = np.int64(radius_word[i]) | _INTEGER
    for i in range(_LANES):
        x[i] = (x[i] - (_TWO52 - 1.0)) * 2.0**-32
    _ln(x, bits, m, m_bits, ln)
    for i in range(_LANES):
        bits[i] = np.int64(angle_word[i]) | _INTEGER
    for i in range(_LANES):
        turn = (x[i] - _TWO52) * 2.0**-30  # in quarters
        whole = np.floor(turn + 0.5)
        a = (turn - whole) * (0.5 * math.pi)
        q = a * a
        sine = 1.0 / 362880 - q * (1.0 / 39916800 - q * (1.0 / 6227020800 - q * (1.0 / 1307674368000)))
        sine = a * (1.0 - q * (1.0 / 6 - q * (1.0 / 120 - q * (1.0 / 5040 - q * sine))))
        cosine = 1.0 / 3628800 - q * (1.0 / 479001600 - q * (1.0 / 87178291200))
        cosine = 1.0 - q * (0.5 - q * (1.0 / 24 - q * (1.0 / 720 - q * (1.0 / 40320 - q * cosine))))
        odd = whole - 2.0 * np.floor(0.5 * whole)  # quarters swap sine and cosine, and change signs
        half = np.floor(0.5 * whole) - 2.0 * np.floor(0.25 * whole)
        sign = 1.0 - 2.0 * half
        r = math.sqrt(-2.0 * ln[i]) * sign
        z0[i] = r * (cosine * (1.0 - odd) - sine * odd)
        z1[i] = r * (sine * (1.0 - odd) + cosine * odd)


@njit(cache=True, error_model="numpy")
def _pulse(g: Any, p: Any, up: bool, z: Any, x: Any, bits: Any, m: Any, m_bits: Any, t: Any, power: Any) -> None:
    """One pulse of one polarity on every lane; g is changed in place."""
    for i in range(_LANES):
        w = min(max((p[G_MAX, i] - g[i]) / (p[G_MAX, i] - p[G_MIN, i]), 0.0), 1.0)
        x[i] = max(w if up else 1.0 - w, 1e-300)
    _ln(x, bits, m, m_bits, t)
    gamma, size = p[GAMMA_UP if up else GAMMA_DOWN], p[UP if up else DOWN]
    for i in range(_LANES):
        x[i] = max(gamma[i] * t[i] * (1.0 / _LN2), -1000.0)
    _exp2(x, m, m_bits, power)
    sign = 1.0 if up else -1.0
    for i in range(_LANES):
        step = sign * size[i] * power[i] * (1.0 + p[NOISE, i] * z[i])
        g[i] = min(max(g[i] + step, p[G_MIN, i]), p[G_MAX, i])


@njit(cache=True, parallel=True, error_model="numpy")
def train(g: Any, params: Any, ids: Any, directions: Any, k: Any, trial: int, out: Any) -> None:
    """Pulse every device; g (devices,) is changed in place. params (devices, 7), ids (devices,) as `pulsed_kernel` has them.

    out (pulses, devices): the conductances after each pulse, or empty.
    """
    for tile in prange((g.size + _LANES - 1) // _LANES):
        first = tile * _LANES
        count = min(_LANES, g.size - first)
        now, p, mine = np.ones(_LANES), np.ones((7, _LANES)), np.zeros(_LANES, np.uint64)
        p[G_MIN] = 0.0
        for i in range(count):
            now[i], mine[i] = g[first + i], np.uint64(ids[first + i])
            for field in range(7):
                p[field, i] = params[first + i, field]
        c, z = np.empty((4, _LANES), np.uint64), np.empty((4, _LANES))
        x, m, t, power = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
        bits, m_bits = x.view(np.int64), m.view(np.int64)
        for start in range(0, directions.size, 4):
            _words(k, start // 4, mine, trial, c)
            for half in range(2):
                _pair(c[2 * half], c[2 * half + 1], x, bits, m, m_bits, t, z[2 * half], z[2 * half + 1])
            for j in range(min(4, directions.size - start)):
                _pulse(now, p, directions[start + j] > 0, z[j], x, bits, m, m_bits, t, power)
                if out.shape[0] > 0:
                    out[start + j, first : first + count] = now[:count]
        g[first : first + count] = now[:count]
