"""The hopping fit: LRS and HRS together, with intervals, and with what the data cannot see.

For every measured point the dome conductivity that carries the measured current gives T and E of the dome (from the
response table); then the hopping law is fitted to ln I. Because the measured current enters T and E as well, a residual in
ln I is amplified by 1 / (1 - s), s = d ln I_law / d ln I: with that weight each residual is, to first order, the difference
between the measured current and the self-consistent current of the model, so that the intervals cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from device_physics.dome_response import DomeResponse, Response
from device_physics.laws import BOLTZMANN_eV, field_ratio, hopping_conductivity, ln_hopping_current_density
from fits.hopping_fit import HoppingFit, State, StateCurve
from fits.identifiability import Fixed, identify
from ground.errors import InputError

if TYPE_CHECKING:
    from fits.measurement import Measurement

Array = NDArray[np.float64]
_BOTH: tuple[State, State] = ("LRS", "HRS")
_ROUNDS = 12
ATTEMPT = Fixed(1e13, "assumed: typical phonon frequency of an oxide; only its product with the trap density is seen")


@dataclass(frozen=True)
class _Points:
    """What the fit sees of one curve: ln I, dome T and E, and how both move with ln I."""

    ln_current: Array
    E: Array
    T: Array
    dE: Array
    dT: Array
    state: State


def fit_hopping(
    data: Sequence[StateCurve] | Measurement | Sequence[Measurement],
    response: Response | None = None,
    *,
    r_cf_m: float = 11e-9,
    attempt: Fixed = ATTEMPT,
    barriers_eV: dict[State, Fixed] | None = None,
    low_field_V: float = 0.2,
) -> HoppingFit:
    """Fit trap densities, barriers and hop distance to LRS and HRS curves, at one or several ambients.

    data : measured sweeps (their branches are found by `state_curves`), or curves: at least one LRS at every ambient, since the
    conductivity of the rest of the CMO comes from it (first value: at |V| <= low_field_V).
    response : table (default: the shipped one).  r_cf_m : filament radius [m].  barriers_eV : barriers fixed with a source.
    Raises InputError where a curve does not fit the table, or there are fewer points than parameters.
    """
    curves = _curves(data)
    dome = (response or Response.default()).at_radius(r_cf_m)
    barriers = barriers_eV or {}
    rest = _low_field_conductivities(curves, dome, low_field_V)
    for _ in range(
        _ROUNDS
    ):  # the rest of the CMO is the LRS at V -> 0, which the fit itself knows better than any one point
        seen = [_points(c, dome, rest) for c in curves]
        reference = 1.0 / np.mean(
            np.concatenate([1.0 / d.T for d in seen])
        )  # where density and barrier are least entangled
        result = _least_squares(seen, dome, attempt, reference, barriers)
        before, rest = rest, _rest_conductivities(result.params, dome, attempt, reference, list(rest))
        if all(abs(rest[t] / before[t] - 1.0) < 1e-5 for t in rest):
            break
    states = _states(seen)
    found = identify(result, states, reference, barriers)
    model = tuple(d.ln_current - _residual(result.params, d, dome, attempt, reference)[0] for d in seen)
    T, E = np.concatenate([d.T for d in seen]), np.concatenate([d.E for d in seen])
    return HoppingFit(
        parameters=found.parameters,
        names=found.names,
        covariance=found.covariance,
        weak=found.weak,
        residual_rms=float(np.sqrt(np.mean(result.residual**2))),
        points=len(result.residual),
        r_cf_m=r_cf_m,
        attempt=attempt,
        sigma_rest_S_per_m=rest,
        temperature_range_K=(float(T.min()), float(T.max())),
        field_range_V_per_m=(float(E.min()), float(E.max())),
        synthetic=any(c.synthetic for c in curves),
        curves=tuple(curves),
        model_ln_current=model,
    )


def _curves(data: Sequence[StateCurve] | Measurement | Sequence[Measurement]) -> list[StateCurve]:
    if isinstance(data, Sequence) and all(isinstance(d, StateCurve) for d in data):
        return list(data)  # type: ignore[arg-type]
    from fits.state_curves import state_curves

    return state_curves(data)  # type: ignore[arg-type]


def _states(data: Sequence[_Points]) -> list[State]:
    return [s for s in _BOTH if any(d.state == s for d in data)]


def _least_squares(
    data: Sequence[_Points], dome: DomeResponse, attempt: Fixed, reference: float, fixed: dict[State, Fixed]
) -> Any:
    """Return the lmfit result; raises InputError where there are too few points or no minimum is found."""
    import lmfit

    parameters = _start(_states(data), data, dome, attempt, reference, fixed)
    count = sum(len(d.ln_current) for d in data)
    if count <= len(parameters):
        raise InputError(
            f"fit_hopping: {count} points for {len(parameters)} parameters; give more points or fix a barrier."
        )

    def residual(p: Any) -> Array:
        return np.concatenate([_residual(p, d, dome, attempt, reference)[0] for d in data])

    result = lmfit.minimize(residual, parameters, method="leastsq", scale_covar=True, xtol=1e-12, ftol=1e-12)
    if not result.success or result.covar is None:
        raise InputError(
            f"fit_hopping: the least-squares fit found no minimum ({result.message}). Likely cause: curves labelled with the "
            "wrong state, or a range in which the current does not bend."
        )
    return result


def _rest_conductivities(
    p: Any, dome: DomeResponse, attempt: Fixed, reference: float, ambients: Sequence[float]
) -> dict[float, float]:
    """Conductivity of the whole CMO in the fitted LRS at V -> 0 for every ambient [S/m].

    At V -> 0 the hopping law is I = pi r^2 sigma_hop E with E = V (E/V): one scalar equation in the conductivity.
    """
    (a, b), (c, d) = dome.sigma_dome_range, dome.sigma_cmo_range
    grid = np.exp(np.linspace(np.log(max(a, c)), np.log(min(b, d)) - 1e-9, 4000))
    values = dome(grid, grid)
    effective = values.conductance_S / (np.pi * dome.r_cf_m**2 * values.E_per_V)  # rises with the conductivity
    out = {}
    for ambient in ambients:
        ln_density = p["ln_k_LRS"].value + p["barrier_LRS"].value / (BOLTZMANN_eV * reference)
        sigma = hopping_conductivity(
            ambient,
            trap_density_m3=np.exp(ln_density),
            hop_distance_m=np.exp(p["ln_a"].value),
            attempt_Hz=attempt.value,
            barrier_eV=p["barrier_LRS"].value,
        )
        out[ambient] = float(np.exp(np.interp(np.log(sigma), np.log(effective), np.log(grid))))
    return out


def _low_field_conductivities(
    curves: Sequence[StateCurve], dome: DomeResponse, low_field_V: float
) -> dict[float, float]:
    """A first value of the same from the LRS points at low bias [S/m]."""
    out = {}
    for ambient in sorted({c.ambient_K for c in curves}):
        low = [(c.voltage_V, c.current_A) for c in curves if c.state == "LRS" and c.ambient_K == ambient]
        if not low:
            raise InputError(
                f"fit_hopping: no LRS curve at ambient_K={ambient:g}; the HRS needs it for the conductivity of the undepleted CMO."
            )
        V, I = (np.concatenate(x) for x in zip(*low, strict=True))
        inside = np.abs(V) <= low_field_V
        if not inside.any():
            raise InputError(
                f"fit_hopping: no LRS point with |V| <= {low_field_V:g} V at ambient_K={ambient:g}; measure there or raise low_field_V."
            )
        conductance = np.exp(np.mean(np.log(I[inside] / V[inside])))  # 2 % of noise is 2 % at every voltage
        out[ambient] = float(dome.conductivity_for(conductance))
    return out


def _points(curve: StateCurve, dome: DomeResponse, rest: dict[float, float]) -> _Points:
    V, I = np.abs(curve.voltage_V), np.abs(curve.current_A)
    held = None if curve.state == "LRS" else rest[curve.ambient_K]

    def dome_at(current: Array) -> tuple[Array, Array]:
        sigma = dome.conductivity_for(current / V, held)
        values = dome(sigma, sigma if held is None else held)
        return V * values.E_per_V, curve.ambient_K + values.dT_per_W * V * current

    E, T = dome_at(I)
    step = 1e-3
    (E1, T1), (E0, T0) = dome_at(I * np.exp(step)), dome_at(I * np.exp(-step))
    return _Points(np.log(I), E, T, (E1 - E0) / (2 * step), (T1 - T0) / (2 * step), curve.state)


def _start(
    states: Sequence[State],
    data: Sequence[_Points],
    dome: DomeResponse,
    attempt: Fixed,
    reference: float,
    fixed: dict[State, Fixed],
) -> Any:
    """Starting values: the hop distance of a nanometre or two, densities from the mean current."""
    import lmfit

    parameters = lmfit.Parameters()
    parameters.add("ln_a", value=np.log(2e-9), min=np.log(1e-10), max=np.log(2e-8))
    for s in states:
        known = fixed.get(s)
        parameters.add(f"barrier_{s}", value=known.value if known else 0.07, vary=known is None)
        parameters.add(f"ln_k_{s}", value=0.0)
    for s in states:
        offset = np.mean(
            np.concatenate([_residual(parameters, d, dome, attempt, reference)[1] for d in data if d.state == s])
        )
        parameters[f"ln_k_{s}"].value = float(offset)
    return parameters


def _residual(p: Any, d: _Points, dome: DomeResponse, attempt: Fixed, reference: float) -> tuple[Array, Array]:
    """Return the weighted residual and the plain one, ln I_measured - ln I_law.

    ln_k is ln of the trap density times exp(-barrier / k reference), in 1/m3.
    """
    a, barrier = np.exp(p["ln_a"].value), p[f"barrier_{d.state}"].value
    ln_density = p[f"ln_k_{d.state}"].value + barrier / (BOLTZMANN_eV * reference)
    law = (
        np.log(np.pi * dome.r_cf_m**2)
        + ln_density
        + ln_hopping_current_density(
            d.E, d.T, trap_density_m3=1.0, hop_distance_m=a, attempt_Hz=attempt.value, barrier_eV=barrier
        )
    )
    x = field_ratio(d.E, d.T, a)
    bend = x / np.tanh(x)
    slope = bend * d.dE / d.E + (barrier / (BOLTZMANN_eV * d.T) - bend) * d.dT / d.T
    plain = d.ln_current - law
    return plain / np.maximum(1.0 - slope, 0.05), plain
