"""The scoreboard inside README.md: `python -m studies.scoreboard_page README.md` writes it anew."""

from __future__ import annotations

import sys
from pathlib import Path

from ground.errors import InputError
from ground.files import write_text
from studies.scoreboard import Row, compute_rows, shown_status, shown_value

BEGIN, END = "<!-- scoreboard: written by `make scoreboard` -->", "<!-- end of scoreboard -->"


def as_markdown(rows: list[Row]) -> str:
    """Return the rows that are built as a Markdown table, and how many are not."""
    lines = ["| number | figure | published | ours | within | status |", "|---|---|---|---|---|---|"]
    for r in (r for r in rows if r.status != "not attempted"):
        ours = shown_value(r, digits=3)
        lines.append(
            f"| {r.name} | {r.figure} | {r.published:.3g} | {ours} | {100 * r.tolerance:g} % | {shown_status(r)} |"
        )
    missing = sum(r.status == "not attempted" for r in rows)
    return "\n".join(
        [
            *lines,
            "",
            "± is our own standard uncertainty: mesh, devices or seeds. "
            + (f"{missing} further published numbers are not attempted yet. " if missing else "")
            + "Notes, inputs and figures: `reram reproduce`.",
        ]
    )


def with_scoreboard(page: str, rows: list[Row]) -> str:
    """Return the page with the table between its two marks; raises InputError where they are not there."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise InputError(f"the page needs the lines '{BEGIN}' and '{END}' once each.")
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}\n{as_markdown(rows)}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_text(path, with_scoreboard(path.read_text(encoding="utf-8"), compute_rows()))
