"""Current continuity and heat in the stack: div(sigma grad V) = 0, -div(k grad T) = sigma |grad V|^2.

With constant conductivities V is linear in the bias and the temperature rise linear in the power, so one unit solution
(1 V) serves every bias. Source: arXiv:2502.04524, eqs. (4) and (5).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from device_physics.device import Device
from device_physics.fem_record import fem_record
from device_physics.interfaces import Interfaces
from device_physics.solution import Balances, DomeState, Fields, Solution
from ground.errors import InputError
from meshes.build import build_mesh
from meshes.mesh import Mesh
from meshes.stack import Stack

BIAS_MAX_V = 20.0


@dataclass(frozen=True)
class UnitSolution:
    """The device at 1 V: whole-device conductance, dome averages, balances. The fields stay in the problem.

    E_per_V : mean |E| in the dome over V [1/m].  dT_per_W, dT_max_per_W : mean and maximum rise in the dome over P [K/W].
    Over all domes together; None where there is none.  domes : the same three for each dome by its region's name.
    """

    conductance_S: float
    E_per_V: float | None
    dT_per_W: float | None
    dT_max_per_W: float | None
    balances: Balances
    domes: dict[str, tuple[float, float, float]] = field(default_factory=dict)


class ElectrothermalProblem:
    """A mesh with its compiled forms and its heat operator: set up once, solved for any conductivities.

    One matrix serves both equations in turn; from the second solution on there are two, and the heat operator stays.
    Raises MissingLibrary where dolfinx is not installed and NotConverged where the linear solver stops early.
    """

    def __init__(
        self,
        mesh: Mesh,
        thermal_conductivities: dict[str, float],
        *,
        degree: int = 2,
        tolerance: float = 1e-12,
        interfaces: Interfaces | None = None,
    ) -> None:
        from device_physics import _dolfinx as door
        from device_physics._forms import Forms
        from device_physics._operator import Operator
        from device_physics._split import nodes
        from device_physics.boundaries import Boundaries

        self.mesh, self.tolerance, self._door = mesh, tolerance, door
        self.domain = door.Domain(mesh.points, mesh.cells, mesh.region)
        self.space = self.domain.space(degree)
        held = Boundaries.of(self.domain, self.space, mesh)
        self.forms = Forms(self.domain, self.space, [mesh.regions[d] for d in mesh.domes], held.inner_bottom_m)
        self._dofs, self._is_top, self._outer = held.contacts, held.is_top, held.outer
        self._thermal = self._tagged(thermal_conductivities)
        self._nodes = nodes(self.domain, self.space, mesh, interfaces)
        self._operator = Operator
        self._heat: Operator | None = None
        self._matrices: list[Any] = []

    def _tagged(self, by_name: dict[str, float]) -> dict[int, float]:
        return {tag: by_name[name] for name, tag in self.mesh.regions.items()}

    def unit(self, electrical_conductivities: dict[str, float]) -> UnitSolution:
        """Solve at 1 V for conductivities by region name [S/m]."""
        door, forms, domain = self._door, self.forms, self.domain
        electrical = self._tagged(electrical_conductivities)
        forms.fill(forms.conductivity, electrical)
        operator = self._operator(self._electric_matrix(), self.space, self._dofs, self.tolerance)
        potential = operator.solve(self._is_top)
        door.assign(forms.V, potential)
        into = operator.reaction(potential)
        door.release(operator)
        top, bottom = domain.sum(float(into @ self._is_top)), domain.sum(float(into @ (1 - self._is_top)))
        joule = door.scalar(domain, forms.joule)  # at 1 V the power is the conductance
        heat = self._heat or self._heat_operator()
        load = self._nodes.gathered(self._of_every_view(electrical, door.vector, forms.heat_source))
        forms.fill(forms.conductivity, electrical)
        rise = heat.solve(np.zeros(len(self._outer)), load)
        self._rises = [self._nodes.seen(rise.array, view) for view in self._nodes.views]
        out = -domain.sum(float(heat.reaction(rise, load).sum()))
        whole = self.mesh.symmetry * joule
        balances = Balances(
            current=abs(top + bottom) / joule,
            power=abs(joule - top) / joule,
            heat=abs(out - joule) / joule,
            surface_flux=abs(door.scalar(domain, forms.bottom_flux) - joule) / joule,
        )
        averages = self._dome_averages(whole)
        door.release(potential, load, rise)
        E, mean, hottest = averages.pop("", (None, None, None))
        return UnitSolution(whole, E, mean, hottest, balances, averages)

    def _electric_matrix(self) -> Any:
        """Assemble the matrix of the conductivity filled in, into one that the heat operator does not use."""
        door, form = self._door, self.forms.stiffness
        if not self._matrices:
            self._matrices.append(door.matrix(form))
            return self._matrices[0]
        if self._heat is not None and self._heat.matrix is self._matrices[-1]:
            self._matrices.append(self._heat.matrix.duplicate())
        return door.refill(self._matrices[-1], form)

    def _heat_operator(self) -> Any:
        """Make the heat operator: in the first matrix where the temperature is continuous, else in one of its own."""
        door, at, form = self._door, self._nodes, self.forms.stiffness
        if at.space is not None:
            self.forms.fill(self.forms.conductivity, self._thermal)
            matrix = door.refill(self._matrices[0], form)
        else:
            matrix = at.with_crossing(self._of_every_view(self._thermal, door.matrix, form))
        self._heat = self._operator(matrix, at.space, self._outer, self.tolerance)
        return self._heat

    def _of_every_view(self, conductivity: dict[int, float], assemble: Callable[[Any], Any], form: Any) -> list[Any]:
        """Assemble a form over the cells of every view of the temperature."""
        out = []
        for view in self._nodes.views:
            self.forms.fill(self.forms.conductivity, conductivity)
            self.forms.conductivity.x.array[~view.cells] = 0.0
            out.append(assemble(form))
        return out

    def _dome_averages(self, power: float) -> dict[str, tuple[float, float, float]]:
        """(E_per_V, dT_per_W, dT_max_per_W) of every dome by name, and of all together under ""; empty without domes."""
        door, forms, domain, regions = self._door, self.forms, self.domain, self.mesh.regions
        chosen = {name: [regions[name]] for name in self.mesh.domes}
        if chosen:
            chosen[""] = [regions[name] for name in self.mesh.domes]
        out = {}
        for name, tags in chosen.items():
            forms.select(tags)
            volume, field = door.scalar(domain, forms.dome_volume), door.scalar(domain, forms.dome_field)
            total, hottest = 0.0, 0.0
            for rise, view in zip(self._rises, self._nodes.views, strict=True):
                forms.select(tags, view.cells)
                door.assign(forms.T, rise)
                total += door.scalar(domain, forms.dome_rise)
                hottest = max(hottest, float(rise[forms.dome_dofs].max(initial=0.0)))
            out[name] = (field / volume, total / volume / power, domain.max(hottest) / power)
        return out

    def release(self) -> None:
        """Free the operators (PETSc memory is not collected by itself); the fields stay usable."""
        heat = self._heat
        if heat and heat.matrix not in self._matrices:
            self._matrices.append(heat.matrix)
        self._door.release(*self._matrices, self._nodes, *([heat] if heat else []))
        self._matrices, self._heat = [], None

    def fields(self, bias_V: float, ambient_K: float) -> Fields:
        """Return the fields of the last unit solution at a bias, for pictures and files."""
        from device_physics.whole_fields import whole_fields

        forms, vector = self.forms, self._door.vector
        V = np.array(forms.V.x.array)
        unit = whole_fields(
            self.domain,
            self.space,
            self.mesh,
            V=bias_V * V,
            T=[(view.cells, ambient_K + bias_V**2 * r) for view, r in zip(self._nodes.views, self._rises, strict=True)],
            size=vector(forms.cell_size),
            E=vector(forms.cell_field),
            J=vector(forms.cell_current),
            power=vector(forms.cell_power),
        )
        E, J = abs(bias_V) * unit.E_mean, abs(bias_V) * unit.J_mean
        return replace(unit, E_mean=E, J_mean=J, power=bias_V**2 * unit.power)


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

    A device whose conductivities depend on field or temperature is solved self-consistently, continued from 0 V.
    Raises InputError, MissingLibrary (no dolfinx or gmsh) or NotConverged.
    """
    bias_V = check_bias(bias_V)
    device = Device.of(device)
    if not device.is_linear:
        from device_physics.selfconsistent import bias_sweep

        return bias_sweep(device, [bias_V])[0]
    start = time.perf_counter()
    mesh = build_mesh(device.stack, device.mesh)
    problem = ElectrothermalProblem(
        mesh,
        device.thermal_conductivities(),
        degree=device.solver.degree,
        tolerance=device.solver.tolerance,
        interfaces=device.boundary_resistances(),
    )
    unit = problem.unit(device.electrical_conductivities())
    problem.release()  # before the fields are collected, which on a large mesh are large, too
    return at_bias(problem, unit, device, bias_V, time.perf_counter() - start)


def at_bias(
    problem: ElectrothermalProblem, unit: UnitSolution, device: Device, bias_V: float, seconds: float
) -> Solution:
    """Scale a unit solution to a bias [V]: V linearly, temperature rise and power with the square."""
    power, ambient = bias_V**2 * unit.conductance_S, device.stack.ambient_K
    domes = {name: _dome_at(values, power, ambient, bias_V) for name, values in unit.domes.items()}
    dome = _dome_at((unit.E_per_V, unit.dT_per_W, unit.dT_max_per_W), power, ambient, bias_V)
    record = fem_record("reram solve", device, bias_V=bias_V)
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
        domes=domes,
    )


def _dome_at(unit: tuple[float | None, ...], power_W: float, ambient_K: float, bias_V: float) -> DomeState:
    """Scale (E_per_V, dT_per_W, dT_max_per_W) to a bias; Nones where there is no dome."""
    E, mean, hottest = unit
    if E is None or mean is None or hottest is None:
        return DomeState(None, None, None)
    return DomeState(ambient_K + mean * power_W, ambient_K + hottest * power_W, abs(bias_V) * E)
