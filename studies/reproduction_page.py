"""The comparison with the paper as one page: what was reached, every figure with its caption, the scoreboard, provenance."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.page import Badge, Facts, Figure, Grid, Link, Part, Section, Table, Text, provenance_table, save_page
from studies.scoreboard import Row, counts, shown_status

if TYPE_CHECKING:
    from studies.reproduce import Reproduction

_KIND = {"reproduced": "good", "input": "", "off": "off", "not attempted": ""}
_INTRODUCTION = (
    "arXiv:2502.04524, 'All-in-One Analog AI Hardware: On-Chip Training and Inference with Conductive-Metal-Oxide/HfOx ReRAM "
    "Devices', against this project's own pipeline. The measured data of the paper are not public: every curve here is a "
    "simulation, and a published number is marked as published where it is drawn."
)
LEGEND = (
    "reproduced: within the tolerance that was set before ours was computed. input: within it too, but the number, or what it "
    "follows from, was put in. off: outside. not attempted: something is missing, the remark says what. ±: our own standard "
    "uncertainty (mesh, devices or seeds), where there is one; it decides no status. Click a column's head to sort."
)


def write_reproduction(made: Reproduction, path: Path) -> None:
    """Write the page, whole or not at all."""
    drawn = [f for f in made.figures if f["status"] == "made"]
    quick = any(f["quick"] and f["reduced"] for f in drawn)
    sections = [
        Section("Summary", _summary(made, drawn)),
        Section("Scoreboard", [Text(LEGEND), scoreboard_table(made.rows, {figure_group(f["number"]) for f in drawn})]),
        *_figures(made.folder, drawn),
        Section("Inputs and remarks", [remarks_table(made.rows)]),
        *_missing([f for f in made.figures if f["status"] != "made"]),
        Section("Provenance", [_files(drawn), provenance_table(made.provenance, "This run")]),
    ]
    notes = ["Quick run: figures are made with less work than they deserve; each says what was cut."] if quick else []
    save_page(path, "A published ReRAM platform beside ours", sections, subtitle=_INTRODUCTION, notes=notes)


def _summary(made: Reproduction, drawn: Sequence[dict[str, Any]]) -> list[Part]:
    rows = [(status, str(n), f"of {len(made.rows)} numbers") for status, n in counts(made.rows).items()]
    return [Facts([("figures", str(len(drawn)), f"of {len(made.figures)}"), *rows])]


def scoreboard_table(rows: Sequence[Row], linked: set[str]) -> Table:
    """Return published numbers beside ours; those of the figures in `linked` ("Figure 2") link to the section of that name."""
    return Table(
        "", ("number", "figure", "status", "published", "ours", "±", "within"), [_scores(r, linked) for r in rows]
    )


def _scores(r: Row, drawn: set[str]) -> list[Any]:
    figure = Link(r.figure, figure_group(r.figure)) if figure_group(r.figure) in drawn else r.figure
    status = Badge(shown_status(r), _KIND.get(r.status, ""))
    error = None if r.stderr is None else float(f"{r.stderr:.2g}")
    return [r.name, figure, status, r.published, r.ours, error, f"{100 * r.tolerance:g} %"]


def remarks_table(rows: Sequence[Row]) -> Table:
    """Return what went into every number and what is to be said of it."""
    return Table(
        "",
        ("number", "remark", "published numbers that went in"),
        [[r.name, r.note, ", ".join(r.inputs)] for r in rows],
    )


def figure_group(number: str) -> str:
    """Return the figure of the paper that a part such as "2a" belongs to."""
    return f"Figure {re.sub('[a-z]$', '', number)}" if not number.startswith("S") else "Supplement"


def _figures(folder: Path, drawn: Sequence[dict[str, Any]]) -> list[Section]:
    """Return a section per figure of the paper."""
    groups: dict[str, list[Figure]] = {}
    for f in drawn:
        picture = (folder / "figures" / f"{f['number']}.png").read_bytes()
        groups.setdefault(figure_group(f["number"]), []).append(Figure(picture, caption(f)))
    return [Section(title, side_by_side(pictures)) for title, pictures in groups.items()]


def side_by_side(figures: Sequence[Figure]) -> list[Part]:
    """Return PNG pictures in their order, those of one panel side by side."""
    parts: list[Part] = []
    for wide, same in groupby(figures, key=lambda f: _is_wide(f.figure)):
        members = list(same)
        parts += members if wide else [Grid(members)]
    return parts


def _is_wide(png: bytes) -> bool:
    """Whether a PNG is more than one panel wide."""
    width, height = struct.unpack(">II", png[16:24].ljust(8, b"\0"))
    return bool(width > 1.7 * height)


def caption(record: dict[str, Any]) -> str:
    """Return a figure's caption with what went in, what was cut and whether synthetic data went in."""
    text = f"{record['number']}: {record['title']}. {record['caption']}"
    if record["inputs"]:
        text += f" Inputs: {', '.join(record['inputs'])}."
    if record["reduced"]:
        text += f" Quick run: {record['reduced'].rstrip('.')}."
    return text + (" Made from SYNTHETIC data." if record["synthetic"] else "")


def _missing(left: Sequence[dict[str, Any]]) -> list[Section]:
    rows = [[f["number"], f["title"], Badge(f["status"], _KIND[f["status"]]), f["caption"]] for f in left]
    return (
        [Section("Figures that are not here", [Table("", ("figure", "what", "status", "why"), rows)])] if rows else []
    )


def _files(drawn: Sequence[dict[str, Any]]) -> Table:
    header = ("figure", "seconds", "made at", "version", "content key", "code", "sha256 of picture", "sha256 of data")
    rows = [
        [
            f["number"],
            float(f["seconds"]),
            f["provenance"]["made_at"],
            f["provenance"]["cmo_reram"],
            f["key"],
            f["provenance"]["settings"]["code_hash"],
            f["files"][f"{f['number']}.png"],
            f["files"][f"{f['number']}.nc"],
        ]
        for f in drawn
    ]
    return Table("Figures", header, rows)
