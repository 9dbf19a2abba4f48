"""The numba kernels of DAC and ADC. Noise is a function of (seed, call, vector): no thread count changes it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from compact_model.training._pulses import fill, key_of

_U, _F = np.uint32, np.float32
_PARALLEL: Any = {"fastmath": True, "error_model": "numpy", "cache": True, "parallel": True}


@njit(**_PARALLEL)
def to_lines(x: Any, step: Any, scaled: bool, factor: Any) -> Any:
    """Return (x / scale rounded to the DAC's steps and held in -1..1, scale of every vector). x (vectors, lines).

    factor (vectors,) : by how much more the input is divided.
    """
    vectors, lines = x.shape
    out, scale = np.empty((vectors, lines), np.float32), np.ones(vectors, np.float32)
    for s in prange(vectors):
        most = _F(1.0)
        if scaled:
            most = _F(0.0)
            for j in range(lines):
                most = max(most, abs(x[s, j]))
        scale[s] = most * factor[s]
        inverse = _F(1.0) / (scale[s] * step) if most > 0.0 else _F(0.0)
        for j in range(lines):
            out[s, j] = min(max(_F(np.rint(x[s, j] * inverse)) * step, _F(-1.0)), _F(1.0))
    return out, scale


@njit(**_PARALLEL)
def from_lines(y: Any, scale: Any, noise: Any, step: Any, bound: Any, seed: Any, call: Any) -> Any:
    """Add noise, round to the ADC's steps, hold in its bounds and undo the scale, in place. Returns which vectors were clipped."""
    vectors, lines = y.shape
    clipped = np.zeros(vectors, np.bool_)
    half = (lines + 1) // 2
    for s in prange(vectors):
        key, other = key_of(seed, call, s)
        z = np.empty(2 * half, np.float32)
        fill(z, 2 * half, _U(0), key, other)
        most = _F(0.0)
        inverse = _F(1.0) / step
        for j in range(lines):
            v = _F(np.rint((y[s, j] + noise * z[j]) * inverse)) * step
            most = max(most, abs(v))
            y[s, j] = min(max(v, -bound), bound) * scale[s]
        clipped[s] = most >= bound
    return clipped
