"""The physical cell in time, compiled: one step, one waveform; every cell by itself, cells in parallel.

What is solved is in `cell_dynamics`. A cell's arithmetic depends on nothing but its own row, so company, tiling and threads
change no digit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from compact_model.cell_instant import DONE, G_RESET, G_SET, STUCK, operate

_AGAIN = -1  # the step was too long
_MOST_STEPS = 2_000_000


@njit(cache=True, error_model="numpy")
def _travel(ln_k: float, in_y: float, in_t: float, h: float) -> float:
    """Travel of y in a time h where dy/dt = exp(ln k + in_y y + in_t t), in closed form; inf where it would run away."""
    a = in_t * h
    k = ln_k + (math.log(math.expm1(min(a, 40.0)) / a) if abs(a) > 1e-9 else 0.0)
    if k < -700.0:
        return 0.0
    y = math.exp(min(k, 600.0)) * h
    q = in_y * y
    if q > 0.9:
        return math.inf
    return y * (1.0 + 0.5 * q) if abs(q) < 1e-7 else -math.log1p(-q) / in_y


@njit(cache=True, error_model="numpy")
def moved(x: float, dy: float, g: float, forward: bool) -> float:
    """State after a travel dy = integral of k dt: dw/dy = -w^g solved exactly, w the distance to the end it moves to."""
    w = 1.0 - x if forward else x
    if w <= 0.0 or dy <= 0.0:
        return x
    gone = 1.0
    if abs(g - 1.0) < 1e-9:
        gone = -math.expm1(-dy)
    else:
        part = (g - 1.0) * dy * w ** (g - 1.0)
        if part > -1.0:
            gone = -math.expm1(-math.log1p(part) / (g - 1.0))
    return min(x + w * gone, 1.0) if forward else max(x - w * gone, 0.0)


@njit(cache=True, error_model="numpy")
def _density(x: float, line: Any) -> float:
    return line[0] + line[1] * x


@njit(cache=True, error_model="numpy")
def _slope(x: float, forward: bool, g: float) -> float:
    """dx/dy: the window, signed."""
    w = 1.0 - x if forward else x
    if w <= 0.0:
        return 0.0
    return w**g if forward else -(w**g)


@njit(cache=True, error_model="numpy")
def _step(
    p: Any,
    table: Any,
    line: Any,
    x: float,
    now: Any,
    at: Any,
    ramp: Any,
    h: float,
    least: float,
    tol: float,
    ln_factor: float,
) -> Any:
    """Try one step: (verdict, factor for the next h, x, middle, end, x in the middle). Points as `operate` returns them.

    at : bias and gate now.  ramp : their slopes in time, then the slopes of u and V over the last step, which guess the next point.
    least : a step this short is taken whatever its error.
    """
    forward = at[0] + 0.5 * ramp[0] * h > 0.0
    g = p[G_SET] if forward else p[G_RESET]
    ln_k, in_y = now[6] + ln_factor, now[7] * _slope(x, forward, g)
    whole, first = _travel(ln_k, in_y, now[8], h), _travel(ln_k, in_y, now[8], 0.5 * h)
    if first == math.inf:
        return _AGAIN, 0.25, x, now, now, x
    x_mid = moved(x, first, g, forward)
    N = _density(x_mid, line)
    u, V = now[1] + 0.5 * h * ramp[2], now[2] + 0.5 * h * ramp[3]
    mid = operate(p, table, N, line[1], at[0] + 0.5 * h * ramp[0], at[1] + 0.5 * h * ramp[1], ramp[0], ramp[1], u, V)
    if mid[0] != DONE:
        return mid[0], 0.0, x, mid, mid, x
    second = _travel(mid[6] + ln_factor, mid[7] * _slope(x_mid, forward, g), mid[8], 0.5 * h)
    if second == math.inf:
        return _AGAIN, 0.25, x, now, now, x
    both = first + second
    x_both, x_whole = moved(x, both, g, forward), moved(x, min(whole, 1e300), g, forward)
    error = abs(math.log(_density(x_both, line) / _density(x_whole, line))) / tol
    if error > 1.0 and h > least:
        return _AGAIN, max(0.2, 0.9 * error ** (-1.0 / 3.0)), x, now, now, x
    best = both if whole == math.inf else max(both + (both - whole) / 3.0, 0.0)
    x_end = moved(x, best, g, forward)
    N = _density(x_end, line)
    u, V = 2.0 * mid[1] - now[1], 2.0 * mid[2] - now[2]
    end = operate(p, table, N, line[1], at[0] + h * ramp[0], at[1] + h * ramp[1], ramp[0], ramp[1], u, V)
    if end[0] != DONE:
        return end[0], 0.0, x, end, end, x
    rough = abs(now[3] - 2.0 * mid[3] + end[3]) / (0.1 * max(now[3], mid[3], end[3]) + 1e-18)
    if rough > 1.0 and h > 1e4 * least:
        return _AGAIN, max(0.3, 0.8 * rough**-0.5), x, now, now, x
    worst = max(error ** (1.0 / 3.0), rough**0.5, 0.2)
    return DONE, max(min(0.8 / worst, 4.0), 0.3), x_end, mid, end, x_mid


@njit(cache=True, error_model="numpy")
def _look(out: Any, k: int, out_t: Any, until: float, x: float, now: Any, sign: float, N: float) -> int:
    """Write the present into every sample that is due; return the next sample's number."""
    while k < out_t.size and out_t[k] <= until:
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = (
            x,
            sign * now[2],
            sign * now[3],
            now[5],
            now[4],
            N,
        )
        k += 1
    return k


