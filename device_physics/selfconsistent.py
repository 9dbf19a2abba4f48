"""The self-consistent device over a range of biases: continued from 0 V, each solution the guess for the next.

The step is halved where Newton does not converge; where it cannot go on, the last good point goes with the error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from device_physics.device import Device
from device_physics.electrothermal import check_bias
from device_physics.selfconsistent_problem import SelfConsistentProblem, State
from device_physics.solution import Solution
from ground.errors import NotConverged
from meshes.stack import Stack

Progress = Callable[[int, int], None]
STEP_V, STEP_MIN_V = 0.1, 1e-3
_LOW_V = 1e-3


def bias_sweep(
    what: Device | Stack | None, volts: Sequence[float], *, progress: Progress | None = None
) -> list[Solution]:
    """Solve a device self-consistently at every bias [V], continued outwards from 0 V on each side; in the order given.

    Raises InputError for a bias that is not allowed and NotConverged (with `last_good`) where a side cannot be continued.
    """
    device = Device.of(what)
    biases = [check_bias(float(v)) for v in volts]
    problem = SelfConsistentProblem(device)
    done: dict[float, Solution] = {}
    try:
        for sign in (1.0, -1.0):
            history = [problem.zero()]
            for bias in sorted({v for v in biases if v * sign > 0 or (v == 0 and sign > 0)}, key=abs):
                start = time.perf_counter()
                if bias and not history[-1].bias_V and abs(bias) > STEP_V:
                    continue_to(problem, history, sign * STEP_V)
                done[bias] = _solution(problem, history, bias, start) if bias else _unbiased(problem, start)
                if progress:
                    progress(len(done), len(set(biases)))
    finally:
        problem.release()
    return [done[v] for v in biases]


def _solution(problem: SelfConsistentProblem, history: list[State], bias_V: float, start: float) -> Solution:
    state = continue_to(problem, history, bias_V)
    return problem.solution(state, time.perf_counter() - start)


def _unbiased(problem: SelfConsistentProblem, start: float) -> Solution:
    """The device at 0 V, with the conductance and the thermal resistance that it has at a vanishing bias."""
    near = _solution(problem, [problem.zero()], _LOW_V, start)
    rest = problem.solution(problem.zero(), time.perf_counter() - start)
    return replace(
        rest, conductance_S=near.conductance_S, resistance_ohm=near.resistance_ohm, r_th_K_per_W=near.r_th_K_per_W
    )


def continue_to(problem: SelfConsistentProblem, history: list[State], bias_V: float) -> State:
    """Go from the last state of `history` to a bias, in as many steps as Newton needs; every good state is appended.

    Raises NotConverged with the last good Solution where the step would fall below STEP_MIN_V.
    """
    stride = bias_V - history[-1].bias_V
    while True:
        left = bias_V - history[-1].bias_V
        move = left if abs(left) <= abs(stride) * 1.0001 else stride
        try:
            history.append(problem.newton(problem.best(_predictions(history, history[-1].bias_V + move))))
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


def _predictions(history: list[State], bias_V: float) -> list[State]:
    """Guesses at a bias: V / bias and theta / bias^2, smooth and even in the bias, extrapolated from the last 1 to 5 states."""
    known = [s for s in history if s.bias_V != 0.0]
    if not known:
        return [State(bias_V, history[-1].V, history[-1].theta)]
    out = []
    for count in range(1, min(len(known), 5) + 1):
        used = known[-count:]
        x = np.array([s.bias_V**2 for s in used])
        weights = [np.prod([(bias_V**2 - x[j]) / (x[i] - x[j]) for j in range(count) if j != i]) for i in range(count)]
        V = sum(w * s.V / s.bias_V for w, s in zip(weights, used, strict=True))
        theta = sum(w * s.theta / s.bias_V**2 for w, s in zip(weights, used, strict=True))
        out.append(State(bias_V, bias_V * np.asarray(V), bias_V**2 * np.asarray(theta)))
    return out
