"""What to measure next: the intervals to expect if curves at other ambients, or to a higher bias, were added.

The expected information of a curve is J^T J / rms^2, with the Jacobian of the fit's own residual at curves that the fitted model
would give; information adds up, so every candidate is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fits.hopping.points import Points, points_of, shift
from fits.hopping.result import State, StateCurve
from fits.results.identifiability import Fixed, Identified, physical_covariance, physical_rows
from ground.errors import InputError

if TYPE_CHECKING:
    from fits.hopping.fit import Problem, Solved

Array = NDArray[np.float64]
BELOW_K, ABOVE_K = (
    (280.0, 260.0, 240.0, 220.0, 200.0),
    (310.0, 330.0, 360.0, 390.0, 420.0),
)  # a probe station reaches these
BIAS_FACTORS = (1.25, 1.5, 2.0)
_T_MAX_K = 900.0
_REACH = 1.96
TYPICAL_eV = 0.07  # between the two barriers read off figure 2d of arXiv:2502.04524


def advise(problem: Problem, solved: Solved, parameters: Mapping[str, Identified]) -> tuple[str, ...]:
    """Return what to measure to see the parameters that are lost, with the 95 % half-widths to expect; empty where none is."""
    lost = [n for n, p in parameters.items() if not p.identified and ("barrier" in n or "density" in n)]
    if not lost:
        return ()
    try:
        held, assumed = _plausible(problem, parameters)
    except InputError as error:
        return (f"no advice on what to measure next: {error}",)
    design = Design(problem, held)
    pairs = sorted(product(BELOW_K, ABOVE_K), key=lambda p: p[1] - p[0])
    chosen = next((p for p in pairs if design.suffices(p)), None)
    if chosen is None:
        possible = [p for p in pairs if design.widths(p) is not None]
        if not possible:
            return ("no ambient within 200..420 K can be judged: the curves there would leave the response table",)
        best = possible[-1]
        text = f"not even two more ambients (for example {best[0]:.0f} K and {best[1]:.0f} K) separate N from dE: {design.text(best)}"
        return (text + "; measure more points or with less noise",)
    low, high = chosen
    out = [
        f"to separate N from dE: measure at two more ambients (for example {low:.0f} K and {high:.0f} K), the same sweeps; "
        f"expected then: {design.text(chosen)}{assumed}"
    ]
    single = next((t for t in (*ABOVE_K, *reversed(BELOW_K)) if design.suffices((t,))), None)
    if single is not None:
        out.append(f"one more ambient may do, for example {single:.0f} K: {design.text((single,))}")
    out += design.by_bias()
    return tuple(out)


def _plausible(problem: Problem, parameters: Mapping[str, Identified]) -> tuple[Solved, str]:
    """Return the best fit with every unseen barrier held at a plausible value, and that value in words.

    Along a direction the data do not see, the best fit may lie anywhere (a barrier of 3 eV); no design can be judged there.
    """
    barriers = {n: p for n, p in parameters.items() if n.startswith("barrier")}
    seen = [p.value for p in barriers.values() if p.identified and p.value > 0]
    value = float(np.mean(seen)) if seen else TYPICAL_eV
    lost = [n for n, p in barriers.items() if not p.identified]
    known = {n: Fixed(value, "assumed for the design") for n in lost}
    choice = replace(problem.choice, fixed={**problem.choice.fixed, **known})
    held = replace(problem, choice=choice).solve()
    return held, f"; judged with {' and '.join(lost)} = {value * 1e3:.0f} meV" if lost else ""


class Design:
    """Expected covariance of the fit with curves added. Candidates that the response table does not hold give None."""

    def __init__(self, problem: Problem, solved: Solved) -> None:
        self.problem, self.solved = problem, solved
        self.values = dict(solved.result.params.valuesdict())
        free = problem.parameters(solved.seen, solved.reference_K)
        self.names = [n for n, p in free.items() if p.vary and not n.startswith("offset")]
        self.rows = physical_rows(problem.states, problem.choice)
        self.rms = max(float(np.sqrt(np.mean(np.asarray(solved.result.residual) ** 2))), 1e-6)
        self.now = self._information(problem, solved.seen)
        self._known: dict[float, Array | None] = {}

    def widths(self, ambients_K: Sequence[float], extra: Array | None = None) -> Array | None:
        """95 % half-widths of the physical coordinates with these ambients added, or None."""
        total = self.now + (0.0 if extra is None else extra)
        for ambient in ambients_K:
            added = self._at(ambient)
            if added is None:
                return None
            total = total + added
        covariance = np.linalg.pinv(total, hermitian=True)
        physical = physical_covariance(covariance, self.names, self.values, self.rows, self._coordinates)
        return np.asarray(_REACH * np.sqrt(np.diag(physical)))

    def suffices(self, ambients_K: Sequence[float], extra: Array | None = None) -> bool:
        """Whether every parameter would then be known."""
        widths = self.widths(ambients_K, extra)
        return widths is not None and all(w <= r.scale for w, r in zip(widths, self.rows, strict=True))

    def text(self, ambients_K: Sequence[float], extra: Array | None = None) -> str:
        """The expected half-widths in words; of a density or a distance as a factor."""
        widths = self.widths(ambients_K, extra)
        assert widths is not None
        before = self.widths(())
        assert before is not None
        return ", ".join(
            f"{r.parameter} +-{w * 1e3:.2g} meV (now {b * 1e3:.2g})"
            if r.place == 1
            else f"{r.parameter} within a factor {np.exp(w):.3g} (now {np.exp(min(b, 50.0)):.3g})"
            for r, w, b in zip(self.rows, widths, before, strict=True)
            if r.place != 0 and b > r.scale
        )

    def by_bias(self) -> list[str]:
        """The same by self-heating alone: the curves taken to a higher bias."""
        for factor in BIAS_FACTORS:
            curves = [replace(c, voltage_V=c.voltage_V * factor) for c in self.problem.curves]
            added = self._added(curves, hottest_K=_T_MAX_K)
            if added is not None and self.suffices((), added):
                top = {c.state: f"{c.voltage_V[np.argmax(np.abs(c.voltage_V))]:.2g} V" for c in curves}
                where = " and ".join(f"{s} to {v}" for s, v in top.items())
                return [f"or, if the device stands it, sweep {where} at the same ambient: {self.text((), added)}"]
        return []

    def _coordinates(self, p: Mapping[str, float], state: State) -> tuple[float, float, float]:
        from fits.hopping.fit import coordinates

        return coordinates(p, state, self.solved.reference_K)

    def _at(self, ambient_K: float) -> Array | None:
        if ambient_K not in self._known:
            nearest = min({c.ambient_K for c in self.problem.curves}, key=lambda t: abs(t - ambient_K))
            curves = [replace(c, ambient_K=ambient_K) for c in self.problem.curves if c.ambient_K == nearest]
            self._known[ambient_K] = self._added(curves)
        return self._known[ambient_K]

    def _added(self, curves: Sequence[StateCurve], hottest_K: float = np.inf) -> Array | None:
        """Information of curves the model would give at these voltages and ambients, or None where it cannot say."""
        problem = self.problem
        ambients = sorted({c.ambient_K for c in curves})
        try:
            rest = problem.rest_S_per_m(self.values, ambients, self.solved.reference_K)
            seen = tuple(self._settled(c, rest) for c in curves)
        except InputError:
            return None
        if max(float(d.T.max()) for d in seen) > hottest_K:
            return None
        return self._information(replace(problem, curves=tuple(curves)), seen)

    def _settled(self, curve: StateCurve, rest: dict[float, float]) -> Points:
        """Points of a curve at the model's own currents. Raises InputError where they are not found."""
        law = self.problem.law(self.values, curve.state, self.solved.reference_K)
        for _ in range(60):
            points = points_of(curve, self.problem.dome, rest)
            move = np.clip(shift(points, law)[0], -0.4, 0.4)
            if np.max(np.abs(move)) < 1e-6:
                return points
            curve = replace(curve, current_A=curve.current_A * np.exp(move))
        raise InputError("the model has no current there")

    def _information(self, problem: Problem, seen: Sequence[Points]) -> Array:
        """J^T J / rms^2 of the shared parameters, the offsets of these curves marginalised."""
        offsets = [f"offset_{g}" for g in sorted(set(problem.offset_group) - {-1})]
        values = {**self.values, **dict.fromkeys(offsets, 0.0)}
        columns = []
        for name in [*self.names, *offsets]:
            step = 1e-5
            up, down = ({**values, name: values[name] + s} for s in (step, -step))
            gap = problem.residual(up, seen, self.solved.reference_K) - problem.residual(
                down, seen, self.solved.reference_K
            )
            columns.append(gap / (2 * step))
        J = np.stack(columns, axis=1) / self.rms
        whole, n = J.T @ J, len(self.names)
        if not offsets:
            return whole
        return whole[:n, :n] - whole[:n, n:] @ np.linalg.solve(whole[n:, n:], whole[n:, :n])