@njit(cache=True, error_model="numpy")
def _cut(h: float, left: float, now: float, out_t: Any, k: int, width: float) -> float:
    """A step that neither passes the end of the piece nor a sample (unless its middle is one), nor leaves a crumb before the end."""
    if k < out_t.size:
        first = out_t[k] - now
        even = k + 1 < out_t.size and abs(out_t[k + 1] - now - 2.0 * first) <= 1e-9 * first
        h = min(h, 2.0 * first if even and h >= 2.0 * first and 2.0 * first <= left else max(first, 1e-12 * width))
    return left if left - h < 1e-9 * width else h


@njit(cache=True, error_model="numpy")
def run_cell(
    p: Any,
    table: Any,
    line: Any,
    x: float,
    t: Any,
    bias: Any,
    gate: Any,
    out_t: Any,
    out: Any,
    tol: float,
    factor: float,
) -> Any:
    """One cell through one waveform of straight pieces; out (n, 6): x, cell V, I, T, E, N at out_t.

    line : N = line[0] + line[1] x.  factor : of the rate.  Returns (status, x, charge, energy, steps, bias where it stopped).
    """
    u, h = 0.5 * (table[0, 0] + table[-1, 0]), math.inf
    charge, energy, steps, k = 0.0, 0.0, 0, 0
    ln_factor = math.log(factor) if factor > 0.0 else -math.inf
    for j in range(t.size - 1):
        width = t[j + 1] - t[j]
        if width <= 0.0:
            continue
        ramp = ((bias[j + 1] - bias[j]) / width, (gate[j + 1] - gate[j]) / width, 0.0, 0.0)
        sign = 1.0 if bias[j] + bias[j + 1] > 0.0 else -1.0
        done = 0.0
        now = operate(p, table, _density(x, line), line[1], bias[j], gate[j], ramp[0], ramp[1], u, 0.5 * abs(bias[j]))
        if now[0] != DONE:
            return now[0], x, charge, energy, steps, bias[j]
        while True:
            k = _look(out, k, out_t, t[j] + done + 1e-12 * width, x, now, sign, _density(x, line))
            if width - done <= 1e-12 * width:
                break
            h = _cut(min(h, width - done), width - done, t[j] + done, out_t, k, width)
            at = (bias[j] + ramp[0] * done, gate[j] + ramp[1] * done)
            verdict, grow, x_end, mid, end, x_mid = _step(
                p, table, line, x, now, at, ramp, h, 1e-13 * width, tol, ln_factor
            )
            steps += 1
            if verdict > DONE or steps > _MOST_STEPS:
                return max(verdict, STUCK if verdict <= DONE else verdict), x, charge, energy, steps, at[0]
            if verdict == DONE:
                k = _look(out, k, out_t, t[j] + done + 0.5 * h + 1e-12 * width, x_mid, mid, sign, _density(x_mid, line))
                b_mid, b_end = at[0] + 0.5 * h * ramp[0], at[0] + h * ramp[0]
                charge += sign * h / 6.0 * (now[3] + 4.0 * mid[3] + end[3])
                energy += sign * h / 6.0 * (at[0] * now[3] + 4.0 * b_mid * mid[3] + b_end * end[3])
                done += h
                ramp = (ramp[0], ramp[1], (end[1] - mid[1]) / (0.5 * h), (end[2] - mid[2]) / (0.5 * h))
                x, now, u = x_end, end, end[1]
            h *= grow
    return DONE, x, charge, energy, steps, 0.0


@njit(cache=True, parallel=True, error_model="numpy")
def run_cells(
    rows: Any,
    tables: Any,
    table_of: Any,
    lines: Any,
    x0: Any,
    t: Any,
    bias: Any,
    gate: Any,
    wave_of: Any,
    out_t: Any,
    out: Any,
    result: Any,
    tol: float,
    factor: Any,
) -> None:
    """Every cell through its waveform, in parallel. result (n, 6): what `run_cell` returns. out may have 0 times."""
    for i in prange(rows.shape[0]):
        w = wave_of[i]
        got = run_cell(
            rows[i], tables[table_of[i]], lines[i], x0[i], t[w], bias[w], gate[w], out_t[w], out[i], tol, factor[i]
        )
        result[i, 0], result[i, 1], result[i, 2] = got[0], got[1], got[2]
        result[i, 3], result[i, 4], result[i, 5] = got[3], got[4], got[5]


@njit(cache=True, parallel=True, error_model="numpy")
def points(rows: Any, tables: Any, table_of: Any, N: Any, bias: Any, gate: Any, out: Any) -> None:
    """Operating points without dynamics; out (n, 6): status, cell V, I, E, T, ln(sigma_dome)."""
    for i in prange(rows.shape[0]):
        got = operate(rows[i], tables[table_of[i]], N[i], 0.0, bias[i], gate[i], 0.0, 0.0, 5.0, 0.5 * abs(bias[i]))
        sign = np.sign(bias[i])
        out[i, 0], out[i, 1], out[i, 2] = got[0], sign * got[2], sign * got[3]
        out[i, 3], out[i, 4], out[i, 5] = got[4], got[5], got[1]
