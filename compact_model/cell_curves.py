"""The response of the dome as each cell sees it: functions of its dome conductivity alone, as cubics the kernel can read.

A cell's rest of the CMO keeps its own conductivity until the dome conducts better (see `transport`), so of the table over
(r_CF, sigma_CMO, sigma_dome) it sees one curve: a row of the table, and from `sigma_rest` on its diagonal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compact_model.transport import LOW_FIELD_V, Hopping
from device_physics.dome_response import QUANTITIES, Response
from device_physics.laws import ln_hopping_current_density
from ground.errors import InputError

Array = NDArray[np.float64]
DIAGONAL = 40  # pieces of the diagonal, which is no cubic: interpolation error below 1e-6


def curves(response: Response, r_cf_m: Array, sigma_rest_S_per_m: Array) -> Array:
    """Return the curves of cells, shape (cells, pieces + 1, 13): ln(sigma_dome) at the start of a piece, and three cubics.

    The cubics are ln(conductance), ln(E/V) and ln(dT/P) in the distance from that start. r_cf_m, sigma_rest_S_per_m : (cells,).
    Raises InputError where the table does not reach.
    """
    from scipy.interpolate import CubicSpline

    at_radius = _at_radius(response, r_cf_m)
    ln_cmo, ln_dome, rest = (
        np.log(response.sigma_cmo_S_per_m),
        np.log(response.sigma_dome_S_per_m),
        np.log(sigma_rest_S_per_m),
    )
    end = min(ln_cmo[-1], ln_dome[-1])
    by_cmo, by_dome = CubicSpline(ln_cmo, np.eye(ln_cmo.size)), CubicSpline(ln_dome, np.eye(ln_dome.size))
    below = ln_dome.size  # most pieces a row can have before `rest`
    nodes = np.empty((rest.size, below + DIAGONAL + 1))
    nodes[:, :below] = np.minimum(ln_dome, rest[:, None])  # pieces past the kink have no length
    nodes[:, below:] = rest[:, None] + (end - rest)[:, None] * np.linspace(0.0, 1.0, DIAGONAL + 1)
    table = np.zeros((rest.size, nodes.shape[1], 13))
    table[:, :, 0] = nodes
    diagonal = nodes[:, below:]
    cmo_along, dome_along = by_cmo(diagonal), by_dome(diagonal)
    dome_below = [by_dome(nodes[:, :below], nu=k) / f for k, f in ((0, 1), (1, 1), (2, 2), (3, 6))]
    cmo_rest = by_cmo(rest)
    for place, T in enumerate(at_radius):
        row = np.einsum("nc,ncd->nd", cmo_rest, T)
        for k in range(4):
            table[:, :below, 1 + 4 * place + k] = np.einsum("nsd,nd->ns", dome_below[k], row)
        along = np.einsum("nsc,ncd,nsd->ns", cmo_along, T, dome_along, optimize=True)
        unit = np.linspace(0.0, 1.0, DIAGONAL + 1)
        pieces = CubicSpline(unit, along, axis=1).c[::-1]  # (4, pieces, cells), lowest power first
        width = (end - rest)[None, :]
        for k in range(4):
            table[:, below:-1, 1 + 4 * place + k] = (pieces[k] / width**k).T
    table[:, -1, 1:] = table[:, -2, 1:]
    return table


def _at_radius(response: Response, r_cf_m: Array) -> list[Array]:
    """Logarithms of the three quantities at each cell's radius, each (cells, cmo, dome)."""
    from scipy.interpolate import CubicSpline

    low, high = response.r_cf_m[[0, -1]]
    if np.any((r_cf_m < low) | (r_cf_m > high)):
        worst = r_cf_m[np.argmax(np.abs(np.log(r_cf_m / np.sqrt(low * high))))]
        raise InputError(
            f"filament_radius_m={worst:.4g} is not allowed: the response table covers {low:.4g}..{high:.4g} m. Likely cause: "
            "a wide spread of the radius; make a wider table with `reram response`."
        )
    weight = CubicSpline(np.log(response.r_cf_m), np.eye(response.r_cf_m.size))(np.log(r_cf_m))
    return [np.einsum("nr,rcd->ncd", weight, np.log(getattr(response, name))) for name in QUANTITIES]


def conductance_S(response: Response, r_cf_m: Array, sigma_S_per_m: float) -> Array:
    """Return the conductance [S] of cells of these radii whose whole CMO has one conductivity [S/m], shape of r_cf_m (cells,)."""
    from scipy.interpolate import CubicSpline

    weights = []
    for axis, name in (
        (response.sigma_cmo_S_per_m, "sigma_cmo_S_per_m"),
        (response.sigma_dome_S_per_m, "sigma_dome_S_per_m"),
    ):
        if not axis[0] <= sigma_S_per_m <= axis[-1]:
            raise InputError(
                f"{name}={sigma_S_per_m:.4g} is not allowed: the response table covers {axis[0]:.4g}..{axis[-1]:.4g} S/m."
            )
        weights.append(CubicSpline(np.log(axis), np.eye(axis.size))(np.log(sigma_S_per_m)))
    return np.asarray(np.exp(np.einsum("c,ncd,d->n", weights[0], _at_radius(response, r_cf_m)[0], weights[1])))


def sigma_rest_S_per_m(
    response: Response, r_cf_m: Array, hopping: Hopping, trap_density_lrs_m3: Array, ambient_K: float
) -> Array:
    """Return the low-field conductivity [S/m] of the CMO in the LRS of each cell, (cells,): as `Transport.sigma_rest_S_per_m`."""
    from scipy.interpolate import CubicSpline

    tables = _at_radius(response, r_cf_m)
    ln_cmo, ln_dome = np.log(response.sigma_cmo_S_per_m), np.log(response.sigma_dome_S_per_m)
    by_cmo, by_dome = CubicSpline(ln_cmo, np.eye(ln_cmo.size)), CubicSpline(ln_dome, np.eye(ln_dome.size))

    def gap(u: Array) -> Array:
        cmo, dome = by_cmo(u), by_dome(u)
        G, e, d = (np.exp(np.einsum("nc,ncd,nd->n", cmo, T, dome, optimize=True)) for T in tables)
        law = ln_hopping_current_density(
            LOW_FIELD_V * e,
            ambient_K + d * G * LOW_FIELD_V**2,
            trap_density_m3=trap_density_lrs_m3,
            hop_distance_m=hopping.hop_distance_m,
            attempt_Hz=hopping.attempt_Hz,
            barrier_eV=hopping.barrier_lrs_eV,
        )
        return np.asarray(np.log(np.pi * r_cf_m**2) + law - np.log(LOW_FIELD_V * G))

    low = np.full(r_cf_m.shape, max(ln_cmo[0], ln_dome[0]))
    high = np.full(r_cf_m.shape, min(ln_cmo[-1], ln_dome[-1]))
    f_low, f_high = gap(low), gap(high)
    if np.any(f_low < 0) or np.any(f_high > 0):
        lost = int(np.flatnonzero((f_low < 0) | (f_high > 0))[0])
        raise InputError(
            f"cell {lost}: trap_density_lrs_m3={trap_density_lrs_m3[lost]:.4g}: its LRS would conduct "
            f"{'below' if f_low[lost] < 0 else 'above'} the response table ({np.exp(low[0]):.3g}..{np.exp(high[0]):.3g} S/m). "
            "Likely cause: hopping parameters of another device, or a wide spread of the trap density."
        )
    for _ in range(55):  # the device's current rises faster with sigma than the law's: bisection cannot fail
        middle = 0.5 * (low + high)
        above = gap(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.exp(0.5 * (low + high)))
