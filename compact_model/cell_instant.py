"""The physical cell at one instant, compiled: what balances, the ion rate, and the slopes a step in time needs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from compact_model.cell_balance import (
    AMBIENT,
    B_HRS,
    B_PER_LN_N,
    DONE,
    HOT,
    ION_HOP,
    ION_LN_RATE,
    ION_RESET,
    ION_SET,
    LN_N_HRS,
    MANY_ROOTS,
    OFF_V,
    T_MAX_K,
    K,
    cold_root,
    newton,
    sinh,
)
from compact_model.compiled import njit


class Instant(NamedTuple):
    """A solved instant; magnitudes, the sign of the bias is the caller's.

    u : ln(sigma_dome).  V, I, E, T : of cell and dome.  k : ion rate [1/s].  ln_N : of the trap density.
    k_N, u_N, V_N : slopes of ln k, u and V in ln N.  k_t, u_t, V_t : in time, through bias and gate.
    piece : of the response curve u lies on, where the next look-up begins.
    """

    status: int
    u: float
    V: float
    I: float
    E: float
    T: float
    k: float
    ln_N: float
    k_N: float
    k_t: float
    u_N: float
    V_N: float
    u_t: float
    V_t: float
    piece: int


@njit(cache=True, error_model="numpy")
def _nothing(p: Any, status: int, u: float, T: float, ln_N: float, V_t: float, piece: int) -> Any:
    """An instant without current."""
    return Instant(status, u, 0.0, 0.0, 0.0, T, 0.0, ln_N, 0.0, 0.0, 0.0, 0.0, 0.0, V_t, piece)


@njit(cache=True, error_model="numpy")
def operate(
    p: Any,
    table: Any,
    ln_N: float,
    bias: float,
    gate: float,
    d_bias: float,
    d_gate: float,
    u: float,
    V: float,
    piece: int,
) -> Any:
    """Solve one instant from a guess of u and V. d_bias, d_gate : slopes of bias and gate in time [V/s]."""
    forward, b = bias > 0.0, abs(bias)
    if b < OFF_V:
        return _nothing(p, DONE, u, p[AMBIENT], ln_N, abs(d_bias), piece)
    B = p[B_HRS] + (ln_N - p[LN_N_HRS]) * p[B_PER_LN_N]
    at = newton(
        p, table, ln_N, B, b, gate, forward, u, min(max(V, 1e-3 * b), b), piece, 25 if p[MANY_ROOTS] == 0.0 else 0
    )
    if not at.found:
        status, u, V = cold_root(p, table, ln_N, B, b, gate, forward)
        if status != DONE:
            return _nothing(p, status, u, 0.0, ln_N, 0.0, piece)
        at = newton(p, table, ln_N, B, b, gate, forward, u, V, piece, 25)
        if not at.found or abs(at.u - u) > 1e-6:
            at = newton(p, table, ln_N, B, b, gate, forward, u, V, piece, 1)
    if at.T > T_MAX_K:
        return _nothing(p, HOT, at.u, at.T, ln_N, 0.0, piece)
    per_det, per_kT = 1.0 / (at.r_u * at.s_v - at.r_v * at.s_u), 1.0 / (K * at.T)
    r_N = (1.0 - p[B_PER_LN_N] * per_kT) * per_det
    s_t = (at.s_b * (d_bias if forward else -d_bias) + at.s_gate * d_gate) * per_det
    u_N, v_N, u_t, v_t = -r_N * at.s_v, r_N * at.s_u, s_t * at.r_v, -s_t * at.r_u
    barrier = (p[ION_SET] if forward else p[ION_RESET]) * per_kT
    X = 0.5 * p[ION_HOP] * at.E * per_kT
    two_sinh, Xc = sinh(X)
    k_T = (barrier - Xc) / at.T
    k_u, k_v = k_T * at.rise_u + Xc * at.e_u, 2.0 * k_T * (at.T - p[AMBIENT]) + Xc
    return Instant(
        DONE,
        at.u,
        at.V,
        at.G * at.V,
        at.E,
        at.T,
        math.exp(p[ION_LN_RATE] - barrier) * two_sinh,
        ln_N,
        k_u * u_N + k_v * v_N,
        k_u * u_t + k_v * v_t,
        u_N,
        at.V * v_N,
        u_t,
        at.V * v_t,
        at.piece,
    )
