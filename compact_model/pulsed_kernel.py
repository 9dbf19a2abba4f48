"""What compiled pulses are made of: the constants of a device in a row, and the random numbers and functions of many lanes at once.

A library's log, cosine and power are calls, and stop the compiler from turning a loop into vector instructions, so they are polynomials
here, good to 1e-13; the random numbers are those of `streams` to that accuracy. No lane depends on its neighbours, so a device alone
does the same to the last digit. Numbers are taken apart by looking at the same memory as floats and as integers, never both in one loop
(it would not be vectorised).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.compiled import njit
from compact_model.pulsed_device import PulsedDevices
from compact_model.streams import PURPOSES, check_seed

G_MAX, G_MIN, UP, DOWN, GAMMA_UP, GAMMA_DOWN, NOISE = range(7)
_LOW, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_MANTISSA, _ONE, _BITS = np.int64(0x000FFFFFFFFFFFFF), np.int64(1023 << 52), np.int64(52)
_LN15, LN2 = math.log(1.5), math.log(2.0)
# A float between 2^52 and 2^53 holds a whole number in its last bits: conversions without an instruction that few machines have.
_INTEGER, _TWO52, _ROUND = np.int64(0x4330000000000000), 2.0**52, 1.5 * 2.0**52


def rows(devices: PulsedDevices) -> NDArray[np.float64]:
    """The parameters of devices as one row each, (devices, 7)."""
    d = devices
    fields = (d.g_max_S, d.g_min_S, d.dg_up_S, d.dg_down_S, d.gamma_up, d.gamma_down, d.step_noise)
    return np.stack([f.ravel() for f in fields], axis=1)


def key(seed: int, purpose: str) -> NDArray[np.uint64]:
    """Key of two words and tag of a stream of random numbers, as `streams.normals` makes them."""
    words = np.random.SeedSequence(check_seed(seed)).generate_state(2, np.uint32)
    return np.array([words[0], words[1], PURPOSES[purpose] << 24], np.uint64)


@njit(cache=True, inline="always", error_model="numpy")
def _ln_mantissa(m: float) -> float:
    """ln m for m of 1..2: 2 atanh((m - 1.5)/(m + 1.5)) + ln 1.5."""
    s = (m - 1.5) / (m + 1.5)
    q = s * s
    p = 1.0 / 17 + q * (1.0 / 19)
    p = 1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q * p))
    return _LN15 + 2.0 * s * (1.0 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * p)))))


@njit(cache=True, error_model="numpy")
def ln(n: int, x: Any, bits: Any, m: Any, m_bits: Any, out: Any) -> None:
    """ln of n lanes; bits and m_bits are x and m seen as integers. x is used up."""
    for i in range(n):
        m_bits[i] = (bits[i] & _MANTISSA) | _ONE
        bits[i] = (bits[i] >> _BITS) | _INTEGER
    for i in range(n):
        out[i] = (x[i] - (_TWO52 + 1023.0)) * LN2 + _ln_mantissa(m[i])


@njit(cache=True, error_model="numpy")
def exp2(n: int, x: Any, power: Any, power_bits: Any, out: Any) -> None:
    """2^x of n lanes, x of -1000..1000; power_bits is `power` seen as integers."""
    for i in range(n):
        power[i] = x[i] + _ROUND  # its last bits are then the whole number nearest to x
    for i in range(n):
        out[i] = (x[i] - (power[i] - _ROUND)) * LN2
    for i in range(n):
        power_bits[i] = (power_bits[i] << _BITS) + _ONE
    for i in range(n):
        f = out[i]
        p = 1.0 / 39916800 + f * (1.0 / 479001600 + f * (1.0 / 6227020800))
        p = 1.0 / 40320 + f * (1.0 / 362880 + f * (1.0 / 3628800 + f * p))
        p = 1.0 / 120 + f * (1.0 / 720 + f * (1.0 / 5040 + f * p))
        out[i] = 1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6 + f * (1.0 / 24 + f * p))))
    for i in range(n):
        out[i] *= power[i]


@njit(cache=True, error_model="numpy")
def words(n: int, k: Any, block: Any, ids: Any, trial: Any, c: Any) -> None:
    """Philox 4x32-10 of n lanes into c (4, lanes); block, ids, trial: counters of each lane."""
    for i in range(n):
        c[0, i], c[1, i] = block[i], ids[i] & _LOW
        c[2, i], c[3, i] = trial[i], (ids[i] >> _WORD) | k[2]
    k0, k1 = k[0], k[1]
    for _ in range(10):
        for i in range(n):
            a, b = c[0, i] * _M0, c[2, i] * _M1
            c[0, i], c[1, i] = (b >> _WORD) ^ c[1, i] ^ k0, b & _LOW
            c[2, i], c[3, i] = (a >> _WORD) ^ c[3, i] ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW


@njit(cache=True, error_model="numpy")
def normal_pair(
    n: int, radius_word: Any, angle_word: Any, x: Any, bits: Any, m: Any, m_bits: Any, ln_x: Any, z0: Any, z1: Any
) -> None:
    """Two normal numbers of n lanes from two words (Box-Muller)."""
    for i in range(n):
        bits[i] = np.int64(radius_word[i]) | _INTEGER
    for i in range(n):
        x[i] = (x[i] - (_TWO52 - 1.0)) * 2.0**-32
    ln(n, x, bits, m, m_bits, ln_x)
    for i in range(n):
        bits[i] = np.int64(angle_word[i]) | _INTEGER
    for i in range(n):
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
        r = math.sqrt(-2.0 * ln_x[i]) * sign
        z0[i] = r * (cosine * (1.0 - odd) - sine * odd)
        z1[i] = r * (sine * (1.0 - odd) + cosine * odd)
