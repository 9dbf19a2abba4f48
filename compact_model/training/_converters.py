"""The numba kernels of DAC and ADC. Noise is a function of (seed, call, vector)."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._normals import SERIAL, fill, key_of

_U, _F = np.uint32, np.float32


@njit(**SERIAL)
def to_lines(x: Any, out: Any, scale: Any, spread: Any, step: Any, noise: Any, scaled: bool, factor: Any) -> None:
    """Put x / scale, rounded to the DAC's steps and held in -1..1, into `out`, and the scale of every vector into `scale`.

    x, out (vectors, lines).  factor (vectors,) : by how much more the input is divided.
    noise : of an output, and of one device at full input.  spread (vectors,) : set to the standard deviation of the outputs.
    """
    vectors, lines = x.shape
    for s in range(vectors):
        most = _F(1.0)
        if scaled:
            most = _F(0.0)
            for j in range(lines):
                most = max(most, abs(x[s, j]))
        scale[s] = most * factor[s]
        inverse = _F(1.0) / (scale[s] * step) if most > 0.0 else _F(0.0)
        for j in range(lines):
            out[s, j] = min(max(_F(np.rint(x[s, j] * inverse)) * step, _F(-1.0)), _F(1.0))
        spread[s] = noise[0]
        if noise[1] > 0.0:
            power = _F(0.0)
            for j in range(lines):
                power += out[s, j] * out[s, j]
            spread[s] = np.sqrt(noise[0] * noise[0] + noise[1] * noise[1] * power)


@njit(**SERIAL)
def from_lines(y: Any, scale: Any, clipped: Any, spread: Any, step: Any, bound: Any, seed: Any, call: Any) -> int:
    """Add noise, round to the ADC's steps, hold in its bounds and undo the scale, in place. Returns how many vectors were clipped.

    y (vectors, lines).  scale, spread, clipped (vectors,) : of `to_lines`, and whether a line reached the bound.
    """
    vectors, lines = y.shape
    half = (lines + 15) // 16 * 8
    z, bits = np.empty(2 * half, np.float32), np.empty(half, np.uint32)
    inverse, count = _F(1.0) / step, 0
    for s in range(vectors):
        key, other = key_of(seed, call, s)
        fill(z, bits, _U(0), key, other)
        most = _F(0.0)
        for j in range(lines):
            v = _F(np.rint((y[s, j] + spread[s] * z[j]) * inverse)) * step
            most = max(most, abs(v))
            y[s, j] = min(max(v, -bound), bound) * scale[s]
        clipped[s] = most >= bound
        count += clipped[s]
    return count
