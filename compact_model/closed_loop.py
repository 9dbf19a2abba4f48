"""The closed loop on soft-bounds devices, compiled: 256 devices side by side, each stopping by itself and giving its place to the next.

Places are given out anew after every four pulses, which is what one counter of the random numbers lasts for; towards the end those
still at work move together. A device's numbers depend on neither its place nor its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.compiled import njit, prange
from compact_model.pulsed_device import Floats, PulsedDevices
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
    key,
    ln,
    normal_pair,
    rows,
    words,
)

_LANES = 256
_TASK = 4096  # loops that one thread takes at a time
# rows of a lane's numbers: the seven of its device (pulsed_kernel), then these
_G, _GOAL, _BAND, _GROWTH, _USED, _RISING, _FIELDS = range(7, 14)
_GROWTH_MOST = 1e6


@njit(cache=True, error_model="numpy")
def _one_pulse(
    n: int, p: Any, grow: float, most: float, z: Any, x: Any, bits: Any, m: Any, m_bits: Any, t: Any
) -> None:
    """One pulse on each of n lanes that is still outside its band; t is room to work in.

    Many short loops: the compiler vectorises those that write to one array and read from a few.
    """
    for i in range(n):
        w = min(max((p[G_MAX, i] - p[_G, i]) / (p[G_MAX, i] - p[G_MIN, i]), 0.0), 1.0)
        x[i] = max(w if p[_G, i] < p[_GOAL, i] else 1.0 - w, 1e-300)
    ln(n, x, bits, m, m_bits, t)
    for i in range(n):
        up, down = p[GAMMA_UP, i], p[GAMMA_DOWN, i]
        x[i] = max((up if p[_G, i] < p[_GOAL, i] else down) * t[i] * (1.0 / LN2), -1000.0)
    exp2(n, x, m, m_bits, t)
    for i in range(n):
        up, down = p[UP, i], -p[DOWN, i]
        t[i] *= (up if p[_G, i] < p[_GOAL, i] else down) * (1.0 + p[NOISE, i] * z[i])
    if grow > 1.0:
        for i in range(n):
            rising = 1.0 if p[_G, i] < p[_GOAL, i] else 0.0
            p[_GROWTH, i] = min(p[_GROWTH, i] * grow, _GROWTH_MOST) if rising == p[_RISING, i] else 1.0
            p[_RISING, i] = rising
            t[i] *= p[_GROWTH, i]
    for i in range(n):
        at_work = (abs(p[_G, i] - p[_GOAL, i]) > p[_BAND, i]) & (p[_USED, i] < most)
        x[i] = 1.0 if at_work else 0.0
    for i in range(n):
        p[_USED, i] += x[i]
    for i in range(n):
        after, before = min(max(p[_G, i] + t[i], p[G_MIN, i]), p[G_MAX, i]), p[_G, i]
        m[i] = after if x[i] > 0.0 else before
    for i in range(n):
        p[_G, i] = m[i]


@njit(cache=True, error_model="numpy")
def _ready(p: Any, i: int, most: float) -> bool:
    return not (abs(p[_G, i] - p[_GOAL, i]) > p[_BAND, i] and p[_USED, i] < most)


@njit(cache=True, error_model="numpy")
def _hand_out(
    n: int, p: Any, who: Any, ids: Any, trial: Any, waiting: int, end: int, given: Any, results: Any, most: float
) -> Any:
    """Write out the lanes that are ready and fill their places. Returns (lanes at work, next loop that waits)."""
    params, device_id, first_trial, goal, factors, acceptance = given
    g, pulses = results
    devices, i = device_id.size, 0
    while i < n or (n < _LANES and waiting < end):
        if i < n and not _ready(p, i, most):
            i += 1
            continue
        if i < n:
            g[who[i]], pulses[who[i]] = p[_G, i], np.int64(p[_USED, i])
        if waiting < end:
            device = waiting % devices
            for field in range(7):
                p[field, i] = params[device, field]
            f = waiting % factors.shape[1]
            p[_G, i], p[_GOAL, i], p[_BAND, i] = params[device, G_MIN], goal[waiting], acceptance * goal[waiting]
            p[UP, i] *= factors[0, f]
            p[DOWN, i] *= factors[1, f]
            p[_GROWTH, i], p[_USED, i], p[_RISING, i] = 1.0, 0.0, 2.0
            who[i], ids[i] = waiting, np.uint64(device_id[device])
            trial[i] = np.uint64(first_trial + waiting // devices)
            waiting += 1
            n = max(n, i + 1)
        else:
            n -= 1
            p[:, i], who[i], ids[i], trial[i] = p[:, n], who[n], ids[n], trial[n]
    return n, waiting


@njit(cache=True, error_model="numpy")
def _some_loops(waiting: int, end: int, given: Any, most: float, grow: float, k: Any, results: Any) -> None:
    """Closed loops number waiting .. end - 1."""
    p, z = np.ones((_FIELDS, _LANES)), np.empty((4, _LANES))
    who, ids, trial = np.zeros(_LANES, np.int64), np.zeros(_LANES, np.uint64), np.zeros(_LANES, np.uint64)
    c, block = np.empty((4, _LANES), np.uint64), np.zeros(_LANES, np.uint64)
    x, m, t = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    bits, m_bits = x.view(np.int64), m.view(np.int64)
    n, waiting = _hand_out(0, p, who, ids, trial, waiting, end, given, results, most)
    while n > 0:
        for i in range(n):
            block[i] = np.uint64(np.int64(p[_USED, i]) // 4)
        words(n, k, block, ids, trial, c)
        for half in range(2):
            normal_pair(n, c[2 * half], c[2 * half + 1], x, bits, m, m_bits, t, z[2 * half], z[2 * half + 1])
        for j in range(4):
            _one_pulse(n, p, grow, most, z[j], x, bits, m, m_bits, t)
        n, waiting = _hand_out(n, p, who, ids, trial, waiting, end, given, results, most)


@njit(cache=True, parallel=True, error_model="numpy")
def _many_loops(given: Any, most: float, grow: float, k: Any, results: Any) -> None:
    count = results[0].size
    for task in prange((count + _TASK - 1) // _TASK):
        _some_loops(task * _TASK, min((task + 1) * _TASK, count), given, most, grow, k, results)


def close_loop(
    devices: PulsedDevices,
    goal_S: Floats,
    factors: Floats,
    *,
    acceptance: float,
    increment: float,
    max_pulses: int,
    first_trial: int,
    seed: int,
) -> tuple[Floats, NDArray[np.int64]]:
    """Reset every device and pulse it until it lies within acceptance * goal_S; return what it reached [S] and its pulses.

    goal_S : (trials * devices,) [S], the devices running fastest; trials are numbered from first_trial.  factors : (2, 1) or
    (2, trials * devices), of the mean steps up and down.  increment : growth of the step per further pulse of one polarity.
    """
    results = np.empty(goal_S.size), np.empty(goal_S.size, np.int64)
    given = (rows(devices), np.array(devices.device_id).ravel(), first_trial, goal_S, factors, acceptance)
    last = (float(max_pulses), 1.0 + increment, key(seed, "program"), results)
    if goal_S.size <= _TASK:  # waking threads would cost more than the work
        _some_loops(0, goal_S.size, given, *last)
    else:
        _many_loops(given, *last)
    return results
