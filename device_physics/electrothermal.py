"""Current continuity and heat in the stack: div(sigma grad V) = 0, -div(k grad T) = sigma |grad V|^2.

With constant conductivities V is linear in the bias and the temperature rise linear in the power, so one unit solution
(1 V) serves every bias. Source: arXiv:2502.04524, eqs. (4) and (5).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from device_physics.device import Device
from device_physics.solution import Array, Balances, DomeState, Fields, Solution
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

    Raises MissingLibrary where dolfinx is not installed and NotConverged where the linear solver stops early.
    """

    def __init__(
        self, mesh: Mesh, thermal_conductivities: dict[str, float], *, degree: int = 2, tolerance: float = 1e-12
    ) -> None:
        from device_physics import _dolfinx as door
        from device_physics._forms import Forms
        from device_physics.boundaries import Boundaries

        self.mesh, self.tolerance, self._door = mesh, tolerance, door
        self.domain = door.Domain(mesh.points, mesh.cells, mesh.region)
        self.space = self.domain.space(degree)
        held = Boundaries.of(self.domain, self.space, mesh)
        self.forms = Forms(self.domain, self.space, [mesh.regions[d] for d in mesh.domes], held.inner_bottom_m)
        self._dofs, self._is_top, self._outer = held.contacts, held.is_top, held.outer
        self.forms.fill(self.forms.conductivity, self._tagged(thermal_conductivities))
        self._heat = door.Operator(door.matrix(self.forms.stiffness), self.space, self._outer, tolerance)

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
        rise = self._heat.solve(np.zeros(len(self._outer)), load)
        door.assign(forms.T, rise)
        out = -domain.sum(float(self._heat.reaction(rise, load).sum()))
        whole = self.mesh.symmetry * joule
        balances = Balances(
            current=abs(top + bottom) / joule,
            power=abs(joule - top) / joule,
            heat=abs(out - joule) / joule,
            surface_flux=abs(door.scalar(domain, forms.bottom_flux) - joule) / joule,
        )
        averages = self._dome_averages(rise.array, whole)
        door.release(operator, potential, load, rise)
        E, mean, hottest = averages.pop("", (None, None, None))
        return UnitSolution(whole, E, mean, hottest, balances, averages)

    def _dome_averages(self, rise: Array, power: float) -> dict[str, tuple[float, float, float]]:
        """(E_per_V, dT_per_W, dT_max_per_W) of every dome by name, and of all together under ""; empty without domes."""
        door, forms, domain, regions = self._door, self.forms, self.domain, self.mesh.regions
        chosen = {name: [regions[name]] for name in self.mesh.domes}
        if chosen:
            chosen[""] = [regions[name] for name in self.mesh.domes]
        out = {}
        for name, tags in chosen.items():
            forms.select(tags)
            volume = door.scalar(domain, forms.dome_volume)
            local_max = float(rise[forms.dome_dofs].max()) if len(forms.dome_dofs) else 0.0
            out[name] = (
                door.scalar(domain, forms.dome_field) / volume,
                door.scalar(domain, forms.dome_rise) / volume / power,
                domain.max(local_max) / power,
            )
        return out

    def release(self) -> None:
        """Free the heat operator (PETSc memory is not collected by itself); the fields stay usable."""
        self._door.release(self._heat)

    def fields(self, bias_V: float, ambient_K: float) -> Fields:
        """Return the fields of the last unit solution at a bias, for pictures and files."""
        cells, types, points = self._door.plot_cells(self.space)
        if self.domain.dim == 2:  # (r, z, 0): drawn as the half-section y = 0
            points = points[:, [0, 2, 1]]
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
        mesh, device.thermal_conductivities(), degree=device.solver.degree, tolerance=device.solver.tolerance
    )
    unit = problem.unit(device.electrical_conductivities())
    solution = at_bias(problem, unit, device, bias_V, time.perf_counter() - start)
    problem.release()
    return solution


def at_bias(
    problem: ElectrothermalProblem, unit: UnitSolution, device: Device, bias_V: float, seconds: float
) -> Solution:
    """Scale a unit solution to a bias [V]: V linearly, temperature rise and power with the square."""
    power, ambient = bias_V**2 * unit.conductance_S, device.stack.ambient_K
    domes = {name: _dome_at(values, power, ambient, bias_V) for name, values in unit.domes.items()}
    dome = _dome_at((unit.E_per_V, unit.dT_per_W, unit.dT_max_per_W), power, ambient, bias_V)
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
        domes=domes,
    )


def _dome_at(unit: tuple[float | None, ...], power_W: float, ambient_K: float, bias_V: float) -> DomeState:
    """Scale (E_per_V, dT_per_W, dT_max_per_W) to a bias; Nones where there is no dome."""
    E, mean, hottest = unit
    if E is None or mean is None or hottest is None:
        return DomeState(None, None, None)
    return DomeState(ambient_K + mean * power_W, ambient_K + hottest * power_W, abs(bias_V) * E)
