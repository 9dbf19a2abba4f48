"""Synthetic I-V curves from known parameters: for tests, and for a demo that runs without anybody's data.

Everything made here is labelled synthetic, in the object and in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compact_model.published_cell import hop_distance_for, published_hopping
from compact_model.transport import Hopping, Transport
from device_physics.dome_response import Response
from fits.hopping.result import StateCurve
from ground.provenance import provenance, published, response_table
from ground.stamp import stamp

if TYPE_CHECKING:
    from fits.reading.measurement import Measurement


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
    files = [*published(), *response_table()]
    record = provenance("write_synthetic_sweeps", files=files, synthetic=True, r_lrs_ohm=r_lrs_ohm, seed=seed)
    paths = []
    for sweep in synthetic_sweeps(hopping, ambients_K=ambients_K, seed=seed):
        paths.append(folder / f"{sweep.device}.csv")
        write_iv_csv(paths[-1], sweep)
        stamp(paths[-1], record)
    return tuple(paths)
