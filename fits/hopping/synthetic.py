"""Synthetic I-V curves from known parameters: for tests, and for a demo that runs without anybody's data.

Everything made here is labelled synthetic, in the object and in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compact_model.transport import Hopping, Transport
from device_physics.dome_response import Response
from fits.hopping.result import StateCurve
from ground.paper import paper

if TYPE_CHECKING:
    from fits.reading.measurement import Measurement


def published_hopping(hop_distance_m: float = 2e-9, attempt_Hz: float = 1e13) -> Hopping:
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
    attempt_Hz: float = 1e13,
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


def synthetic_curves(
    hopping: Hopping,
    *,
    ambients_K: Sequence[float] = (293.15,),
    lrs_max_V: float = 1.0,
    hrs_max_V: float = 0.9,
    points: int = 40,
    noise: float = 0.02,
    seed: int = 0,
    r_cf_m: float = 11e-9,
    response: Response | None = None,
) -> list[StateCurve]:
    """Return one LRS (negative side) and one HRS curve (positive side) per ambient, with relative Gaussian noise in the current."""
    transport = Transport((response or Response.default()).at_radius(r_cf_m), hopping)
    rng = np.random.default_rng(seed)
    out = []
    for ambient in ambients_K:
        cases = (("LRS", -lrs_max_V, hopping.trap_density_lrs_m3), ("HRS", hrs_max_V, hopping.trap_density_hrs_m3))
        for state, end, density in cases:
            voltage = np.linspace(end / points, end, points)
            current = transport.at(voltage, density, ambient_K=ambient).current_A
            noisy = current * np.exp(noise * rng.standard_normal(points))
            out.append(StateCurve(voltage, noisy, state, ambient, synthetic=True))  # type: ignore[arg-type]
    return out


def synthetic_sweeps(
    hopping: Hopping,
    *,
    ambients_K: Sequence[float] = (293.15,),
    lrs_max_V: float = 1.0,
    hrs_max_V: float = 0.9,
    points: int = 91,
    noise: float = 0.02,
    offset_A: float = 0.0,
    compliance: float = float("inf"),
    seed: int = 0,
    response: Response | None = None,
) -> list[Measurement]:
    """Return sweeps as an instrument would record them: 0 -> end -> 0, one of the LRS and one of the HRS per ambient.

    noise : relative, Gaussian.  offset_A : scale of the zero error [A], drawn per sweep.  compliance : share of the largest
    current at which the instrument limits it (after the noise of the device, before its own zero error).
    """
    from fits.reading.measurement import Measurement

    transport = Transport((response or Response.default()).at_radius(11e-9), hopping)
    rng = np.random.default_rng(seed)
    out = []
    for ambient in ambients_K:
        cases = (("LRS", -lrs_max_V, hopping.trap_density_lrs_m3), ("HRS", hrs_max_V, hopping.trap_density_hrs_m3))
        for state, end, density in cases:
            half = np.linspace(0.0, end, (points + 1) // 2)
            voltage = np.concatenate([half, half[-1 - points % 2 :: -1]])
            true = transport.at(voltage, density, ambient_K=ambient).current_A
            limit = compliance * np.abs(true).max()
            current = np.clip(true * (1.0 + noise * rng.standard_normal(len(voltage))), -limit, limit)
            current = current + offset_A * rng.standard_normal()
            name = f"synthetic_{state.lower()}_{ambient:.0f}K"
            out.append(
                Measurement.from_arrays(voltage, current, device=name, ambient_K=ambient, synthetic=True, source=name)
            )
    return out


def write_synthetic_sweeps(
    folder: Path, *, ambients_K: Sequence[float] = (260.0, 293.15, 330.0), r_lrs_ohm: float = 18e3, seed: int = 0
) -> tuple[Path, ...]:
    """Write one LRS and one HRS sweep (0 -> end -> 0) per ambient as csv and return the paths.

    Made from the published densities and barriers, with the hop distance that gives the LRS r_lrs_ohm [ohm] at 0.2 V, and
    2 % of noise. File name, comment lines and attributes say that they are synthetic.
    """
    from fits.reading.readers import write_iv_csv

    hopping = published_hopping(hop_distance_for(r_lrs_ohm))
    paths = []
    for sweep in synthetic_sweeps(hopping, ambients_K=ambients_K, seed=seed):
        paths.append(folder / f"{sweep.device}.csv")
        write_iv_csv(paths[-1], sweep)
    return tuple(paths)
