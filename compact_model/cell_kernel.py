"""The physical cell in time, compiled: one step, one waveform; every cell by itself, cells in parallel.

What is solved is in `cell_dynamics`. A cell's arithmetic depends on nothing but its own row, so company, tiling and threads
change no digit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from compact_model.cell_balance import DONE, STUCK
from compact_model.cell_instant import operate
from compact_model.cell_step import density, step
from compact_model.compiled import njit, prange

_MOST_STEPS = 2_000_000


@njit(cache=True, error_model="numpy")
def _look(out: Any, k: int, out_t: Any, until: float, x: float, now: Any, sign: float, N: float) -> int:
    """Write the present into every sample that is due; return the next sample's number."""
    while k < out_t.size and out_t[k] <= until:
        out[k, 0], out[k, 1], out[k, 2] = x, sign * now.V, sign * now.I
        out[k, 3], out[k, 4], out[k, 5] = now.T, now.E, N
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
    u, V, h, piece = 0.5 * (table[0, 0] + table[-1, 0]), 0.5 * abs(bias[0]), math.inf, 0
    charge, energy, steps, k = 0.0, 0.0, 0, 0
    for j in range(t.size - 1):
        width = t[j + 1] - t[j]
        if width <= 0.0:
            continue
        ramp_b, ramp_g = (bias[j + 1] - bias[j]) / width, (gate[j + 1] - gate[j]) / width
        sign = 1.0 if bias[j] + bias[j + 1] > 0.0 else -1.0
        done, gap = 0.0, math.inf
        now = operate(p, table, math.log(density(x, line)), bias[j], gate[j], ramp_b, ramp_g, u, V, piece)
        before = now
        if now.status != DONE:
            return now.status, x, charge, energy, steps, bias[j]
        while True:
            k = _look(out, k, out_t, t[j] + done + 1e-12 * width, x, now, sign, density(x, line))
            if width - done <= 1e-12 * width:
                break
            h = _cut(min(h, width - done), width - done, t[j] + done, out_t, k, width)
            at = (bias[j] + ramp_b * done, gate[j] + ramp_g * done, ramp_b, ramp_g)
            verdict, grow, x_end, mid, end, x_mid = step(
                p, table, line, x, now, before, gap, at, h, 1e-13 * width, tol, factor
            )
            steps += 1
            if verdict > DONE or steps > _MOST_STEPS:
                return max(verdict, STUCK if verdict <= DONE else verdict), x, charge, energy, steps, at[0]
            if verdict == DONE:
                k = _look(out, k, out_t, t[j] + done + 0.5 * h + 1e-12 * width, x_mid, mid, sign, density(x_mid, line))
                b_mid, b_end = at[0] + 0.5 * h * ramp_b, at[0] + h * ramp_b
                charge += sign * h / 6.0 * (now.I + 4.0 * mid.I + end.I)
                energy += sign * h / 6.0 * (at[0] * now.I + 4.0 * b_mid * mid.I + b_end * end.I)
                done += h
                x, before, gap, now = x_end, mid, 0.5 * h, end
            h *= grow
        u, V, piece = now.u, now.V, now.piece
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
        got = operate(
            rows[i], tables[table_of[i]], math.log(N[i]), bias[i], gate[i], 0.0, 0.0, 5.0, 0.5 * abs(bias[i]), 0
        )
        sign = np.sign(bias[i])
        out[i, 0], out[i, 1], out[i, 2] = got.status, sign * got.V, sign * got.I
        out[i, 3], out[i, 4], out[i, 5] = got.E, got.T, got.u
