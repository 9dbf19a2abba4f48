"""Making a response table with the FEM: every point is one linear solve; finished points survive an interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from device_physics.device import Device
from device_physics.dome_response import QUANTITIES, Response
from device_physics.electrothermal import ElectrothermalProblem
from device_physics.points import PointStore, Progress
from ground.errors import InputError
from ground.provenance import provenance
from meshes.build import build_mesh, mesh_hash
from meshes.stack import Dome, Stack

# The dome is wider than the filament. At equal radii the rim of the filament would touch the undepleted CMO along a line,
# whose leakage is a property of the mesh; 13 nm over 11 nm is the smallest that can carry the published HRS.
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
) -> Response:
    """Return the response table of a stack over filament radius [m] and the conductivities of CMO and dome [S/m].

    Raises InputError where an axis has fewer than four increasing values or a radius does not fit the stack.
    """
    device, store = Device.of(what), store or PointStore()
    axes = {"r_cf_m": r_cf_m, "sigma_cmo_S_per_m": sigma_cmo_S_per_m, "sigma_dome_S_per_m": sigma_dome_S_per_m}
    for name, axis in axes.items():
        if len(axis) < 4 or any(b <= a for a, b in pairwise(axis)):
            raise InputError(
                f"{name}={list(axis)} is not allowed: expected at least four increasing values (cubic interpolation)."
            )
    shape = (len(r_cf_m), len(sigma_cmo_S_per_m), len(sigma_dome_S_per_m))
    tables = {name: np.empty(shape) for name in QUANTITIES}
    done = 0
    for i, radius in enumerate(r_cf_m):
        sized = _with_radius(device, radius, dome_over_filament * radius)
        compute = _Point(sized)
        for j, cmo in enumerate(sigma_cmo_S_per_m):
            for k, dome in enumerate(sigma_dome_S_per_m):
                value = store.get_or_compute(compute.key(cmo, dome), compute.solve(cmo, dome))
                for name in QUANTITIES:
                    tables[name][i, j, k] = value[name]
                done += 1
                if progress:
                    progress(done, int(np.prod(shape)))
    record = provenance(
        "reram response",
        device=device.model_dump(),
        device_hash=device.content_hash(),
        substituted=device.substituted(),
    )
    arrays = {name: np.asarray(axis, float) for name, axis in axes.items()} | tables
    return Response(dome_over_filament=dome_over_filament, provenance=record, **arrays)


def _with_radius(device: Device, filament_m: float, dome_m: float) -> Device:
    stack = device.stack.replace(
        filament=device.stack.filament.replace(radius_m=filament_m),
        dome=Dome(radius_m=dome_m, material=device.stack.dome.material, layer=device.stack.dome.layer),
    )
    return device.replace(stack=stack)


class _Point:
    """One mesh with its problem, set up only when a point is not in the store yet."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._problem: ElectrothermalProblem | None = None

    def key(self, cmo: float, dome: float) -> dict[str, object]:
        return {
            "what": "response point",
            "mesh": mesh_hash(self.device.stack, self.device.mesh),
            "solver": self.device.solver.model_dump(),
            "sigma": self._conductivities(cmo, dome),
            "k": self.device.thermal_conductivities(),
        }

    def _conductivities(self, cmo: float, dome: float) -> dict[str, float]:
        return {**self.device.electrical_conductivities(), self.device.stack.dome.layer: cmo, "dome": dome}

    def solve(self, cmo: float, dome: float) -> Callable[[], dict[str, float]]:
        def compute() -> dict[str, float]:
            if self._problem is None:
                mesh, solver = build_mesh(self.device.stack, self.device.mesh), self.device.solver
                self._problem = ElectrothermalProblem(
                    mesh, self.device.thermal_conductivities(), degree=solver.degree, tolerance=solver.tolerance
                )
            unit = self._problem.unit(self._conductivities(cmo, dome))
            return {name: float(getattr(unit, name)) for name in QUANTITIES}

        return compute
