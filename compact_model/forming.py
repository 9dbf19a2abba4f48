"""Forming: when the oxide breaks down on a ramp, what the transistor then lets through, and what is left behind.

Before breakdown the HfOx insulates and the whole bias drops over it. Breakdown is a chance event of rate h = h0 exp(V/V0), so
on a ramp V = r t the survival is exp(-(h0 V0/r)(exp(V/V0) - 1)): a Gumbel law, of standard deviation pi V0/sqrt(6). The event
itself is not resolved: after it the current is what the gate allows. The conductivities left behind are inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell_curves import conductance_S
from compact_model.cells import Cells
from compact_model.streams import normals
from compact_model.transistor import Transistor
from device_physics.dome_response import Response
from ground.errors import InputError
from ground.paper import paper
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_Volt = Annotated[float, Quantity("V", 0.0, 20.0)]
_Sigma = Annotated[float, Quantity("S/m", 1e-6, 1e7)]


class Forming(Spec):
    """The hazard of breakdown, the ramp that forms, and the CMO after it.

    v0_V : voltage over which the rate grows e-fold.  ln_h0_per_s : ln of the rate at 0 V (a number such as 1e-25 1/s).
    v_stop_V, gate_V, ramp_V_per_s : the forming ramp.  sigma_formed_S_per_m : CMO after forming.  sigma_first_reset_S_per_m : after
    the first negative sweep to v_first_reset_V. Source of the defaults: arXiv:2502.04524; the ramp rate is assumed.
    """

    v0_V: Annotated[float, Quantity("V", 1e-4, 2.0)]
    ln_h0_per_s: Annotated[float, Quantity("", -2000.0, 100.0)]
    v_stop_V: _Volt = 3.6
    gate_V: _Volt = 1.2
    ramp_V_per_s: Annotated[float, Quantity("V/s", 1e-6, 1e12)] = 1.0
    sigma_formed_S_per_m: _Sigma = 500.0
    sigma_first_reset_S_per_m: _Sigma = 3700.0
    v_first_reset_V: Annotated[float, Quantity("V", -20.0, 0.0)] = -1.4

    @classmethod
    def from_distribution(cls, mean_V: float, sigma_V: float, *, ramp_V_per_s: float = 1.0, **other: float) -> Self:
        """Return the hazard whose breakdown voltage on the ramp has this mean and standard deviation [V] (both are then inputs)."""
        if not (0 < sigma_V < mean_V < 20):
            raise InputError(
                f"mean_V={mean_V!r}, sigma_V={sigma_V!r} is not allowed: expected 0 < sigma_V < mean_V < 20 V. mV?"
            )
        v0 = float(sigma_V * np.sqrt(6.0) / np.pi)
        mode = mean_V + float(np.euler_gamma) * v0
        return cls(
            v0_V=v0, ln_h0_per_s=float(np.log(ramp_V_per_s / v0) - mode / v0), ramp_V_per_s=ramp_V_per_s, **other
        )

    @classmethod
    def published(cls, transistor: Transistor) -> Self:
        """Return the hazard of arXiv:2502.04524 for cells behind this transistor.

        Inputs: mean and sigma of the published ReRAM voltage. It is defined as the 1T1R voltage less R_DS times the current of
        forming, while breakdown sees the whole bias, so R_DS times the saturation current is added back.
        """
        f, fit = paper()["forming"], paper()["forming_fit"]
        v, r_ds, gate = f["v_forming_reram_V"], f["r_ds_triode_ohm"]["value"], f["v_gate_V"]
        return cls.from_distribution(
            v["mean"] + r_ds * float(transistor.current(gate, v["mean"], 0.0)),
            v["sigma"],
            v_stop_V=f["sweep_V"],
            gate_V=gate,
            sigma_formed_S_per_m=fit["sigma_cmo_after_forming_S_per_cm"]["value"] * 100.0,
            sigma_first_reset_S_per_m=fit["sigma_cmo_after_first_negative_sweep_S_per_cm"]["value"] * 100.0,
            v_first_reset_V=paper()["first_negative_sweep"]["v_stop_V"],
        )

    def survival(self, bias_V: ArrayLike) -> Array:
        """Share of cells not yet formed when the ramp passes bias_V [V]."""
        V = np.asarray(bias_V, float)
        ln_rate = self.ln_h0_per_s + np.log(self.v0_V / self.ramp_V_per_s)
        return np.asarray(np.exp(-np.exp(ln_rate + V / self.v0_V) * -np.expm1(-V / self.v0_V)))

    def breakdown_V(self, device_id: ArrayLike, *, seed: int) -> Array:
        """Breakdown voltage [V] of each device on the ramp, shape of device_id: the law inverted at the device's own chance."""
        from scipy.special import log_ndtr

        chance = -log_ndtr(normals(seed, "forming", device_id, count=1)[0])  # exponential with mean 1
        ln_rate = self.ln_h0_per_s + np.log(self.v0_V / self.ramp_V_per_s)
        return np.asarray(self.v0_V * np.logaddexp(0.0, np.log(chance) - ln_rate))


