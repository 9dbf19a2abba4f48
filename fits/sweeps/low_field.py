"""Low-field conductance: the slope of I(V) near 0 V, per run and branch, with its standard error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fits.reading.fields import READ_VOLTAGE, checked
from fits.reading.measurement import FloatArray, Measurement
from fits.sweeps.segments import segmented
from ground.errors import InputError

_HUBER = 1.345  # 95 % efficiency for normal noise (Huber, Robust Statistics, 1981)
_MAD_TO_SIGMA = 1.4826
_MIN_POINTS = 4


@dataclass(frozen=True)
class Line:
    """A robust straight line I = offset_A + conductance_S * V, with standard errors from its own scatter."""

    conductance_S: float
    conductance_stderr_S: float
    offset_A: float
    offset_stderr_A: float
    n_points: int

    @property
    def resolved(self) -> bool:
        """Whether the slope stands above twice its standard error: below that the data see no conductance."""
        return self.conductance_S > 2.0 * self.conductance_stderr_S

    @property
    def resistance_ohm(self) -> float | None:
        """1 / conductance [ohm], None where the slope is not resolved."""
        return 1.0 / self.conductance_S if self.resolved else None

    @property
    def resistance_stderr_ohm(self) -> float | None:
        """Standard error of the resistance [ohm], to first order; None where the slope is not resolved."""
        return self.conductance_stderr_S / self.conductance_S**2 if self.resolved else None


@dataclass(frozen=True)
class BranchConductance(Line):
    """The low-field line of one branch."""

    run: str
    cycle: int
    branch: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values; a resistance the data cannot see is None."""
        return {
            **asdict(self),
            "resistance_ohm": self.resistance_ohm,
            "resistance_stderr_ohm": self.resistance_stderr_ohm,
        }


@dataclass(frozen=True)
class LowField:
    """Low-field conductances of a measurement. `left_out` says which branch has none, and why."""

    source: str
    v_max_V: float
    ambient_K: float
    synthetic: bool
    rows: tuple[BranchConductance, ...]
    left_out: tuple[str, ...]

    def __getitem__(self, key: tuple[str, str]) -> BranchConductance:
        """Return the first row of (run, branch)."""
        for row in self.rows:
            if (row.run, row.branch) == key:
                return row
        known = ", ".join(f"({r.run!r}, {r.branch!r})" for r in self.rows)
        raise InputError(f"there is no low-field line for {key!r}. Known: {known}.")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {
            "source": self.source,
            "v_max_V": self.v_max_V,
            "ambient_K": self.ambient_K,
            "synthetic": self.synthetic,
            "rows": [r.to_dict() for r in self.rows],
            "left_out": list(self.left_out),
        }

    def report(self) -> str:
        """Return one line per branch: G with its error, R, the offset, and what the data cannot see."""
        made = ", SYNTHETIC" if self.synthetic else ""
        lines = [f"low field, |V| <= {self.v_max_V:g} V, {self.ambient_K:g} K, {self.source or 'from arrays'}{made}"]
        for r in self.rows:
            ohm = "not resolved"
            if r.resistance_ohm is not None:
                ohm = f"{r.resistance_ohm:.4g} +- {r.resistance_stderr_ohm:.1g} ohm"
            lines.append(
                f"  {r.run} cycle {r.cycle} {r.branch:9s}  "
                f"G = {r.conductance_S:.4g} +- {r.conductance_stderr_S:.1g} S  R = {ohm}  "
                f"offset {r.offset_A:.2g} A  ({r.n_points} points)"
            )
        return "\n".join([*lines, *(f"  left out: {reason}" for reason in self.left_out)])


def low_field_conductance(measurement: Measurement, v_max_V: float = 0.2) -> LowField:
    """Fit I = offset + G V over |V| <= v_max_V for every run, cycle and branch, robustly (Huber).

    Points in compliance and glitches are excluded; the offset is free, so an instrument's zero error does not enter G.
    The standard error is that of the scatter about the line: it takes the points as
    independent, so slow drift makes it too small, and it does not contain the curvature of I(V).

    Raises InputError where v_max_V is outside 1e-4..10 V or no branch has four usable points.
    """
    v_max_V = checked("v_max_V", v_max_V, READ_VOLTAGE)
    m = segmented(measurement)
    rows: list[BranchConductance] = []
    left_out: list[str] = []
    for run, cycle, branch in branch_keys(m):
        own = (m.run_labels == run) & (m.cycle == cycle) & (m.branch_names == branch)
        near = own & (np.abs(m.voltage) <= v_max_V * (1 + 1e-6))
        used = near & m.usable
        if used.sum() < _MIN_POINTS or np.ptp(m.voltage[used]) == 0:
            limited = f", {int((near & m.in_compliance).sum())} in compliance" if (near & m.in_compliance).any() else ""
            left_out.append(
                f"{run} cycle {cycle} {branch}: {int(used.sum())} usable points within {v_max_V:g} V"
                f"{limited}; {_MIN_POINTS} are needed"
            )
            continue
        line = robust_line(m.voltage[used], m.current[used])
        rows.append(BranchConductance(**asdict(line), run=run, cycle=cycle, branch=branch))
    if not rows:
        raise InputError(f"v_max_V={v_max_V:g} leaves no branch to fit: " + "; ".join(left_out) + ". Raise v_max_V.")
    return LowField(m.source, v_max_V, m.ambient_K, m.synthetic, tuple(rows), tuple(left_out))


def branch_keys(measurement: Measurement) -> list[tuple[str, int, str]]:
    """Return (run, cycle, branch) of a segmented measurement, in order of appearance."""
    m = measurement
    keys = zip(m.run_labels.tolist(), m.cycle.tolist(), m.branch_names.tolist(), strict=True)
    return list(dict.fromkeys(keys))


def robust_line(volts: FloatArray, amps: FloatArray) -> Line:
    """Return the Huber line through points of shape (n,), n >= 3, with standard errors after Huber (1981), section 7.6.

    The scale is the median absolute residual, renewed at every step of the iteratively reweighted least squares.
    """
    unit_V, unit_A = float(np.abs(volts).max()), float(np.abs(amps).max()) or 1.0
    design = np.column_stack([np.ones_like(volts), volts / unit_V])
    target = amps / unit_A
    weights = np.ones_like(target)
    beta = np.zeros(2)
    for _ in range(200):
        root = np.sqrt(weights)
        new = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        residual = target - design @ new
        scale = max(_MAD_TO_SIGMA * float(np.median(np.abs(residual))), 1e-14)
        weights = np.minimum(1.0, _HUBER * scale / np.maximum(np.abs(residual), 1e-300))
        settled = np.abs(new - beta).max() <= 1e-12
        beta = new
        if settled:
            break
    n, p = design.shape
    inside = float(np.mean(weights == 1.0))
    correction = 1.0 + p / n * (1.0 - inside) / inside
    variance = np.sum((weights * residual) ** 2) / (n - p) / inside**2 * correction**2
    errors = np.sqrt(np.diag(variance * np.linalg.inv(design.T @ design)))
    return Line(
        conductance_S=float(beta[1] * unit_A / unit_V),
        conductance_stderr_S=float(errors[1] * unit_A / unit_V),
        offset_A=float(beta[0] * unit_A),
        offset_stderr_A=float(errors[0] * unit_A),
        n_points=n,
    )
