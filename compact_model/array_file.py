"""Arrays of results as NetCDF: every number with its unit, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ground.errors import InputError
from ground.files import atomic

Variables = Mapping[str, tuple[tuple[str, ...], ArrayLike, str]]


def write_arrays(path: str | Path, variables: Variables, *, provenance: Mapping[str, Any], title: str) -> None:
    """Write variables {name: (dimensions, values, unit)} as NetCDF, whole or not at all.

    Raises InputError where the file's name does not end in .nc.
    """
    import xarray as xr

    if Path(path).suffix != ".nc":
        raise InputError(f"output={str(path)!r} is not allowed: expected a name that ends in .nc (NetCDF).")
    data = xr.Dataset(
        {
            name: (
                dims,
                np.asarray(values).astype(np.int8) if np.asarray(values).dtype == bool else values,
                {"units": unit},
            )
            for name, (dims, values, unit) in variables.items()
        },
        attrs={"title": title, "provenance": json.dumps(dict(provenance))},
    )
    with atomic(path) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")
