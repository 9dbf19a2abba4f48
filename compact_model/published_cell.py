"""The published cell and how it is taken to spread: printed or read-off numbers where there are any, `assumed` for the rest."""

from __future__ import annotations

from functools import cache

import numpy as np

from compact_model.cell import ASSUMED, Cell, Ions
from compact_model.cells import CellSpread
from compact_model.transistor import Transistor
from compact_model.transport import Hopping, Transport
from device_physics.dome_response import Response
from ground.paper import paper

ATTEMPT_Hz = 1e13  # of the electrons: a phonon frequency; it and the hop distance are one number to the data

# Barriers: `calibrate` on `published_targets()`; a test repeats it. The exponent of SET is assumed: nothing published fixes it, but
# at 2 or less the symmetry point would be unstable (heating makes later SET steps larger), and a measured device settles there.
ION_CONSTANTS = {"barrier_set_eV": 0.8550, "barrier_reset_eV": 0.8367, "exponent_set": 4.0, "exponent_reset": 1.0}


def published_hopping(hop_distance_m: float = 2e-9, attempt_Hz: float = ATTEMPT_Hz) -> Hopping:
    """Densities and barriers read off figure 2d of arXiv:2502.04524; hop distance and attempt rate are not published."""
    t = paper()["transport"]
    return Hopping(
        trap_density_lrs_m3=t["n_e_lrs_per_cm3"] * 1e6,
        trap_density_hrs_m3=t["n_e_hrs_per_cm3"] * 1e6,
        barrier_lrs_eV=t["delta_e_lrs_meV"] * 1e-3,
        barrier_hrs_eV=t["delta_e_hrs_meV"] * 1e-3,
        hop_distance_m=hop_distance_m,
        attempt_Hz=attempt_Hz,
    )


def hop_distance_for(
    resistance_ohm: float,
    *,
    attempt_Hz: float = ATTEMPT_Hz,
    read_V: float = 0.2,
    r_cf_m: float = 11e-9,
    response: Response | None = None,
) -> float:
    """Hop distance [m] at which the published LRS has this resistance [ohm] at the read voltage: the one free number left."""
    from scipy.optimize import brentq

    dome = (response or Response.default()).at_radius(r_cf_m)

    def gap(ln_a: float) -> float:
        hopping = published_hopping(float(np.exp(ln_a)), attempt_Hz)
        current = float(Transport(dome, hopping).at(read_V, hopping.trap_density_lrs_m3).current_A)
        return float(np.log(read_V / current / resistance_ohm))

    return float(np.exp(brentq(gap, np.log(1.5e-9), np.log(6e-9), xtol=1e-10)))


@cache
def published_cell() -> Cell:
    """Return the cell of arXiv:2502.04524: LRS density and barriers of figure 2d, hop distance from the LRS at 0.2 V.

    The trap density of the HRS is set by its published resistance (figure 2d has 1.2e18 1/cm3, which on the table of constant
    conductivities is 715 kohm instead of 256). Ions: `calibrate` on the published steps, see ION_CONSTANTS.

    Its transistor has the published triode resistance and, as saturation current, the published current of forming.
    """
    from scipy.optimize import brentq

    p = paper()
    formed, read = p["forming"], p["cycling"]["v_read_V"]
    radius = p["forming_fit"]["r_cf_nm"]["value"] * 1e-9
    hopping = published_hopping(hop_distance_for(p["cycling"]["r_lrs_ohm"]["mean"], read_V=read, r_cf_m=radius))
    dome = Response.default().at_radius(radius)
    figure, hrs_ohm = Transport(dome, hopping), p["cycling"]["r_hrs_ohm"]["mean"]
    span = np.log(hopping.trap_density_lrs_m3 / hopping.trap_density_hrs_m3)

    def hrs_gap(share: float) -> float:
        N = hopping.trap_density_hrs_m3 * np.exp(share * span)
        return float(np.log(read / hrs_ohm / float(figure.at(read, N).current_A)))

    share = float(brentq(hrs_gap, 0.0, 0.9, xtol=1e-10))
    hopping = hopping.replace(
        trap_density_hrs_m3=float(hopping.trap_density_hrs_m3 * np.exp(share * span)),
        barrier_hrs_eV=hopping.barrier_hrs_eV + share * (hopping.barrier_lrs_eV - hopping.barrier_hrs_eV),
    )
    transistor = Transistor.from_on_and_saturation(
        formed["r_ds_triode_ohm"]["value"],
        formed["i_forming_1t1r_uA"]["mean"] * 1e-6,
        formed["r_ds_triode_ohm"]["v_gate_V"],
    )
    assumed = {
        **ASSUMED,
        "ions": "barriers fitted to the published steps of the open-loop pulses (`reram model calibrate`); exponents assumed (nothing "
        "published fixes them); hop, attempt rate and charge of JART VCM v1b",
        "trap_density_hrs_m3": "set so that the HRS has the published resistance at 0.2 V",
        "hop_distance_m": "set so that the LRS has the published resistance at 0.2 V; attempt rate 1e13 Hz is a phonon frequency",
        "transistor": "triode resistance printed; threshold from the current of forming, read off a figure and taken as saturation; "
        "slope factor assumed",
    }
    return Cell(
        filament_radius_m=radius, hopping=hopping, ions=Ions(**ION_CONSTANTS), transistor=transistor, assumed=assumed
    )


def published_spread() -> CellSpread:
    """Return a spread for which R_LRS has the published sigma/mean; everything else about it is assumed.

    One standard deviation of ln N serves both states, half of its variance from cycle to cycle. It is 0.25 over the slope of
    ln R_LRS in ln N; the spread of the HRS then comes out.
    """
    share = paper()["cycling"]["r_lrs_ohm"]["sigma_over_mean"]
    ln_N = share / _LRS_SLOPE / np.sqrt(2.0)
    return CellSpread(ln_density_lrs=ln_N, ln_density_hrs=ln_N, ln_density_lrs_cycle=ln_N, ln_density_hrs_cycle=ln_N)


_LRS_SLOPE = 0.994  # -d ln R_LRS / d ln N of the published cell: a test computes it
