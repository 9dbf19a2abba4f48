"""The cell: one state between HRS and LRS, hopping conduction, ion hopping, and its series transistor."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from compact_model.transistor import Transistor
from compact_model.transport import Hopping, Transport
from device_physics.dome_response import Response
from device_physics.laws import BOLTZMANN_eV, field_ratio
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_Exponent = Annotated[float, Quantity("", 0.0, 10.0)]


ASSUMED = {
    "ions": "barriers and exponents chosen by hand so that a cycle switches near the published voltages; "
    "attempt rate, hop and charge of JART VCM v1b",
    "transistor": "threshold and slope factor assumed; the on-resistance is published",
}


class Ions(Spec):
    """How fast the dome fills (SET) and empties (RESET): Mott-Gurney ion hopping, with a window exponent each.

    k = attempt_Hz exp(-barrier/kT) 2 sinh(z a e E / 2kT).  The published cell's own constants are not public: charge, hop and
    attempt rate are those of JART VCM v1b (doi 10.26165/JUELICH-DATA/TQOP7I); the two barriers and the exponents are assumed,
    chosen by hand so that a quasi-static cycle switches within the published voltages and ends near the published HRS. They are
    not fitted to a measurement, and a cycle made with them reproduces nothing.
    """

    attempt_Hz: Annotated[float, Quantity("Hz", 1e6, 1e16)] = 2e13
    hop_distance_m: Annotated[float, Quantity("m", 1e-11, 1e-8)] = 0.25e-9
    charge: Annotated[float, Quantity("", 1.0, 4.0)] = 2.0
    barrier_set_eV: Annotated[float, Quantity("eV", 0.1, 3.0)] = 0.95
    barrier_reset_eV: Annotated[float, Quantity("eV", 0.1, 3.0)] = 1.05
    exponent_set: _Exponent = 1.0
    exponent_reset: _Exponent = 1.0

    def rate_per_s(self, E_V_per_m: ArrayLike, T_K: ArrayLike, barrier_eV: float) -> Array:
        """Rate constant [1/s] at a dome field [V/m] and temperature [K]."""
        T = np.asarray(T_K, float)
        x = field_ratio(E_V_per_m, T, self.charge * self.hop_distance_m)
        return np.asarray(self.attempt_Hz * np.exp(-barrier_eV / (BOLTZMANN_eV * T)) * 2.0 * np.sinh(x))


class Cell(Spec):
    """The physical cell. State `x` = (N - N_HRS) / (N_LRS - N_HRS): 0 in the HRS, 1 in the LRS.

    assumed : which of its parts are neither measured nor published, and why they are what they are.
    """

    filament_radius_m: Annotated[float, Quantity("m", 1e-9, 1e-7)] = 11e-9
    ambient_K: Annotated[float, Quantity("K", 100.0, 600.0)] = 293.15
    hopping: Hopping
    ions: Ions = Ions()
    transistor: Transistor | None = None
    assumed: dict[str, str] = Field(default_factory=lambda: dict(ASSUMED))

    @classmethod
    def published(cls) -> Cell:
        """Return the cell of arXiv:2502.04524; see `published_cell` for what of it is printed, fitted and assumed."""
        from compact_model.published_cell import published_cell

        return published_cell()

    def transport(self, response: Response | None = None) -> Transport:
        """Return its transport on a response table (default: the shipped one)."""
        return Transport(
            (response or Response.default()).at_radius(self.filament_radius_m), self.hopping, self.transistor
        )

    def trap_density_m3(self, x: ArrayLike) -> Array:
        """Trap density of the dome [1/m3] at state x."""
        h = self.hopping
        return np.asarray(
            h.trap_density_hrs_m3 + np.asarray(x, float) * (h.trap_density_lrs_m3 - h.trap_density_hrs_m3)
        )

    def dx_dt(self, x: ArrayLike, bias_sign: ArrayLike, E_V_per_m: ArrayLike, T_K: ArrayLike) -> Array:
        """Rate of the state [1/s]: up for positive bias (8-wise SET), down for negative (RESET), windowed at both ends."""
        x = np.clip(np.asarray(x, float), 0.0, 1.0)
        up = self.ions.rate_per_s(E_V_per_m, T_K, self.ions.barrier_set_eV) * (1.0 - x) ** self.ions.exponent_set
        down = self.ions.rate_per_s(E_V_per_m, T_K, self.ions.barrier_reset_eV) * x**self.ions.exponent_reset
        sign = np.asarray(bias_sign, float)
        return np.asarray(np.where(sign > 0, up, np.where(sign < 0, -down, 0.0)))
