"""The cell of the compact model between two nodes of a crossbar, compiled: its current and how that moves with either node.

The solver of `cell_instant` counts voltages from the grounded end, and bulk is at 0 V. A source lifted by v is the same as a gate
lowered by slope v, so a cell between any two nodes is one of its cases.
"""

from __future__ import annotations

import math

from compact_model.cell_balance import DONE, GATED, SLOPE, THRESHOLD, curve
from compact_model.cell_instant import operate
from compact_model.compiled import njit
from compact_model.crossbar.sweep import OPTIONS

LOW_V = 2e-6  # below it a cell is taken as linear; its current bends by some 1e-9 there
_SHUT_V = 3.0  # pinch-off so far below the source leaves exp(-100) of the current
_STEPS = 60


@njit(**OPTIONS)
def _solved(p, table, ln_N, bias, gate, u):  # type: ignore[no-untyped-def]
    """Return (status, current, its slopes in bias and gate, slope of its logarithm in ln N, u), all for a bias that is not small."""
    rough = operate(p, table, ln_N, bias, gate, 1.0, 0.0, u, abs(bias), 0)
    if rough.status != DONE:
        return rough.status, 0.0, 0.0, 0.0, 0.0, rough.u
    by_bias = operate(p, table, ln_N, bias, gate, 1.0, 0.0, rough.u, rough.V, rough.piece)
    by_gate = (
        by_bias if p[GATED] == 0.0 else operate(p, table, ln_N, bias, gate, 0.0, 1.0, rough.u, rough.V, rough.piece)
    )
    steep = curve(table, by_bias.u, by_bias.piece)[1]
    in_bias = by_bias.I * (steep * by_bias.u_t + by_bias.V_t / by_bias.V)
    in_gate = 0.0 if p[GATED] == 0.0 else by_bias.I * (steep * by_gate.u_t + by_gate.V_t / by_gate.V)
    return DONE, by_bias.I, in_bias, in_gate, steep * by_bias.u_N + by_bias.V_N / by_bias.V, by_bias.u


@njit(**OPTIONS)
def points(rows, tables, table_of, ln_N, area, start, word, bit, gate, current, by_word, by_bit):  # type: ignore[no-untyped-def]
    """Fill current [A], by_word and by_bit [S] of every cell, all (cells,). Returns (status, first cell that has no solution).

    area : current of the cell relative to that of its law; 0 is no cell.  start : ln(sigma_dome) to begin with.
    """
    for i in range(word.size):
        p, bias = rows[i], word[i] - bit[i]
        shown = bias if abs(bias) >= LOW_V else math.copysign(LOW_V, bias)
        lifted = gate[i] - p[SLOPE] * (bit[i] if shown > 0.0 else word[i])
        if area[i] == 0.0 or (p[GATED] != 0.0 and lifted - p[THRESHOLD] < -_SHUT_V):
            current[i] = by_word[i] = by_bit[i] = 0.0
            continue
        status, size, in_bias, in_gate, _n, _u = _solved(p, tables[table_of[i]], ln_N[i], shown, lifted, start[i])
        if status != DONE:
            return status, i
        over = p[SLOPE] * in_gate * area[i]
        if shown > 0.0:
            current[i], by_word[i], by_bit[i] = size, in_bias * area[i], in_bias * area[i] + over
        else:
            current[i], by_word[i], by_bit[i] = -size, over - in_bias * area[i], -in_bias * area[i]
        current[i] *= area[i] * (bias / shown)
    return DONE, 0


@njit(**OPTIONS)
def states(rows, tables, table_of, volts, amperes, start, ln_N, area):  # type: ignore[no-untyped-def]
    """Find ln N and area with which every cell carries `amperes` at `volts`, both positive; ln_N holds (cells, HRS and LRS).

    Between the two states the trap density, beyond them the area. Overwrites ln_N[:, 0]. Returns (status, cell) as `points`.
    """
    for i in range(volts.size):
        p, table, low, high = rows[i], tables[table_of[i]], ln_N[i, 0], ln_N[i, 1]
        if amperes[i] == 0.0:
            area[i] = 0.0
            continue
        insulating = _solved(p, table, low, volts[i], 0.0, start[i])
        conducting = _solved(p, table, high, volts[i], 0.0, start[i])
        if insulating[0] != DONE or conducting[0] != DONE:
            return max(insulating[0], conducting[0]), i
        if not insulating[1] < amperes[i] < conducting[1]:
            below = amperes[i] <= insulating[1]
            ln_N[i, 0] = low if below else high
            area[i] = amperes[i] / (insulating[1] if below else conducting[1])
            continue
        least, most, area[i], u = low, high, 1.0, insulating[5]
        at = low + (high - low) * math.log(amperes[i] / insulating[1]) / math.log(conducting[1] / insulating[1])
        for _ in range(_STEPS):  # Newton inside a bracket that shrinks at every step
            status, size, _b, _g, in_N, u = _solved(p, table, at, volts[i], 0.0, u)
            if status != DONE:
                return status, i
            short = math.log(amperes[i] / size)
            if short > 0.0:
                least = at
            else:
                most = at
            if abs(short) < 1e-12:
                break
            step = at + short / in_N
            at = step if least < step < most else 0.5 * (least + most)
        ln_N[i, 0] = at
    return DONE, 0
