"""The self-consistent device at one bias: conductivities that follow the local field and temperature.

sigma(E, T) from the hopping law where a material has one, metallic sigma(T), k(T) and Wiedemann-Franz elsewhere.
Current and heat are solved in turn, and together by Newton where turns stall. Source: docs/physics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from device_physics.device import Device
from device_physics.fem_record import fem_record
from device_physics.laws import LORENZ_W_ohm_per_K2
from device_physics.materials import HoppingLaw
from device_physics.solution import Balances, DomeState, Fields, Solution
from ground.errors import NotConverged
from meshes.build import build_mesh

if TYPE_CHECKING:
    from device_physics._coupled import CoupledNewton

Array = NDArray[np.float64]
TOLERANCE = 3e-8  # of the residual, relative to current and power
CURRENT, HEAT = 0, 1
_NO_HOPPING = HoppingLaw(trap_density_m3=1e24, barrier_eV=0.0, hop_distance_m=1e-9)


@dataclass(frozen=True)
class State:
    """A converged point: bias [V], potential [V] and temperature rise [K] on the owned dofs."""

    bias_V: float
    V: Array
    theta: Array

    def moved(self, update: State, share: float) -> State:
        """Return the state less a share of an update."""
        return State(self.bias_V, self.V - share * update.V, self.theta - share * update.theta)


class SelfConsistentProblem:
    """A device with its mesh, compiled forms and constant blocks: set up once, continued over the biases."""

    def __init__(self, device: Device) -> None:
        from device_physics import _dolfinx
        from device_physics._alternating import Alternating
        from device_physics._hopping_forms import HoppingForms
        from device_physics._split import nodes
        from device_physics.boundaries import Boundaries

        self.device, self._door = device, _dolfinx
        self.mesh = build_mesh(device.stack, device.mesh)
        self.domain = _dolfinx.Domain(self.mesh.points, self.mesh.cells, self.mesh.region)
        self.space = self.domain.space(device.solver.degree)
        self._dome_tags = [self.mesh.regions[d] for d in self.mesh.domes]
        materials = {self.mesh.regions[r]: m for r, m in device.region_materials().items()}
        nonlinear = np.isin(self.domain.region, [t for t, m in materials.items() if not m.is_linear])
        self.nodes = nodes(self.domain, self.space, self.mesh, device.boundary_resistances())
        self._theta = np.zeros(self.nodes.owned)
        parts = len(self.nodes.views) > 1
        self.forms = HoppingForms(self.domain, self.space, nonlinear, self._dome_tags, parts=parts)
        self.forms.ambient_K.value = device.stack.ambient_K
        self._fill(materials)
        bounds = Boundaries.of(self.domain, self.space, self.mesh)
        self._contacts, self._is_top, self._outer = bounds.contacts, bounds.is_top, bounds.outer
        self.held = bounds.contacts, bounds.outer
        heat = self.nodes.with_crossing(self._of_every_view(_dolfinx.matrix, self.forms.linear_TT))
        self.forms.look_at(np.ones_like(nonlinear))
        self.linear = [_dolfinx.matrix(self.forms.linear_VV), heat]
        varying = [m.thermal_exponent or m.wiedemann_franz for m in materials.values() if not m.is_linear]
        self._alternating: Alternating | None = Alternating(self, constant_k=not any(varying))
        self._newton: CoupledNewton | None = None
        self.newton_steps = 0  # so far, in V alone or in V and the temperature together

    def _fill(self, materials: dict[int, Any]) -> None:
        laws = {t: m.hopping or _NO_HOPPING for t, m in materials.items()}
        sigma = self.device.electrical_conductivities()
        values: dict[str, Callable[[int], float]] = {
            "alpha": lambda t: materials[t].resistance_coefficient_per_K,
            "k": lambda t: materials[t].thermal_conductivity_W_per_mK,
            "k_exponent": lambda t: materials[t].thermal_exponent,
            "lorenz": lambda t: LORENZ_W_ohm_per_K2 * materials[t].wiedemann_franz,
            "hopping": lambda t: float(materials[t].hopping is not None),
            "N": lambda t: laws[t].trap_density_m3,
            "a": lambda t: laws[t].hop_distance_m,
            "nu": lambda t: laws[t].attempt_Hz,
            "barrier": lambda t: laws[t].barrier_eV,
        }
        self.forms.fill("sigma", {self.mesh.regions[r]: s for r, s in sigma.items()})
        for name, of in values.items():
            self.forms.fill(name, {t: float(of(t)) for t in materials})

    def set(self, state: State) -> None:
        """Give the forms a state."""
        self._door.assign(self.forms.V, state.V)
        self._theta = state.theta
        self._look(self.nodes.views[0])

    def _look(self, view: Any) -> None:
        """Give the forms the temperature that a group of bodies sees, and only their cells."""
        self.forms.look_at(view.cells)
        self._door.assign(self.forms.theta, self.nodes.seen(self._theta, view))

    def _of_every_view(self, assemble: Callable[[Any], Any], form: Any) -> list[Any]:
        """Assemble a form over the cells of every view of the temperature, at the state last set."""
        out = []
        for view in self.nodes.views:
            self._look(view)
            out.append(assemble(form))
        return out

    def _vector(self, form: Any) -> Any:
        """Assemble a linear form over all cells, at the state last set."""
        total, *others = self._of_every_view(self._door.vector, form)
        for other in others:
            total.axpy(1.0, other)
        self._door.release(*others)
        return total

    def _scalar(self, form: Any) -> float:
        return float(sum(self._of_every_view(lambda f: self._door.scalar(self.domain, f), form)))

    def residual(self, state: State, which: int) -> Any:
        """Residual vector of CURRENT or HEAT at a state: consistent fluxes on prescribed dofs, zero elsewhere at a solution."""
        door, linear = self._door, self.linear[which]
        self.set(state)
        if which == CURRENT:
            vector = self._vector(self.forms.current)
        else:
            vector = self.nodes.gathered(self._of_every_view(door.vector, self.forms.heat))
        values, product = linear.createVecs()
        values.array[:] = (state.V, state.theta)[which]
        linear.mult(values, product)
        vector.axpy(1.0, product)
        door.release(values, product)
        return vector

    def size(self, residual: Any, which: int) -> float:
        """Residual of CURRENT or HEAT relative to the current or the power that crosses the boundary.

        The norm over the nodes inside, or what gets lost between them altogether where that is more.
        """
        values, held = np.array(residual.array), self.held[which]
        through = 0.5 * self.domain.sum(float(np.sum(np.abs(values[held]))))
        values[held] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # a state far off may give anything; it is then not finite
            inside = np.sqrt(self.domain.sum(float(np.sum(values**2))))
            lost = abs(self.domain.sum(float(np.sum(values))))
        return float(np.fmax(inside, lost) if np.isfinite(inside) else inside) / max(through, 1e-300)

    def operator(self, which: int, form: Any, old: Any = None) -> Any:
        """Return the operator of the linear cells and a bilinear form of the others at the state last set; an old one is reused."""
        from device_physics._operator import Operator

        door, split = self._door, which == HEAT and self.nodes.space is None
        if split and old:  # its sparsity is not that of the form: it is made anew
            door.release(old, old.matrix)
            old = None
        matrix = old.matrix if old else self.linear[which].duplicate()
        door.copy_matrix(self.linear[which], matrix)
        if split:
            door.add_matrices(matrix, self.nodes.joined(self._of_every_view(door.matrix, form)))
        else:
            self._of_every_view(lambda f: door.add_matrix(matrix, f), form)
        if old is None:
            space = None if split else self.space
            return Operator(matrix, space, self.held[which], self.device.solver.tolerance)
        old.renew()
        return old

    def solve(self, guess: State) -> State:
        """Return the solution at the bias of `guess`; raises NotConverged."""
        assert self._alternating is not None, "the problem has been released"
        state, converged = self._alternating.solve(self.on_boundary(guess), TOLERANCE)
        if not converged and self.nodes.space is None:
            raise NotConverged(
                f"at {guess.bias_V:g} V current and heat solved in turn do not settle; with [interfaces] they are not solved together."
            )
        return state if converged else self.newton.solve(state, TOLERANCE)

    @property
    def newton(self) -> CoupledNewton:
        """Newton in V and the temperature together, set up when first asked for."""
        from device_physics._coupled import CoupledNewton

        if self._newton is None:
            self._newton = CoupledNewton(self)
        return self._newton

    def on_boundary(self, guess: State) -> State:
        """Return a guess with its bias on the contacts and no temperature rise on the outer faces."""
        state = State(guess.bias_V, guess.V.copy(), guess.theta.copy())
        state.V[self._contacts] = guess.bias_V * self._is_top
        state.theta[self._outer] = 0.0
        return state

    def hottest_K(self, state: State) -> float:
        """Largest temperature rise of a state [K]."""
        return self.domain.max(float(np.max(state.theta, initial=0.0)))

    def distance(self, one: State, other: State) -> float:
        """How far two states of one bias are apart, relative to the second."""
        parts = []
        for a, b in ((one.V, other.V), (one.theta, other.theta)):
            away, long = (self.domain.sum(float(np.sum(x**2))) for x in (a - b, b))
            parts.append(np.sqrt(away / max(long, 1e-300)))
        return float(max(parts))

    def zero(self) -> State:
        """The device at no bias."""
        return State(0.0, np.zeros(self._door.owned(self.space)), np.zeros(self.nodes.owned))

    def solution(self, state: State, seconds: float) -> Solution:
        """Return scalars, balances and fields of a state."""
        door, forms, domain = self._door, self.forms, self.domain
        residual = [self.residual(state, which) for which in (CURRENT, HEAT)]
        top, bottom = (
            domain.sum(float(residual[0].array[self._contacts] @ side)) for side in (self._is_top, 1 - self._is_top)
        )
        heat = -domain.sum(float(residual[1].array[self._outer].sum()))
        joule = self._scalar(forms.joule)
        door.release(*residual)
        copies, ambient, V = self.mesh.symmetry, self.device.stack.ambient_K, state.bias_V
        current, power = copies * top, copies * joule
        size = max(joule, 1e-300)
        balances = Balances(
            current=abs(top + bottom) / max(abs(top), 1e-300),
            power=abs(joule - V * top) / size,
            heat=abs(heat - joule) / size,
            surface_flux=None,
        )
        dome = self._dome(state)
        rise = None if dome.T_mean_K is None else dome.T_mean_K - ambient
        conductance = current / V if V else float("nan")
        record = fem_record("reram solve", self.device, bias_V=V, newton_steps=self.newton_steps)
        return Solution(
            bias_V=V,
            current_A=current,
            conductance_S=conductance,
            resistance_ohm=1 / conductance,
            power_W=power,
            dome=dome,
            r_th_K_per_W=rise / power if power and rise is not None else None,
            balances=balances,
            dofs=2 * door.global_size(self.space),
            cells=domain.cells,
            seconds=seconds,
            provenance=record,
            fields=self._fields(state),
        )

    def release(self) -> None:
        """Free the matrices (PETSc memory is not collected by itself); solutions stay usable."""
        self._door.release(*self.linear, self.nodes, *(s for s in (self._alternating, self._newton) if s))
        self.linear, self._alternating, self._newton = [], None, None  # they hold this problem: no circle is left

    def _dome(self, state: State) -> DomeState:
        """Averages and maximum in the domes at the state last set; None where there is no dome."""
        if not self._dome_tags:
            return DomeState(None, None, None)
        door, forms, domain = self._door, self.forms, self.domain
        volume, hottest = self._scalar(forms.dome_volume), 0.0
        for view in self.nodes.views:
            inside = door.dofs_of_cells(self.space, domain, view.cells & np.isin(domain.region, self._dome_tags))
            hottest = max(hottest, float(self.nodes.seen(state.theta, view)[inside].max(initial=0.0)))
        ambient = self.device.stack.ambient_K
        mean = ambient + self._scalar(forms.dome_rise) / volume
        return DomeState(mean, ambient + domain.max(hottest), self._scalar(forms.dome_field) / volume)

    def _fields(self, state: State) -> Fields:
        from device_physics.whole_fields import whole_fields

        forms, vector, ambient = self.forms, self._vector, self.device.stack.ambient_K
        return whole_fields(
            self.domain,
            self.space,
            self.mesh,
            V=np.array(forms.V.x.array),
            T=[(view.cells, ambient + self.nodes.seen(state.theta, view)) for view in self.nodes.views],
            size=vector(forms.cell_size),
            E=vector(forms.cell_field),
            J=vector(forms.cell_current),
            power=vector(forms.cell_power),
        )
