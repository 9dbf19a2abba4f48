"""Measured data and what was fitted to them: sweeps, the hopping fit with its residuals, and the other fits."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ground.page import Badge, Facts, Figure, Note, Part, Preformatted, Section, Table, Text
from ground.plotting import load_matplotlib
from studies.report.shelf import Item, Shelf, each, shown

_NAMED = 12  # more curves than this are not named one by one
_SEEN = {True: Badge("yes", "good"), False: Badge("NO", "off")}
_HOPPING = {
    "hop_distance_m": ("hop distance", 1e9, "nm"),
    "barrier_lrs_eV": ("barrier, LRS", 1e3, "meV"),
    "barrier_hrs_eV": ("barrier, HRS", 1e3, "meV"),
}


def measured(shelf: Shelf) -> list[Section]:
    """Return the section of current-voltage data: one picture, one table."""
    items = shelf.all("sweeps")
    if not items:
        return []
    synthetic = [i.name for i in items if i.data.synthetic]
    parts: list[Part] = []
    if synthetic:
        parts.append(Note(f"SYNTHETIC data, made up by this program: {', '.join(synthetic)}."))
    parts += shown(items[0], lambda _: [Figure(_iv_figure(items), "Current of every file, as it was read")])
    rows = []
    for item in items:
        v, i = np.asarray(item.data.voltage), np.asarray(item.data.current)
        rows.append(
            (
                item.name,
                v.size,
                item.data.ambient_K,
                float(v.min()),
                float(v.max()),
                float(np.abs(i).max()),
                item.data.synthetic,
            )
        )
    head = ("file", "points", "ambient [K]", "lowest [V]", "highest [V]", "largest |I| [A]", "synthetic")
    return [Section("Current-voltage data", [*parts, Table("", head, rows)])]


def fits(shelf: Shelf) -> list[Section]:
    """Return a section for the hopping fits, and one for fits of other things."""
    sections = []
    hopping = each(shelf.all("hopping fit"), lambda item: _hopping(shelf, item))
    other = each(shelf.all("fit"), lambda item: _other(shelf, item))
    sections += [Section("Hopping fit", hopping)] if hopping else []
    return sections + ([Section("Fits", other)] if other else [])


def _iv_figure(items: Sequence[Item]) -> bytes:
    plt = load_matplotlib()
    figure, axis = plt.subplots(figsize=(9, 4.6), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(items)))
    for item, colour in zip(items, colours, strict=True):
        v, i = np.asarray(item.data.voltage), np.abs(np.asarray(item.data.current))
        label = item.name if len(items) <= _NAMED else None
        axis.semilogy(v, np.where(i > 0, i, np.nan), ".-", ms=3, lw=0.8, color=colour, label=label)
    axis.set(xlabel="voltage on the driven terminal [V]", ylabel="|current| [A]")
    axis.grid(alpha=0.25)
    if len(items) <= _NAMED:
        axis.legend(fontsize=8, ncols=2)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    plt.close(figure)
    return stream.getvalue()


def _hopping(shelf: Shelf, item: Item) -> list[Part]:
    d = item.data
    facts = [("rms residual", f"{d['residual_rms']:.2%}", f"of the current, {d['points']} points")]
    for name, (label, factor, unit) in _HOPPING.items():
        if p := d["parameters"].get(name):
            value, low, high = (f"{p[end] * factor:.3g}" for end in ("value", "low", "high"))
            facts.append((label, f"{value} {unit}", f"95 %: {low} to {high}"))
    parts: list[Part] = []
    if d["synthetic"]:
        parts.append(Note("Fitted to SYNTHETIC data: it shows the way, it measures nothing."))
    parts += [Note(f"Not this device? {doubt}.") for doubt in d.get("doubts", ())]
    parts += [Facts(facts), *shelf.figures(item, "Data, model with its 95 % band, and residuals")]
    parts += [_parameters(d["parameters"]), _curves(d)]
    parts += [Text(f"What the data cannot see: {text}") for text in d.get("weak_directions", ())]
    parts += [Text(f"What to measure next: {text}") for text in d.get("advice", ())]
    names, matrix = d["covariance"]["names"], d["correlation"]
    rows = [(n, *(float(x) for x in row)) for n, row in zip(names, matrix, strict=True)]
    parts += [Preformatted(text) for text in shelf.texts(item)]
    return [*parts, Table("Correlations of the parameters", ("", *names), rows, folded=True)]


def _parameters(parameters: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, p in parameters.items():
        seen = (
            ""
            if "identified" not in p
            else _SEEN[bool(p["identified"])]
            if p.get("source") == "fit"
            else Badge("fixed")
        )
        rows.append((name, p["value"], p.get("low"), p.get("high"), p.get("stderr"), seen, p.get("source", "")))
    head = ("parameter", "value", "95 % low", "95 % high", "standard error", "seen by the data", "source")
    return Table("Parameters", head, rows)


def _curves(d: dict[str, Any]) -> Table:
    rows = [(c["label"], c["state"], c["ambient_K"], c["points"], float(c["offset_A"])) for c in d["curves"]]
    return Table("Curves", ("curve", "state", "ambient [K]", "points", "fitted offset [A]"), rows, folded=True)


def _other(shelf: Shelf, item: Item) -> list[Part]:
    """Any other fit of `reram fit`: its numbers one level deep, its picture."""
    rows = [(k, v) for k, v in item.data.items() if isinstance(v, (int, float, str)) or v is None]
    parts: list[Part] = [
        Text(f"Made by {item.data['provenance']['made_by']}."),
        *shelf.figures(item, "Data, model and residuals"),
    ]
    found = item.data.get("parameters")
    if isinstance(found, dict) and all(isinstance(p, dict) and "value" in p for p in found.values()):
        parts.append(_parameters(found))
    if rows:
        parts.append(Table("", ("number", "value"), rows))
    known = ("provenance", "parameters")
    rest = {k: v for k, v in item.data.items() if isinstance(v, (dict, list)) and k not in known}
    return [*parts, Preformatted(json.dumps(rest, indent=1)[:4000])] if rest else parts
