"""Networks trained on arrays: accuracy, learning curves, accuracy over time."""

from __future__ import annotations

import csv
from pathlib import PurePosixPath

from compact_model.training.learning_curve import LearningCurve
from ground.page import Facts, Figure, Part, Section, Table
from studies.report.evaluation_section import figure_of_merit, in_time
from studies.report.shelf import Item, Shelf, drawing, each


def training(shelf: Shelf) -> list[Section]:
    """Return the section of trainings: results, and curves that stand alone."""
    results = shelf.all("training", "training seeds")
    at = {PurePosixPath(i.name).parent for i in shelf.all("training")}
    lone = [i for i in shelf.all("curve") if PurePosixPath(i.name).parent not in at]
    parts = each([*results, *lone], lambda item: _SHOW[item.kind](shelf, item))
    return [Section("Training", parts)] if parts else []


def _result(shelf: Shelf, item: Item) -> list[Part]:
    d = item.data
    name = d["figure"]
    facts = [
        ("task", str(d["task"]), str(d["settings"].get("algorithm", ""))),
        (f"{name}, last", figure_of_merit(name, d["last"]), f"after {d['epochs']} epochs"),
        (f"{name}, best", figure_of_merit(name, d["best"]), f"in epoch {d['best_epoch']}"),
    ]
    ready = shelf.figures(item, "Learning curve", "curve") or [_drawn(LearningCurve.from_rows(name, d["curve"]), item)]
    return [Facts(facts), *ready, *in_time(d, item, d.get("read"))]


def _seeds(shelf: Shelf, item: Item) -> list[Part]:
    d = item.data
    name = d["figure"]
    facts = [
        ("task", str(d["task"]), ""),
        (name, figure_of_merit(name, d["mean"]), f"mean of {len(d['seeds'])} seeds, spread {d['spread']:.2g}"),
    ]
    rows = list(zip(d["seeds"], d["last"], d["best"], strict=True))
    return [Facts(facts), Table("Seeds", ("seed", f"{name}, last", f"{name}, best"), rows), *in_time(d, item, None)]


def _curve(shelf: Shelf, item: Item) -> list[Part]:
    rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(item.file.text().splitlines())]
    name = next(k for k in rows[0] if k not in ("epoch", "loss", "pulses"))
    return shelf.figures(item, "Learning curve") or [_drawn(LearningCurve.from_rows(name, rows), item)]


def _drawn(curve: LearningCurve, item: Item) -> Figure:
    return Figure(drawing(curve.save_plot), f"Learning curve ({item.name})")


_SHOW = {"training": _result, "training seeds": _seeds, "curve": _curve}
