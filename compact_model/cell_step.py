"""One step of the physical cell in time, compiled: tried whole and as two halves; see `cell_dynamics` for what is solved."""

from __future__ import annotations

import math
from typing import Any

from compact_model.cell_balance import DONE, G_RESET, G_SET, KINK
from compact_model.cell_instant import operate
from compact_model.compiled import njit

AGAIN = -1  # the step was too long
_AT_KINK = 1e-3
_STILL = 1e-20  # a travel that no state feels


@njit(cache=True, error_model="numpy")
def _travel(y: float, in_y: float, a: float) -> float:
    """Travel of y in a step h where dy/dt = k exp(in_y y + in_t t), in closed form; inf where it would run away.

    y : k h.  a : in_t h.  A travel that could change no digit of a state is none.
    """
    a = min(a, 40.0)
    y *= 1.0 + a * (0.5 + a * (1.0 / 6.0 + a * (1.0 / 24.0 + a / 120.0))) if abs(a) < 1e-2 else (math.exp(a) - 1.0) / a
    if y < _STILL:
        return 0.0
    y = min(y, 1e250)
    q = in_y * y
    if q > 0.9:
        return math.inf
    return y * (1.0 + q * (0.5 + q * (1.0 / 3.0 + q * 0.25))) if abs(q) < 1e-3 else -math.log(1.0 - q) / in_y


@njit(cache=True, error_model="numpy")
def _gone(y: float) -> float:
    """1 - exp(-y) for y >= 0."""
    return y * (1.0 - y * (0.5 - y * (1.0 / 6.0 - y * (1.0 / 24.0 - y / 120.0)))) if y < 1e-2 else 1.0 - math.exp(-y)


@njit(cache=True, error_model="numpy")
def _distance(x: float, g: float, forward: bool) -> Any:
    """Distance w to the end the state moves to, and w^(g - 1)."""
    w = 1.0 - x if forward else x
    return w, (1.0 if g == 1.0 or w <= 0.0 else w ** (g - 1.0))


@njit(cache=True, error_model="numpy")
def _after(x: float, w: float, power: float, dy: float, g: float, forward: bool) -> float:
    """State after a travel dy = integral of k dt from x: dw/dy = -w^g solved exactly; w, power: as `_distance` gives them."""
    if w <= 0.0 or dy <= 0.0:
        return x
    gone = 1.0
    if abs(g - 1.0) < 1e-9:
        gone = _gone(dy)
    else:
        part = (g - 1.0) * dy * power
        if part > -1.0:
            gone = -math.expm1(-math.log1p(part) / (g - 1.0))
    return min(x + w * gone, 1.0) if forward else max(x - w * gone, 0.0)


@njit(cache=True, error_model="numpy")
def moved(x: float, dy: float, g: float, forward: bool) -> float:
    """State after a travel dy from x towards the LRS (forward) or the HRS."""
    w, power = _distance(x, g, forward)
    return _after(x, w, power, dy, g, forward)


@njit(cache=True, error_model="numpy")
def density(x: float, line: Any) -> float:
    return line[0] + line[1] * x


@njit(cache=True, error_model="numpy")
def _next(
    p: Any, table: Any, now: Any, before: Any, gap: float, x: float, moves: bool, line: Any, at: Any, tau: float
) -> Any:
    """The instant `tau` after `now`, at state x, sought from a guess of second order: slopes now, and `gap` ago.

    at : bias, gate and their slopes in time, now.  moves : whether x is another state than that of now.
    """
    ln_N = math.log(density(x, line)) if moves else now.ln_N
    d = ln_N - now.ln_N
    half = 0.5 * tau / gap
    u = now.u + now.u_N * d + now.u_t * tau + half * ((now.u_N - before.u_N) * d + (now.u_t - before.u_t) * tau)
    V = now.V + now.V_N * d + now.V_t * tau + half * ((now.V_N - before.V_N) * d + (now.V_t - before.V_t) * tau)
    return operate(p, table, ln_N, at[0] + tau * at[2], at[1] + tau * at[3], at[2], at[3], u, V, now.piece)


