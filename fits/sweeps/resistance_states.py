"""Resistance states of switching sweeps: LRS and HRS at the read voltage, SET and RESET voltage, their statistics."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fits.reading.fields import READ_VOLTAGE, checked
from fits.reading.measurement import BoolArray, FloatArray, Measurement
from fits.sweeps.low_field import robust_line
from fits.sweeps.segments import segmented
from ground.errors import InputError

_SWITCH_RATIO = 1.5  # of the currents before and after: nearer to 1 than this is no switching

IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SweepState:
    """One sweep of one polarity: the resistance read on the way up (before) and on the way down (after).

    kind : "set", "reset" or "none".  state_before, state_after : "LRS", "HRS" or "unknown".
    v_switch_V, i_switch_A : SET at the largest jump of |I| on the way up, RESET at the highest |I|, else None.
    A resistance is None where it could not be read; `left_out` of the result says why.
    """

    run: str
    cycle: int
    polarity: str
    r_before_ohm: float | None
    r_after_ohm: float | None
    kind: str = "none"
    state_before: str = "unknown"
    state_after: str = "unknown"
    v_switch_V: float | None = None
    i_switch_A: float | None = None


@dataclass(frozen=True)
class Statistics:
    """Mean, sample standard deviation (None where n < 2), median and number of some readings."""

    mean: float
    std: float | None
    median: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistics | None:
        """Return the statistics of some numbers, None where there are none."""
        if not values:
            return None
        std = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(float(np.mean(values)), std, float(np.median(values)), len(values))


@dataclass(frozen=True)
class StatePopulation:
    """Statistics over all sweeps: every reading of a state counts once, before and after switching alike.

    ratio_of_means, ratio_of_medians : HRS / LRS.  Voltages are signed as on the driven terminal.
    """

    lrs_ohm: Statistics | None
    hrs_ohm: Statistics | None
    ratio_of_means: float | None
    ratio_of_medians: float | None
    set_V: Statistics | None
    reset_V: Statistics | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return asdict(self)

    def report(self) -> str:
        """Return mean, spread and number of LRS, HRS, SET and RESET, one line each."""
        lines = [
            _line("LRS", self.lrs_ohm, "ohm"),
            _line("HRS", self.hrs_ohm, "ohm"),
            _line("SET", self.set_V, "V"),
            _line("RESET", self.reset_V, "V"),
        ]
        if self.ratio_of_means is not None and self.ratio_of_medians is not None:
            lines.append(f"  HRS/LRS  {self.ratio_of_means:.3g} (means), {self.ratio_of_medians:.3g} (medians)")
        return "\n".join(["population", *lines])


@dataclass(frozen=True)
class States:
    """The states of every sweep of a measurement, and their population."""

    source: str
    v_read_V: float
    ambient_K: float
    synthetic: bool
    sweeps: tuple[SweepState, ...]
    population: StatePopulation
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values; what could not be read is None."""
        return {
            "source": self.source,
            "v_read_V": self.v_read_V,
            "ambient_K": self.ambient_K,
            "synthetic": self.synthetic,
            "sweeps": [asdict(s) for s in self.sweeps],
            "population": self.population.to_dict(),
            "left_out": list(self.left_out),
        }

    def report(self) -> str:
        """Return one line per sweep, then the population."""
        made = ", SYNTHETIC" if self.synthetic else ""
        lines = [f"states at {self.v_read_V:g} V, {self.ambient_K:g} K, {self.source or 'from arrays'}{made}"]
        for s in self.sweeps:
            switch = "no switching"
            if s.v_switch_V is not None:
                switch = f"{s.kind} at {s.v_switch_V:.3g} V, {s.i_switch_A:.3g} A"
            lines.append(
                f"  {s.run} cycle {s.cycle} {s.polarity}  {_ohm(s.r_before_ohm)} ({s.state_before}) -> "
                f"{_ohm(s.r_after_ohm)} ({s.state_after})  {switch}"
            )
        return "\n".join([*lines, self.population.report(), *(f"  left out: {r}" for r in self.left_out)])


