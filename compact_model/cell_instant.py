"""The physical cell at one instant, compiled: cell, transistor and line solved together, with the slopes a step in time needs.

Nothing here knows of files, units or messages; a cell that has no solution gives a status.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

K = BOLTZMANN / ELEMENTARY_CHARGE  # [eV/K]
OFF_V = 1e-6  # below this bias the cell is at rest
DONE, ABOVE, BELOW, HOT, STUCK = 0, 1, 2, 3, 4
T_MAX_K = 1500.0
# places of a cell's constants in its row
LN_AREA, AMBIENT, N_LRS, N_HRS, B_LRS, B_HRS, HOP, LN_RATE, MANY_ROOTS = 0, 1, 2, 3, 4, 5, 6, 7, 8
ION_LN_RATE, ION_HOP, ION_SET, ION_RESET, G_SET, G_RESET = 9, 10, 11, 12, 13, 14
GATED, THRESHOLD, SLOPE, SCALE, LINE, ROW = 15, 16, 17, 18, 19, 20
_SCAN = 60


@njit(cache=True, error_model="numpy")
def _curve(table: Any, u: float) -> Any:
    """ln G, its slope, ln(E/V), its slope, ln(dT/P), its slope at u = ln(sigma_dome); table rows: node, 3 cubics."""
    low, high = 0, table.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, 0] <= u:
            low = middle
        else:
            high = middle
    r, s = table[low], u - table[low, 0]
    g = r[1] + s * (r[2] + s * (r[3] + s * r[4]))
    e = r[5] + s * (r[6] + s * (r[7] + s * r[8]))
    d = r[9] + s * (r[10] + s * (r[11] + s * r[12]))
    dg = r[2] + s * (2.0 * r[3] + s * 3.0 * r[4])
    de = r[6] + s * (2.0 * r[7] + s * 3.0 * r[8])
    dd = r[10] + s * (2.0 * r[11] + s * 3.0 * r[12])
    return g, dg, e, de, d, dd


@njit(cache=True, error_model="numpy")
def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x))


@njit(cache=True, error_model="numpy")
def _ln_2sinh(x: float) -> float:
    return x + math.log(-math.expm1(-2.0 * x))


@njit(cache=True, error_model="numpy")
def _x_coth(x: float) -> float:
    return 1.0 + x * x / 3.0 if x < 1e-4 else x / math.tanh(x)


@njit(cache=True, error_model="numpy")
def _series(p: Any, b: float, gate: float, forward: bool, V: float, G: float) -> Any:
    """Surplus of the series current over G V, and its slopes in V, G, bias and gate (transistor and line; both may be absent)."""
    if p[GATED] == 0.0:
        return b - V * (1.0 + p[LINE] * G), -(1.0 + p[LINE] * G), -p[LINE] * V, 1.0, 0.0
    thermal = 2.0 * K * p[AMBIENT]
    pinch = (gate - p[THRESHOLD]) / p[SLOPE]
    top = b - p[LINE] * G * V
    drain, source = (top - V, 0.0) if forward else (top, V)
    xs, xd = (pinch - source) / thermal, (pinch - drain) / thermal
    fs, fd = _softplus(xs), _softplus(xd)
    gs = -2.0 * p[SCALE] * fs * math.expm1(-fs) / thermal
    gd = -2.0 * p[SCALE] * fd * math.expm1(-fd) / thermal
    surplus = p[SCALE] * (fs - fd) * (fs + fd) - G * V
    over_line = -gd * p[LINE]
    in_V = over_line * G - G - (gd if forward else gs)
    return surplus, in_V, over_line * V - V, gd, (gs - gd) / p[SLOPE]


@njit(cache=True, error_model="numpy")
def _mismatch(p: Any, table: Any, ln_N: float, B: float, u: float, V: float) -> Any:
    """ln(hopping current / G V) and what its slopes are made of: (r, E, T, rise, x coth x, slope in T, curve)."""
    g, dg, e, de, d, dd = _curve(table, u)
    E = V * math.exp(e)
    rise = math.exp(d + g) * V * V
    T = p[AMBIENT] + rise
    x = p[HOP] * E / (2.0 * K * T)
    law = p[LN_AREA] + p[LN_RATE] + ln_N - B / (K * T) + _ln_2sinh(x)
    xc = _x_coth(x)
    return law - g - math.log(V), E, T, rise, xc, (B / (K * T) - xc) / T, g, dg, de, dd


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
def _cold_root(p: Any, table: Any, ln_N: float, B: float, b: float, gate: float, forward: bool) -> Any:
    """The coldest solution: scan from the insulating side, then bisect. Returns (status, u, V)."""
    u0, u1 = table[0, 0], table[-1, 0] - 1e-9
    left, found = u0, False
    status = BELOW
    for i in range(_SCAN):
        u = u0 + (u1 - u0) * i / (_SCAN - 1)
        V = _divide(p, b, gate, forward, math.exp(_curve(table, u)[0]))
        above = V > 0.0 and _mismatch(p, table, ln_N, B, u, V)[0] > 0.0
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
        V = _divide(p, b, gate, forward, math.exp(_curve(table, u)[0]))
        if _mismatch(p, table, ln_N, B, u, V)[0] > 0.0:
            left = u
        else:
            right = u
    return DONE, u, V


@njit(cache=True, error_model="numpy")
def _newton(p: Any, table: Any, ln_N: float, B: float, b: float, gate: float, forward: bool, u: float, V: float) -> Any:
    """Cell and series elements together, from a guess. Returns (found, u, V)."""
    u0, u1 = table[0, 0], table[-1, 0]
    for _ in range(25):
        r, _E, _T, rise, xc, r_T, g, dg, de, dd = _mismatch(p, table, ln_N, B, u, V)
        G = math.exp(g)
        s, s_V, s_G, _b, _g = _series(p, b, gate, forward, V, G)
        r_u = r_T * rise * (dg + dd) + xc * de - dg
        r_v = 2.0 * r_T * rise + xc - 1.0
        s_u, s_v = s_G * G * dg, s_V * V
        det = r_u * s_v - r_v * s_u
        if det == 0.0 or not math.isfinite(det):
            return False, u, V
        du, dv = (-r * s_v + s * r_v) / det, (-s * r_u + r * s_u) / det
        size = max(abs(du), abs(dv))
        if size < 1e-5 and u0 <= u + du <= u1:  # quadratic: what is left is below 1e-9
            return True, u + du, V * (1.0 + dv)
        shrink = min(1.0, 1.0 / size)
        u = min(max(u + shrink * du, u0), u1)
        V = min(V * math.exp(shrink * dv), b)
    return False, u, V


@njit(cache=True, error_model="numpy")
def operate(
    p: Any, table: Any, N: float, dN: float, bias: float, gate: float, d_bias: float, d_gate: float, u: float, V: float
) -> Any:
    """One instant: (status, u, V, I, E, T, ln k, slope of ln k in N (times dN), its slope in time through bias and gate)."""
    forward, b = bias > 0.0, abs(bias)
    if b < OFF_V:
        return DONE, u, 0.0, 0.0, 0.0, p[AMBIENT], -math.inf, 0.0, 0.0
    ln_N = math.log(N)
    span = math.log(p[N_LRS] / p[N_HRS])
    B = p[B_HRS] + (ln_N - math.log(p[N_HRS])) / span * (p[B_LRS] - p[B_HRS])
    found = False
    if p[MANY_ROOTS] == 0.0:
        found, u, V = _newton(p, table, ln_N, B, b, gate, forward, u, min(max(V, 1e-3 * b), b))
    if not found:
        status, u, V = _cold_root(p, table, ln_N, B, b, gate, forward)
        if status != DONE:
            return status, u, V, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        polished, u2, V2 = _newton(p, table, ln_N, B, b, gate, forward, u, V)
        if polished and abs(u2 - u) < 1e-6:
            u, V = u2, V2
    _r, E, T, rise, xc, r_T, g, dg, de, dd = _mismatch(p, table, ln_N, B, u, V)
    if T > T_MAX_K:
        return HOT, u, V, 0.0, 0.0, T, 0.0, 0.0, 0.0
    G = math.exp(g)
    _s, s_V, s_G, s_b, s_gate = _series(p, b, gate, forward, V, G)
    r_u, r_v = r_T * rise * (dg + dd) + xc * de - dg, 2.0 * r_T * rise + xc - 1.0
    s_u, s_v = s_G * G * dg, s_V * V
    det = r_u * s_v - r_v * s_u
    r_N = 1.0 - (p[B_LRS] - p[B_HRS]) / span / (K * T)
    s_t = s_b * (d_bias if forward else -d_bias) + s_gate * d_gate
    barrier = p[ION_SET] if forward else p[ION_RESET]
    X = p[ION_HOP] * E / (2.0 * K * T)
    Xc = _x_coth(X)
    k_T = (barrier / (K * T) - Xc) / T
    k_u, k_v = k_T * rise * (dg + dd) + Xc * de, 2.0 * k_T * rise + Xc
    in_N = (k_u * (-r_N * s_v) + k_v * (r_N * s_u)) / det
    in_t = (k_u * (s_t * r_v) + k_v * (-s_t * r_u)) / det
    ln_k = p[ION_LN_RATE] - barrier / (K * T) + _ln_2sinh(X)
    return DONE, u, V, G * V, E, T, ln_k, in_N * dN / N, in_t
