"""Networks in arrays as time passes: figure of merit against time, and what was put in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from compact_model.training.evaluation import draw_in_time
from ground.page import Facts, Figure, Note, Part, Section, Table
from studies.report.amounts import duration
from studies.report.shelf import Item, Shelf, drawing, each

_CAPTION = "Network in arrays against time after the last write"


def evaluation(shelf: Shelf) -> list[Section]:
    """Return the section of `reram evaluate`: its records, and its tables that stand alone."""
    records = shelf.all("evaluation")
    lone = [i for i in shelf.all("scores in time") if i.stem not in {r.stem for r in records}]
    parts = each([*records, *lone], lambda item: (_record if item.data else _rows)(shelf, item))
    return [Section("Network in time", parts)] if parts else []


def in_time(d: Mapping[str, Any], item: Item, read: Mapping[str, Any] | None, ready: Sequence[Part] = ()) -> list[Part]:
    """Return picture and table of the rows in_time of a record, and what was put in.

    read : the record of what was read, where there is one.  ready : pictures that are there already.
    """
    name, rows, read = d["figure"], d["in_time"], read or {}
    if not rows:
        return []
    pictures = ready or [_drawn(d, item, read)]
    columns = [c for c in rows[0] if c != "time_s" and not c.endswith("_spread")]
    cells = [(duration(r["time_s"]), float(r["time_s"]), *(_cell(r, c) for c in columns)) for r in rows]
    title = f"{str(name).capitalize()} in time"
    parts: list[Part] = [*pictures, Table(title, ("time", "time [s]", *map(_head, columns)), cells)]
    put_in = list(_put_in(read, d.get("provenance", {})))
    return [*parts, Table("What was put in", ("what", "value"), put_in, folded=True)] if put_in else parts


def _drawn(d: Mapping[str, Any], item: Item, read: Mapping[str, Any]) -> Figure:
    about = {"floating_point": read.get("floating_point", {}).get(d["figure"]), "title": read.get("state", "")}
    draw = partial(draw_in_time, d["in_time"], d["figure"], **about)
    return Figure(drawing(draw), f"{_CAPTION} ({item.name})")


def figure_of_merit(name: str, value: Any) -> str:
    """Return an accuracy in %, and a perplexity as it is."""
    return f"{100 * value:.2f} %" if name == "accuracy" else f"{value:.4g}"


def _record(shelf: Shelf, item: Item) -> list[Part]:
    d = item.data
    name, rows = d["figure"], d["in_time"]
    facts = [
        ("task", str(d["task"]), f"{d['state']}, after {d['epochs']} epochs"),
        (f"{name}, floating point", figure_of_merit(name, d["floating_point"][name]), "the same weights"),
    ]
    facts += [
        (f"{name} after {duration(r['time_s'])}", figure_of_merit(name, r[name]), _spread(name, r, len(d["seeds"])))
        for r in [*rows[:1], *rows[1:][-1:]]
    ]
    made_up = [Note("Devices come from a model made from SYNTHETIC data.")] if d["provenance"].get("synthetic") else []
    return [*made_up, Facts(facts), *in_time(d, item, d, shelf.figures(item, _CAPTION))]


def _rows(shelf: Shelf, item: Item) -> list[Part]:
    lines = [x for x in item.file.text().splitlines() if not x.startswith("#")]
    rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
    name = next(k for k in rows[0] if k not in ("time_s", "loss"))
    return in_time({"figure": name, "in_time": rows}, item, None, shelf.figures(item, _CAPTION))


def _spread(name: str, row: Mapping[str, Any], count: int) -> str:
    spread = row.get(f"{name}_spread")
    return "" if spread is None else f"± {figure_of_merit(name, spread)}, {count} programmings"


def _head(column: str) -> str:
    """Return the head of a column of scores: "accuracy, drift taken back [%]"."""
    unit = "nat" if column.startswith("loss") else "%" if column.startswith("accuracy") else "1"
    return f"{column.replace('_shift_corrected', ', drift taken back').replace('_', ' ')} [{unit}]"


def _cell(row: Mapping[str, Any], column: str) -> Any:
    """Return a score, with its spread where it has one; an accuracy in %."""
    scale = 100.0 if column.startswith("accuracy") else 1.0
    spread = row.get(f"{column}_spread")
    return scale * row[column] if spread is None else f"{scale * row[column]:.4g} ± {scale * spread:.2g}"


def _put_in(read: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """State, seeds and chain of what was read; model and files that it was made from."""
    if not read:
        return
    yield "devices", read["state"]
    yield "seeds of the programmings", ", ".join(map(str, read["seeds"]))
    yield from made.get("settings", {}).items()
    yield from ((f"file ({f['role']})", f["name"]) for f in made.get("inputs", ()))
    for key, value in read["chain"].items():
        yield key, json.dumps(value) if isinstance(value, (list, dict)) else value