def states(measurement: Measurement, v_read_V: float = 0.2) -> States:
    """Read the resistance of every sweep before and after switching at |V| = v_read_V, and say what it did.

    The current is interpolated between the neighbouring voltages of the branch, on the branch's own polarity, without
    points in compliance and glitches. A current not above twice that at 0 V, or a branch without a slope above its
    noise, gives no resistance. No offset is subtracted: use `subtract_offset()` first where that is wanted.

    Raises InputError where v_read_V is outside 1e-4..10 V or no branch can be read there.
    """
    v_read_V = checked("v_read_V", v_read_V, READ_VOLTAGE)
    m = segmented(measurement)
    left_out: list[str] = []
    sweeps: list[SweepState] = []
    for run, cycle, points in _cycles(m):
        for sign in ("+", "-"):
            own = (points.branch_names == f"forward {sign}") | (points.branch_names == f"return {sign}")
            if own.any():
                sweeps.append(_sweep(points, own, run, cycle, sign, v_read_V, left_out))
    if all(s.r_before_ohm is None and s.r_after_ohm is None for s in sweeps):
        name = m.source or "the measurement"
        raise InputError(f"v_read_V={v_read_V:g} reads no state of {name}: {'; '.join(left_out)}.")
    sweeps = _name_the_rest(sweeps)
    return States(m.source, v_read_V, m.ambient_K, m.synthetic, tuple(sweeps), _population(sweeps), tuple(left_out))


def population(results: Iterable[States]) -> StatePopulation:
    """Return the statistics over the sweeps of several results, read at the same voltage.

    Raises InputError where the read voltages differ.
    """
    results = list(results)
    volts = sorted({r.v_read_V for r in results})
    if len(volts) > 1:
        raise InputError(
            f"v_read_V differs between the results ({', '.join(f'{v:g}' for v in volts)} V): "
            "resistances of one population are read at one voltage."
        )
    return _population([s for r in results for s in r.sweeps])


@dataclass(frozen=True)
class _Reading:
    """Current along the polarity at the read voltage [A], and why it is no resistance ("" where it is one)."""

    current_A: float | None
    reason: str = ""

    def resistance_ohm(self, v_read_V: float) -> float | None:
        return None if self.reason or self.current_A is None else v_read_V / self.current_A


@dataclass(frozen=True)
class _Points:
    """The points of one cycle, as plain arrays: a file may hold many cycles."""

    voltage: FloatArray
    current: FloatArray
    branch_names: npt.NDArray[np.str_]
    in_compliance: BoolArray
    glitch: BoolArray
    offset_current: FloatArray


def _cycles(m: Measurement) -> Iterator[tuple[str, int, _Points]]:
    """Give run, cycle and points of every cycle, runs in order of appearance."""
    arrays = (m.voltage, m.current, m.branch_names, m.in_compliance, m.glitch, m.offset_current)
    labels, cycle = m.run_labels, m.cycle
    for run in m.runs:
        rows = np.flatnonzero(labels == run)
        rows = rows[np.argsort(cycle[rows], kind="stable")]
        edges = np.flatnonzero(np.r_[True, np.diff(cycle[rows]) > 0, True])
        for a, b in itertools.pairwise(edges.tolist()):
            yield run, int(cycle[rows[a]]), _Points(*(x[rows[a:b]] for x in arrays))


def _sweep(
    m: _Points, own: BoolArray, run: str, cycle: int, sign: str, v_read_V: float, left_out: list[str]
) -> SweepState:
    read = [_read(m, own & (m.branch_names == f"{way} {sign}"), v_read_V) for way in ("forward", "return")]
    left_out += [
        f"{run} cycle {cycle} {way} {sign}: {r.reason}"
        for way, r in zip(("forward", "return"), read, strict=True)
        if r.reason
    ]
    before, after = read
    state = SweepState(run, cycle, sign, before.resistance_ohm(v_read_V), after.resistance_ohm(v_read_V))
    kind = _kind(before, after)
    if kind == "none":
        return state
    at = _switch_point(m, np.flatnonzero(own & (m.branch_names == f"forward {sign}") & ~m.glitch), kind)
    names = ("HRS", "LRS") if kind == "set" else ("LRS", "HRS")
    return replace(
        state,
        kind=kind,
        state_before=names[0],
        state_after=names[1],
        v_switch_V=float(m.voltage[at]),
        i_switch_A=float(m.current[at]),
    )


def _kind(before: _Reading, after: _Reading) -> str:
    """Return what the sweep did. A current below resolution is still an upper bound, so the other may exceed it."""
    if before.current_A is None or after.current_A is None:
        return "none"
    if not after.reason and after.current_A > _SWITCH_RATIO * abs(before.current_A):
        return "set"
    if not before.reason and before.current_A > _SWITCH_RATIO * abs(after.current_A):
        return "reset"
    return "none"


