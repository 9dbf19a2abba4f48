"""FEM in the loop: at the fitted point the device is solved again, to see what the response table and its assumption cost.

Two questions, told apart: does the interpolated table give what the FEM gives for the same conductivities, and does a dome whose
conductivity follows the local field and temperature behave as one with a single conductivity? For the second the trap density is
scaled by the shape factor: eq. (6) of arXiv:2502.04524 puts the mean field of the dome on the area of the filament, while the
local law acts on a dome that is wider and in which the current spreads. The factor makes both conduct alike at the lowest bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compact_model.transport import OperatingPoint, Transport
from device_physics.device import Device
from device_physics.dome_response import QUANTITIES, Response
from device_physics.laws import hopping_chord_conductivity
from device_physics.materials import HoppingLaw
from fits.hopping.result import HoppingFit
from ground.errors import InputError
from meshes.stack import Dome

Progress = Callable[[int, int], None]
STATES = ("LRS", "HRS")


@dataclass(frozen=True)
class FemPoint:
    """One state at one bias: values of the table and of the FEM.

    shape_factor : local trap density over fitted one.  table_error : largest relative error of the table itself.
    """

    state: str
    bias_V: float
    current_A: float
    T_K: float
    E_V_per_m: float
    fem_current_A: float
    fem_T_K: float
    fem_E_V_per_m: float
    shape_factor: float
    table_error: float


@dataclass(frozen=True)
class FemCheck:
    """All points, at one ambient [K]."""

    ambient_K: float
    points: tuple[FemPoint, ...]

    def report(self) -> str:
        """One line per point: how far the table with one dome conductivity is from the self-consistent FEM."""
        lines = [
            f"  FEM check at {self.ambient_K:.0f} K: one dome conductivity (table) against a local one (self-consistent FEM)"
        ]
        lines += [
            f"    {p.state} {p.bias_V:+.3g} V: I {p.current_A / p.fem_current_A - 1:+.2%}, T {p.T_K - p.fem_T_K:+.1f} K, "
            f"E {p.E_V_per_m / p.fem_E_V_per_m - 1:+.2%}; interpolation of the table {p.table_error:.2%}; shape {p.shape_factor:.2f}"
            for p in self.points
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary."""
        return {"ambient_K": self.ambient_K, "points": [vars(p) for p in self.points]}


def check_fem(
    fit: HoppingFit, table: Response, *, biases: Sequence[float] = (0.05, 0.5, 1.0), progress: Progress | None = None
) -> FemCheck:
    """Solve the FEM at the fitted point, LRS and HRS, at these shares of the largest fitted bias of each state.

    Raises MissingLibrary without dolfinx, InputError where the table does not say which device it was made for, or the fit has
    no pair of states, and NotConverged where the FEM finds no solution.
    """
    from device_physics.response_table import unit_point
    from device_physics.selfconsistent import bias_sweep

    ambient = min({c.ambient_K for c in fit.curves}, key=lambda t: abs(t - 293.15))
    transport = Transport(table.at_radius(fit.r_cf_m), fit.hopping)
    rest = transport.sigma_rest_S_per_m(ambient)
    rows: list[FemPoint] = []
    for k, state in enumerate(STATES):
        volts = _volts(fit, state, ambient, biases)
        density = getattr(fit.hopping, f"trap_density_{state.lower()}_m3")
        shown = transport.at(np.array(volts), density, ambient_K=ambient)
        base = _device(fit, table, ambient)
        factor = _shape_factor(fit, state, shown)
        fields = bias_sweep(_hopping_device(base, fit, state, rest, factor), volts)
        for i, (bias, solution) in enumerate(zip(volts, fields, strict=True)):
            sigma = float(shown.sigma_dome_S_per_m[i])
            around = sigma if state == "LRS" else max(sigma, float(rest or sigma))
            unit = unit_point(base, around, sigma)
            held = table.at_radius(fit.r_cf_m)(sigma, around)
            error = max(abs(float(getattr(held, q)) / unit[q] - 1.0) for q in QUANTITIES)
            rows.append(
                FemPoint(
                    state,
                    bias,
                    float(shown.current_A[i]),
                    float(shown.T_K[i]),
                    float(shown.E_V_per_m[i]),
                    solution.current_A,
                    float(solution.dome.T_mean_K or np.nan),
                    float(solution.dome.E_mean_V_per_m or np.nan),
                    factor,
                    error,
                )
            )
        if progress:
            progress(k + 1, len(STATES))
    return FemCheck(ambient, tuple(rows))


def _volts(fit: HoppingFit, state: str, ambient: float, shares: Sequence[float]) -> list[float]:
    curves = [c for c in fit.curves if c.state == state and c.ambient_K == ambient]
    if not curves:
        raise InputError(f"check_fem: there is no {state} curve at {ambient:g} K.")
    top = max((v for c in curves for v in c.voltage_V), key=abs)
    return [float(s * top) for s in shares]


def _shape_factor(fit: HoppingFit, state: str, shown: OperatingPoint) -> float:
    """Conductivity of the dome in the table over that of the law at the mean field, at the lowest bias."""
    h = fit.hopping
    low = state.lower()
    chord = hopping_chord_conductivity(
        shown.E_V_per_m[0],
        shown.T_K[0],
        trap_density_m3=getattr(h, f"trap_density_{low}_m3"),
        hop_distance_m=h.hop_distance_m,
        attempt_Hz=h.attempt_Hz,
        barrier_eV=getattr(h, f"barrier_{low}_eV"),
    )
    return float(shown.sigma_dome_S_per_m[0] / chord)


def _device(fit: HoppingFit, table: Response, ambient: float) -> Device:
    """The device of the table, at the radius and ambient of the fit."""
    record = table.provenance.get("settings", {}).get("device")
    if not isinstance(record, dict):
        raise InputError(
            "check_fem: the response table does not carry the device it was made for; make it again with `reram response`."
        )
    device = Device.model_validate(record)
    stack = device.stack
    sized = stack.replace(
        ambient_K=ambient,
        filament=stack.filament.replace(radius_m=fit.r_cf_m),
        dome=Dome(radius_m=table.dome_over_filament * fit.r_cf_m, material=stack.dome.material, layer=stack.dome.layer),
    )
    return device.replace(stack=sized)


def _hopping_device(device: Device, fit: HoppingFit, state: str, rest: float | None, factor: float) -> Device:
    """The same device with the hopping law in the dome: in the LRS in the whole layer, in the HRS in a layer of `rest`."""
    h = fit.hopping
    low = state.lower()
    law = HoppingLaw(
        trap_density_m3=factor * getattr(h, f"trap_density_{low}_m3"),
        barrier_eV=getattr(h, f"barrier_{low}_eV"),
        hop_distance_m=h.hop_distance_m,
        attempt_Hz=h.attempt_Hz,
    )
    layer = device.stack.dome.layer
    around = device.stack.layer(layer).material
    plain = device.materials[around]
    materials = dict(device.materials)
    if state == "LRS":
        materials[around] = plain.replace(hopping=law)
        inside = around
    else:
        materials[around] = plain.replace(
            electrical_conductivity_S_per_m=float(rest or plain.electrical_conductivity_S_per_m)
        )
        materials["depleted"] = plain.replace(hopping=law)
        inside = "depleted"
    dome = device.stack.dome.replace(material=inside)
    return device.replace(stack=device.stack.replace(dome=dome), materials=materials)
