"""The scoreboard: every published number of arXiv:2502.04524 beside ours, with an honest status."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ground.errors import MissingLibrary, ReramError
from studies.array_targets import array_targets
from studies.device_targets import device_targets
from studies.network_targets import network_targets
from studies.target import Target

Status = Literal["reproduced", "input", "off", "not attempted"]


@dataclass(frozen=True)
class Row:
    """One published number. tolerance : relative, decided before ours was computed.  inputs : published numbers that went in."""

    name: str
    figure: str
    published: float
    ours: float | None
    tolerance: float
    status: Status
    seconds: float
    inputs: tuple[str, ...] = ()
    note: str = ""


def targets() -> list[Target]:
    """Return every published number of paper.toml that is a target (not an input of the paper's simulations)."""
    return [*device_targets(), *array_targets(), *network_targets()]


def reproduce(say: Callable[[str], None] = lambda text: None) -> list[Row]:
    """Compute every row that is built. say : called with one line before each. A row that fails is off, with its reason."""
    rows = []
    for t in targets():
        if t.compute is None:
            rows.append(Row(t.name, t.figure, t.published, None, t.tolerance, "not attempted", 0.0))
            continue
        say(f"computing {t.name}")
        start = time.perf_counter()
        try:
            ours, note = t.compute()
        except MissingLibrary as error:
            rows.append(
                Row(t.name, t.figure, t.published, None, t.tolerance, "not attempted", 0.0, t.inputs, str(error))
            )
            continue
        except ReramError as error:
            ours, note = None, str(error)
        off = ours is None or abs(ours - t.published) > t.tolerance * abs(t.published)
        rows.append(
            Row(
                t.name,
                t.figure,
                t.published,
                ours,
                t.tolerance,
                "off" if off else "input" if t.given else "reproduced",
                round(time.perf_counter() - start, 2),
                t.inputs,
                note,
            )
        )
    return rows


def as_table(rows: list[Row]) -> str:
    """Return the rows as aligned text."""
    lines = [f"{'name':<46} {'fig.':<5} {'published':>10} {'ours':>10} {'within':>7}  status"]
    for r in rows:
        ours = "-" if r.ours is None else f"{r.ours:.4g}"
        gap = "" if r.ours is None else f" by {(r.ours / r.published - 1):+.0%}"
        status = r.status + gap if r.status == "off" else r.status
        lines.append(f"{r.name:<46} {r.figure:<5} {r.published:>10.4g} {ours:>10} {r.tolerance:>7.1%}  {status}")
        if r.note:
            lines.append(f"{'':<4}{r.note}")
    counts = {s: sum(r.status == s for r in rows) for s in ("reproduced", "input", "off", "not attempted")}
    return "\n".join([*lines, ", ".join(f"{n} {s}" for s, n in counts.items())])