def _read(m: _Points, branch: BoolArray, v_read_V: float) -> _Reading:
    points = np.flatnonzero(branch & ~m.glitch)
    order = points[np.argsort(np.abs(m.voltage[points]), kind="stable")]
    volts = np.abs(m.voltage[order])
    tolerance = 1e-6 * v_read_V
    if order.size == 0:
        return _Reading(None, "this branch was not measured")
    if not volts[0] - tolerance <= v_read_V <= volts[-1] + tolerance:
        return _Reading(None, f"covers {volts[0]:g}..{volts[-1]:g} V, and the read voltage is {v_read_V:g} V")
    above = min(int(np.searchsorted(volts, v_read_V - tolerance)), order.size - 1)
    ends = [above] if abs(volts[above] - v_read_V) <= tolerance else [above - 1, above]
    if np.any(m.in_compliance[order[ends]]):
        return _Reading(None, f"is in compliance at the read voltage {v_read_V:g} V")
    along = m.current[order] * np.sign(m.voltage[order[above]])
    return _resolve(m, order, float(np.interp(v_read_V, volts[ends], along[ends])), v_read_V)


def _resolve(m: _Points, order: IndexArray, current: float, v_read_V: float) -> _Reading:
    """Return the reading, marked where the current does not stand above the 0 V current and the noise of the branch."""
    offset = float(np.nan_to_num(np.abs(m.offset_current[order[0]])))
    if current <= 2.0 * offset:
        return _Reading(current, f"{current:.2g} A at the read voltage is not above twice the {offset:.2g} A at 0 V")
    near = order[(np.abs(m.voltage[order]) <= v_read_V * (1 + 1e-6)) & ~m.in_compliance[order]]
    if near.size >= 4 and np.ptp(m.voltage[near]) > 0 and not robust_line(m.voltage[near], m.current[near]).resolved:
        return _Reading(current, f"no slope stands above the noise up to the read voltage {v_read_V:g} V")
    return _Reading(current)


def _switch_point(m: _Points, forward: IndexArray, kind: str) -> int:
    amps = np.abs(m.current[forward])
    if kind == "reset":
        return int(forward[np.argmax(amps)])
    limited = np.flatnonzero(m.in_compliance[forward])
    end = limited[0] + 1 if limited.size else amps.size
    steps = np.diff(amps[:end])
    return int(forward[np.argmax(steps) + 1]) if steps.size else int(forward[0])


def _name_the_rest(sweeps: list[SweepState]) -> list[SweepState]:
    """Name the states of sweeps that did not switch after the nearer of the two known populations (in log R)."""
    lrs, hrs = _readings(sweeps, "LRS"), _readings(sweeps, "HRS")
    if not lrs or not hrs:
        return sweeps
    border = 0.5 * (np.median(np.log(lrs)) + np.median(np.log(hrs)))

    def name(resistance: float | None) -> str:
        if resistance is None:
            return "unknown"
        return "LRS" if np.log(resistance) < border else "HRS"

    return [
        s if s.kind != "none" else replace(s, state_before=name(s.r_before_ohm), state_after=name(s.r_after_ohm))
        for s in sweeps
    ]


def _readings(sweeps: Iterable[SweepState], state: str) -> list[float]:
    pairs = [p for s in sweeps for p in ((s.state_before, s.r_before_ohm), (s.state_after, s.r_after_ohm))]
    return [r for name, r in pairs if name == state and r is not None]


def _population(sweeps: Sequence[SweepState]) -> StatePopulation:
    lrs, hrs = Statistics.of(_readings(sweeps, "LRS")), Statistics.of(_readings(sweeps, "HRS"))
    volts = {
        kind: Statistics.of([s.v_switch_V for s in sweeps if s.kind == kind and s.v_switch_V is not None])
        for kind in ("set", "reset")
    }
    means = hrs.mean / lrs.mean if lrs and hrs else None
    medians = hrs.median / lrs.median if lrs and hrs else None
    return StatePopulation(lrs, hrs, means, medians, volts["set"], volts["reset"])


def _ohm(value: float | None) -> str:
    return "not read" if value is None else f"{value:.4g} ohm"


def _line(name: str, s: Statistics | None, unit: str) -> str:
    if s is None:
        return f"  {name:7s}  none"
    spread = "" if s.std is None else f" +- {s.std:.3g}"
    return f"  {name:7s}  {s.mean:.4g}{spread} {unit}, median {s.median:.4g} {unit}, n = {s.n}"
