"""The self-consistent device over a range of biases: continued from 0 V, each solution the guess for the next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from device_physics.device import Device
from device_physics.electrothermal import check_bias
from device_physics.selfconsistent_problem import SelfConsistentProblem, State
from device_physics.solution import Solution
from device_physics.stepping import KEPT, continue_to
from meshes.stack import Stack

Progress = Callable[[int, int], None]
_LOW_V = 1e-3


class Continuation:
    """A device with its mesh and forms, and the last states on each side of 0 V."""

    def __init__(self, device: Device) -> None:
        self._problem = SelfConsistentProblem(device)
        self._sides: dict[float, list[State]] = {}

    def solve(self, bias_V: float) -> Solution:
        """Return the solution at a bias [V], from the last one nearer to 0 V on its side; raises NotConverged (`last_good`)."""
        start, problem = time.perf_counter(), self._problem
        if not bias_V:
            return self._unbiased(start)
        history = self._sides.setdefault(math.copysign(1.0, bias_V), [problem.zero()])
        if abs(bias_V) <= abs(history[-1].bias_V):
            history[:] = [problem.zero()]
        state = continue_to(problem, history, bias_V)
        del history[:-KEPT]
        return problem.solution(state, time.perf_counter() - start)

    def _unbiased(self, start: float) -> Solution:
        """The device at 0 V, with the conductance and the thermal resistance that it has at a vanishing bias."""
        problem = self._problem
        near = problem.solution(continue_to(problem, [problem.zero()], _LOW_V), 0.0)
        rest = problem.solution(problem.zero(), time.perf_counter() - start)
        return replace(
            rest, conductance_S=near.conductance_S, resistance_ohm=near.resistance_ohm, r_th_K_per_W=near.r_th_K_per_W
        )

    def release(self) -> None:
        """Free the matrices; solutions stay usable."""
        self._problem.release()


def bias_sweep(
    what: Device | Stack | None, volts: Sequence[float], *, progress: Progress | None = None
) -> list[Solution]:
    """Solve a device self-consistently at every bias [V], continued outwards from 0 V on each side; in the order given.

    Raises InputError for a bias that is not allowed and NotConverged (with `last_good`) where a side cannot be continued.
    """
    biases = [check_bias(float(v)) for v in volts]
    device, done = Continuation(Device.of(what)), {}
    try:
        for bias in sorted(set(biases), key=lambda v: (v < 0, abs(v))):
            done[bias] = device.solve(bias)
            if progress:
                progress(len(done), len(set(biases)))
    finally:
        device.release()
    return [done[v] for v in biases]


_held: dict[str, Continuation] = {}


def continuation(device: Device) -> Continuation:
    """Return the continuation of a device that this process holds, or begin one and let go of the last."""
    name = device.content_hash()
    if name not in _held:
        let_go()
        _held[name] = Continuation(device)
    return _held[name]


def let_go() -> None:
    """Free what this process holds."""
    while _held:
        _held.popitem()[1].release()
