"""Current, field and temperature of the cell at a bias: the hopping law closed with the response of the dome.

The dome conducts as the hopping law says; the rest of the CMO is at least as conducting as it is in the LRS at low field,
and follows the dome where that conducts better. So in the LRS the whole CMO has one conductivity, in the HRS the dome is
depleted in a CMO that is not: the two cases of arXiv:2502.04524, and everything between, from one rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from compact_model.transistor import Transistor
from device_physics.dome_response import DomeResponse
from device_physics.laws import ln_hopping_current_density
from ground.errors import InputError
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_SCAN = 60  # points of the scan that finds the cold (stable) root before it is refined
_REFINE = 60
LOW_FIELD_V = 1e-3
T_MAX_K = 1500.0


Density = Annotated[float, Quantity("1/m^3", 1e18, 1e30)]
Barrier = Annotated[float, Quantity("eV", -0.5, 3.0)]


class Hopping(Spec):
    """Parameters of the hopping law between HRS and LRS.

    trap_density_hrs_m3 < trap_density_lrs_m3 [1/m3]; barriers [eV] are linear in ln N between the two states;
    hop_distance_m [m]; attempt_Hz [1/s]. Raises InputError where the HRS is not the state with fewer traps.
    """

    trap_density_lrs_m3: Density
    trap_density_hrs_m3: Density
    barrier_lrs_eV: Barrier
    barrier_hrs_eV: Barrier
    hop_distance_m: Annotated[float, Quantity("m", 1e-11, 1e-7)]
    attempt_Hz: Annotated[float, Quantity("Hz", 1e8, 1e16)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.trap_density_hrs_m3 >= self.trap_density_lrs_m3:
            raise InputError(
                f"Hopping.trap_density_hrs_m3={self.trap_density_hrs_m3:g} is not allowed: expected less than "
                f"trap_density_lrs_m3={self.trap_density_lrs_m3:g}. Likely cause: the two states are exchanged."
            )
        return self

    def barrier_eV(self, trap_density_m3: ArrayLike) -> Array:
        """Barrier [eV] at a trap density [1/m3]."""
        span = np.log(self.trap_density_lrs_m3 / self.trap_density_hrs_m3)
        share = np.log(np.asarray(trap_density_m3, float) / self.trap_density_hrs_m3) / span
        return np.asarray(self.barrier_hrs_eV + share * (self.barrier_lrs_eV - self.barrier_hrs_eV))


@dataclass(frozen=True)
class OperatingPoint:
    """All of the shape of the bias: current_A and cell_V (signed), E_V_per_m and T_K of the dome, sigma_dome_S_per_m."""

    current_A: Array
    cell_V: Array
    E_V_per_m: Array
    T_K: Array
    sigma_dome_S_per_m: Array


@dataclass(frozen=True)
class Transport:
    """The cell without dynamics. response : table at its filament radius.  transistor : in series, or None."""

    response: DomeResponse
    hopping: Hopping
    transistor: Transistor | None = None

    @cached_property
    def _rest(self) -> dict[float, float]:
        return {}

    def sigma_rest_S_per_m(self, ambient_K: float) -> float:
        """Low-field conductivity of the CMO in the LRS [S/m]: what the rest of the CMO keeps when the dome is depleted."""
        if ambient_K not in self._rest:
            case = _Case(np.array([LOW_FIELD_V]), np.array([self.hopping.trap_density_lrs_m3]), None, ambient_K, None)
            self._rest[ambient_K] = float(self._cold_root(case).sigma_dome_S_per_m[0])
        return self._rest[ambient_K]

    def at(
        self,
        bias_V: ArrayLike,
        trap_density_m3: ArrayLike,
        *,
        gate_V: ArrayLike | None = None,
        ambient_K: float = 293.15,
    ) -> OperatingPoint:
        """Return the operating point at a bias [V], a trap density [1/m3] and (with a transistor) a gate voltage, broadcast.

        Of several solutions (thermal runaway) the coldest one. Without gate_V the bias is that of the cell alone.
        Raises InputError where the response table does not reach.
        """
        if gate_V is not None and self.transistor is None:
            raise InputError(
                "Transport.at: gate_V is given, but the cell has no transistor; leave gate_V out or give it one."
            )
        bias, density, gate = np.broadcast_arrays(
            np.asarray(bias_V, float),
            np.asarray(trap_density_m3, float),
            np.asarray(np.nan if gate_V is None else gate_V, float),
        )
        off = np.abs(bias) < LOW_FIELD_V * 1e-3
        shown = np.where(off, LOW_FIELD_V, bias).ravel()
        case = _Case(
            shown,
            density.ravel(),
            None if gate_V is None else gate.ravel(),
            ambient_K,
            self.sigma_rest_S_per_m(ambient_K),
        )
        point = self._cold_root(case)
        _check_temperature(point, case)
        found = {k: np.asarray(v).reshape(bias.shape) for k, v in vars(point).items()}
        for name in ("current_A", "cell_V", "E_V_per_m"):
            found[name] = np.where(off, 0.0, found[name])
        return OperatingPoint(**found)

    def _mismatch(self, ln_sigma: Array, case: _Case) -> tuple[Array, OperatingPoint]:
        """Return ln(hopping current / current the device carries) at a trial dome conductivity; zero at the solution."""
        sigma = np.exp(ln_sigma)
        values = self.response(sigma, sigma if case.rest is None else np.maximum(sigma, case.rest))
        cell_V = case.bias_V + 0.0 * sigma
        if case.gate_V is not None and self.transistor is not None:
            cell_V = self.transistor.divide(case.bias_V, case.gate_V, values.conductance_S, case.ambient_K)
        size = np.maximum(np.abs(cell_V), 1e-12)
        current, E = size * values.conductance_S, size * values.E_per_V
        T = case.ambient_K + values.dT_per_W * size * current
        h = self.hopping
        law = np.log(np.pi * self.response.r_cf_m**2) + ln_hopping_current_density(
            E,
            T,
            trap_density_m3=case.density_m3,
            hop_distance_m=h.hop_distance_m,
            attempt_Hz=h.attempt_Hz,
            barrier_eV=h.barrier_eV(case.density_m3),
        )
        sign = np.sign(case.bias_V)
        return law - np.log(current), OperatingPoint(sign * current, cell_V, E, T, sigma)

    def _cold_root(self, case: _Case) -> OperatingPoint:
        low, high = self.response.sigma_dome_range
        if case.rest is None:
            low, high = max(low, self.response.sigma_cmo_range[0]), min(high, self.response.sigma_cmo_range[1])
        grid = np.linspace(np.log(low), np.log(high) - 1e-9, _SCAN)[:, None]
        above = self._mismatch(np.broadcast_to(grid, (_SCAN, len(case.bias_V))), case)[0]
        crosses = (above[:-1] > 0) & (above[1:] <= 0)
        if not np.all(crosses.any(axis=0)):
            lost = int(np.flatnonzero(~crosses.any(axis=0))[0])
            side = "above" if above[-1, lost] > 0 else "below"
            raise InputError(
                f"bias_V={case.bias_V[lost]:.4g}, trap_density_m3={case.density_m3[lost]:.4g}: the dome would conduct {side} the "
                f"response table ({low:.3g}..{high:.3g} S/m). Likely cause: a bias beyond thermal runaway, or hopping "
                "parameters of another device."
            )
        first, column = np.argmax(crosses, axis=0), np.arange(len(case.bias_V))
        left, right = grid[first, 0], grid[first + 1, 0]
        f_left, f_right = above[first, column], above[first + 1, column]
        last = np.zeros(len(left))
        for _ in range(_REFINE):  # false position with the Illinois halving: cannot leave the bracket
            middle = np.where(f_left > f_right, (left * f_right - right * f_left) / (f_right - f_left), left)
            f, point = self._mismatch(middle, case)
            if np.all(np.abs(f) < 1e-9):
                break
            up = f > 0
            f_right = np.where(up, np.where(last > 0, 0.5 * f_right, f_right), f)
            f_left = np.where(up, f, np.where(last < 0, 0.5 * f_left, f_left))
            left, right, last = np.where(up, middle, left), np.where(up, right, middle), np.where(up, 1.0, -1.0)
        return point


@dataclass(frozen=True)
class _Case:
    """What is given: bias (signed), density, gate (or None), ambient, and the conductivity of the rest (None: as the dome)."""

    bias_V: Array
    density_m3: Array
    gate_V: Array | None
    ambient_K: float
    rest: float | None


def _check_temperature(point: OperatingPoint, case: _Case) -> None:
    hottest = int(np.argmax(point.T_K))
    if point.T_K[hottest] > T_MAX_K:
        raise InputError(
            f"bias_V={case.bias_V[hottest]:.4g}, trap_density_m3={case.density_m3[hottest]:.4g}: the dome would be at "
            f"{point.T_K[hottest]:.0f} K; expected at most {T_MAX_K:g} K, beyond which no constant of this model holds. Likely "
            "cause: too high a bias, or no transistor or compliance that limits the current."
        )
