"""Cell, transistor and line in balance, compiled: the two equations of an instant, their slopes and their root.

Nothing here knows of files, units or messages; a cell that has no solution gives a status.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

from compact_model.compiled import njit

K = BOLTZMANN / ELEMENTARY_CHARGE  # [eV/K]
OFF_V = 1e-6  # below this bias the cell is at rest
DONE, ABOVE, BELOW, HOT, STUCK = 0, 1, 2, 3, 4
T_MAX_K = 1500.0
# places of a cell's constants in its row
LN_AREA, AMBIENT, N_LRS, N_HRS, B_LRS, B_HRS, HOP, LN_RATE, MANY_ROOTS = 0, 1, 2, 3, 4, 5, 6, 7, 8
ION_LN_RATE, ION_HOP, ION_SET, ION_RESET, G_SET, G_RESET = 9, 10, 11, 12, 13, 14
GATED, THRESHOLD, SLOPE, SCALE, LINE, LN_N_HRS, B_PER_LN_N = 15, 16, 17, 18, 19, 20, 21
KINK, ROW = 22, 23  # KINK: u from which the rest of the CMO conducts with the dome
_SCAN = 60
_CLOSE = 3e-5  # a Newton step this short is the last: what is left is its square


class _Point(NamedTuple):
    """Where cell and series elements balance, to first order around the last evaluation; r: hopping law, s: series current."""

    found: bool
    u: float
    V: float
    G: float
    E: float
    T: float
    r_T: float
    r_u: float
    r_v: float
    s_u: float
    s_v: float
    s_b: float
    s_gate: float
    rise_u: float
    e_u: float
    piece: int


@njit(cache=True, error_model="numpy")
def curve(table: Any, u: float, piece: int) -> Any:
    """ln G, its slope, ln(E/V), its slope, ln(dT/P), its slope at u, and the piece; table rows: node, 3 cubics."""
    last = table.shape[0] - 2
    while piece < last and u >= table[piece + 1, 0]:
        piece += 1
    while piece > 0 and u < table[piece, 0]:
        piece -= 1
    r, s = table[piece], u - table[piece, 0]
    g = r[1] + s * (r[2] + s * (r[3] + s * r[4]))
    e = r[5] + s * (r[6] + s * (r[7] + s * r[8]))
    d = r[9] + s * (r[10] + s * (r[11] + s * r[12]))
    dg = r[2] + s * (2.0 * r[3] + s * 3.0 * r[4])
    de = r[6] + s * (2.0 * r[7] + s * 3.0 * r[8])
    dd = r[10] + s * (2.0 * r[11] + s * 3.0 * r[12])
    return g, dg, e, de, d, dd, piece


@njit(cache=True, error_model="numpy")
def _soft(x: float) -> Any:
    """ln(1 + exp x) and its slope, of one exponential."""
    a = math.exp(-abs(x))
    rest = math.log(1.0 + a) if a > 1e-3 else a * (1.0 - a * (0.5 - a / 3.0))
    share = 1.0 / (1.0 + a)
    return (x + rest, share) if x > 0.0 else (rest, a * share)


@njit(cache=True, error_model="numpy")
def sinh(x: float) -> Any:
    """2 sinh x and x coth x, of one exponential."""
    if x < 1e-3:
        return 2.0 * x * (1.0 + x * x / 6.0), 1.0 + x * x / 3.0
    up = math.exp(min(x, 600.0))
    down = 1.0 / up
    return up - down, x * (up + down) / (up - down)


@njit(cache=True, error_model="numpy")
def _ln(ratio: float) -> float:
    """Logarithm, quick where the ratio is next to 1 (to 1e-15)."""
    d = ratio - 1.0
    return d * (1.0 - d * (0.5 - d * (1.0 / 3.0 - d * 0.25))) if abs(d) < 1e-3 else math.log(ratio)


@njit(cache=True, error_model="numpy")
def _series(p: Any, b: float, gate: float, forward: bool, V: float, G: float) -> Any:
    """Surplus of the series current over G V, and its slopes in V, G, bias and gate (transistor and line; both may be absent)."""
    if p[GATED] == 0.0:
        return b - V * (1.0 + p[LINE] * G), -(1.0 + p[LINE] * G), -p[LINE] * V, 1.0, 0.0
    per_thermal = 1.0 / (2.0 * K * p[AMBIENT])
    pinch = (gate - p[THRESHOLD]) / p[SLOPE]
    top = b - p[LINE] * G * V
    drain, source = (top - V, 0.0) if forward else (top, V)
    fs, share_s = _soft((pinch - source) * per_thermal)
    fd, share_d = _soft((pinch - drain) * per_thermal)
    gs = 2.0 * p[SCALE] * fs * share_s * per_thermal
    gd = 2.0 * p[SCALE] * fd * share_d * per_thermal
    surplus = p[SCALE] * (fs - fd) * (fs + fd) - G * V
    over_line = -gd * p[LINE]
    in_V = over_line * G - G - (gd if forward else gs)
    return surplus, in_V, over_line * V - V, gd, (gs - gd) / p[SLOPE]


@njit(cache=True, error_model="numpy")
def _mismatch(p: Any, table: Any, ln_N: float, B: float, u: float, V: float, piece: int) -> Any:
    """ln(hopping current / G V) and what its slopes are made of: (r, G, E, T, rise, x coth x, slope in T, slopes of the curve)."""
    g, dg, e, de, d, dd, piece = curve(table, u, piece)
    G, E = math.exp(g), V * math.exp(e)
    rise = G * math.exp(d) * V * V
    T = p[AMBIENT] + rise
    per_kT = 1.0 / (K * T)
    x = 0.5 * p[HOP] * E * per_kT
    two_sinh, xc = sinh(x)
    r = _ln(math.exp(p[LN_AREA] + p[LN_RATE] + ln_N - B * per_kT) * two_sinh / (G * V))
    return r, G, E, T, rise, xc, (B * per_kT - xc) / T, dg, de, dd, piece


@njit(cache=True, error_model="numpy")
def _divide(p: Any, b: float, gate: float, forward: bool, G: float) -> float:
    """Voltage across a conductance in series with transistor and line: Newton inside a bracket that shrinks."""
    low, high, V = 0.0, b, 0.5 * b
    for _ in range(80):
        surplus, slope, _dG, _db, _dg = _series(p, b, gate, forward, V, G)
        if surplus > 0.0:
            low = V
        else:
            high = V
        step = V - surplus / slope
        if abs(step - V) <= 1e-14 * b:
            return step
        V = step if low < step < high else 0.5 * (low + high)
    return V


@njit(cache=True, error_model="numpy")
def cold_root(p: Any, table: Any, ln_N: float, B: float, b: float, gate: float, forward: bool) -> Any:
    """The coldest solution: scan from the insulating side, then bisect. Returns (status, u, V)."""
    u0, u1 = table[0, 0], table[-1, 0] - 1e-9
    left, found = u0, False
    status = BELOW
    for i in range(_SCAN):
        u = u0 + (u1 - u0) * i / (_SCAN - 1)
        V = _divide(p, b, gate, forward, math.exp(curve(table, u, 0)[0]))
        above = V > 0.0 and _mismatch(p, table, ln_N, B, u, V, 0)[0] > 0.0
        if above:
            left, status = u, ABOVE
        elif status == ABOVE:
            found = True
            right = u
            break
    if not found:
        return status, u0, 0.5 * b
    for _ in range(60):
        u = 0.5 * (left + right)
        V = _divide(p, b, gate, forward, math.exp(curve(table, u, 0)[0]))
        if _mismatch(p, table, ln_N, B, u, V, 0)[0] > 0.0:
            left = u
        else:
            right = u
    return DONE, u, V


@njit(cache=True, error_model="numpy")
def newton(
    p: Any,
    table: Any,
    ln_N: float,
    B: float,
    b: float,
    gate: float,
    forward: bool,
    u: float,
    V: float,
    piece: int,
    most: int,
) -> Any:
    """Cell and series elements together, from a guess; most : evaluations, of which with 1 the guess is taken as it is."""
    u0, u1 = table[0, 0], table[-1, 0]
    for _ in range(most):
        r, G, E, T, rise, xc, r_T, dg, de, dd, piece = _mismatch(p, table, ln_N, B, u, V, piece)
        s, s_V, s_G, s_b, s_gate = _series(p, b, gate, forward, V, G)
        rise_u = rise * (dg + dd)
        r_u, r_v = r_T * rise_u + xc * de - dg, 2.0 * r_T * rise + xc - 1.0
        s_u, s_v = s_G * G * dg, s_V * V
        per_det = 1.0 / (r_u * s_v - r_v * s_u)
        if not math.isfinite(per_det):
            break
        du, dv = (s * r_v - r * s_v) * per_det, (r * s_u - s * r_u) * per_det
        size = max(abs(du), abs(dv))
        if most == 1:
            du, dv, size = 0.0, 0.0, 0.0
        if size < _CLOSE and u0 <= u + du <= u1:
            E, T = E * (1.0 + de * du + dv), T + rise_u * du + 2.0 * rise * dv
            return _Point(
                True,
                u + du,
                V * (1.0 + dv),
                G * (1.0 + dg * du),
                E,
                T,
                r_T,
                r_u,
                r_v,
                s_u,
                s_v,
                s_b,
                s_gate,
                rise_u,
                de,
                piece,
            )
        shrink = min(1.0, 1.0 / size)
        u = min(max(u + shrink * du, u0), u1)
        V = min(V * math.exp(shrink * dv), b)
    return _Point(False, u, V, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, piece)
