"""What a hopping fit takes and gives: curves in one resistance state, and the fitted parameters with their report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from compact_model.transport import Hopping
from fits.identifiability import Fixed, Identified
from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.model import CompactModel

Array = NDArray[np.float64]
State = Literal["LRS", "HRS"]


@dataclass(frozen=True)
class StateCurve:
    """One branch in one resistance state: voltage_V, current_A (n,), measured at ambient_K; synthetic where it was made up."""

    voltage_V: Array
    current_A: Array
    state: State
    ambient_K: float = 293.15
    synthetic: bool = False

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
    """Result of `fit_hopping`. parameters : by name; weak : texts; covariance in the order of `names` (ln N, dE in eV, ln a).

    model_ln_current : ln of the self-consistent current [A] of the model at the points of `curves`.
    """

    parameters: dict[str, Identified]
    names: tuple[str, ...]
    covariance: Array
    weak: tuple[str, ...]
    residual_rms: float
    points: int
    r_cf_m: float
    attempt: Fixed
    sigma_rest_S_per_m: dict[float, float]
    temperature_range_K: tuple[float, float]
    field_range_V_per_m: tuple[float, float]
    synthetic: bool
    curves: tuple[StateCurve, ...] = field(repr=False)
    model_ln_current: tuple[Array, ...] = field(repr=False)

    @property
    def hopping(self) -> Hopping:
        """The best-fit hopping parameters (needs both states; see `parameters` for what they are worth)."""
        p = self.parameters
        missing = [n for n in ("trap_density_lrs_m3", "trap_density_hrs_m3") if n not in p]
        if missing:
            raise InputError(
                f"HoppingFit has no {missing[0]}: the data held one resistance state only. Fit LRS and HRS together."
            )
        return Hopping(
            trap_density_lrs_m3=p["trap_density_lrs_m3"].value,
            trap_density_hrs_m3=p["trap_density_hrs_m3"].value,
            barrier_lrs_eV=p["barrier_lrs_eV"].value,
            barrier_hrs_eV=p["barrier_hrs_eV"].value,
            hop_distance_m=p["hop_distance_m"].value,
            attempt_Hz=self.attempt.value,
        )

    def report(self) -> str:
        """Values, 95 % intervals, and what the data cannot see."""
        lines = [
            "Hopping fit" + (" of SYNTHETIC data" if self.synthetic else ""),
            f"  points {self.points}   rms residual {self.residual_rms:.3%} of the current   r_CF {self.r_cf_m * 1e9:.3g} nm",
            f"  dome T {self.temperature_range_K[0]:.0f}..{self.temperature_range_K[1]:.0f} K   "
            f"E {self.field_range_V_per_m[0]:.2g}..{self.field_range_V_per_m[1]:.2g} V/m",
            f"  attempt_Hz = {self.attempt.value:.3g} fixed ({self.attempt.source})",
        ]
        lines += [
            f"  {name:<22} = {p.value:.4g}   95 %: {p.low:.4g} .. {p.high:.4g}{'' if p.identified else '   NOT IDENTIFIED'}"
            for name, p in self.parameters.items()
        ]
        lines += [f"  weak: {w}" for w in self.weak] or ["  no weak direction"]
        return "\n".join(lines)

    def to_compact_model(self, name: str = "", files: Iterable[str | Path] = ()) -> CompactModel:
        """Return the compact model with this cell; raises InputError where the data do not identify it."""
        from fits.to_model import to_compact_model

        return to_compact_model(self, name=name, files=files)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary of everything but the data."""
        return {
            "parameters": {n: vars(p) for n, p in self.parameters.items()},
            "covariance": {"names": list(self.names), "matrix": self.covariance.tolist()},
            "weak_directions": list(self.weak),
            "residual_rms": self.residual_rms,
            "points": self.points,
            "r_cf_m": self.r_cf_m,
            "attempt_Hz": vars(self.attempt),
            "temperature_range_K": list(self.temperature_range_K),
            "field_range_V_per_m": list(self.field_range_V_per_m),
            "synthetic": self.synthetic,
        }
