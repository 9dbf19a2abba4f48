"""The self-consistent device at one bias: conductivities that follow the local field and temperature, solved by Newton.

sigma(E, T) from the hopping law where a material has one, metallic sigma(T), k(T) and Wiedemann-Franz elsewhere.
Newton in V and T together with the exact Jacobian, damped. Source: docs/physics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.device import Device
from device_physics.laws import LORENZ_W_ohm_per_K2
from device_physics.materials import HoppingLaw
from device_physics.solution import Balances, DomeState, Fields, Solution
from ground.errors import NotConverged
from ground.provenance import provenance
from meshes.build import build_mesh

Array = NDArray[np.float64]
NEWTON_MAX = 25
TOLERANCE = 1e-6  # of the residual, relative to current and power
_NO_HOPPING = HoppingLaw(trap_density_m3=1e24, barrier_eV=0.0, hop_distance_m=1e-9)


@dataclass(frozen=True)
class State:
    """A converged point: bias [V], potential [V] and temperature rise [K] on the owned dofs."""

    bias_V: float
    V: Array
    theta: Array


class SelfConsistentProblem:
    """A device with its mesh, compiled forms and constant blocks: set up once, continued over the biases."""

    def __init__(self, device: Device) -> None:
        from device_physics import _blocks, _dolfinx
        from device_physics._hopping_forms import HoppingForms
        from device_physics.boundaries import Boundaries

        self.device, self._door = device, _dolfinx
        self.mesh = build_mesh(device.stack, device.mesh)
        self.domain = _dolfinx.Domain(self.mesh.points, self.mesh.cells, self.mesh.region)
        self.space = self.domain.space(device.solver.degree)
        self._dome_tags = [self.mesh.regions[d] for d in self.mesh.domes]
        materials = {self.mesh.regions[r]: m for r, m in device.region_materials().items()}
        nonlinear = np.isin(self.domain.region, [t for t, m in materials.items() if not m.is_linear])
        self.forms = HoppingForms(self.domain, self.space, nonlinear, self._dome_tags)
        self.forms.ambient_K.value = device.stack.ambient_K
        self._fill(materials)
        bounds = Boundaries.of(self.domain, self.space, self.mesh)
        self._contacts, self._is_top, self._outer = bounds.contacts, bounds.is_top, bounds.outer
        self._linear_VV, self._linear_TT = _dolfinx.matrix(self.forms.linear_VV), _dolfinx.matrix(self.forms.linear_TT)
        keep = (
            self._linear_VV.copy(),
            _dolfinx.matrix(self.forms.VT),
            _dolfinx.matrix(self.forms.TV),
            self._linear_TT.copy(),
        )
        self._matrices = [list(keep[:2]), list(keep[2:])]
        self._system = _blocks.BlockSystem(self._matrices, self.space, (self._contacts, self._outer))
        self.newton_steps = 0

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

    def _set(self, state: State) -> None:
        for function, values in ((self.forms.V, state.V), (self.forms.theta, state.theta)):
            function.x.array[: len(values)] = values
            function.x.scatter_forward()

    def _residual(self, state: State) -> list[Any]:
        """Residual vectors of current and heat at a state: consistent fluxes on prescribed dofs, zero elsewhere at a solution."""
        door = self._door
        self._set(state)
        out = []
        for form, linear, values in (
            (self.forms.current, self._linear_VV, state.V),
            (self.forms.heat, self._linear_TT, state.theta),
        ):
            vector = door.vector(form)
            owned, product = linear.createVecs()
            owned.array[:] = values
            linear.mult(owned, product)
            vector.axpy(1.0, product)
            door.release(owned, product)
            out.append(vector)
        return out

    def _sizes(self, residual: list[Any], state: State) -> tuple[float, float]:
        """Residuals of current and heat relative to the current and the power that cross the boundary."""
        sizes = []
        for vector, held in zip(residual, (self._contacts, self._outer), strict=True):
            values = np.array(vector.array)
            through = 0.5 * self.domain.sum(float(np.sum(np.abs(values[held]))))
            values[held] = 0.0
            with np.errstate(over="ignore"):  # a guess far off may be anything; it is then refused as not finite
                inside = np.sqrt(self.domain.sum(float(np.sum(values**2))))
            sizes.append(inside / max(through, 1e-300))
        return sizes[0], sizes[1]

    def best(self, guesses: list[State]) -> State:
        """Return the guess with the smallest residual: a residual costs a tenth of a Newton step."""
        if len(guesses) == 1:
            return guesses[0]
        sizes = []
        for guess in guesses:
            residual = self._residual(guess)
            sizes.append(max(self._sizes(residual, guess)))
            self._door.release(*residual)
        return guesses[int(np.nanargmin(sizes))]

    def newton(self, guess: State) -> State:
        """Return the solution at the bias of `guess`; raises NotConverged."""
        state = State(guess.bias_V, guess.V.copy(), guess.theta.copy())
        state.V[self._contacts] = guess.bias_V * self._is_top
        state.theta[self._outer] = 0.0
        residual = self._residual(state)
        size = max(self._sizes(residual, state))
        for _ in range(NEWTON_MAX):
            if size < TOLERANCE:
                self._door.release(*residual)
                return state
            blocks = self._jacobian()
            for part in (blocks[1][0], blocks[1][1], residual[1]):  # watts over volts: both residuals are then currents
                part.scale(1.0 / abs(state.bias_V))
            update = self._system.solve(blocks, residual, tolerance=min(1e-2, 0.1 * size))
            self._door.release(*residual)
            self.newton_steps += 1
            state, residual, size = self._damped(state, update, size)
        self._door.release(*residual)
        raise NotConverged(f"Newton did not converge at {guess.bias_V:g} V (residual {size:.1e}).")

    def _damped(self, state: State, update: tuple[Array, Array], size: float) -> tuple[State, list[Any], float]:
        """Take the Newton update, or as much of it as does not make things much worse; raises NotConverged."""
        for share in (1.0, 0.5, 0.25, 0.125, 0.0625):
            trial = State(state.bias_V, state.V - share * update[0], state.theta - share * update[1])
            coldest = -self.domain.max(float(np.max(-trial.theta, initial=0.0)))
            if coldest < -0.5 * self.device.stack.ambient_K:
                continue
            residual = self._residual(trial)
            after = max(self._sizes(residual, trial))
            if np.isfinite(after) and after < 2.0 * size:
                return trial, residual, after
            self._door.release(*residual)
        raise NotConverged(
            f"Newton did not converge at {state.bias_V:g} V: no step makes the residual ({size:.1e}) smaller."
        )

    def _jacobian(self) -> list[list[Any]]:
        """Assemble the four blocks at the state last set, into matrices that are kept."""
        door, forms = self._door, self.forms
        door.copy_matrix(self._linear_VV, self._matrices[0][0])
        door.copy_matrix(self._linear_TT, self._matrices[1][1])
        for form, row, column in ((forms.VT, 0, 1), (forms.TV, 1, 0)):
            self._matrices[row][column].zeroEntries()
            door.add_matrix(self._matrices[row][column], form)
        door.add_matrix(self._matrices[0][0], forms.VV)
        door.add_matrix(self._matrices[1][1], forms.TT)
        return self._matrices

    def zero(self) -> State:
        """The device at no bias."""
        size = self._door.owned(self.space)
        return State(0.0, np.zeros(size), np.zeros(size))

    def solution(self, state: State, seconds: float) -> Solution:
        """Return scalars, balances and fields of a state."""
        door, forms, domain = self._door, self.forms, self.domain
        residual = self._residual(state)
        top, bottom = (
            domain.sum(float(residual[0].array[self._contacts] @ side)) for side in (self._is_top, 1 - self._is_top)
        )
        heat = -domain.sum(float(residual[1].array[self._outer].sum()))
        joule = door.scalar(domain, forms.joule)
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
        record = provenance(
            "reram solve",
            device=self.device.model_dump(mode="json"),
            device_hash=self.device.content_hash(),
            bias_V=V,
            substituted=self.device.substituted(),
            newton_steps=self.newton_steps,
        )
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
        self._system.release()
        self._door.release(self._linear_VV, self._linear_TT)

    def _dome(self, state: State) -> DomeState:
        """Averages and maximum in the domes at the state last set; None where there is no dome."""
        if not self._dome_tags:
            return DomeState(None, None, None)
        door, forms, domain = self._door, self.forms, self.domain
        volume = door.scalar(domain, forms.dome_volume)
        inside = door.dofs_of_cells(self.space, domain, np.isin(domain.region, self._dome_tags))
        hottest = domain.max(float(state.theta[inside].max()) if len(inside) else 0.0)
        ambient = self.device.stack.ambient_K
        mean = ambient + door.scalar(domain, forms.dome_rise) / volume
        return DomeState(mean, ambient + hottest, door.scalar(domain, forms.dome_field) / volume)

    def _fields(self, state: State) -> Fields:
        cells, types, points = self._door.plot_cells(self.space)
        vectors = [self._door.vector(f) for f in (self.forms.cell_size, self.forms.cell_field, self.forms.cell_power)]
        size, field, power = (np.array(v.array[: len(cells)]) for v in vectors)
        self._door.release(*vectors)
        if self.domain.dim == 2:  # (r, z, 0): drawn as the half-section y = 0
            points = points[:, [0, 2, 1]]
        V, theta = np.array(self.forms.V.x.array), np.array(self.forms.theta.x.array)
        return Fields(
            points=points,
            cells=cells,
            cell_types=types,
            V=V,
            T=self.device.stack.ambient_K + theta,
            region=self.domain.region[: len(cells)],
            E_mean=field / size,
            power=power / size,
            regions=self.mesh.regions,
        )
