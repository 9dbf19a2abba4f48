"""From measured sweeps to the branches the hopping fit uses: quiet ones, in one state, without compliance or glitches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fits.hopping.result import State, StateCurve
from fits.reading.measurement import Measurement
from fits.sweeps.segments import segmented
from ground.errors import InputError

V_MIN_V, V_MAX_V = 0.02, 1.0
RATIO = 2.0  # branches whose low-field resistances differ by less belong to one state
_READ_V = 0.2
_FEWEST = 5
_ALIKE, _ALIKE_POINTS = 1e-3, 3  # relative difference, and how many readings at the top make a limit
_WINDOW = 5


def state_curves(
    measurements: Measurement | Sequence[Measurement],
    *,
    v_min_V: float = V_MIN_V,
    v_max_V: float = V_MAX_V,
    r_series_ohm: float = 0.0,
) -> list[StateCurve]:
    """Return the LRS and HRS curves in measured sweeps, one per run and return branch.

    Return branches are used: whatever switches has switched before. Points in compliance, and those so near to it that it would
    have cut off their noise, glitches, |V| outside v_min_V..v_max_V and points whose current has the wrong sign are left out.
    The current at 0 V, where the sweep has such points, is subtracted as the offset of the instrument, and r_series_ohm
    (transistor, lines) times the current from the voltage.
    Branches are LRS or HRS by their resistance near 0.2 V, relative to the geometric middle of all of them.
    Raises InputError where no branch is left.
    """
    found: list[tuple[float, StateCurve]] = []
    for m in [measurements] if isinstance(measurements, Measurement) else list(measurements):
        whole = segmented(m)
        for run in whole.runs:
            for name in ("return +", "return -"):
                mine = (whole.run_labels == run) & (whole.branch_names == name) & whole.usable
                mine[mine] &= _below_the_limit(whole, run, name[-1], mine)
                if mine.sum() < _FEWEST:
                    continue
                own = whole.select(mine)
                offset = float(np.nan_to_num(np.median(own.offset_current)))
                current = own.current - offset
                voltage = own.voltage - r_series_ohm * current
                good = (np.abs(voltage) >= v_min_V) & (np.abs(voltage) <= v_max_V) & (voltage * current > 0)
                if good.sum() >= _FEWEST:
                    V, I = voltage[good], current[good]
                    near = np.abs(V) <= max(_READ_V, np.min(np.abs(V)) * 1.5)
                    label = f"{m.source or m.device or 'curve'}, {run}, {name}"
                    curve = StateCurve(V, I, "LRS", m.ambient_K, m.synthetic, offset, label)
                    found.append((float(np.median(V[near] / I[near])), curve))
    if not found:
        raise InputError(
            f"no return branch has {_FEWEST} usable points with |V| in {v_min_V:g}..{v_max_V:g} V (not in compliance, current of the sign "
            "of the voltage). Likely cause: a sweep in one direction only, or the voltage in another unit."
        )
    ohms = np.array([f[0] for f in found])
    middle = np.sqrt(ohms.min() * ohms.max())
    single = ohms.max() < RATIO * ohms.min()
    return [replace(curve, state=_state(r, middle, single)) for r, curve in found]


def _below_the_limit(whole: Measurement, run: str, side: str, mine: np.ndarray) -> np.ndarray:
    """Which points of `mine` the current limit of the instrument cannot have touched, shape (mine.sum(),).

    A limit takes the upward noise of the points just below it, and so bends the curve where it says most. Points count from
    where their local median comes within three times the local scatter of the limit; a limit is a plateau, or three readings
    alike at the top of one polarity.
    """
    same = (whole.run_labels == run) & np.char.endswith(whole.branch_names, side) & ~whole.glitch
    amps, held = np.abs(whole.current), whole.in_compliance & same
    volts, own = np.abs(whole.voltage[mine]), amps[mine]
    if own.size < _WINDOW:
        return np.ones(own.size, bool)
    if held.any():
        limit = float(np.median(amps[held]))
    else:
        top = float(amps[same].max())
        limit = top if np.sum(amps[same] >= (1.0 - _ALIKE) * top) >= _ALIKE_POINTS else np.inf
    if not np.isfinite(limit):
        return np.ones(own.size, bool)
    wide = np.pad(own, _WINDOW // 2, mode="edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(wide, _WINDOW), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = np.diff(np.log(own), 2)
    bend = bend[np.isfinite(bend)]
    scatter = 1.4826 * float(np.median(np.abs(bend))) / np.sqrt(6.0) if bend.size else 0.0
    touched = local * (1.0 + 3.0 * scatter) >= (1.0 - _ALIKE) * limit
    return volts < (volts[touched].min() if touched.any() else np.inf)


def _state(ohm: float, middle: float, single: bool) -> State:
    return "LRS" if single or ohm < middle else "HRS"
