"""Where the resistance of a low-field extraction comes from: stated with its error, or the low-field line of a measured branch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fits.sweeps.low_field import BranchConductance, low_field_conductance
from ground.errors import InputError
from ground.units import Quantity

_OHM, _OHM_ERROR = Quantity("ohm", 1.0, 1e9), Quantity("ohm", 0.0, 1e9)


@dataclass(frozen=True)
class LowFieldSource:
    """A measured low-field resistance [ohm] with its standard error [ohm, None where not known], and where it comes from."""

    resistance_ohm: float
    stderr_ohm: float | None
    described: str
    file: Path | None = None
    synthetic: bool = False

    def as_arguments(self) -> dict[str, Any]:
        """Return what fit_filament and fit_cmo take."""
        return {
            "resistance_ohm": self.resistance_ohm,
            "resistance_stderr_ohm": self.stderr_ohm,
            "synthetic": self.synthetic,
        }


def low_field_source(
    resistance: str | None,
    error: str | None,
    iv: Path | None,
    *,
    run: str | None = None,
    branch: str | None = None,
    cycle: int | None = None,
    v_max_V: float = 0.2,
) -> LowFieldSource:
    """Return the resistance from a text ("18 kohm") and its error ("1%", "200 ohm"), or from one branch of a file.

    Raises InputError where neither or both are given, or the file has more than one branch that fits run, branch and cycle.
    """
    if (resistance is None) == (iv is None):
        raise InputError(
            "give either --resistance, such as --resistance '18 kohm', or --iv FILE with a measured sweep."
        )
    if resistance is not None:
        if run is not None or branch is not None or cycle is not None:
            raise InputError(
                "--run, --branch and --cycle choose from a file: they go with --iv, not with --resistance."
            )
        ohm = _OHM.named("--resistance", resistance)
        return LowFieldSource(ohm, _stderr(error, ohm), f"stated: {resistance}" + (f" +- {error}" if error else ""))
    if error is not None:
        raise InputError("--error goes with --resistance; with --iv the error comes from the scatter of the data.")
    return _from_file(Path(str(iv)), run, branch, cycle, v_max_V)


def _stderr(text: str | None, ohm: float) -> float | None:
    """Return the standard error [ohm] of a text such as "1%" or "200 ohm"."""
    if text is None:
        return None
    relative = text.strip().endswith("%")
    try:
        value = float(text.strip()[:-1]) * ohm / 100 if relative else _OHM_ERROR.check(text)
    except ValueError:
        raise InputError(
            f"--error={text!r} is not allowed: expected a share, such as '1%', or ohms, such as '200 ohm'."
        ) from None
    if not 0 <= value < ohm:
        raise InputError(f"--error={text!r} is not allowed: expected less than the resistance itself, {ohm:g} ohm.")
    return value


def _from_file(file: Path, run: str | None, branch: str | None, cycle: int | None, v_max_V: float) -> LowFieldSource:
    from fits.reading.readers import read_iv

    lines = low_field_conductance(read_iv(file), v_max_V)
    rows = [
        r
        for r in lines.rows
        if run in (None, r.run) and branch in (None, r.branch) and (cycle is None or cycle == r.cycle)
    ]
    if len(rows) != 1:
        found = "none of its branches fits" if not rows else f"{len(rows)} branches fit"
        raise InputError(
            f"{file}: {found}, and the extraction takes one: the state after forming, or after the first negative sweep. "
            f"Choose with --run, --branch and --cycle from: {'; '.join(map(_named, rows or lines.rows))}."
        )
    row = rows[0]
    if row.resistance_ohm is None:
        raise InputError(
            f"{file}: {row.run} cycle {row.cycle} {row.branch} has no resolved conductance: {row.conductance_S:.3g} +- "
            f"{row.conductance_stderr_S:.2g} S. Take a larger --v-max, or a branch in a conducting state."
        )
    described = f"{file.name}, {_named(row)}, |V| <= {v_max_V:g} V, {row.n_points} points"
    return LowFieldSource(row.resistance_ohm, row.resistance_stderr_ohm, described, file, lines.synthetic)


def _named(row: BranchConductance) -> str:
    ohm = f"{row.resistance_ohm:.4g} ohm" if row.resistance_ohm else "not resolved"
    return f"{row.run} cycle {row.cycle} {row.branch} ({ohm})"
