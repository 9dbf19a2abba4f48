"""Sweeps: the device over any fields of its file and any biases, as one resumable table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.device import Device
from device_physics.electrothermal import check_bias, solve
from device_physics.executors import Point, compute_points
from device_physics.fem_record import fem_inputs
from device_physics.points import SOLVER_VERSION, PointStore, Progress
from device_physics.selfconsistent import continuation, let_go
from device_physics.solution import Solution
from device_physics.varied_fields import changed, checked_values
from ground.errors import InputError
from ground.files import atomic
from ground.provenance import FEM, provenance
from meshes.build import mesh_hash
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
    workers: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Any:
    """Return an xarray Dataset over `vary` ("filament.radius": ["9 nm", "11 nm"], ...) and `bias_V`.

    what : a Device, a Stack, or the tables of a device file (needed with `vary`).  A point that fails is kept as NaN with its
    reason in `failure`; retry_failed solves it again. Finished points are kept in `store` and never solved again.
    workers : processes of this machine (1: this process).  scheduler : address of a Dask scheduler, instead of processes.
    A linear device is solved once for all biases. Any other is continued from 0 V outwards, each side a chain of its own; where
    it cannot go on, the biases beyond are failed with that reason.
    Raises InputError for a field that is not there or a value that is not allowed, before anything is solved.
    """
    import xarray as xr

    vary, store = checked_values(vary or {}), store or PointStore()
    biases = [check_bias(float(v)) for v in volts]
    devices = _devices(what, vary)
    points = [_points(device, biases, number) for number, device in enumerate(devices)]
    try:
        rows = iter(
            compute_points(
                solved_point,
                list(itertools.chain(*points)),
                store=store,
                workers=workers,
                scheduler=scheduler,
                retry_failed=retry_failed,
                progress=progress,
            )
        )
    finally:
        let_go()
    by_device = [
        _at_biases(device, biases, {p.arguments[1]: next(rows) for p in own})
        for device, own in zip(devices, points, strict=True)
    ]
    shape = (*[len(v) for v in vary.values()], len(biases))
    names = [name.replace("/", "|") for name in vary]  # a slash in a name would make groups of the file
    dims = (*names, "bias_V")
    table = np.array([values for values, _ in by_device], dtype=float)
    failure = np.array([reasons for _, reasons in by_device], dtype=object).reshape(shape).astype(str)
    data = {n: (dims, table[..., i].reshape(shape), {"units": u}) for i, (n, u) in enumerate(COLUMNS.items())}
    coords = {
        dim: (dim, np.array(values), {"field": name}) for dim, (name, values) in zip(names, vary.items(), strict=True)
    }
    one: dict[str, Any] = {}
    if not vary:
        one = {"device": devices[0].model_dump(mode="json"), "device_hash": devices[0].content_hash()}
    record = provenance(
        "reram sweep",
        files=fem_inputs(devices[0]),
        libraries=FEM,
        vary=vary,
        devices=[d.content_hash() for d in devices],
        meshes=[mesh_hash(d.stack, d.mesh) for d in devices],
        **one,
        solver_version=SOLVER_VERSION,
        substituted=devices[0].substituted(),
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


def _devices(what: Device | Stack | Mapping[str, Any] | None, vary: Mapping[str, Sequence[Any]]) -> list[Device]:
    """Return the checked device of every corner of the sweep, the last field of `vary` running fastest."""
    if isinstance(what, (Device, Stack)):
        if vary:
            raise InputError(
                "sweep: `vary` needs the tables of a device file; give {} or tables read from a TOML file."
            )
        return [Device.of(what)]
    corners = itertools.product(*vary.values())
    return [Device.from_tables(changed(what or {}, dict(zip(vary, c, strict=True)))) for c in corners]


def _points(device: Device, biases: Sequence[float], number: int) -> list[Point]:
    """One point at 1 V where the device is linear; otherwise one per bias, a chain outwards on each side of 0 V."""
    key = {
        "what": "sweep point",
        "solver": SOLVER_VERSION,
        "mesh": mesh_hash(device.stack, device.mesh),
        "device": device.content_hash(),
    }
    if device.is_linear:
        return [Point({**key, "bias_V": 1.0}, (device, 1.0))]
    outwards = sorted({v + 0.0 for v in biases}, key=lambda v: (v < 0, abs(v)))  # + 0.0: there is only one 0 V
    sides = [f"device {number}, {'negative' if v < 0 else 'positive'}" for v in outwards]
    return [Point({**key, "bias_V": v}, (device, v), side) for v, side in zip(outwards, sides, strict=True)]


def solved_point(device: Device, bias_V: float) -> dict[str, Any]:
    """Solve a device at one bias: what a worker does for one point of a sweep. Values that are not finite become None."""
    s: Solution = solve(device, bias_V) if device.is_linear else continuation(device).solve(bias_V)
    ambient, power = device.stack.ambient_K, s.power_W
    row: dict[str, float | None] = {
        "current_A": s.current_A,
        "conductance_S": s.conductance_S,
        "power_W": power,
        "T_mean_K": s.dome.T_mean_K,
        "T_max_K": s.dome.T_max_K,
        "E_mean_V_per_m": s.dome.E_mean_V_per_m,
        "r_th_K_per_W": s.r_th_K_per_W,
        "balance_current": s.balances.current,
        "balance_power": s.balances.power,
        "balance_heat": s.balances.heat,
        "r_th_max_K_per_W": (s.dome.T_max_K - ambient) / power if power and s.dome.T_max_K else None,
    }
    return {name: None if v is None or not np.isfinite(v) else float(v) for name, v in row.items()}


def _at_biases(
    device: Device, biases: Sequence[float], by_bias: Mapping[float, dict[str, Any]]
) -> tuple[list[list[float]], list[str]]:
    """Return the values (bias, column) of one device and the reason of every failure ("" where there is none)."""
    rows = [_scaled(by_bias[1.0], v, device.stack.ambient_K) if device.is_linear else by_bias[v] for v in biases]
    values = [[float("nan") if row.get(n) is None else row[n] for n in COLUMNS] for row in rows]
    return values, [row.get("failure", "") for row in rows]


def _scaled(row: dict[str, Any], bias_V: float, ambient_K: float) -> dict[str, Any]:
    """Scale the row at 1 V: current and field linearly, power and temperature rise with the square."""
    if "failure" in row:
        return row
    there = {name: float("nan") if value is None else value for name, value in row.items()}
    power = there["power_W"] * bias_V**2
    return {
        **there,
        "current_A": there["current_A"] * bias_V,
        "power_W": power,
        "T_mean_K": ambient_K + there["r_th_K_per_W"] * power,
        "T_max_K": ambient_K + there["r_th_max_K_per_W"] * power,
        "E_mean_V_per_m": there["E_mean_V_per_m"] * abs(bias_V),
    }
