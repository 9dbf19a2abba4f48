"""Current continuity and heat in the stack: div(sigma grad V) = 0, -div(k grad T) = sigma |grad V|^2.

With constant conductivities V is linear in the bias and the temperature rise linear in the power, so one unit solution
(1 V) serves every bias. Source: arXiv:2502.04524, eqs. (4) and (5).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from device_physics.device import Device
from device_physics.solution import Balances, DomeState, Fields, Solution
from ground.errors import InputError
from ground.provenance import provenance
from meshes.build import build_mesh
from meshes.mesh import Mesh
from meshes.stack import Stack

BIAS_MAX_V = 20.0


@dataclass(frozen=True)
class UnitSolution:
    """The device at 1 V: whole-device conductance, dome averages, balances. The fields stay in the problem.

    E_per_V : mean |E| in the dome over V [1/m].  dT_per_W, dT_max_per_W : mean and maximum rise in the dome over P [K/W].
    """

    conductance_S: float
    E_per_V: float
    dT_per_W: float
    dT_max_per_W: float
    balances: Balances


class ElectrothermalProblem:
    """A mesh with its compiled forms and its heat operator: set up once, solved for any conductivities.

    Raises MissingLibrary where dolfinx is not installed and NotConverged where the linear solver stops early.
    """

    def __init__(
        self, mesh: Mesh, thermal_conductivities: dict[str, float], *, degree: int = 2, tolerance: float = 1e-12
    ) -> None:
        from device_physics import _dolfinx as door
        from device_physics._forms import Forms

        self.mesh, self.tolerance, self._door = mesh, tolerance, door
        self.domain = door.Domain(mesh.points, mesh.tets, mesh.region)
        self.space = self.domain.space(degree)
        self.forms = Forms(self.domain, self.space, mesh.regions["dome"])
        height = float(mesh.points[:, 2].max())
        bottom = self.domain.boundary_dofs(self.space, lambda x: x[2] < 1e-6 * height)
        top = self.domain.boundary_dofs(self.space, lambda x: x[2] > (1 - 1e-6) * height)
        self._dofs = np.concatenate([bottom, top])
        self._is_top = np.concatenate([np.zeros(len(bottom)), np.ones(len(top))])
        self.forms.fill(self.forms.conductivity, self._tagged(thermal_conductivities))
        self._heat = door.Operator(door.matrix(self.forms.stiffness), self.space, self._dofs, tolerance)

    def _tagged(self, by_name: dict[str, float]) -> dict[int, float]:
        return {tag: by_name[name] for name, tag in self.mesh.regions.items()}

    def unit(self, electrical_conductivities: dict[str, float]) -> UnitSolution:
        """Solve at 1 V for conductivities by region name [S/m]."""
        door, forms, domain = self._door, self.forms, self.domain
        forms.fill(forms.conductivity, self._tagged(electrical_conductivities))
        operator = door.Operator(door.matrix(forms.stiffness), self.space, self._dofs, self.tolerance)
        potential = operator.solve(self._is_top)
        door.assign(forms.V, potential)
        into = operator.reaction(potential)
        top, bottom = domain.sum(float(into @ self._is_top)), domain.sum(float(into @ (1 - self._is_top)))
        joule = door.scalar(domain, forms.joule)  # at 1 V the power is the conductance
        load = door.vector(forms.heat_source)
        rise = self._heat.solve(np.zeros(len(self._dofs)), load)
        door.assign(forms.T, rise)
        out = -domain.sum(float(self._heat.reaction(rise, load).sum()))
        volume = door.scalar(domain, forms.dome_volume)
        whole = self.mesh.symmetry * joule
        balances = Balances(
            current=abs(top + bottom) / joule,
            power=abs(joule - top) / joule,
            heat=abs(out - joule) / joule,
            surface_flux=abs(door.scalar(domain, forms.bottom_flux) - joule) / joule,
        )
        local_max = float(rise.array[forms.dome_dofs].max()) if len(forms.dome_dofs) else 0.0
        door.release(operator, potential, load, rise)
        return UnitSolution(
            conductance_S=whole,
            E_per_V=door.scalar(domain, forms.dome_field) / volume,
            dT_per_W=door.scalar(domain, forms.dome_rise) / volume / whole,
            dT_max_per_W=domain.max(local_max) / whole,
            balances=balances,
        )

    def fields(self, bias_V: float, ambient_K: float) -> Fields:
        """Return the fields of the last unit solution at a bias, for pictures and files."""
        cells, types, points = self._door.plot_cells(self.space)
        count = len(cells)
        V, dT = np.array(self.forms.V.x.array), np.array(self.forms.T.x.array)
        vectors = [self._door.vector(f) for f in (self.forms.cell_size, self.forms.cell_field, self.forms.cell_power)]
        size, field, power = (np.array(v.array[:count]) for v in vectors)
        self._door.release(*vectors)
        region = self.domain.region[:count]
        return Fields(
            points=points,
            cells=cells,
            cell_types=types,
            V=bias_V * V,
            T=ambient_K + bias_V**2 * dT,
            region=region,
            E_mean=abs(bias_V) * field / size,
            power=bias_V**2 * power / size,
            regions=self.mesh.regions,
        )


def check_bias(bias_V: float) -> float:
    """Return the bias [V], or raise InputError where it is not finite or beyond any sensible one."""
    if not np.isfinite(bias_V) or abs(bias_V) > BIAS_MAX_V:
        raise InputError(
            f"bias_V={bias_V!r} is not allowed: expected a finite number within -{BIAS_MAX_V:g}..{BIAS_MAX_V:g} V. "
            "Did you give millivolts?"
        )
    return float(bias_V)


def solve(device: Device | Stack | None = None, bias_V: float = 0.2) -> Solution:
    """Solve a device at one bias [V] on its top electrode (bottom grounded, both outer faces at ambient).

    Raises InputError, MissingLibrary (no dolfinx or gmsh) or NotConverged.
    """
    bias_V = check_bias(bias_V)
    device = Device.of(device)
    start = time.perf_counter()
    mesh = build_mesh(device.stack, device.mesh)
    problem = ElectrothermalProblem(
        mesh, device.thermal_conductivities(), degree=device.solver.degree, tolerance=device.solver.tolerance
    )
    unit = problem.unit(device.electrical_conductivities())
    return at_bias(problem, unit, device, bias_V, time.perf_counter() - start)


def at_bias(
    problem: ElectrothermalProblem, unit: UnitSolution, device: Device, bias_V: float, seconds: float
) -> Solution:
    """Scale a unit solution to a bias [V]: V linearly, temperature rise and power with the square."""
    power, ambient = bias_V**2 * unit.conductance_S, device.stack.ambient_K
    dome = DomeState(
        T_mean_K=ambient + unit.dT_per_W * power,
        T_max_K=ambient + unit.dT_max_per_W * power,
        E_mean_V_per_m=abs(bias_V) * unit.E_per_V,
    )
    record = provenance(
        "reram solve",
        device=device.model_dump(),
        device_hash=device.content_hash(),
        bias_V=bias_V,
        substituted=device.substituted(),
    )
    return Solution(
        bias_V=bias_V,
        current_A=bias_V * unit.conductance_S,
        conductance_S=unit.conductance_S,
        resistance_ohm=1.0 / unit.conductance_S,
        power_W=power,
        dome=dome,
        r_th_K_per_W=unit.dT_per_W,
        balances=unit.balances,
        dofs=problem._door.global_size(problem.space),
        cells=problem.domain.cells,
        seconds=seconds,
        provenance=record,
        fields=problem.fields(bias_V, ambient),
    )
