"""Curves of many cells from one table, compiled: what they carry, and what a product has of them beyond linear devices."""

from __future__ import annotations

import math

import numpy as np

from compact_model.cell_balance import DONE
from compact_model.cell_instant import operate
from compact_model.compiled import njit
from compact_model.crossbar.sweep import OPTIONS

BELOW, ABOVE = 5, 6  # terms of the two polynomials
ROW = 2 + BELOW + ABOVE  # ln g, voltage of the kink, coefficients


@njit(**OPTIONS)
def law(p, table, ln_N, volts, start, current, u):  # type: ignore[no-untyped-def]
    """Fill current [A] and ln(sigma_dome) of a cell at each state and voltage above 0, all (points,). Returns (status, point)."""
    for i in range(volts.size):
        at = operate(p, table, ln_N[i], volts[i], 0.0, 0.0, 0.0, start, volts[i], 0)
        if at.status != DONE:
            return at.status, i
        current[i], u[i] = at.I, at.u
    return DONE, 0


@njit(**OPTIONS)
def curve_of(rows, g, read_V, out):  # type: ignore[no-untyped-def]
    """Fill a curve at conductance g from the table's rows: kink, 1/kink^2, 1/(read_V - kink), coefficients times g."""
    at = math.log(g)
    last = len(rows) - 1
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if rows[middle, 0] <= at:
            low = middle
        else:
            high = middle
    share = (at - rows[low, 0]) / (rows[high, 0] - rows[low, 0])
    share = min(max(share, 0.0), 1.0)
    out[0] = rows[low, 1] + share * (rows[high, 1] - rows[low, 1])
    out[1] = 1.0 / (out[0] * out[0])
    out[2] = 1.0 / (read_V - out[0]) if out[0] < read_V else 0.0
    for k in range(2, rows.shape[1]):
        out[1 + k] = g * (rows[low, k] + share * (rows[high, k] - rows[low, k]))


@njit(inline="always", **OPTIONS)
def _shown(c, v):  # type: ignore[no-untyped-def]
    """Conductance I/V of a curve, of numbers, at voltage v [S]."""
    kink, per_kink2, per_rest, b0, b1, b2, b3, b4, a0, a1, a2, a3, a4, a5 = c
    size = abs(v)
    s, t = v * v * per_kink2, (size - kink) * per_rest
    below = b0 + s * (b1 + s * (b2 + s * (b3 + s * b4)))
    above = a0 + t * (a1 + t * (a2 + t * (a3 + t * (a4 + t * a5))))
    return below if size < kink else above


@njit(inline="always", **OPTIONS)
def _numbers(c):  # type: ignore[no-untyped-def]
    """Return a curve as numbers, which a loop keeps in registers."""
    return c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13]


@njit(**OPTIONS)
def currents(rows, read_V, g, v, out):  # type: ignore[no-untyped-def]
    """Fill the current [A] of each cell, all (cells,)."""
    c = np.empty(ROW + 1)
    for i in range(g.size):
        if g[i] > 0.0:
            curve_of(rows, g[i], read_V, c)
            out[i] = _shown(_numbers(c), v[i]) * v[i]
        else:
            out[i] = 0.0


@njit(fastmath={"contract"}, **OPTIONS)
def add_bends(rows, read_V, g, chord, word, bit, drive, rise, first, last, out):  # type: ignore[no-untyped-def]
    """Add to out (columns, vectors) [A] what the cells of columns first..last carry beyond their chords.

    g : at read_V, chord : of the linear devices that they were taken for [S], word, bit : node voltages at a drive of 1, all
    (rows, columns).  drive : (rows, vectors) [V].  rise : how high each bit line is, of that at a drive of 1 V, (columns, vectors) [V].
    """
    c = np.empty(ROW + 1)
    for j in range(first, last):
        y, up = out[j], rise[j]
        for i in range(g.shape[0]):
            if g[i, j] <= 0.0:
                continue
            curve_of(rows, g[i, j], read_V, c)
            curve = _numbers(c)
            w, b, linear, x = word[i, j], bit[i, j], chord[i, j], drive[i]
            arrives = w - b
            for n in range(x.size):
                v = w * x[n] - b * up[n]
                y[n] += arrives * (_shown(curve, v) - linear) * v
