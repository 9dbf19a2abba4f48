"""The hopping fit: LRS and HRS together, with intervals, and with what the data cannot see.

Weighted least squares of (I - offset) / I_model - 1, with the self-consistent current of the model (see `points`):
the noise is taken as relative, as it is in these devices, and the offset of the instrument is a fitted nuisance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from device_physics.dome_response import DomeResponse, Response
from device_physics.laws import BOLTZMANN_eV
from fits.hopping.choice import Choice, Offset
from fits.hopping.points import Law, Points, RestOfCmo, low_field_conductivities, points_of, shift
from fits.hopping.result import HoppingFit, State, StateCurve
from fits.results.identifiability import Fixed, identify
from ground.errors import InputError

if TYPE_CHECKING:
    from fits.reading.measurement import Measurement

Array = NDArray[np.float64]
_BOTH: tuple[State, State] = ("LRS", "HRS")
_ROUNDS = 40
_SETTLED = 1e-5  # largest change of ln I from one round to the next
ATTEMPT = Fixed(1e13, "assumed: typical phonon frequency of an oxide; only its product with the trap density is seen")


def fit_hopping(
    data: Sequence[StateCurve] | Measurement | Sequence[Measurement],
    response: Response | None = None,
    *,
    r_cf_m: float = 11e-9,
    attempt: Fixed = ATTEMPT,
    fixed: Mapping[str, Fixed] | None = None,
    shared: tuple[str, ...] = ("hop_distance",),
    offset: Offset = "curve",
    low_field_V: float = 0.2,
) -> HoppingFit:
    """Fit trap densities, barriers and hop distance to LRS and HRS curves, at one or several ambients.

    data : measured sweeps (their branches are found by `state_curves`), or curves: at least one LRS at every ambient, since the
    conductivity of the rest of the CMO comes from it (first value: at |V| <= low_field_V).
    response : table (default: the shipped one).  r_cf_m : filament radius [m].  fixed, shared, offset : see `Choice`.
    Raises InputError where a curve does not fit the table, there are fewer points than parameters, or the fit does not settle.
    """
    dome = (response or Response.default()).at_radius(r_cf_m)
    problem = Problem(tuple(_curves(data)), dome, Choice(fixed or {}, shared, offset), attempt, low_field_V)
    return problem.as_fit(problem.solve())


@dataclass(frozen=True)
class Solved:
    """The last round: lmfit result, points, reference temperature [K], rest conductivities [S/m], offsets [A] per curve."""

    result: Any
    seen: tuple[Points, ...]
    reference_K: float
    rest: dict[float, float]
    offset_A: tuple[float, ...]


@dataclass(frozen=True)
class Problem:
    """Curves, table and choice of one fit: what is solved once, for every bootstrap replica, and by the sampler."""

    curves: tuple[StateCurve, ...]
    dome: DomeResponse
    choice: Choice
    attempt: Fixed
    low_field_V: float

    @property
    def states(self) -> list[State]:
        return [s for s in _BOTH if any(c.state == s for c in self.curves)]

    @property
    def offset_group(self) -> list[int]:
        """Number of the offset that belongs to each curve; -1 where none is fitted."""
        by = {"none": lambda k: -1, "shared": lambda k: 0, "curve": lambda k: k}[self.choice.offset]
        return [by(k) for k in range(len(self.curves))]

    def solve(self, start: Mapping[str, float] | None = None) -> Solved:
        """Fit in rounds, each about the currents of the round before, until these stay.

        start : values of the parameters to begin with.  Raises InputError as `fit_hopping`.
        """
        rest = low_field_conductivities(self.curves, self.dome, self.low_field_V)
        offset = np.zeros(len(self.curves))
        ln_A: list[Array] = []
        reference = 0.0
        for _ in range(_ROUNDS):
            at: Sequence[Array | None] = ln_A or [None] * len(self.curves)  # the first round: at the measured currents
            seen = tuple(points_of(c, self.dome, rest, o, a) for c, o, a in zip(self.curves, offset, at, strict=True))
            if not reference:  # where density and barrier are least entangled; then kept
                reference = 1.0 / float(np.mean(np.concatenate([1.0 / d.T for d in seen])))
            result = self._least_squares(seen, reference, start)
            start = result.params.valuesdict()
            offset = self.offsets_A(start, seen)
            before = ln_A
            ln_A = [d.ln_A + np.clip(self.shift(start, d, reference), -1, 1) for d in seen]
            old_rest, rest = rest, self.rest_S_per_m(start, list(rest), reference)
            moved = max(abs(np.log(rest[t] / old_rest[t])) for t in rest)
            if before:
                moved = max(moved, *(float(np.max(np.abs(a - b))) for a, b in zip(ln_A, before, strict=True)))
                if moved < _SETTLED:
                    return Solved(result, seen, reference, old_rest, tuple(offset))
        raise InputError(
            f"fit_hopping: the fit does not settle (currents still move by {moved:.1%} after {_ROUNDS} rounds). Likely cause: "
            "points at thermal runaway, or data that are not of this device; fit to a lower bias (--v-max)."
        )

    def residual(self, p: Mapping[str, float], seen: Sequence[Points], reference: float) -> Array:
        """(I - offset) / I_model - 1, to first order about the currents of `seen`, shape (points,)."""
        offset = self.offsets_A(p, seen)
        parts = []
        for d, o in zip(seen, offset, strict=True):
            parts.append((d.measured_A - d.sign * o) * np.exp(-d.ln_A) - 1.0 - self.shift(p, d, reference))
        return np.concatenate(parts)

    def shift(self, p: Mapping[str, float], d: Points, reference: float) -> Array:
        """By how much the self-consistent ln I of the law lies above that of the points, to first order, shape (n,)."""
        around = None if d.state == "LRS" else self.rest.ln_S_per_m(self.law(p, "LRS", reference), d.ambient_K)
        return shift(d, self.law(p, d.state, reference), around)[0]

    @cached_property
    def rest(self) -> RestOfCmo:
        """The CMO around a depleted dome."""
        return RestOfCmo(self.dome)

    def rest_S_per_m(self, p: Mapping[str, float], ambients_K: Sequence[float], reference: float) -> dict[float, float]:
        """Its conductivity at every ambient [S/m]."""
        law = self.law(p, "LRS", reference)
        return {t: float(np.exp(self.rest.ln_S_per_m(law, t))) for t in ambients_K}

    def law(self, p: Mapping[str, float], state: State, reference: float) -> Law:
        """The hopping law of a state from the values of the fitted parameters."""
        ln_hop, barrier, ln_density = coordinates(p, state, reference)
        return Law(ln_hop, barrier, ln_density, self.attempt.value, self.dome.r_cf_m)

    def offsets_A(self, p: Mapping[str, float], seen: Sequence[Points]) -> Array:
        """Offset of the current of every curve [A]; fitted in units of that curve's smallest current."""
        unit = {
            g: min(float(d.measured_A.min()) for d, h in zip(seen, self.offset_group, strict=True) if h == g)
            for g in set(self.offset_group)
            if g >= 0
        }
        return np.array([p[f"offset_{g}"] * unit[g] if g >= 0 else 0.0 for g in self.offset_group])

    def _least_squares(self, seen: Sequence[Points], reference: float, start: Mapping[str, float] | None) -> Any:
        import lmfit

        parameters = self.parameters(seen, reference)
        for name, value in (start or {}).items():
            parameters[name].value = value
        count = sum(len(d.T) for d in seen)
        free = sum(p.vary for p in parameters.values())
        if count <= free:
            raise InputError(
                f"fit_hopping: {count} points for {free} parameters; give more points, fix a barrier, or fit no offset."
            )
        result = lmfit.minimize(
            lambda p: self.residual(p.valuesdict(), seen, reference),
            parameters,
            method="leastsq",
            scale_covar=True,
            xtol=1e-12,
            ftol=1e-12,
        )
        if not result.success or result.covar is None:
            raise InputError(
                f"fit_hopping: the least-squares fit found no minimum ({result.message}). Likely cause: curves labelled with the "
                "wrong state, or a range in which the current does not bend."
            )
        return result

    def parameters(self, seen: Sequence[Points], reference: float) -> Any:
        """Starting values: the hop distance of a nanometre or two, densities from the mean current."""
        import lmfit

        out = lmfit.Parameters()
        fixed, shared = self.choice.fixed, self.choice.shared
        hop = fixed.get("hop_distance_m")
        for suffix in [""] if "hop_distance" in shared else [f"_{s}" for s in self.states]:
            low, high = np.log(1e-10), np.log(2e-8)
            out.add(f"ln_a{suffix}", value=np.log(hop.value if hop else 2e-9), min=low, max=high, vary=hop is None)
        for s in self.states[:1] if "barrier" in shared else self.states:
            known = fixed.get(f"barrier_{s.lower()}_eV")
            name = "barrier" if "barrier" in shared else f"barrier_{s}"
            out.add(name, value=known.value if known else 0.07, vary=known is None)
        for s in self.states:
            density = fixed.get(f"trap_density_{s.lower()}_m3")
            if density:
                out.add(f"ln_N_{s}", value=np.log(density.value), vary=False)
            else:
                out.add(f"ln_k_{s}", value=0.0)
                law = self.law(out.valuesdict(), s, reference)
                plain = np.concatenate([shift(d, law)[1] for d in seen if d.state == s])
                out[f"ln_k_{s}"].value = -float(np.mean(plain))
        for g in sorted(set(self.offset_group) - {-1}):
            out.add(f"offset_{g}", value=0.0)
        return out

    def as_fit(self, solved: Solved) -> HoppingFit:
        """Turn the last round into the result."""
        found = identify(solved.result, self.states, self.choice, lambda p, s: coordinates(p, s, solved.reference_K))
        residual = np.asarray(solved.result.residual)
        cuts = np.cumsum([len(d.T) for d in solved.seen])[:-1]
        T, E = np.concatenate([d.T for d in solved.seen]), np.concatenate([d.E for d in solved.seen])
        return HoppingFit(
            parameters=found.parameters,
            names=found.names,
            covariance=found.covariance,
            weak=found.weak,
            residual_rms=float(np.sqrt(np.mean(residual**2))),
            points=len(residual),
            choice=self.choice,
            r_cf_m=self.dome.r_cf_m,
            attempt=self.attempt,
            sigma_rest_S_per_m=solved.rest,
            temperature_range_K=(float(T.min()), float(T.max())),
            field_range_V_per_m=(float(E.min()), float(E.max())),
            synthetic=any(c.synthetic for c in self.curves),
            curves=self.curves,
            model_ln_current=tuple(d.ln_A for d in solved.seen),
            offset_A=solved.offset_A,
            residuals=tuple(np.split(residual, cuts)),
            problem=self,
            solved=solved,
        )


def coordinates(p: Mapping[str, float], state: State, reference: float) -> tuple[float, float, float]:
    """ln a, barrier [eV] and ln N of a state; linear in the fitted parameters, where ln_k = ln N - barrier / k reference."""
    ln_hop = p["ln_a"] if "ln_a" in p else p[f"ln_a_{state}"]
    barrier = p["barrier"] if "barrier" in p else p[f"barrier_{state}"]
    if f"ln_N_{state}" in p:
        return ln_hop, barrier, p[f"ln_N_{state}"]
    return ln_hop, barrier, p[f"ln_k_{state}"] + barrier / (BOLTZMANN_eV * reference)


def _curves(data: Sequence[StateCurve] | Measurement | Sequence[Measurement]) -> list[StateCurve]:
    if isinstance(data, Sequence) and all(isinstance(d, StateCurve) for d in data):
        return list(data)  # type: ignore[arg-type]
    from fits.hopping.state_curves import state_curves

    return state_curves(data)  # type: ignore[arg-type]
