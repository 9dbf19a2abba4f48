"""The closed loop on soft-bounds devices, compiled: every device by itself, devices in parallel (trains: `pulse_trains`).

The step is that of `pulsed_device`, the random numbers are those of `streams` (same counters, to the last bits of log and cosine).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from compact_model.pulsed_device import PulsedDevices
from compact_model.streams import PURPOSES, check_seed

G_MAX, G_MIN, UP, DOWN, GAMMA_UP, GAMMA_DOWN, NOISE = range(7)
_LOW = np.uint64(0xFFFFFFFF)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_WORD = np.uint64(32)


def rows(devices: PulsedDevices) -> NDArray[np.float64]:
    """The parameters of devices as one row each, (devices, 7)."""
    d = devices
    fields = (d.g_max_S, d.g_min_S, d.dg_up_S, d.dg_down_S, d.gamma_up, d.gamma_down, d.step_noise)
    return np.stack([f.ravel() for f in fields], axis=1)


def key(seed: int, purpose: str) -> NDArray[np.uint64]:
    """Key of two words and tag of a stream of random numbers, as `streams.normals` makes them."""
    words = np.random.SeedSequence(check_seed(seed)).generate_state(2, np.uint32)
    return np.array([words[0], words[1], PURPOSES[purpose] << 24], np.uint64)


@njit(cache=True)
def _four(k: Any, block: int, device: int, trial: int) -> Any:
    """Four normal numbers of a counter: Philox 4x32-10 and Box-Muller, as `streams.normals`."""
    d = np.uint64(device)
    c0, c1, c2, c3 = np.uint64(block), d & _LOW, np.uint64(trial), (d >> _WORD) | k[2]
    k0, k1 = k[0], k[1]
    for _ in range(10):
        a, b = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (b >> _WORD) ^ c1 ^ k0, b & _LOW, (a >> _WORD) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    r0 = math.sqrt(-2.0 * math.log((c0 + 1.0) * 2.0**-32))
    r1 = math.sqrt(-2.0 * math.log((c2 + 1.0) * 2.0**-32))
    a0, a1 = (2.0 * math.pi * 2.0**-32) * c1, (2.0 * math.pi * 2.0**-32) * c3
    return r0 * math.cos(a0), r0 * math.sin(a0), r1 * math.cos(a1), r1 * math.sin(a1)


@njit(cache=True)
def _after(g: float, p: Any, up: bool, factor: float, z: float) -> float:
    """Conductance after one pulse whose mean step is `factor` times the device's own."""
    w = min(max((p[G_MAX] - g) / (p[G_MAX] - p[G_MIN]), 0.0), 1.0)
    step = p[UP] * w ** p[GAMMA_UP] if up else -p[DOWN] * (1.0 - w) ** p[GAMMA_DOWN]
    return min(max(g + step * factor * (1.0 + p[NOISE] * z), p[G_MIN]), p[G_MAX])


@njit(cache=True, parallel=True)
def close_loop(
    g: Any,
    params: Any,
    ids: Any,
    trial: Any,
    goal: Any,
    up: Any,
    down: Any,
    acceptance: float,
    increment: float,
    most: int,
    k: Any,
    pulses: Any,
) -> None:
    """Pulse every device until it lies within acceptance * goal; g and pulses (devices,) are changed in place.

    up, down : factors of the mean steps.  increment : growth of the step per further pulse of one polarity.
    """
    for i in prange(g.size):
        p, now, used, run = params[i], g[i], 0, 0
        z = (0.0, 0.0, 0.0, 0.0)
        while used < most and abs(now - goal[i]) > acceptance * goal[i]:
            if used % 4 == 0:
                z = _four(k, used // 4, ids[i], trial[i])
            rising = now < goal[i]
            run = max(run, 0) + 1 if rising else min(run, 0) - 1
            factor = up[i] if rising else down[i]
            if increment > 0.0:
                factor *= min((1.0 + increment) ** (abs(run) - 1.0), 1e6)
            now = _after(now, p, rising, factor, z[used % 4])
            used += 1
        g[i], pulses[i] = now, used
