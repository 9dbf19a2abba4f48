"""Measurements of many devices, files and ambients as one labelled table: one row per point, everything named on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from fits.reading.measurement import Measurement
from fits.sweeps.segments import segmented
from ground.errors import InputError


def iv_table(measurements: Sequence[Measurement]) -> xr.Dataset:
    """Return all points as one Dataset along `point`: voltage_V, current_A, time_s with units; cycle, branch, run, device,
    ambient_K, source, in_compliance and glitch as coordinates. Raises InputError where there is no measurement.
    """
    if not measurements:
        raise InputError("there is no measurement to put into a table: give at least one.")
    parts = []
    for m in map(segmented, measurements):
        own = m.dataset
        size = len(m)
        own = own.assign_coords(
            device=("point", np.full(size, m.device)),
            ambient_K=("point", np.full(size, m.ambient_K), {"units": "K", "long_name": "ambient temperature"}),
            source=("point", np.full(size, m.source), {"long_name": "file the point was read from"}),
        )
        own.attrs = {}
        parts.append(own)
    table = xr.concat(parts, dim="point", combine_attrs="override")
    table.attrs = {
        "sha256": ", ".join(dict.fromkeys(m.sha256 for m in measurements if m.sha256)),
        "synthetic": any(m.synthetic for m in measurements),
    }
    return table
