"""Streams of random numbers for the kernels: a key for each stream, and normals by the block."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._lanes import angle_of, hashed, radius_of, sine_cosine

_U = np.uint32
SERIAL: Any = {"fastmath": True, "error_model": "numpy", "cache": True}
PARALLEL: Any = {**SERIAL, "parallel": True}


@njit(**SERIAL)
def key_of(seed: Any, call: Any, place: Any) -> Any:
    """Return the 64-bit key of one stream as two uint32 (SplitMix64 of the three numbers)."""
    x = np.uint64(seed)
    for number in (np.uint64(call), np.uint64(place)):
        x = x + number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return _U(x), _U(x >> np.uint64(32))


@njit(**SERIAL)
def fill(z: Any, bits: Any, start: Any, key: Any, other: Any) -> None:
    """Fill z, of an even size, with standard normals; bits is room for half as many uint32.

    Two normals of one hash stand half the block apart. Three short loops instead of one: the processor then keeps several
    turns of each in flight, where the one long chain of all steps made it wait (a third faster).
    """
    half = z.size // 2
    first, second = z[:half], z[half:]  # views: a sum as an index would be checked for its sign, every time
    for k in range(half):
        bits[k] = hashed(_U(start + _U(k)), key, other)
    for k in range(half):
        first[k] = radius_of(bits[k])
    for k in range(half):
        s, c = sine_cosine(angle_of(bits[k]))
        second[k] = first[k] * c
        first[k] = first[k] * s