@dataclass(frozen=True, eq=False)
class FormingResult:
    """Arrays of the cells' shape. formed : whether a cell broke down before v_stop.

    v_1t1r_V : bias at breakdown [V], where dI/dV is largest.  current_A : through cell and transistor right after it.
    v_reram_V : v_1t1r_V - R_DS current_A, the published definition.  All three are nan where not formed.
    g_formed_S, g_first_reset_S : low-field conductance [S] after forming, and after the first negative sweep (inputs of the law).
    """

    forming: Forming
    formed: NDArray[np.bool_]
    v_1t1r_V: Array
    current_A: Array
    v_reram_V: Array
    g_formed_S: Array
    g_first_reset_S: Array
    transistor: Transistor

    @property
    def yield_fraction(self) -> float:
        return float(self.formed.mean())

    def sweep(self, points: int = 181) -> tuple[Array, Array]:
        """Bias [V] (points,) of the ramp up and current [A] (*cells, points): none before breakdown, the transistor's after."""
        bias = np.linspace(0.0, self.forming.v_stop_V, points)
        limit = self.transistor.current(self.forming.gate_V, bias, 0.0)
        after = bias >= np.where(self.formed, self.v_1t1r_V, np.inf)[..., None]
        return bias, np.where(after, limit, 0.0)


def form(cells: Cells, forming: Forming, *, seed: int, response: Response | None = None) -> FormingResult:
    """Form cells on the ramp. Raises InputError where the cells have no transistor: nothing would limit the current."""
    transistor = cells.cell.transistor
    if transistor is None:
        raise InputError(
            "form: the cell has no transistor, so nothing limits the current of forming; give the cell one."
        )
    v = forming.breakdown_V(cells.device_id, seed=seed)
    formed = v <= forming.v_stop_V
    v = np.where(formed, v, np.nan)
    current = np.where(formed, transistor.current(forming.gate_V, np.where(formed, v, 0.0), 0.0), np.nan)
    small = 1e-3
    r_ds = small / float(transistor.current(forming.gate_V, small, 0.0))
    g = [
        np.where(formed, low_field_S(cells, s, response), 0.0)
        for s in (forming.sigma_formed_S_per_m, forming.sigma_first_reset_S_per_m)
    ]
    return FormingResult(forming, formed, v, current, v - r_ds * current, g[0], g[1], transistor)


def low_field_S(cells: Cells, sigma_S_per_m: float, response: Response | None = None) -> Array:
    """Low-field conductance [S] of cells whose whole CMO has this conductivity, of the cells' shape."""
    radius = cells.filament_radius_m.ravel()
    return conductance_S(response or Response.default(), radius, sigma_S_per_m).reshape(cells.shape)
