"""How well results are known: bands over the errors of the fits, beside those over other devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ground.page import Facts, Figure, Note, Part, Section, Table, Text
from studies.report.amounts import duration
from studies.report.shelf import Item, Shelf, drawing, each

_KINDS = ("parameters", "devices")
_CAPTION = "5..95 % over models within the errors of the fit, over other devices of one model, and the model as it is"
_MANY = 0.1  # of the draws: more that are drawn again cut the law visibly


def uncertainty(shelf: Shelf) -> list[Section]:
    """Return the section of `reram uncertainty`: bands at every time, what was varied, what was not."""
    parts = each(shelf.all("uncertainty"), lambda item: _bands(shelf, item))
    return [Section("Uncertainty", parts)] if parts else []


def _bands(shelf: Shelf, item: Item) -> list[Part]:
    d = item.data
    shelf.claim(item, ".nc")
    ready = shelf.figures(item, _CAPTION) or [_drawn(d, item)]
    facts = [
        ("parameters", f"{d['samples']} models", f"from the covariance of {len(d['varied'])}, on the same devices"),
        ("devices", f"{d['samples']} sets", "of the model as it is"),
    ]
    parts: list[Part] = [Note("Devices are drawn from a model: SYNTHETIC."), *_lost(d), Facts(facts), *ready]
    parts += [_table(quantity, d["times_s"], band) for quantity, band in d["bands"].items()]
    parts.append(Text(f"Varied: {', '.join(d['varied'])}."))
    return [*parts, *(Text(f"Not varied: {text}.") for text in d["not_varied"])]


def _table(quantity: str, times: list[float], band: Mapping[str, Any]) -> Table:
    scale, unit = (100.0, "%") if quantity == "accuracy" else (1.0, "1")
    within = (_within(band[kind], scale) for kind in _KINDS)
    rows = [
        (duration(t), float(t), scale * nominal, *cells)
        for t, nominal, *cells in zip(times, band["nominal"], *within, band["wider"], strict=True)
    ]
    title = f"{'RMSE of products' if quantity == 'rmse' else quantity.capitalize()} [{unit}]: median (5..95 %)"
    return Table(title, ("time", "time [s]", "model as it is", *_KINDS, "wider band"), rows)


def _within(band: Mapping[str, Any], scale: float) -> list[str]:
    """Median and band at every time, such as "0.155 (0.147..0.162)"."""
    ends = zip(band["median"], band["p05"], band["p95"], strict=True)
    return [f"{scale * m:.4g} ({scale * low:.4g}..{scale * high:.4g})" for m, low, high in ends]


def _lost(d: Mapping[str, Any]) -> list[Part]:
    """What makes the bands less than they seem: samples without a number, and a law that is cut."""
    lost: list[Part] = [
        Note(f"{len(why)} of {d['samples']} samples ({kind}) gave no number and are left out: {why[0]}")
        for kind, why in d["failed"].items()
        if why
    ]
    if d["rejected_draws"] > _MANY:
        cut = f"{d['rejected_draws']:.0%} of the draws were no device and were drawn again: the band is that of a cut law."
        lost.append(Note(cut))
    return lost


def _drawn(d: Mapping[str, Any], item: Item) -> Figure:
    from studies.uncertainty_result import draw_bands

    return Figure(drawing(lambda path: draw_bands(d, path)), f"{_CAPTION} ({item.name})")
