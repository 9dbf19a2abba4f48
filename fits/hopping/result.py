"""What a hopping fit takes and gives: curves in one resistance state, and the fitted parameters with their report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from compact_model.transport import Hopping
from fits.results.identifiability import Fixed, Identified
from ground.errors import InputError
from ground.provenance import Source, sources

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from fits.hopping.bootstrap import Resampled
    from fits.hopping.choice import Choice
    from fits.hopping.fem_check import FemCheck
    from fits.hopping.fit import Problem, Solved
    from ground.page import Table

Array = NDArray[np.float64]
State = Literal["LRS", "HRS"]
RMS_MAX = 0.2  # a residual beyond this is no noise
STRONG = 0.9  # correlations beyond this are printed


@dataclass(frozen=True)
class StateCurve:
    """One branch in one resistance state: voltage_V, current_A (n,), measured at ambient_K; synthetic where it was made up.

    offset_A : current at 0 V that was subtracted already.  label : where the curve comes from.
    """

    voltage_V: Array
    current_A: Array
    state: State
    ambient_K: float = 293.15
    synthetic: bool = False
    offset_A: float = 0.0
    label: str = ""

    def __post_init__(self) -> None:
        v, i = np.asarray(self.voltage_V, float), np.asarray(self.current_A, float)
        if v.shape != i.shape or v.ndim != 1 or len(v) < 3:
            raise InputError(
                f"StateCurve ({self.state}): voltage {v.shape} and current {i.shape} are not allowed: expected two "
                "one-dimensional arrays of one length, at least 3 points."
            )
        if not (np.all(np.isfinite(v)) and np.all(np.isfinite(i))):
            raise InputError(f"StateCurve ({self.state}): a voltage or current is not finite; drop such points first.")
        if np.any(v * i <= 0):
            bad = int(np.flatnonzero(v * i <= 0)[0])
            raise InputError(
                f"StateCurve ({self.state}): at {v[bad]:g} V the current is {i[bad]:g} A: zero or of the other sign, so it has "
                "no logarithm. Subtract the instrument offset, or leave out the lowest voltages."
            )


@dataclass(frozen=True)
class HoppingFit:
    """Result of `fit_hopping`. parameters : by name; weak : texts; covariance in the order of `names` (ln a, ln N, dE [eV]).

    model_ln_current : ln of the self-consistent current [A] of the model at the points of `curves`.
    offset_A : fitted offset of each curve [A].  residuals : (I - offset) / I_model - 1 of each curve.
    resampled : bootstrap or sampler result, whose intervals then stand in `parameters`; or None.  fem : check by the FEM, or None.
    """

    parameters: dict[str, Identified]
    names: tuple[str, ...]
    covariance: Array
    weak: tuple[str, ...]
    residual_rms: float
    points: int
    choice: Choice
    r_cf_m: float
    attempt: Fixed
    sigma_rest_S_per_m: dict[float, float]
    temperature_range_K: tuple[float, float]
    field_range_V_per_m: tuple[float, float]
    synthetic: bool
    curves: tuple[StateCurve, ...] = field(repr=False)
    model_ln_current: tuple[Array, ...] = field(repr=False)
    offset_A: tuple[float, ...] = field(repr=False)
    residuals: tuple[Array, ...] = field(repr=False)
    problem: Problem = field(repr=False)
    solved: Solved = field(repr=False)
    resampled: Resampled | None = None
    fem: FemCheck | None = None

    @cached_property
    def advice(self) -> tuple[str, ...]:
        """What to measure next, in words; empty where nothing is lost. Worked out when first asked for."""
        from fits.hopping.experiment_design import advise

        return advise(self.problem, self.solved, self.parameters)

    @property
    def hopping(self) -> Hopping:
        """The best-fit hopping parameters (needs both states; see `parameters` for what they are worth)."""
        p = self.parameters
        missing = [n for n in ("trap_density_lrs_m3", "trap_density_hrs_m3") if n not in p]
        if missing:
            raise InputError(
                f"HoppingFit has no {missing[0]}: the data held one resistance state only. Fit LRS and HRS together."
            )
        if "hop_distance_m" not in p:
            raise InputError(
                "HoppingFit has no hop_distance_m: LRS and HRS were given hop distances of their own, but the cell has one. "
                "Share it (shared=('hop_distance',))."
            )
        return Hopping(
            trap_density_lrs_m3=p["trap_density_lrs_m3"].value,
            trap_density_hrs_m3=p["trap_density_hrs_m3"].value,
            barrier_lrs_eV=p["barrier_lrs_eV"].value,
            barrier_hrs_eV=p["barrier_hrs_eV"].value,
            hop_distance_m=p["hop_distance_m"].value,
            attempt_Hz=self.attempt.value,
        )

    @property
    def correlation(self) -> Array:
        """Correlation of the parameters in the order of `names`; 0 with a parameter that is fixed."""
        size = np.sqrt(np.diag(self.covariance))
        size = np.where(size > 0, size, np.inf)
        return self.covariance / np.outer(size, size) + np.diag((~np.isfinite(size)).astype(float))

    @property
    def response_table(self) -> list[Source]:
        """The response table of the fit as an input of what is made from it; empty where it was never a file."""
        file = self.problem.dome.file
        return sources("response table", file) if file is not None and file.is_file() else []

    def correlation_table(self) -> Table:
        """Correlations of the parameters, for a page."""
        from ground.page import Table

        rows = [(n, *(f"{x:+.3f}" for x in row)) for n, row in zip(self.names, self.correlation, strict=True)]
        return Table("Correlations", ("", *self.names), rows)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What says that these data are not of this device, or that the law does not describe them; empty where nothing does."""
        out = [
            f"{name} = {p.value:.3g} eV is negative: no barrier. The data do not behave as this device (filament radius "
            f"{self.r_cf_m * 1e9:.3g} nm, layers of the response table). Check --r-cf, --r-series, --response and the ambients"
            for name, p in self.parameters.items()
            if name.startswith("barrier") and p.value < 0
        ]
        for name, p in self.parameters.items():
            if name.startswith("hop_distance") and p.source == "fit" and not 1.5e-10 < p.value < 1.8e-8:
                out.append(f"{name} = {p.value:.3g} m is at the end of its range 1e-10..2e-8 m")
        if self.residual_rms > RMS_MAX:
            out.append(
                f"the rms residual is {self.residual_rms:.0%} of the current: this law, at these ambients and this geometry, does "
                "not describe the data"
            )
        return tuple(out)

    def report(self) -> str:
        """Values, 95 % intervals, doubts, correlations, what the data cannot see, and what to measure next."""
        lines = [
            "Hopping fit" + (" of SYNTHETIC data" if self.synthetic else ""),
            *(f"  NOT THIS DEVICE? {d}." for d in self.doubts),
            f"  points {self.points}   rms residual {self.residual_rms:.3%} of the current   r_CF {self.r_cf_m * 1e9:.3g} nm",
            f"  dome T {self.temperature_range_K[0]:.0f}..{self.temperature_range_K[1]:.0f} K   "
            f"E {self.field_range_V_per_m[0]:.2g}..{self.field_range_V_per_m[1]:.2g} V/m",
            f"  attempt_Hz = {self.attempt.value:.3g} fixed ({self.attempt.source})",
            f"  shared by LRS and HRS: {', '.join(self.choice.shared) or 'nothing'}; offset: {self.choice.offset}",
        ]
        if self.resampled is not None:
            lines.append(f"  intervals: {self.resampled.described}")
        for name, p in self.parameters.items():
            note = f"   fixed ({p.source})" if p.source != "fit" else "" if p.identified else "   NOT IDENTIFIED"
            lines.append(f"  {name:<22} = {p.value:.4g}   95 %: {p.low:.4g} .. {p.high:.4g}{note}")
        if self.choice.offset != "none":
            largest = max(self.offset_A, key=abs)
            lines.append(f"  largest fitted offset of the current: {largest:.2g} A")
        pairs = np.argwhere(np.triu(np.abs(self.correlation) > STRONG, 1))
        lines += [f"  correlation {self.names[i]}, {self.names[j]}: {self.correlation[i, j]:+.3f}" for i, j in pairs]
        lines += [f"  weak: {w}" for w in self.weak] or ["  no weak direction"]
        lines += [f"  next: {a}" for a in self.advice]
        if self.fem is not None:
            lines.append(self.fem.report())
        return "\n".join(lines)

    def plot(self) -> Any:
        """Return a matplotlib figure: data, model with its interval, residuals."""
        from fits.hopping.plot import figure_of

        return figure_of(self)

    def to_compact_model(
        self, name: str = "", files: Iterable[str | Path | Source] = (), near: Path | None = None
    ) -> CompactModel:
        """Return the compact model with this cell; raises InputError where the data do not identify it.

        files : what was measured, for the provenance.  near : the file that the model will be saved as.
        """
        from fits.hopping.to_model import to_compact_model

        return to_compact_model(self, name=name, files=files, near=near)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary of everything but the data."""
        return {
            "parameters": {n: vars(p) for n, p in self.parameters.items()},
            "covariance": {"names": list(self.names), "matrix": self.covariance.tolist()},
            "correlation": self.correlation.tolist(),
            "doubts": list(self.doubts),
            "weak_directions": list(self.weak),
            "advice": list(self.advice),
            "residual_rms": self.residual_rms,
            "points": self.points,
            "fixed": {n: vars(f) for n, f in self.choice.fixed.items()},
            "shared": list(self.choice.shared),
            "offset": self.choice.offset,
            "curves": [
                {
                    "label": c.label,
                    "state": c.state,
                    "ambient_K": c.ambient_K,
                    "points": len(c.voltage_V),
                    "offset_A": c.offset_A + o,
                }
                for c, o in zip(self.curves, self.offset_A, strict=True)
            ],
            "fem": None if self.fem is None else self.fem.to_dict(),
            "resampled": None if self.resampled is None else self.resampled.to_dict(),
            "r_cf_m": self.r_cf_m,
            "attempt_Hz": vars(self.attempt),
            "temperature_range_K": list(self.temperature_range_K),
            "field_range_V_per_m": list(self.field_range_V_per_m),
            "synthetic": self.synthetic,
        }
