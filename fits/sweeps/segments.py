"""From a stream of points to labelled branches: turning points, 0 V offset, compliance plateau, isolated glitches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fits.reading.measurement import BoolArray, FloatArray, Measurement
from ground.errors import InputError

_TURN_FRACTION = 0.02  # of the voltage span: a retreat by more than this is a turn, less is noise
_ZERO_FRACTION = 0.2  # of the voltage step: nearer to 0 V than this is 0 V
_PLATEAU = 0.01  # relative width of a compliance plateau
_PLATEAU_SPAN = 0.05  # it must hold while the voltage changes by this fraction, or it is a resistor's tip
_PLATEAU_POINTS = 5
_BLOCK = 1 << 16  # points handled at once, so that memory does not grow with the file
_WINDOW = 7  # points on either side that set the scale of the noise around a possible glitch

Texts = npt.NDArray[np.str_]


def segment(measurement: Measurement) -> Measurement:
    """Return the measurement with branch, cycle, flags and 0 V offset filled in; no voltage or current is changed.

    Branches are named after direction and polarity: "forward +" goes from 0 V up, "return +" back, likewise "-".
    A repeated branch name starts a new cycle of its run. A single point at 0 V between two branches belongs to the one
    that ends there; several are shared. offset_current_A is the median current of a branch's own 0 V points, or of the
    one just before it.

    Raises InputError where a run has fewer than three points or its voltage never changes.
    """
    size = len(measurement)
    branch, cycle = np.full(size, "", dtype="<U9"), np.ones(size, dtype=np.int64)
    limited, glitch, offset = np.zeros(size, bool), np.zeros(size, bool), np.full(size, np.nan)
    for run in measurement.runs:
        where = np.flatnonzero(measurement.run_labels == run)
        volts, amps = measurement.voltage[where], measurement.current[where]
        zero = _zero_tolerance_V(volts, f"{measurement.source or 'the measurement'}, {run}")
        names = _branch_names(volts, zero)
        starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
        cycles = _cycles(names, starts)
        spikes = np.zeros(where.size, bool)
        for a, b in zip(starts, [*starts[1:], where.size], strict=True):
            spikes[a:b] = _glitches(amps[a:b])
            offset[where[a:b]] = _offset_A(volts, amps, int(a), int(b), zero)
        branch[where], cycle[where], glitch[where] = names, cycles, spikes
        limited[where] = _compliance(volts, amps, names, cycles, spikes)
    level = measurement.compliance_A
    if not np.isfinite(level):
        level = _common_level_A(measurement, limited)
    return measurement.replace(
        branch=branch,
        cycle=cycle,
        glitch=glitch & ~limited,
        in_compliance=limited,
        offset_current_A=offset,
        compliance_A=level,
    )


def segmented(measurement: Measurement) -> Measurement:
    """Return the measurement as it is where it has branches already, else segmented."""
    return measurement if measurement.branches else segment(measurement)


def _zero_tolerance_V(volts: FloatArray, where: str) -> float:
    if volts.size < 3:
        raise InputError(f"{where}: {volts.size} points are no sweep; expected at least 3.")
    steps = np.abs(np.diff(volts))
    if np.ptp(volts) <= 1e-9 * max(np.abs(volts).max(), 1e-9):
        raise InputError(
            f"{where}: the voltage stays at {volts[0]:g} V; expected a sweep. "
            "Is this a reading over time, or was the wrong column taken as the voltage?"
        )
    return _ZERO_FRACTION * float(np.median(steps[steps > 1e-6 * steps.max()]))


def turning_points(volts: FloatArray) -> list[int]:
    """Return the indices at which a new direction begins; a held extreme is shared out to both sides.

    A turn counts once the voltage has retreated from the extreme by 2 % of the span, so noise and equal
    neighbours make none.
    """
    threshold = _TURN_FRACTION * float(np.ptp(volts))
    turns: list[int] = []
    direction, extreme, held_to, top, before = 0, 0, 0, float(volts[0]), 0
    for k, value in enumerate(_numbers(volts)):
        change = value - top
        if direction == 0:
            if abs(change) > threshold:
                direction, extreme, held_to, top = (1 if change > 0 else -1), k, k, value
        elif direction * change > 0:
            extreme, held_to, top = k, k, value
        elif change == 0 and held_to == before:
            held_to = k
        elif direction * change < -threshold:
            turns.append((extreme + held_to) // 2 + 1)
            direction, extreme, held_to, top = -direction, k, k, value
        before = k
    return turns


def _numbers(values: FloatArray) -> Iterator[float]:
    """Give plain floats, which a loop handles much faster than those of numpy, without a list of all of them."""
    for a in range(0, values.size, _BLOCK):
        yield from values[a : a + _BLOCK].tolist()


def _branch_names(volts: FloatArray, zero: float) -> Texts:
    names = np.full(volts.size, "", dtype="<U9")
    edges = [0, *turning_points(volts), volts.size]
    rising = not volts[edges[1] - 1] > volts[0]  # turned over at the start of every piece
    for a, b in itertools.pairwise(edges):
        rising, piece = not rising, volts[a:b]
        positive, negative = piece > zero, piece < -zero
        behind = negative if rising else positive  # the side it comes from
        came = a > 0 and (volts[a - 1] < -zero if rising else volts[a - 1] > zero)
        at_zero = ~(positive | negative)
        ending = (np.cumsum(behind) > 0) | came
        passing = np.flatnonzero(at_zero & ending)
        if passing.size and not at_zero[-1]:  # goes on beyond 0 V: the branch begun there has its share
            ending[passing[(passing.size + 1) // 2 :]] = False
        names[a:b][positive] = "forward +" if rising else "return +"
        names[a:b][negative] = "return -" if rising else "forward -"
        names[a:b][at_zero & ending] = "return -" if rising else "return +"
        names[a:b][at_zero & ~ending] = "forward +" if rising else "forward -"
    return names


def _cycles(names: Texts, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    numbers, seen, number = [], set[str](), 1
    for start in starts:
        if names[start] in seen:
            seen, number = set(), number + 1
        seen.add(str(names[start]))
        numbers.append(number)
    return np.repeat(np.array(numbers, dtype=np.int64), np.diff(np.r_[starts, names.size]))


def _offset_A(volts: FloatArray, amps: FloatArray, a: int, b: int, zero: float) -> float:
    own = np.flatnonzero(np.abs(volts[a:b]) <= zero) + a
    if own.size == 0 and a > 0 and abs(volts[a - 1]) <= zero:
        own = np.array([a - 1])
    return float(np.median(amps[own])) if own.size else float("nan")


def _glitches(amps: FloatArray) -> BoolArray:
    """Flag single points far from four neighbours that agree with each other, on the scale of the local noise."""
    flags = np.zeros(amps.size, bool)
    if amps.size < 7:
        return flags
    deviation = np.abs(amps[1:-1] - 0.5 * (amps[:-2] + amps[2:]))
    for k in _far(amps):
        near = amps[[k - 2, k - 1, k + 1, k + 2]]
        around = np.r_[deviation[max(k - 1 - _WINDOW, 0) : k - 2], deviation[k + 1 : k + _WINDOW]]
        scale = max(float(np.median(around)), float(np.ptp(near)) / 10.0)
        flags[k] = abs(amps[k] - np.median(near)) > 10.0 * scale
    return flags


def _far(amps: FloatArray) -> Iterator[int]:
    """Give the points that stand off four neighbours that agree with each other."""
    for a in range(2, amps.size - 2, _BLOCK):
        k = np.arange(a, min(a + _BLOCK, amps.size - 2))
        near = np.sort(np.stack([amps[k - 2], amps[k - 1], amps[k + 1], amps[k + 2]]), axis=0)
        middle = 0.5 * (near[1] + near[2])
        distance = np.abs(amps[k] - middle)
        yield from k[(distance > 0.2 * np.abs(middle)) & (near[3] - near[0] < 0.4 * distance)].tolist()


def _compliance(
    volts: FloatArray, amps: FloatArray, names: Texts, cycles: npt.NDArray[np.int64], glitch: BoolArray
) -> BoolArray:
    flags = np.zeros(volts.size, bool)
    positive = (names == "forward +") | (names == "return +")
    edges = np.flatnonzero(np.r_[True, cycles[1:] != cycles[:-1], True])  # cycles only grow along a run
    for a, b in itertools.pairwise(edges.tolist()):
        for side in (positive[a:b], ~positive[a:b]):
            sweep = a + np.flatnonzero(side & ~glitch[a:b])
            if sweep.size >= _PLATEAU_POINTS:
                flags[sweep] = _plateau(np.abs(volts[sweep]), np.abs(amps[sweep]))
    return flags


def _plateau(volts: FloatArray, amps: FloatArray) -> BoolArray:
    """Flag |I| held at its maximum around the highest |V| of one polarity; nothing where it is the curve's own tip."""
    held = amps >= (1.0 - _PLATEAU) * amps.max()
    tops = np.flatnonzero(held & (volts >= (1.0 - 1e-6) * volts.max()))
    none = np.zeros(volts.size, bool)
    if amps.max() == 0.0 or tops.size == 0:
        return none
    top = int(tops[0])
    a = top - int(np.argmin(np.r_[held[: top + 1][::-1], False])) + 1
    b = top + int(np.argmin(np.r_[held[top:], False]))
    span = (volts[top] - volts[a:b].min()) / volts[top] if volts[top] > 0 else 0.0
    return held if b - a >= _PLATEAU_POINTS and span >= _PLATEAU_SPAN else none


def _common_level_A(measurement: Measurement, limited: BoolArray) -> float:
    """Return the plateau's current [A] where all runs that have one agree to 1 %, else NaN."""
    levels = [
        float(np.median(np.abs(measurement.current[limited & (measurement.run_labels == run)])))
        for run in measurement.runs
        if (limited & (measurement.run_labels == run)).any()
    ]
    if levels and max(levels) <= (1.0 + _PLATEAU) * min(levels):
        return float(np.median(levels))
    return float("nan")
