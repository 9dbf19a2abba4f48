"""Random numbers that belong to a device: any order, tiling or shape gives device 17 the same ones.

A counter-based generator (Philox 4x32, ten rounds) turns (seed, purpose, device, trial, draw) into a normal number.
There is no state to pass on, so nothing can depend on who was asked first, and it costs nothing to begin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

PURPOSES = {
    "population": 1,
    "pulse": 2,
    "program": 3,
    "relaxation": 4,
    "read": 5,
    "cell": 6,
    "half cycle": 7,
    "forming": 8,
    "cell pulse": 9,
}

_MULTIPLIER = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)


def check_seed(seed: Any, name: str = "seed") -> int:
    """Return `seed` as an int, or raise InputError: a whole number of 0 or more is expected."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            f"{name}={seed!r} is not allowed: expected a whole number of 0 or more. "
            "The same seed gives the same devices and the same noise."
        )
    return int(seed)


def philox(counter: tuple[NDArray[np.uint64], ...], key: tuple[int, int]) -> tuple[NDArray[np.uint64], ...]:
    """Return four 32-bit words for a counter of four 32-bit words (held in uint64) and a key of two.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011), Philox4x32-10.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        a, b = c0 * _MULTIPLIER[0], c2 * _MULTIPLIER[1]
        c0, c1, c2, c3 = (b >> _WORD) ^ c1 ^ np.uint64(k0), b & _LOW, (a >> _WORD) ^ c3 ^ np.uint64(k1), a & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def normals(
    seed: int, purpose: str, device_id: ArrayLike, *, trial: ArrayLike = 0, first: int = 0, count: int = 4
) -> NDArray[np.float64]:
    """Standard normal numbers number `first` .. `first + count - 1` of each device, shape (count, *devices).

    purpose : a key of PURPOSES; streams of different purposes are independent.
    device_id : whole numbers of 0 or more, any shape.  trial : repetition, below 2**32, broadcast with device_id.
    first : a multiple of 4 (one counter gives four numbers).  Tails reach 6.6 sigma (32-bit Box-Muller).
    """
    if first % 4:
        raise InputError(f"first={first} is not allowed: expected a multiple of 4 (numbers come in fours).")
    device, repeat = np.broadcast_arrays(np.asarray(device_id, np.uint64), np.asarray(trial, np.uint64))
    blocks = np.arange(first // 4, first // 4 + -(-count // 4), dtype=np.uint64)
    block = blocks.reshape(-1, *[1] * device.ndim)
    key0, key1 = (int(k) for k in np.random.SeedSequence(check_seed(seed)).generate_state(2, np.uint32))
    tag = (device >> _WORD) | np.uint64(PURPOSES[purpose] << 24)
    shape = (blocks.size, *device.shape)
    words = philox(tuple(np.broadcast_to(c, shape) for c in (block, device & _LOW, repeat, tag)), (key0, key1))
    out = np.empty((blocks.size, 4, *device.shape))
    for i in (0, 2):
        radius = np.sqrt(-2.0 * np.log((words[i] + 1.0) * 2.0**-32))
        angle = (2.0 * np.pi * 2.0**-32) * words[i + 1]
        out[:, i], out[:, i + 1] = radius * np.cos(angle), radius * np.sin(angle)
    return out.reshape(blocks.size * 4, *device.shape)[:count]
