"""From measured sweeps to the branches the hopping fit uses: quiet ones, in one state, without compliance or glitches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fits.hopping_fit import State, StateCurve
from fits.measurement import Measurement
from fits.segments import segmented
from ground.errors import InputError

V_MIN_V, V_MAX_V = 0.02, 1.0
RATIO = 2.0  # branches whose low-field resistances differ by less belong to one state
_READ_V = 0.2
_FEWEST = 5


def state_curves(
    measurements: Measurement | Sequence[Measurement],
    *,
    v_min_V: float = V_MIN_V,
    v_max_V: float = V_MAX_V,
    r_series_ohm: float = 0.0,
) -> list[StateCurve]:
    """Return the LRS and HRS curves in measured sweeps, one per run and return branch.

    Return branches are used: whatever switches has switched before. Points in compliance, glitches, |V| outside v_min_V..v_max_V
    and points whose current has the wrong sign are left out; r_series_ohm (transistor, lines) is subtracted from the voltage.
    Branches are LRS or HRS by their resistance near 0.2 V, relative to the geometric middle of all of them.
    Raises InputError where no branch is left.
    """
    found: list[tuple[float, Measurement, np.ndarray, np.ndarray]] = []
    for m in [measurements] if isinstance(measurements, Measurement) else list(measurements):
        whole = segmented(m)
        for run in whole.runs:
            for name in ("return +", "return -"):
                mine = (whole.run_labels == run) & (whole.branch_names == name) & whole.usable
                if mine.sum() < _FEWEST:
                    continue
                own = whole.select(mine)
                voltage = own.voltage - r_series_ohm * own.current
                good = (np.abs(voltage) >= v_min_V) & (np.abs(voltage) <= v_max_V) & (voltage * own.current > 0)
                if good.sum() >= _FEWEST:
                    V, I = voltage[good], own.current[good]
                    near = np.abs(V) <= max(_READ_V, np.min(np.abs(V)) * 1.5)
                    found.append((float(np.median(V[near] / I[near])), own, V, I))
    if not found:
        raise InputError(
            f"no return branch has {_FEWEST} usable points with |V| in {v_min_V:g}..{v_max_V:g} V (not in compliance, current of the sign "
            "of the voltage). Likely cause: a sweep in one direction only, or the voltage in another unit."
        )
    ohms = np.array([f[0] for f in found])
    middle = np.sqrt(ohms.min() * ohms.max())
    single = ohms.max() < RATIO * ohms.min()
    return [StateCurve(V, I, _state(r, middle, single), m.ambient_K, m.synthetic) for r, m, V, I in found]


def _state(ohm: float, middle: float, single: bool) -> State:
    return "LRS" if single or ohm < middle else "HRS"
