"""One sweep over a crossbar: every bit line and every word line solved exactly, in one pass over the memory.

All word lines with the bit lines held, then all bit lines with the word lines held, is block Gauss-Seidel. Both are
ladders, and a ladder is solved by a walk there and back: there, everything behind a node is folded into one admittance
and one current; back, voltages follow. The bit lines' walk crosses the rows, so a pass over the rows can end one walk
of them, solve the row's word line, and begin the next walk in the other direction: each row is fetched once per sweep.
No step subtracts, so no digit is lost however widely the conductances are spread.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.crossbar.lanes import LANES, ONE, ZERO, axpby, larger, load, store

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**OPTIONS)
def fold(series, shunt, low, high, anchor_low, anchor_high, keep, lift):  # type: ignore[no-untyped-def]
    """Fill `keep`, `lift` (n, lines) with the factors of the walk from node 0 to n - 1.

    v[j] = lift[j] I[j] + keep[j] v[j + 1], and keep[j] I[j] is what I[j] gives to I[j + 1].
    series : (n - 1, lines) resistance to the next node [ohm], 0 and inf allowed.  shunt : (n, lines) [S].
    low, high : (lines) free nodes low <= j < high; the others hang on a terminal without resistance.
    anchor_low, anchor_high : (lines) conductance from the first and last free node to the terminals [S].
    """
    n, lines = shunt.shape
    behind = np.zeros(lines)  # admittance of all that lies behind
    for j in range(n):
        for k in range(lines):
            if j < low[k] or j >= high[k]:
                behind[k] = keep[j, k] = lift[j, k] = 0.0
                continue
            y = behind[k] + shunt[j, k]
            if j == low[k]:
                y += anchor_low[k]
            if j == high[k] - 1:
                y += anchor_high[k]
            r = series[j, k] if j < high[k] - 1 else np.inf
            if np.isinf(r):
                keep[j, k] = 0.0
                lift[j, k] = 1.0 / y if y > 0.0 else 0.0
            else:
                keep[j, k] = 1.0 / (1.0 + r * y)
                lift[j, k] = r * keep[j, k]
            behind[k] = keep[j, k] * y


@njit(**OPTIONS)
def _word_line(i, net, drive, current, w_row):  # type: ignore[no-untyped-def]
    """Solve word line i with the bit lines held, into w_row; current is room to work in."""
    low, high = net.word_low[i], net.word_high[i]
    b_row, left, right = drive.b[i], load(drive.left[i], 0), load(drive.right[i], 0)
    there, keep = left, net.anchor_left[i]
    for j in range(low, high):
        there = axpby(net.to_word[i, j], load(b_row, j * LANES), keep, there)
        if drive.has_source:
            there = axpby(1.0, there, -drive.source[i, j], ONE)
        store(current, j * LANES, there)
        keep = net.word_keep[i, j]
    if low < high:
        store(current, (high - 1) * LANES, axpby(1.0, there, net.anchor_right[i], right))
    back = ZERO
    for j in range(high - 1, low - 1, -1):
        back = axpby(net.word_lift[i, j], load(current, j * LANES), net.word_keep[i, j], back)
        store(w_row, j * LANES, back)
    for j in range(low):
        store(w_row, j * LANES, left)
    for j in range(high, net.to_word.shape[1]):
        store(w_row, j * LANES, right)


@njit(**OPTIONS)
def _end_walk(i, net, drive, lift, keep, h, start, mix):  # type: ignore[no-untyped-def]
    """Voltages of the bit nodes of row i, from those of the row before (held in h), into h and, mixed, into b."""
    folded_row, b_row = drive.folded[i], drive.b[i]
    for j in range(lift.shape[1]):
        k = j * LANES
        new = axpby(lift[i, j], load(folded_row, k), 0.0 if start else keep[i, j], load(h, k))
        store(h, k, new)
        store(b_row, k, axpby(mix, new, 1.0 - mix, load(b_row, k)))
    if net.touches[i]:
        _held(i, net, drive, h)
        _held(i, net, drive, b_row)


@njit(**OPTIONS)
def _held(i, net, drive, row):  # type: ignore[no-untyped-def]
    """Give the bit nodes of row i that hang on a terminal without resistance its voltage."""
    for j in range(net.bit_low.size):
        if i < net.bit_low[j]:
            store(row, j * LANES, load(drive.top[j], 0))
        elif i >= net.bit_high[j]:
            store(row, j * LANES, load(drive.bottom[j], 0))


@njit(**OPTIONS)
def _begin_walk(i, net, drive, keep, before, w_row, start):  # type: ignore[no-untyped-def]
    """Current folded into row i of the next walk of the bit lines."""
    p = i if start else before
    folded_row, folded_before = drive.folded[i], drive.folded[p]
    for j in range(keep.shape[1]):
        k = j * LANES
        there = axpby(net.to_bit[i, j], load(w_row, k), 0.0 if start else keep[p, j], load(folded_before, k))
        if drive.has_source:
            there = axpby(1.0, there, drive.source[i, j], ONE)
        store(folded_row, k, there)
    if net.touches[i]:
        for j in range(keep.shape[1]):
            k = j * LANES
            if i == net.bit_low[j] and i < net.bit_high[j]:
                store(folded_row, k, axpby(1.0, load(folded_row, k), net.anchor_top[j], load(drive.top[j], 0)))
            if i == net.bit_high[j] - 1 and i >= net.bit_low[j]:
                store(folded_row, k, axpby(1.0, load(folded_row, k), net.anchor_bottom[j], load(drive.bottom[j], 0)))


@njit(**OPTIONS)
def _largest_change(weight_row, new, old, change):  # type: ignore[no-untyped-def]
    largest = load(change, 0)
    for j in range(weight_row.size):
        if weight_row[j] > 0.0:
            scale = 1.0 / weight_row[j]
            largest = larger(largest, axpby(scale, load(new, j * LANES), -scale, load(old, j * LANES)))
    store(change, 0, largest)


@njit(**OPTIONS)
def sweep(net, drive, down, first, last, mix, weight):  # type: ignore[no-untyped-def]
    """One sweep in place on drive.b and drive.folded; returns max |change of b| / weight of every lane.

    net : a Network.  drive : a Drive.  down : rows in ascending order; sweeps must alternate.  first : no walk has begun yet,
    b is given.  last : leave the voltages of the word lines in drive.folded instead of beginning another walk.
    mix : b becomes b + mix (its solution - b), 1 for plain Gauss-Seidel.
    weight : (rows, columns), or an empty array where the change is not asked for.
    """
    rows, columns = net.to_bit.shape
    current, w_row, h = np.empty(columns * LANES), np.empty(columns * LANES), np.zeros(columns * LANES)
    old_row, change = np.empty(columns * LANES), np.zeros(LANES)
    if down:
        end_lift, end_keep, begin_keep = net.up_lift, net.up_keep, net.down_keep
    else:
        end_lift, end_keep, begin_keep = net.down_lift, net.down_keep, net.up_keep
    for step in range(rows):
        i = step if down else rows - 1 - step
        if first:
            _held(i, net, drive, drive.b[i])
        else:
            if weight.size:
                old_row[:] = drive.b[i]
            _end_walk(i, net, drive, end_lift, end_keep, h, step == 0, mix)
            if weight.size:
                _largest_change(weight[i], drive.b[i], old_row, change)
        _word_line(i, net, drive, current, w_row)
        if last:
            drive.folded[i, :] = w_row
        else:
            _begin_walk(i, net, drive, begin_keep, i - 1 if down else i + 1, w_row, step == 0)
    return change
