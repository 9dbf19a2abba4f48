"""The published cell: densities and barriers of figure 2d of arXiv:2502.04524, with the one number left free set by the LRS.

Hop distance and attempt rate are not published. The resistance of the LRS at 0.2 V fixes one combination of them; nothing is
tuned to a temperature, to the HRS, or to anything else that is compared.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from compact_model.published_cell import hop_distance_for, published_hopping
from compact_model.transport import Transport
from device_physics.device import Device
from device_physics.dome_response import Response
from ground.paper import paper

HOP_m = 2e-9  # assumed for the self-consistent device; its attempt rate then follows from the LRS
DOME_m = 13e-9  # assumed: the published dome is not dimensioned; the HRS depends on it strongly


def table_transport() -> Transport:
    """The cell on the response table (constant conductivities), attempt rate 1e13 Hz, hop distance from the LRS."""
    hopping = published_hopping(hop_distance_for(paper()["cycling"]["r_lrs_ohm"]["mean"]))
    return Transport(Response.default().at_radius(paper()["forming_fit"]["r_cf_nm"]["value"] * 1e-9), hopping)


def _law(state: str, attempt_Hz: float) -> dict[str, Any]:
    t = paper()["transport"]
    return {
        "trap_density_m3": t[f"n_e_{state}_per_cm3"] * 1e6,
        "barrier_eV": t[f"delta_e_{state}_meV"] * 1e-3,
        "hop_distance_m": HOP_m,
        "attempt_Hz": attempt_Hz,
    }


def device(state: str, attempt_Hz: float) -> Device:
    """The self-consistent device in a state ("lrs", "hrs"), axisymmetric; in the HRS the dome is depleted."""
    materials: dict[str, Any] = {"CMO": {"hopping": _law("lrs", attempt_Hz)}}
    tables: dict[str, Any] = {"materials": materials, "mesh": {"domain": "axisymmetric"}}
    if state == "hrs":
        k = paper()["stack"]["k_cmo_W_per_mK"]
        materials["depleted"] = {
            "electrical_conductivity": "1 S/m",  # not used: the hopping law takes its place
            "thermal_conductivity_W_per_mK": k,
            "hopping": _law("hrs", attempt_Hz),
        }
        tables["dome"] = {"radius_m": DOME_m, "material": "depleted"}
    return Device.from_tables(tables)


@cache
def attempt_Hz() -> float:
    """The attempt rate [1/s] at which the self-consistent LRS has the published resistance at the read voltage."""
    from device_physics.selfconsistent import bias_sweep

    target, read = paper()["cycling"]["r_lrs_ohm"]["mean"], paper()["cycling"]["v_read_V"]
    rate = 1e13
    for _ in range(6):  # the resistance is nearly inverse to the rate
        found = bias_sweep(device("lrs", rate), [read])[0].resistance_ohm
        rate *= found / target
        if abs(found / target - 1.0) < 1e-3:
            break
    return rate


@cache
def selfconsistent(state: str, bias_V: float) -> Any:
    """The self-consistent solution of a state at a bias [V]."""
    from device_physics.selfconsistent import bias_sweep

    return bias_sweep(device(state, attempt_Hz()), [bias_V])[0]


@cache
def coarser(state: str, bias_V: float) -> Any:
    """The same solution on a mesh twice as coarse everywhere: at the rim, away from it, and in the dome."""
    from device_physics.selfconsistent import bias_sweep

    own = device(state, attempt_Hz())
    mesh = own.mesh.replace(
        rim_size_m=2 * own.mesh.rim_size_m, growth=2 * own.mesh.growth, dome_divisions=own.mesh.dome_divisions / 2
    )
    return bias_sweep(own.replace(mesh=mesh), [bias_V])[0]


@cache
def mesh_error(state: str, bias_V: float) -> float:
    """Error of the resistance [ohm] of `selfconsistent` by its mesh: distance to the extrapolated value, and the error of that."""
    from device_physics.mesh_study import mesh_study

    found = mesh_study(device(state, attempt_Hz()), bias_V).extrapolated["resistance_ohm"]
    return found.own_error * abs(found.value) + found.error
