"""Forming: the voltage at which the current jumps, told from noise, smooth curves and the plateau after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compact_model.transistor import Transistor
from fits.reading.measurement import FloatArray, Measurement
from fits.sweeps.segments import segmented
from fits.sweeps.series_drop import SeriesDrop
from ground.errors import InputError

_METHOD = "max dI/dV of the running median of 5 points on the forward branch, up to the first point in compliance"
_JUMP_FRACTION = 0.3  # of the highest current before or at compliance: a smaller step is no forming
_JUMP_RATIO = 4.0  # over every earlier step but the one just before: a smooth curve, however steep, stays below
_MIN_POINTS = 8


@dataclass(frozen=True)
class Forming:
    """Where a device formed. Voltages and currents are signed as measured on the driven terminal.

    v_forming_V : programmed voltage of the first point after the jump.  i_forming_A : current of that point.
    v_forming_device_V : v_forming_V less what resistor and transistor in series take at i_forming_A; None where the transistor
    saturates, so that its drop cannot be told from the current.  v_before_V, i_before_A : the point before the jump.
    v_device_before_V : what stood on the device itself just before the jump.
    i_formed_A : median current of up to 5 points from the jump on, so that one noisy reading does not decide.
    instrument_definition_V : |V| at the largest rise of |I| of the whole trace, as Clarius computes VFORM.
    in_compliance : whether the instrument held i_forming_A already, so that it is a limit, not the device's own.
    trace : the sweep it was found in.
    """

    source: str
    run: str
    v_forming_V: float
    i_forming_A: float
    v_forming_device_V: float | None
    r_series_ohm: float
    v_before_V: float
    i_before_A: float
    v_device_before_V: float
    i_formed_A: float
    instrument_definition_V: float
    in_compliance: bool
    ambient_K: float
    synthetic: bool
    trace: Measurement = field(repr=False, compare=False)
    gate_V: float | None = None
    method: str = _METHOD

    @property
    def v_forming_magnitude_V(self) -> float:
        """|v_forming_V| [V]."""
        return abs(self.v_forming_V)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        own = {n: v for n, v in vars(self).items() if n != "trace"}
        return {**own, "v_forming_magnitude_V": self.v_forming_magnitude_V}

    def report(self) -> str:
        """Return the forming voltage, how it was defined and what limits it, as text."""
        made = ", SYNTHETIC" if self.synthetic else ""
        series = f"{self.r_series_ohm:g} ohm" + (f" and the transistor at {self.gate_V:g} V" if self.gate_V else "")
        left = self.v_forming_device_V
        after = "unknown (the transistor saturates)" if left is None else f"{left:.4g} V"
        lines = [
            f"forming, {self.source or 'from arrays'}, {self.run}, {self.ambient_K:g} K{made}",
            f"  V_forming = {self.v_forming_V:.4g} V (magnitude {self.v_forming_magnitude_V:.4g} V), "
            f"between this point and {self.v_before_V:.4g} V",
            f"  I: {self.i_before_A:.3g} A before, {self.i_forming_A:.3g} A after, median {self.i_formed_A:.3g} A"
            + (" (held by the instrument's compliance)" if self.in_compliance else ""),
            f"  V on the device = {self.v_device_before_V:.4g} V just before, {after} after, behind {series} in series",
            f"  method: {self.method}",
            f"  instrument's definition (|V| at the largest rise of |I|): {self.instrument_definition_V:.4g} V",
        ]
        if abs(self.instrument_definition_V - self.v_forming_magnitude_V) > 1e-6:
            lines.append("  the two definitions differ: look at the trace before using either")
        return "\n".join(lines)

    def plot(self) -> Any:
        """Return a matplotlib figure: the sweep, and the jump in it."""
        from fits.sweeps.forming_plot import figure_of

        return figure_of(self)


def forming(
    measurement: Measurement,
    r_series_ohm: float = 0.0,
    *,
    transistor: Transistor | None = None,
    gate_V: float | None = None,
) -> Forming:
    """Return the forming voltage of a measurement with one run.

    r_series_ohm : resistance in series with the device [ohm].  transistor, gate_V : the series transistor, and its gate [V].
    The jump is the largest dI/dV of the forward branch, up to and including the first point in compliance, after a running
    median of 5 points. It counts as forming where it brings at least 30 % of the current reached there and is 4 times
    larger than every earlier step (but the one just before it, as a jump may take two points).

    Raises InputError where there are several runs, no forward branch, or no such jump.
    """
    series = SeriesDrop(r_series_ohm, transistor, gate_V)
    if len(measurement.runs) != 1:
        raise InputError(
            f"{measurement.source or 'the measurement'} holds the runs {', '.join(measurement.runs)}; "
            f"a device forms in one of them: give measurement.run({measurement.runs[0]!r}) (or --run)."
        )
    m = segmented(measurement)
    before, after = _jump(m)
    volts, amps = m.voltage, m.current
    left_V = series.device_V(volts[[before, after]], amps[[before, after]], m.ambient_K)
    if left_V[1] * volts[after] <= 0:
        raise InputError(
            f"r_series_ohm={series.r_ohm:g} is not allowed: with {amps[after]:.3g} A it takes the whole "
            f"{volts[after]:.3g} V; expected less than {abs(volts[after] / amps[after]):.3g} ohm."
        )
    rise = np.diff(np.abs(amps))
    return Forming(
        source=m.source,
        run=m.runs[0],
        v_forming_V=float(volts[after]),
        i_forming_A=float(amps[after]),
        v_forming_device_V=None if np.isnan(left_V[1]) else float(left_V[1]),
        r_series_ohm=series.r_ohm,
        v_before_V=float(volts[before]),
        i_before_A=float(amps[before]),
        v_device_before_V=float(np.nan_to_num(left_V[0], nan=volts[before])),
        i_formed_A=_formed(m, after),
        gate_V=series.gate_V,
        instrument_definition_V=float(abs(volts[1:][np.argmax(rise)])),
        in_compliance=bool(m.in_compliance[after]),
        ambient_K=m.ambient_K,
        synthetic=m.synthetic,
        trace=m,
    )


def _formed(m: Measurement, after: int) -> float:
    """Return the median current of the points from the jump on that belong to the same branch and are no glitches."""
    near = np.arange(after, min(after + 5, len(m)))
    own = (m.branch_names[near] == m.branch_names[after]) & ~m.glitch[near]
    return float(np.median(m.current[near[own]]))


def _jump(m: Measurement) -> tuple[int, int]:
    """Return the indices of the points before and after the largest jump of all forward branches."""
    best: tuple[float, int, int] | None = None
    reasons: list[str] = []
    for branch in (b for b in m.branches if b.startswith("forward")):
        for cycle in np.unique(m.cycle):
            points = np.flatnonzero((m.branch_names == branch) & (m.cycle == cycle) & ~m.glitch)
            quiet = _median_of_five(np.abs(m.current[points]))
            limited = np.flatnonzero(m.in_compliance[points])
            points = points[: limited[0] + 1] if limited.size else points
            if points.size < _MIN_POINTS:
                reasons.append(f"{branch}: {points.size} points before compliance, {_MIN_POINTS} are needed")
                continue
            k, reason = _largest_step(np.abs(m.voltage[points]), quiet[: points.size])
            if reason:
                reasons.append(f"{branch}: {reason}")
                continue
            height = float(quiet[k + 1] - quiet[k])
            if best is None or height > best[0]:
                best = (height, int(points[k]), int(points[k + 1]))
    if best is None:
        raise InputError(
            f"{m.source or 'the measurement'}, {m.runs[0]}: no forming found. "
            + ("; ".join(reasons) or "it has no forward branch (away from 0 V)")
            + ". Was the device formed already, or the voltage too low?"
        )
    return best[1], best[2]


def _median_of_five(amps: FloatArray) -> FloatArray:
    """Return the running median: one or two stray readings vanish, and a step stays where it is."""
    padded = np.r_[amps[:1], amps[:1], amps, amps[-1:], amps[-1:]]
    return np.asarray(np.median([padded[k : k + amps.size] for k in range(5)], axis=0))


def _largest_step(volts: Any, amps: Any) -> tuple[int, str]:
    """Return the step of largest dI/dV (between k and k + 1), and why it is no forming ("" where it is)."""
    rise, width = np.diff(amps), np.diff(volts)
    slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), -np.inf)
    k = int(np.argmax(slope))
    if not rise[k] >= _JUMP_FRACTION * amps.max():
        return k, (
            f"the largest step, {rise[k]:.2g} A at {volts[k + 1]:.3g} V, brings "
            f"{100 * rise[k] / max(amps.max(), 1e-300):.0f} % of the highest current; "
            f"a forming jump brings {100 * _JUMP_FRACTION:.0f} % or more"
        )
    if k < 2:
        return k, (
            f"the largest step, at {volts[k + 1]:.3g} V, is one of the first two, "
            "so nothing before it shows an unformed device"
        )
    earlier = slope[: k - 1]
    if slope[k] < _JUMP_RATIO * earlier.max():
        return k, (
            f"the largest step, at {volts[k + 1]:.3g} V, is only {slope[k] / earlier.max():.1f} times "
            "the steps before it, as on a smooth curve"
        )
    return k, ""
