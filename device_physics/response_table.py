"""Making a response table with the FEM: every point is one linear solve; finished points survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from device_physics.device import Device
from device_physics.dome_response import QUANTITIES, Response
from device_physics.electrothermal import ElectrothermalProblem
from device_physics.executors import Point, compute_points
from device_physics.fem_record import fem_record
from device_physics.points import SOLVER_VERSION, PointStore, Progress
from ground.errors import InputError, NotConverged
from meshes.build import build_mesh, mesh_hash
from meshes.options import MeshOptions
from meshes.stack import Dome, Stack

# The dome is wider than the filament. At equal radii the rim of the filament would touch the undepleted CMO along a line,
# whose leakage is a property of the mesh. 13 nm over 11 nm is a choice: the published dome is not dimensioned.
DOME_OVER_FILAMENT = 13.0 / 11.0
R_CF_M = (5e-9, 7e-9, 9e-9, 11e-9, 13e-9, 16e-9)
SIGMA_CMO_S_PER_M = tuple(float(s) for s in np.logspace(2, 5, 8))
SIGMA_DOME_S_PER_M = tuple(float(s) for s in np.logspace(-0.5, 5, 14))


def response(
    what: Device | Stack | None = None,
    *,
    r_cf_m: Sequence[float] = R_CF_M,
    sigma_cmo_S_per_m: Sequence[float] = SIGMA_CMO_S_PER_M,
    sigma_dome_S_per_m: Sequence[float] = SIGMA_DOME_S_PER_M,
    dome_over_filament: float = DOME_OVER_FILAMENT,
    store: PointStore | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Response:
    """Return the response table of a stack over filament radius [m] and the conductivities of CMO and dome [S/m].

    what : a device as it is meshed, or a stack; without one, `default_device()`.
    store, progress, workers, scheduler : as in `sweep`; finished points are never solved again.
    Raises InputError where an axis has fewer than four increasing values or a radius does not fit the stack, and NotConverged
    where a point failed: a table has no holes.
    """
    device = Device.of(what) if what is not None else default_device()
    store = store or PointStore()
    _check_one_plain_filament(device)
    axes = {"r_cf_m": r_cf_m, "sigma_cmo_S_per_m": sigma_cmo_S_per_m, "sigma_dome_S_per_m": sigma_dome_S_per_m}
    for name, axis in axes.items():
        if len(axis) < 4 or any(b <= a for a, b in pairwise(axis)):
            raise InputError(
                f"{name}={list(axis)} is not allowed: expected at least four increasing values (cubic interpolation)."
            )
    points = [
        _point(sized, float(cmo), float(dome))
        for sized in [_with_radius(device, r, dome_over_filament * r) for r in r_cf_m]
        for cmo in sigma_cmo_S_per_m
        for dome in sigma_dome_S_per_m
    ]
    rows = compute_points(
        unit_point,
        points,
        store=store,
        workers=workers,
        scheduler=scheduler,
        retry_failed=True,
        progress=progress,
    )
    failures = [row["failure"] for row in rows if "failure" in row]
    if failures:
        raise NotConverged(
            f"response: {len(failures)} of {len(rows)} points failed, and a table has no holes; the others are kept. "
            f"The first: {failures[0]}"
        )
    shape = (len(r_cf_m), len(sigma_cmo_S_per_m), len(sigma_dome_S_per_m))
    tables = {name: np.array([row[name] for row in rows]).reshape(shape) for name in QUANTITIES}
    record = fem_record("reram response", device, solver_version=SOLVER_VERSION)
    arrays: dict[str, Any] = {name: np.asarray(axis, float) for name, axis in axes.items()} | tables
    return Response(dome_over_filament=dome_over_filament, provenance=record, **arrays)


def default_device() -> Device:
    """The published cell as its axisymmetric twin: within 0.05 % of the extrapolated value where the 3D default is at 0.2 %."""
    return Device.of().replace(mesh=MeshOptions(domain="axisymmetric"))


def _check_one_plain_filament(device: Device) -> None:
    channels = device.stack.channels
    plain = [c for c in channels if c.dome_region and c.filament.shape == "cylinder" and c.filament.dome is None]
    if len(channels) != 1 or not plain:
        raise InputError(
            f"response: the table is over one cylindrical filament with a dome; this stack has {len(channels)} filaments, "
            f"{len(plain)} of them such. Give [filament] and [dome] without shapes or domes of their own."
        )


def _with_radius(device: Device, filament_m: float, dome_m: float) -> Device:
    stack = device.stack.replace(
        filament=device.stack.filament.replace(radius_m=filament_m),
        dome=Dome(radius_m=dome_m, material=device.stack.dome.material, layer=device.stack.dome.layer),
    )
    return device.replace(stack=stack)


def _conductivities(device: Device, cmo: float, dome: float) -> dict[str, float]:
    return {**device.electrical_conductivities(), device.stack.dome.layer: cmo, "dome": dome}


def _point(device: Device, cmo: float, dome: float) -> Point:
    key = {
        "what": "response point",
        "version": SOLVER_VERSION,
        "mesh": mesh_hash(device.stack, device.mesh),
        "solver": device.solver.model_dump(),
        "sigma": _conductivities(device, cmo, dome),
        "k": device.thermal_conductivities(),
    }
    if device.interfaces:
        key["interfaces"] = {name: interface.model_dump() for name, interface in device.interfaces.items()}
    return Point(key, (device, cmo, dome))


def unit_point(device: Device, cmo: float, dome: float) -> dict[str, Any]:
    """Solve at 1 V with conductivities of CMO and dome [S/m]: what a worker does for one point of a table."""
    unit = _problem(device).unit(_conductivities(device, cmo, dome))
    return {name: float(getattr(unit, name)) for name in QUANTITIES}


_held: dict[str, ElectrothermalProblem] = {}


def _problem(device: Device) -> ElectrothermalProblem:
    """Set up a device once for the points that share it; only the last one is held."""
    name = device.content_hash()
    if name not in _held:
        mesh, solver = build_mesh(device.stack, device.mesh), device.solver
        for old in _held.values():
            old.release()
        _held.clear()
        _held[name] = ElectrothermalProblem(
            mesh,
            device.thermal_conductivities(),
            degree=solver.degree,
            tolerance=solver.tolerance,
            interfaces=device.boundary_resistances(),
        )
    return _held[name]
