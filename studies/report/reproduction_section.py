"""The comparison with the paper: every published number beside ours, and every figure with its caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ground.page import Badge, Facts, Figure, Heading, Note, Part, Section, Table, Text
from studies.report.shelf import Item, Shelf, each, shown

_NO_PICTURE = "its picture is not among the files of this folder"
_REMARKS = "Inputs and remarks"


def reproduction(shelf: Shelf) -> list[Section]:
    """Return the sections of `reram reproduce`: scoreboard (of a run that was stopped: the numbers it has), and figures."""
    figures = _figures(shelf)
    numbers = each(shelf.all("scoreboard"), lambda item: _board(shelf, item))
    kept = shelf.all("published number")
    if kept and not numbers:
        stopped = Note("There is no scoreboard that can be read; was the run stopped? These are the numbers it has.")
        numbers = [stopped, *_numbers(kept)]
    sections = [Section("Comparison with the paper", numbers)] if numbers else []
    return [*sections, *([Section("Figures of the paper", figures)] if figures else [])]


def _board(shelf: Shelf, item: Item) -> list[Part]:
    """What was reached, every number, and the figures that are not there."""
    d = item.data
    there = {i.data["number"] for i in shelf.all("paper figure") if f"{i.stem}.png" in shelf.used}
    facts = [("figures", str(len(there)), f"of {len(d['figures'])}")]
    facts += [(str(status), str(n), f"of {len(d['rows'])} numbers") for status, n in d["counts"].items()]
    left = [
        (f["number"], f["title"], Badge(f["status"]), _NO_PICTURE if f["status"] == "made" else f["caption"])
        for f in d["figures"]
        if f["number"] not in there
    ]
    parts = [Facts(facts), *_numbers([replace(item, data=row) for row in d["rows"]])]
    return [*parts, *([Table("Figures that are not here", ("figure", "what", "status", "why"), left)] if left else [])]


def _numbers(records: Sequence[Item]) -> list[Part]:
    """The scoreboard of records of one number each, and a note for each that is damaged."""
    from studies.reproduction_page import LEGEND, remarks_table, scoreboard_table
    from studies.scoreboard import Row, row_of

    rows: list[Row] = []

    def tables(these: list[Row]) -> list[Part]:
        return [
            Text(LEGEND),
            scoreboard_table(these, set()),
            replace(remarks_table(these), title=_REMARKS, folded=True),
        ]

    def keep(item: Item) -> list[Part]:
        row = row_of(item.data)
        tables([row])  # where it is damaged, this says so
        rows.append(row)
        return []

    notes = [note for item in records for note in shown(item, keep)]
    return [*notes, *tables(rows)]


def _figures(shelf: Shelf) -> list[Part]:
    """The pictures with their captions, under the figure of the paper that they are part of."""
    from studies.reproduction_page import caption, figure_group, side_by_side

    groups: dict[str, list[Part]] = {}
    for item in shelf.all("paper figure"):
        shelf.claim(item, ".nc")
        found = shown(item, lambda i: shelf.figures(i, caption(i.data)))
        missing = Note(f"{item.name}: {_NO_PICTURE}.")
        groups.setdefault(figure_group(str(item.data["number"])), []).extend(found or [missing])
    parts: list[Part] = []
    for title, found in groups.items():
        figures = [p for p in found if isinstance(p, Figure)]
        parts += [Heading(title), *side_by_side(figures), *(p for p in found if not isinstance(p, Figure))]
    return parts
