"""What the hopping fit sees of a curve: field and temperature of the dome at each point, and how both move with the current.

The dome conductivity that carries a current gives T and E of the dome (from the response table). They are taken at the current
the model carries, not at the noisy measured one, so that no noise enters T and E: each round of the fit is one Newton step of the
self-consistent current, with slope s = d ln I_law / d ln I, and a deviation of ln I_law counts 1 / (1 - s) times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device_physics.dome_response import DomeResponse
from device_physics.laws import BOLTZMANN_eV, field_ratio, hopping_conductivity, ln_hopping_current_density
from fits.hopping.result import State, StateCurve
from ground.errors import InputError

Array = NDArray[np.float64]
_LEAST = 0.05  # of 1 - s: nearer to thermal runaway a point counts as if it were here
_STEP = 1e-3  # of the logarithms, for derivatives
_REACH = 0.5  # the current at which T and E are taken stays within exp(+-0.5) of the measured one


@dataclass(frozen=True)
class Points:
    """One curve as the fit sees it, arrays (n,).

    measured_A : |current| as given.  ln_A : ln of the current at which E [V/m] and T [K] are taken.
    dE, dT : their derivatives by ln I; dE_rest, dT_rest : by the ln of the conductivity of the CMO around the dome, which is
    ln_rest here (HRS; 0 in the LRS, where the CMO is one).
    """

    measured_A: Array
    ln_A: Array
    E: Array
    T: Array
    dE: Array
    dT: Array
    dE_rest: Array
    dT_rest: Array
    ln_rest: float
    ambient_K: float
    state: State
    sign: float


@dataclass(frozen=True)
class Law:
    """Parameters of the hopping law of one state, with the constants of the fit."""

    ln_hop: float
    barrier_eV: float
    ln_density: float
    attempt_Hz: float
    r_cf_m: float


def points_of(
    curve: StateCurve, dome: DomeResponse, rest: Mapping[float, float], offset_A: float = 0.0, ln_A: Array | None = None
) -> Points:
    """Return the points of a curve at the currents exp(ln_A) [A], or at the measured ones.

    rest : conductivity of the CMO around a depleted dome, per ambient [S/m].  offset_A : still in the measured current.
    """
    V, measured = np.abs(curve.voltage_V), np.abs(curve.current_A)
    sign = float(np.sign(curve.current_A[0]))
    at = np.log(measured)
    if ln_A is not None:
        true = np.log(np.maximum(measured - sign * offset_A, 0.05 * measured))
        at = np.clip(ln_A, true - _REACH, true + _REACH)
    held = None if curve.state == "LRS" else rest[curve.ambient_K]

    def dome_at(current: Array, around: float | None) -> tuple[Array, Array]:
        sigma = dome.conductivity_for(current / V, around)
        values = dome(sigma, sigma if around is None else around)
        return V * values.E_per_V, curve.ambient_K + values.dT_per_W * V * current

    E, T = dome_at(np.exp(at), held)
    (E1, T1), (E0, T0) = dome_at(np.exp(at + _STEP), held), dome_at(np.exp(at - _STEP), held)
    E2, T2 = (E, T) if held is None else dome_at(np.exp(at), held * np.exp(_STEP))
    return Points(
        measured_A=measured,
        ln_A=at,
        E=E,
        T=T,
        dE=(E1 - E0) / (2 * _STEP),
        dT=(T1 - T0) / (2 * _STEP),
        dE_rest=(E2 - E) / _STEP,
        dT_rest=(T2 - T) / _STEP,
        ln_rest=0.0 if held is None else float(np.log(held)),
        ambient_K=curve.ambient_K,
        state=curve.state,
        sign=sign,
    )


def shift(d: Points, law: Law, ln_rest: float | None = None) -> tuple[Array, Array]:
    """Return by how much the self-consistent ln I of a law lies above ln_A, to first order, and the plain ln I_law - ln_A.

    ln_rest : of the conductivity around a depleted dome, where it has moved from that of the points.
    """
    value = (
        np.log(np.pi * law.r_cf_m**2)
        + law.ln_density
        + ln_hopping_current_density(
            d.E,
            d.T,
            trap_density_m3=1.0,
            hop_distance_m=np.exp(law.ln_hop),
            attempt_Hz=law.attempt_Hz,
            barrier_eV=law.barrier_eV,
        )
    )
    x = field_ratio(d.E, d.T, np.exp(law.ln_hop))
    bend = x / np.tanh(x)
    by_E, by_T = bend / d.E, (law.barrier_eV / (BOLTZMANN_eV * d.T) - bend) / d.T
    slope = by_E * d.dE + by_T * d.dT
    plain = value - d.ln_A
    if ln_rest is not None:
        plain = plain + (by_E * d.dE_rest + by_T * d.dT_rest) * (ln_rest - d.ln_rest)
    return plain / np.maximum(1.0 - slope, _LEAST), plain


class RestOfCmo:
    """Conductivity of the whole CMO in the LRS at V -> 0, which in the HRS surrounds the dome.

    At V -> 0 the hopping law is I = pi r^2 sigma_hop E with E = V (E/V): one scalar equation in the conductivity.
    """

    def __init__(self, dome: DomeResponse) -> None:
        (a, b), (c, d) = dome.sigma_dome_range, dome.sigma_cmo_range
        self._ln_sigma = np.linspace(np.log(max(a, c)), np.log(min(b, d)) - 1e-9, 2000)
        values = dome(np.exp(self._ln_sigma), np.exp(self._ln_sigma))
        effective = values.conductance_S / (np.pi * dome.r_cf_m**2 * values.E_per_V)  # rises with the conductivity
        self._ln_effective = np.log(effective)

    def ln_S_per_m(self, law: Law, ambient_K: float) -> float:
        """Natural logarithm of it [S/m] at an ambient [K], for the law of the LRS; held at the ends of the table."""
        sigma = hopping_conductivity(
            ambient_K,
            trap_density_m3=np.exp(law.ln_density),
            hop_distance_m=np.exp(law.ln_hop),
            attempt_Hz=law.attempt_Hz,
            barrier_eV=law.barrier_eV,
        )
        return float(np.interp(np.log(sigma), self._ln_effective, self._ln_sigma))


def low_field_conductivities(
    curves: Sequence[StateCurve], dome: DomeResponse, low_field_V: float
) -> dict[float, float]:
    """A first value of the same from the LRS points at low bias [S/m].

    Raises InputError where an ambient has no LRS curve, or none at low bias.
    """
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
