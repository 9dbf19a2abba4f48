"""Steps in bias: from the last solutions to the next, halved where the solver does not converge.

Where it cannot go on, the last good point goes with the error.
"""

from __future__ import annotations

import math

import numpy as np

from device_physics.selfconsistent_problem import SelfConsistentProblem, State
from ground.errors import NotConverged

STEP_V, STEP_MIN_V = 0.1, 1e-3
TERMS_MAX = 6
KEPT = TERMS_MAX + 1  # states that the next guess is made from
LEAP = 5.0  # growth of the temperature rise over bias^2 in one step that is no longer taken for continuous


def continue_to(problem: SelfConsistentProblem, history: list[State], bias_V: float) -> State:
    """Go from the last state of `history` to a bias, in as many steps as it takes; every good state is appended.

    Raises NotConverged with the last good Solution where the step would fall below STEP_MIN_V.
    """
    if not history[-1].bias_V and abs(bias_V) > STEP_V:  # the next step can then be judged by this one
        continue_to(problem, history, math.copysign(STEP_V, bias_V))
    stride = bias_V - history[-1].bias_V
    while True:
        left = bias_V - history[-1].bias_V
        move = left if abs(left) <= abs(stride) * 1.0001 else stride
        try:
            state = problem.solve(_prediction(problem, history, history[-1].bias_V + move))
            _check_branch(problem, history[-1], state)
            history.append(state)
        except NotConverged as error:
            stride = 0.5 * move
            if abs(stride) < STEP_MIN_V:
                last = problem.solution(history[-1], 0.0)
                raise NotConverged(
                    f"no solution at {history[-1].bias_V + move:.4g} V: {error} The last good point is {last.bias_V:.4g} V, "
                    f"{last.current_A:.4g} A, dome at {last.dome.T_mean_K or 0:.0f} K. Likely cause: thermal runaway (no series "
                    "resistance limits the current).",
                    last_good=last,
                ) from None
            continue
        if history[-1].bias_V == bias_V:
            return history[-1]
        stride = 2.0 * move


def _check_branch(problem: SelfConsistentProblem, last: State, state: State) -> None:
    """Raise NotConverged where a state is not what the last one grows into: past a runaway there may be another, far hotter."""
    if not last.bias_V:
        return
    before, after = problem.hottest_K(last), problem.hottest_K(state)
    if after > LEAP * before * (state.bias_V / last.bias_V) ** 2:
        raise NotConverged(f"the largest temperature rise would leap from {before:.3g} K to {after:.3g} K.")


def _prediction(problem: SelfConsistentProblem, history: list[State], bias_V: float) -> State:
    """A guess at a bias, extrapolated from as many of the last states as would have been best for the last of them."""
    known = [s for s in history if s.bias_V != 0.0]
    if not known:
        return State(bias_V, history[-1].V, history[-1].theta)
    *before, last = known
    counts = range(1, min(len(before), TERMS_MAX) + 1)
    missed = [problem.distance(_extrapolated(before[-n:], last.bias_V), last) for n in counts]
    best = int(np.argmin(missed)) + 1 if missed else 1
    return _extrapolated(known[-best:], bias_V)


def _extrapolated(used: list[State], bias_V: float) -> State:
    """V / bias and theta / bias^2, smooth and even in the bias, extrapolated by a polynomial through all the states."""
    x = np.array([s.bias_V**2 for s in used])
    weights = [np.prod([(bias_V**2 - b) / (a - b) for b in x if b != a]) for a in x]
    V = sum(w * s.V / s.bias_V for w, s in zip(weights, used, strict=True))
    theta = sum(w * s.theta / s.bias_V**2 for w, s in zip(weights, used, strict=True))
    return State(bias_V, bias_V * np.asarray(V), bias_V**2 * np.asarray(theta))
