"""Trains of pulses on very many devices: loops over 256 devices side by side that the compiler turns into vector instructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit, prange
from compact_model.pulsed_kernel import (
    DOWN,
    G_MAX,
    G_MIN,
    GAMMA_DOWN,
    GAMMA_UP,
    LN2,
    NOISE,
    UP,
    exp2,
    ln,
    normal_pair,
    words,
)

_LANES = 256


@njit(cache=True, error_model="numpy")
def _pulse(g: Any, p: Any, up: bool, z: Any, x: Any, bits: Any, m: Any, m_bits: Any, t: Any, power: Any) -> None:
    """One pulse of one polarity on every lane; g is changed in place."""
    for i in range(_LANES):
        w = min(max((p[G_MAX, i] - g[i]) / (p[G_MAX, i] - p[G_MIN, i]), 0.0), 1.0)
        x[i] = max(w if up else 1.0 - w, 1e-300)
    ln(_LANES, x, bits, m, m_bits, t)
    gamma, size = p[GAMMA_UP if up else GAMMA_DOWN], p[UP if up else DOWN]
    for i in range(_LANES):
        x[i] = max(gamma[i] * t[i] * (1.0 / LN2), -1000.0)
    exp2(_LANES, x, m, m_bits, power)
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
        block, repeat = np.zeros(_LANES, np.uint64), np.full(_LANES, trial).astype(np.uint64)
        x, m, t, power = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
        bits, m_bits = x.view(np.int64), m.view(np.int64)
        for start in range(0, directions.size, 4):
            block[:] = start // 4
            words(_LANES, k, block, mine, repeat, c)
            for half in range(2):
                normal_pair(_LANES, c[2 * half], c[2 * half + 1], x, bits, m, m_bits, t, z[2 * half], z[2 * half + 1])
            for j in range(min(4, directions.size - start)):
                _pulse(now, p, directions[start + j] > 0, z[j], x, bits, m, m_bits, t, power)
                if out.shape[0] > 0:
                    out[start + j, first : first + count] = now[:count]
        g[first : first + count] = now[:count]
