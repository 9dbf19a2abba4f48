"""What `reram fit iv` says of measured files: per file the branches, low-field lines and states, then the population."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fits.reading.fields import READ_VOLTAGE, checked
from fits.reading.measurement import Measurement
from fits.sweeps.low_field import low_field_conductance
from fits.sweeps.resistance_states import States, population, states
from fits.sweeps.segments import segmented
from ground.errors import InputError

if TYPE_CHECKING:
    from ground.page import Table


@dataclass(frozen=True)
class IvSummary:
    """What some measurements say. data : JSON-like, as `iv_summary`, and `hopping`.  text : the same for a person."""

    measurements: tuple[Measurement, ...]
    data: dict[str, Any]
    text: str

    @classmethod
    def of(cls, measurements: Sequence[Measurement], *, v_read_V: float = 0.2, v_max_V: float = 0.2) -> IvSummary:
        """Return the summary of some measurements with their hopping fit; arguments and errors as `iv_summary`."""
        data = iv_summary(measurements, v_read_V=v_read_V, v_max_V=v_max_V)
        data["hopping"], hopping = hopping_of(measurements)
        text = iv_report(measurements, v_read_V=v_read_V, v_max_V=v_max_V) + "\n" + hopping
        return cls(tuple(map(segmented, measurements)), data, text)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return dict(self.data)

    def report(self) -> str:
        """Return the text for a person."""
        return self.text

    def plot(self) -> Any:
        """Return a matplotlib figure: every sweep, and the states read in it."""
        from fits.sweeps.iv_plot import figure_of

        return figure_of(self)

    def tables(self) -> list[Table]:
        """Return the low-field lines and the sweeps of all files, as tables of a page."""
        from ground.page import Table

        lines = ("run", "cycle", "branch", "conductance_S", "conductance_stderr_S", "resistance_ohm", "n_points")
        sweeps = ("run", "cycle", "polarity", "kind", "r_before_ohm", "r_after_ohm", "v_switch_V", "i_switch_A")
        return [
            Table("Low-field lines", ("file", *lines), self._rows("low_field", "rows", lines)),
            Table("States of every sweep", ("file", *sweeps), self._rows("states", "sweeps", sweeps)),
        ]

    def _rows(self, what: str, inside: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
        found = [(f["source"], row) for f in self.data["files"] if f[what] for row in f[what][inside]]
        return [(source, *(row[n] for n in names)) for source, row in found]


def iv_summary(measurements: Sequence[Measurement], *, v_read_V: float = 0.2, v_max_V: float = 0.2) -> dict[str, Any]:
    """Return JSON-like results of several measurements: `files`, `population`, `synthetic`, and the settings used.

    v_read_V : where the states are read [V].  v_max_V : low-field lines use |V| <= v_max_V [V].
    An extraction that a file does not allow is None there, with its reason under `left_out`.
    Raises InputError where no file allows any of them.
    """
    if not measurements:
        raise InputError("there is no measurement to summarise: give at least one file.")
    _check_twice(measurements)
    v_read_V, v_max_V = checked("v_read_V", v_read_V, READ_VOLTAGE), checked("v_max_V", v_max_V, READ_VOLTAGE)
    found: list[States] = []
    files = [_one(segmented(m), v_read_V, v_max_V, found) for m in measurements]
    if all(f["low_field"] is None and f["states"] is None for f in files):
        raise InputError("; ".join(reason for f in files for reason in f["left_out"]))
    return {
        "files": files,
        "population": population(found).to_dict() if found else None,
        "synthetic": any(m.synthetic for m in measurements),
        "v_read_V": v_read_V,
        "v_max_V": v_max_V,
    }


def iv_report(measurements: Sequence[Measurement], *, v_read_V: float = 0.2, v_max_V: float = 0.2) -> str:
    """Return the same as text for a person."""
    parts: list[str] = []
    found: list[States] = []
    for m in map(segmented, measurements):
        parts.append(repr(m)[1:-1])
        for extract in (lambda m=m: low_field_conductance(m, v_max_V), lambda m=m: states(m, v_read_V)):
            result, reason = _try(extract)
            parts.append(result.report() if result is not None else f"left out: {reason}")
            if isinstance(result, States):
                found.append(result)
    if len(found) > 1:
        parts.append(f"all {len(found)} files\n{population(found).report()}")
    return "\n".join(parts)


def hopping_of(measurements: Sequence[Measurement]) -> tuple[dict[str, Any], str]:
    """Return the hopping fit of all files as (JSON-like, text); where they do not allow one, the reason in both."""
    from fits.hopping.fit import fit_hopping

    fit, reason = _try(lambda: fit_hopping(list(measurements)))
    if fit is None:
        return {"left_out": reason}, f"hopping fit left out: {reason}"
    return fit.to_dict(), fit.report()


def _one(m: Measurement, v_read_V: float, v_max_V: float, found: list[States]) -> dict[str, Any]:
    low_field, low_field_reason = _try(lambda: low_field_conductance(m, v_max_V))
    read, states_reason = _try(lambda: states(m, v_read_V))
    if read is not None:
        found.append(read)
    return {
        "source": m.source,
        "sha256": m.sha256,
        "device": m.device,
        "ambient_K": m.ambient_K,
        "synthetic": m.synthetic,
        "n_points": len(m),
        "runs": list(m.runs),
        "branches": list(m.branches),
        "compliance_A": m.compliance_A if math.isfinite(m.compliance_A) else None,
        "n_in_compliance": int(m.in_compliance.sum()),
        "n_glitches": int(m.glitch.sum()),
        "low_field": None if low_field is None else low_field.to_dict(),
        "states": None if read is None else read.to_dict(),
        "left_out": [reason for reason in (low_field_reason, states_reason) if reason],
    }


def _check_twice(measurements: Sequence[Measurement]) -> None:
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    for m in measurements:
        key = (m.sha256, m.device, m.runs)
        if m.sha256 and key in seen:
            raise InputError(f"{m.source} is given twice (same content): it would count twice in the population.")
        seen.add(key)


def _try(extract: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return extract(), ""
    except InputError as error:
        return None, str(error)
