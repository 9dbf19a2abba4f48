"""The scoreboard: every published number of arXiv:2502.04524 beside ours, with an honest status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ground.errors import MissingLibrary, ReramError
from studies.array_targets import array_targets
from studies.device_targets import device_targets
from studies.network_targets import network_targets
from studies.target import Outcome, Target

Status = Literal["reproduced", "input", "off", "not attempted"]
STATUSES: tuple[Status, ...] = ("reproduced", "input", "off", "not attempted")


@dataclass(frozen=True)
class Row:
    """One published number.

    tolerance : relative, decided before ours was computed.  stderr : our own standard uncertainty, where there is one.
    inputs : published numbers that went in.  finished : False where an error or something missing kept us from a number.
    """

    name: str
    figure: str
    published: float
    ours: float | None
    tolerance: float
    status: Status
    seconds: float
    inputs: tuple[str, ...] = ()
    note: str = ""
    stderr: float | None = None
    finished: bool = True

    @property
    def gap(self) -> float | None:
        """How far ours is from the published number, relative to it; None without ours."""
        return None if self.ours is None else self.ours / self.published - 1.0


def targets() -> list[Target]:
    """Return every published number of paper.toml that is a target (not an input of the paper's simulations)."""
    return [*device_targets(), *array_targets(), *network_targets()]


def compute_row(target: Target) -> Row:
    """Compute one row. Where it fails it is off, with the reason; where something is missing, not attempted."""
    start, finished = time.perf_counter(), True
    status: Status | None = None
    if target.compute is None:
        outcome, status = Outcome(None, ""), "not attempted"
    else:
        try:
            outcome = target.compute()
        except MissingLibrary as error:
            outcome, status, finished = Outcome(None, str(error)), "not attempted", False
        except ReramError as error:
            outcome, finished = Outcome(None, str(error)), False
    if status is None:
        ours = outcome.value
        inside = ours is not None and abs(ours - target.published) <= target.tolerance * abs(target.published)
        status = "off" if not inside else "input" if target.given else "reproduced"
    return Row(
        name=target.name,
        figure=target.figure,
        published=target.published,
        ours=outcome.value,
        tolerance=target.tolerance,
        status=status,
        seconds=round(time.perf_counter() - start, 2),
        inputs=target.inputs,
        note=outcome.note,
        stderr=outcome.stderr,
        finished=finished,
    )


def row_of(record: Mapping[str, Any]) -> Row:
    """Return the row of a record that was kept of it. Raises KeyError or TypeError where something is missing."""
    given = {n: v for n, v in record.items() if n in Row.__dataclass_fields__}
    return Row(**{**given, "inputs": tuple(given["inputs"])})


def compute_rows(say: Callable[[str], None] = lambda text: None) -> list[Row]:
    """Compute every row; say : called with one line before each."""
    rows = []
    for target in targets():
        say(f"computing {target.name}")
        rows.append(compute_row(target))
    return rows


def shown_value(row: Row, digits: int = 4) -> str:
    """Return ours with its standard uncertainty (one digit), or "-"."""
    if row.ours is None:
        return "-"
    return f"{row.ours:.{digits}g}" + ("" if row.stderr is None else f" ± {row.stderr:.1g}")


def shown_status(row: Row) -> str:
    """Return the status, and by how much a row is off: in per cent, or from ten times the published value on as a factor."""
    if row.status != "off" or row.gap is None:
        return row.status
    return f"off by {row.gap:+.0%}" if row.gap < 9.0 else f"off by a factor of {1.0 + row.gap:.0f}"


def counts(rows: Sequence[Row]) -> dict[Status, int]:
    """Return how many rows have each status."""
    return {s: sum(r.status == s for r in rows) for s in STATUSES}


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text."""
    lines = [f"{'name':<46} {'fig.':<5} {'published':>10} {'ours':>18} {'within':>7}  status"]
    for r in rows:
        lines.append(
            f"{r.name:<46} {r.figure:<5} {r.published:>10.4g} {shown_value(r):>18} {r.tolerance:>7.1%}  {shown_status(r)}"
        )
        if r.note:
            lines.append(f"{'':<4}{r.note}")
    return "\n".join([*lines, ", ".join(f"{n} {s}" for s, n in counts(rows).items())])
