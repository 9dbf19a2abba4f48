"""Sweeps: the device over any fields of its file and any biases, as one resumable table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.device import SECTIONS, Device
from device_physics.electrothermal import check_bias, solve
from device_physics.points import PointStore, Progress
from ground.errors import InputError, NotConverged, nearest
from ground.files import atomic
from ground.provenance import provenance
from meshes.stack import Stack

COLUMNS = {
    "current_A": "A",
    "conductance_S": "S",
    "power_W": "W",
    "T_mean_K": "K",
    "T_max_K": "K",
    "E_mean_V_per_m": "V/m",
    "r_th_K_per_W": "K/W",
    "balance_current": "1",
    "balance_power": "1",
    "balance_heat": "1",
}


def sweep(
    what: Device | Stack | Mapping[str, Any] | None = None,
    volts: Sequence[float] = (0.2,),
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    store: PointStore | None = None,
    progress: Progress | None = None,
) -> Any:
    """Return an xarray Dataset over `vary` ("filament.radius": ["9 nm", "11 nm"], ...) and `bias_V`.

    what : a Device, a Stack, or the tables of a device file (needed with `vary`).  A point that fails to converge is kept as
    NaN with its reason in `failure`. Finished points are kept in `store` and never solved again.
    Raises InputError for a field that is not there or a value that is not allowed, before anything is solved.
    """
    import xarray as xr

    vary, store = dict(vary or {}), store or PointStore()
    tables = dict(what) if isinstance(what, Mapping) else {}
    if vary and isinstance(what, (Device, Stack)):
        raise InputError("sweep: `vary` needs the tables of a device file; give {} or tables read from a TOML file.")
    biases = [check_bias(float(v)) for v in volts]
    corners = list(itertools.product(*vary.values()))
    devices = [
        Device.from_tables(_changed(tables, dict(zip(vary, corner, strict=True))))
        if isinstance(what, Mapping) or vary
        else Device.of(what if isinstance(what, (Device, Stack)) else None)
        for corner in corners
    ]
    rows: list[dict[str, Any]] = []
    for device in devices:
        key = {"what": "sweep point", "device": device.content_hash()}
        rows.append(store.get_or_compute(key, lambda device=device: _unit_row(device)))  # type: ignore[misc]
        if progress:
            progress(len(rows), len(devices))
    shape = (*[len(v) for v in vary.values()], len(biases))
    dims = (*vary, "bias_V")
    table = np.array([[_at(row, device, bias) for bias in biases] for row, device in zip(rows, devices, strict=True)])
    data = {n: (dims, table[..., i].reshape(shape), {"units": u}) for i, (n, u) in enumerate(COLUMNS.items())}
    failure = (
        np.array([[row.get("failure", "")] * len(biases) for row in rows], dtype=object).reshape(shape).astype(str)
    )
    coords = {
        name: (name, np.array([str(v) if isinstance(v, str) else v for v in values])) for name, values in vary.items()
    }
    record = provenance(
        "reram sweep", vary={k: list(v) for k, v in vary.items()}, devices=[d.content_hash() for d in devices]
    )
    return xr.Dataset(
        data | {"failure": (dims, failure)},
        coords=coords | {"bias_V": ("bias_V", biases, {"units": "V"})},
        attrs={"provenance": json.dumps(record)},
    )


def save_sweep(table: Any, path: str | Path) -> None:
    """Write a sweep as NetCDF, whole or not at all."""
    with atomic(path) as temporary:
        table.to_netcdf(temporary, engine="h5netcdf")


def _changed(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables with dotted fields ("materials.CMO.electrical_conductivity") replaced."""
    out: dict[str, Any] = json.loads(json.dumps(tables))
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        if not path or path[0] not in SECTIONS:
            raise InputError(
                f"sweep: the field {dotted!r} is not known: it begins with a section of the device file, such as "
                f"filament.radius. {nearest(dotted.split('.')[0], SECTIONS)}"
            )
        table = out
        for name in path:
            table = table.setdefault(name, {})
        table[last] = value
    return out


def _unit_row(device: Device) -> dict[str, Any]:
    """Solve at 1 V; the linear problem gives every other bias. A failure is a row with its reason."""
    try:
        s = solve(device, 1.0)
    except NotConverged as error:
        return {"failure": str(error)}
    rise = s.power_W
    return {
        "conductance_S": s.conductance_S,
        "E_per_V": s.dome.E_mean_V_per_m,
        "dT_per_W": s.r_th_K_per_W,
        "dT_max_per_W": (s.dome.T_max_K - device.stack.ambient_K) / rise,
        "balances": [s.balances.current, s.balances.power, s.balances.heat],
    }


def _at(row: dict[str, Any], device: Device, bias_V: float) -> list[float]:
    if "failure" in row:
        return [float("nan")] * len(COLUMNS)
    G, T0 = row["conductance_S"], device.stack.ambient_K
    P = G * bias_V**2
    return [
        G * bias_V,
        G,
        P,
        T0 + row["dT_per_W"] * P,
        T0 + row["dT_max_per_W"] * P,
        row["E_per_V"] * abs(bias_V),
        row["dT_per_W"],
        *row["balances"],
    ]
