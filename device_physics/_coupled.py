"""Newton in V and the temperature rise together, with the exact Jacobian, damped: converges where turns stall. Needs dolfinx.

Slower than turns by the two coupling blocks and a Krylov method for matrices that are not symmetric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from device_physics import _dolfinx as door
from device_physics._blocks import BlockSystem
from device_physics.selfconsistent_problem import CURRENT, HEAT, State
from ground.errors import NotConverged

if TYPE_CHECKING:
    from device_physics.selfconsistent_problem import SelfConsistentProblem

STEPS_MAX = 25


class CoupledNewton:
    """The Jacobian of a self-consistent problem in four blocks, and its solver. sizes : residual after every step of the last solve."""

    def __init__(self, problem: SelfConsistentProblem) -> None:
        self._problem, forms = problem, problem.forms
        linear = problem.linear
        self._blocks = [[linear[0].copy(), door.matrix(forms.VT)], [door.matrix(forms.TV), linear[1].copy()]]
        self._system = BlockSystem(self._blocks, problem.space, problem.held)
        self.sizes: list[float] = []

    def solve(self, guess: State, tolerance: float) -> State:
        """Return the solution at the bias of `guess`; raises NotConverged."""
        state = guess
        residual, size = self._residual(state)
        self.sizes = [size]
        for _ in range(STEPS_MAX):
            if size < tolerance:
                door.release(*residual)
                return state
            blocks = self._jacobian(state)
            for part in (blocks[1][0], blocks[1][1], residual[1]):  # watts over volts: both residuals are then currents
                part.scale(1.0 / abs(state.bias_V))
            dV, d_theta = self._system.solve(blocks, residual, tolerance=min(1e-2, 0.1 * size))
            door.release(*residual)
            state, residual, size = self._damped(state, State(state.bias_V, dV, d_theta), size)
            self.sizes.append(size)
            self._problem.newton_steps += 1
        door.release(*residual)
        raise NotConverged(f"Newton did not converge at {guess.bias_V:g} V (residual {size:.1e}).")

    def _residual(self, state: State) -> tuple[list[Any], float]:
        both = [self._problem.residual(state, which) for which in (CURRENT, HEAT)]
        return both, max(self._problem.size(vector, which) for which, vector in enumerate(both))

    def _damped(self, state: State, update: State, size: float) -> tuple[State, list[Any], float]:
        """Take the Newton update, or as much of it as does not make things much worse; raises NotConverged."""
        problem = self._problem
        for share in (1.0, 0.5, 0.25, 0.125, 0.0625):
            trial = state.moved(update, share)
            coldest = -problem.domain.max(float(np.max(-trial.theta, initial=0.0)))
            if coldest < -0.5 * problem.device.stack.ambient_K:
                continue
            residual, after = self._residual(trial)
            if np.isfinite(after) and after < 2.0 * size:
                return trial, residual, after
            door.release(*residual)
        raise NotConverged(
            f"Newton did not converge at {state.bias_V:g} V: no step makes the residual ({size:.1e}) smaller."
        )

    def _jacobian(self, state: State) -> list[list[Any]]:
        """Assemble the four blocks at a state, into matrices that are kept."""
        problem, forms, blocks = self._problem, self._problem.forms, self._blocks
        problem.set(state)
        for which, form in enumerate((forms.VV, forms.TT)):
            door.copy_matrix(problem.linear[which], blocks[which][which])
            door.add_matrix(blocks[which][which], form)
        door.refill(blocks[0][1], forms.VT)
        door.refill(blocks[1][0], forms.TV)
        return blocks

    def destroy(self) -> None:
        """Free the blocks."""
        self._system.release()
