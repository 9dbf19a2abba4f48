"""Current and heat solved in turn: a Newton step for V, then a linear step for the temperature rise. Needs dolfinx's PETSc.

The turns contract by what the heating does to the current; where that is nearly as much as the current does to the heating
(thermal runaway) they stall, and the coupled Newton takes over. What each turn needs is kept while it serves: the Jacobian of
the current as long as it makes the residual ten times smaller, the heat operator for good where k is constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from device_physics import _dolfinx as door
from device_physics._operator import Operator
from device_physics.selfconsistent_problem import CURRENT, HEAT, State

if TYPE_CHECKING:
    from device_physics.selfconsistent_problem import SelfConsistentProblem

TURNS_MAX = 20
_GOOD = 0.1  # a turn that leaves no more than this of the residual was made with a good enough Jacobian
_LINEAR = 1e-2  # of each linear solve: more would be lost in the next turn
_SLOW = 0.3  # a turn with a new Jacobian that leaves more than this is held up by the heating
_FAR = 1e-2  # residuals from which on a Newton step is not trusted
_OVERSHOT, _SHARE_MIN = 0.5, 1e-3


class Alternating:
    """The two operators of a self-consistent problem, set up once and kept over the biases."""

    def __init__(self, problem: SelfConsistentProblem, constant_k: bool) -> None:
        self._problem, self._constant_k = problem, constant_k
        self._electric: Operator | None = None
        self._heat: Operator | None = None

    def solve(self, guess: State, tolerance: float) -> tuple[State, bool]:
        """Return the solution at the bias of `guess` and True; where turns do not contract, how far they came and False."""
        problem, state, last, fresh = self._problem, guess, np.inf, False
        for _ in range(TURNS_MAX):
            current = problem.residual(state, CURRENT)
            size = problem.size(current, CURRENT)
            done = size < tolerance and self._heat_size(state) < tolerance
            stalled = not np.isfinite(size) or (fresh and _SLOW * last < size < _FAR)
            if not (done or stalled):
                fresh = size > _GOOD * last or last == np.inf
                if fresh:
                    self._renew(state)
                state = self._turn(state, current, size, tolerance)
            door.release(current)
            if done or stalled:
                return (state if np.isfinite(size) else guess), done
            last = size
        return guess, False

    def _heat_size(self, state: State) -> float:
        heat = self._problem.residual(state, HEAT)
        size = self._problem.size(heat, HEAT)
        door.release(heat)
        return size

    def _turn(self, state: State, current: Any, size: float, tolerance: float) -> State:
        """The next state: V from the current, then the temperature from the heat that V makes."""
        assert self._electric is not None
        assert self._heat is not None
        problem, rtol = self._problem, max(_LINEAR, min(_GOOD, 0.3 * tolerance / size))
        problem.newton_steps += 1
        step = State(state.bias_V, self._electric.correction(current, rtol), np.zeros_like(state.theta))
        state = state.moved(step, self._share(state, step, current) if size > _FAR else 1.0)
        heat = problem.residual(state, HEAT)
        step = State(state.bias_V, np.zeros_like(state.V), self._heat.correction(heat, rtol))
        door.release(heat)
        return state.moved(step, 1.0)

    def _share(self, state: State, step: State, current: Any) -> float:
        """How much of a Newton step in V to take.

        At a given temperature the current is the gradient of an energy that is convex in V, since J rises with E. Its slope
        along the step tells whether the step goes far beyond the minimum, as it does where sinh(E) leaves its linear part.
        """
        problem, share = self._problem, 1.0
        slope = problem.domain.sum(float(current.array @ step.V))
        while share > _SHARE_MIN:
            trial = problem.residual(state.moved(step, share), CURRENT)
            with np.errstate(invalid="ignore", over="ignore"):
                after = problem.domain.sum(float(trial.array @ step.V))
            door.release(trial)
            if after > -_OVERSHOT * slope:
                break
            share *= 0.5
        return share

    def _renew(self, state: State) -> None:
        """Assemble both operators at a state, the heat operator only where it changes."""
        problem, forms = self._problem, self._problem.forms
        problem.set(state)
        self._electric = problem.operator(CURRENT, forms.VV, self._electric)
        if self._heat is None or not self._constant_k:
            self._heat = problem.operator(HEAT, forms.conduction, self._heat)

    def destroy(self) -> None:
        """Free both operators with their matrices."""
        for operator in (self._electric, self._heat):
            if operator is not None:
                door.release(operator, operator.matrix)