@njit(cache=True, error_model="numpy")
def _to_kink(now: float, mid: float, end: float) -> float:
    """The share of a step after which u meets the kink of the response, of distances to it; 1 where it is not crossed.

    Two half steps do not see a kink inside one of them, so steps end there.
    """
    if now * end >= 0.0 or min(abs(now), abs(end)) < _AT_KINK:
        return 1.0
    return 0.5 * now / (now - mid) if now * mid < 0.0 else 0.5 + 0.5 * mid / (mid - end)


@njit(cache=True, error_model="numpy")
def step(
    p: Any,
    table: Any,
    line: Any,
    x: float,
    now: Any,
    before: Any,
    gap: float,
    at: Any,
    h: float,
    least: float,
    tol: float,
    factor: float,
) -> Any:
    """Try one step: (verdict, factor for the next h, x, middle, end, x in the middle). Points as `operate` returns them.

    before, gap : a point before now and how long before, for guesses.  at : bias, gate and their slopes in time, now.
    least : a step this short is taken whatever its error.
    """
    half = 0.5 * h
    forward = at[0] + half * at[2] > 0.0
    g = p[G_SET] if forward else p[G_RESET]
    way = line[1] if forward else -line[1]  # dN/dx, signed: d ln N/dy is that times w^g over N
    w, power = _distance(x, g, forward)
    in_y = now.k_N * way * w * power / density(x, line)
    y = now.k * factor * half
    whole, first = _travel(2.0 * y, in_y, now.k_t * h), _travel(y, in_y, now.k_t * half)
    if first == math.inf:
        return AGAIN, 0.25, x, now, now, x
    x_mid = _after(x, w, power, first, g, forward)
    mid = _next(p, table, now, before, gap, x_mid, x_mid != x, line, at, half)
    if mid.status != DONE:
        return mid.status, 0.0, x, mid, mid, x
    w_mid, power_mid = _distance(x_mid, g, forward)
    in_y = mid.k_N * way * w_mid * power_mid / density(x_mid, line)
    second = _travel(mid.k * factor * half, in_y, mid.k_t * half)
    if second == math.inf:
        return AGAIN, 0.25, x, now, now, x
    both, error, x_end = first + second, 0.0, x
    if whole > 0.0 or both > 0.0:
        x_both, x_whole = _after(x, w, power, both, g, forward), _after(x, w, power, min(whole, 1e300), g, forward)
        n_both, n_whole = density(x_both, line), density(x_whole, line)
        error = 2.0 * abs(n_both - n_whole) / ((n_both + n_whole) * tol)
        if error > 1.0 and h > least:
            return AGAIN, max(0.2, 0.9 * error ** (-1.0 / 3.0)), x, now, now, x
        best = both if whole == math.inf else max(both + (both - whole) / 3.0, first)  # never back behind the middle
        x_end = _after(x, w, power, best, g, forward)
    end = _next(
        p,
        table,
        mid,
        now,
        half,
        x_end,
        x_end != x_mid,
        line,
        (at[0] + half * at[2], at[1] + half * at[3], at[2], at[3]),
        half,
    )
    if end.status != DONE:
        return end.status, 0.0, x, end, end, x
    short = _to_kink(now.u - p[KINK], mid.u - p[KINK], end.u - p[KINK])
    if short < 1.0 and h > 1e4 * least:
        return AGAIN, short, x, now, now, x
    rough = abs(now.I - 2.0 * mid.I + end.I) / (0.1 * max(now.I, mid.I, end.I) + 1e-18)
    if rough > 1.0 and h > 1e4 * least:
        return AGAIN, max(0.3, 0.8 * rough**-0.5), x, now, now, x
    worst = max(math.sqrt(rough), 0.2)
    if error > worst**3:
        worst = error ** (1.0 / 3.0)
    return DONE, max(min(0.8 / worst, 4.0), 0.3), x_end, mid, end, x_mid
