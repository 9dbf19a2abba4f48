"""Currents at the terminals, power and Kirchhoff's residual, from node voltages and nothing else."""

from __future__ import annotations

import numpy as np

from compact_model.compiled import njit
from compact_model.crossbar.lanes import LANES, ONE, ZERO, axpby, fma, larger, load, store
from compact_model.crossbar.sweep import OPTIONS


@njit(**OPTIONS)
def _segment(r, v, ahead, need, wire_W):  # type: ignore[no-untyped-def]
    """Follow the segment of r > 0 ohm behind a node. Returns (current that the node lacks, current ahead, power in wires).

    need : what the node and those joined with it send into their devices, less what came from before [A].
    """
    inverse = 1.0 / r
    flow = axpby(inverse, v, -inverse, ahead)
    return axpby(1.0, need, 1.0, flow), flow, fma(flow, axpby(1.0, v, -1.0, ahead), wire_W)


@njit(**OPTIONS)
def _word_line(i, wires, ends, w_row, current, out, sums):  # type: ignore[no-untyped-def]
    """Follow word line i; sets its two terminal currents. Nodes joined by perfect wires count as one."""
    word_ohm, first, last = wires[0], wires[2][i], wires[3][i]
    n = current.size // LANES
    left, right, wire_W, kcl = ZERO, ZERO, load(sums[1], 0), load(sums[2], 0)
    need, held = ZERO, first == 0.0  # held: this piece hangs on the first terminal without resistance
    if not held:
        _, left, wire_W = _segment(first, load(ends[0][i], 0), load(w_row, 0), ZERO, wire_W)
        need = axpby(-1.0, left, 0.0, left)
    for j in range(n):
        need = axpby(1.0, need, 1.0, load(current, j * LANES))
        r = word_ohm[i, j] if j < n - 1 else last
        if r == 0.0:
            continue
        ahead = load(w_row, (j + 1) * LANES) if j < n - 1 else load(ends[1][i], 0)
        need, flow, wire_W = _segment(r, load(w_row, j * LANES), ahead, need, wire_W)
        if held:
            left, held = need, False
        else:
            kcl = larger(kcl, need)
        need = axpby(-1.0, flow, 0.0, flow)
        if j == n - 1:
            right = need
    if last == 0.0:
        if held:  # perfect from end to end: all is booked on the first terminal
            left = need
        else:
            right = need
    store(out[0][i], 0, left)
    store(out[1][i], 0, right)
    store(sums[1], 0, wire_W)
    store(sums[2], 0, kcl)


@njit(**OPTIONS)
def _bit_row(i, wires, ends, b, current, out, sums, needs, held):  # type: ignore[no-untyped-def]
    """Follow all bit lines through row i; needs, held : as in a word line, for every column."""
    bit_ohm, top_ohm, bottom_ohm = wires[1], wires[4], wires[5]
    rows, columns = b.shape[0], held.size
    b_row, b_ahead = b[i], b[min(i + 1, rows - 1)]
    wire_W, kcl = load(sums[1], 0), load(sums[2], 0)
    for j in range(columns):
        k = j * LANES
        v, need = load(b_row, k), load(needs, k)
        if i == 0 and not held[j]:
            _, flow, wire_W = _segment(top_ohm[j], load(ends[2][j], 0), v, ZERO, wire_W)
            need = axpby(-1.0, flow, 0.0, flow)
            store(out[2][j], 0, need)
        need = axpby(1.0, need, -1.0, load(current, k))
        r = bit_ohm[i, j] if i < rows - 1 else bottom_ohm[j]
        if r > 0.0:
            ahead = load(b_ahead, k) if i < rows - 1 else load(ends[3][j], 0)
            need, flow, wire_W = _segment(r, v, ahead, need, wire_W)
            if held[j]:
                store(out[2][j], 0, axpby(-1.0, need, 0.0, need))
                held[j] = False
            else:
                kcl = larger(kcl, need)
            need = axpby(-1.0, flow, 0.0, flow)
        if i == rows - 1:
            side = 2 if held[j] else 3
            store(out[side][j], 0, axpby(-1.0, need, 0.0, need))
        store(needs, k, need)
    store(sums[1], 0, wire_W)
    store(sums[2], 0, kcl)


@njit(**OPTIONS)
def balance(wires, law, ends, w, b):  # type: ignore[no-untyped-def]
    """Return (left, right, top, bottom, device_W, wire_W, kcl) of LANES solutions.

    wires : (word_ohm, bit_ohm, left, right, top, bottom) [ohm].  law : (to_bit, to_word, source), device current
    I = to_bit w - to_word b + source, source empty where 0.  ends : the four terminal voltages, (lines, LANES) [V].
    w, b : node voltages (rows, columns * LANES) [V].
    left, right : current from the terminals into the word lines, (rows, LANES) [A]; top, bottom : current out of the bit
    lines, (columns, LANES) [A]; device_W, wire_W : power [W], (LANES); kcl : largest residual [A], (LANES).
    """
    to_bit, to_word, source = law
    rows, columns = to_bit.shape
    out = (np.zeros((rows, LANES)), np.zeros((rows, LANES)), np.zeros((columns, LANES)), np.zeros((columns, LANES)))
    sums = (np.zeros(LANES), np.zeros(LANES), np.zeros(LANES))
    current, needs = np.empty(columns * LANES), np.zeros(columns * LANES)
    held = wires[4] == 0.0
    for i in range(rows):
        w_row, b_row = w[i], b[i]
        device_W = load(sums[0], 0)
        for j in range(columns):
            v, u = load(w_row, j * LANES), load(b_row, j * LANES)
            flow = axpby(to_bit[i, j], v, -to_word[i, j], u)
            if source.size:
                flow = axpby(1.0, flow, source[i, j], ONE)
            store(current, j * LANES, flow)
            device_W = fma(flow, axpby(1.0, v, -1.0, u), device_W)
        store(sums[0], 0, device_W)
        _word_line(i, wires, ends, w_row, current, out, sums)
        _bit_row(i, wires, ends, b, current, out, sums, needs, held)
    return (*out, *sums)
