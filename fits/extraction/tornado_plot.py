"""The tornado as a picture: one bar per substituted constant, the longest on top, after that of the data. Needs matplotlib."""

from __future__ import annotations

from typing import Any

from fits.extraction.low_field_fit import Extraction
from ground.errors import InputError
from ground.plotting import load_matplotlib

_COLOURS = ("#4477aa", "#ee7733")


def figure_of(extraction: Extraction) -> Any:
    """Return the errors of an extraction as bars: that of the resistance, then each constant over its range.

    Raises InputError where neither is there.
    """
    rows = _rows(extraction)
    if not rows:
        raise InputError(
            f"there is no tornado to draw: the {extraction.engine} varied no constants, and the resistance has no error. "
            "It takes the FEM (`--engine fem`), or --error."
        )
    plt = load_matplotlib()
    name, unit, scale = extraction.shown
    centre = extraction.value * scale
    figure, axes = plt.subplots(figsize=(8, 1.6 + 0.55 * len(rows)), layout="constrained")
    for row, (_, ends) in enumerate(rows):
        for (end, text), colour in zip(ends, _COLOURS, strict=True):
            if end is not None:
                axes.barh(row, end * scale - centre, left=centre, color=colour, height=0.6)
            right = end is not None and end * scale >= centre
            axes.annotate(
                text if end is not None else f"{text}: no value",
                ((centre if end is None else end * scale), row),
                xytext=(4 if right else -4, 9 if end is None else 0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=8,
            )
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.3)
    axes.axvline(centre, color="black", lw=1)
    kind = "SYNTHETIC data, " if extraction.synthetic else ""
    axes.set(xlabel=f"{name} [{unit}]", title=f"{name} = {centre:.4g} {unit}: {kind}what it hangs on")
    return figure


def _rows(extraction: Extraction) -> list[tuple[str, list[tuple[float | None, str]]]]:
    """Return (name, [(value at the low end, low end), (value at the high end, high end)]) of every bar."""
    rows = []
    if extraction.data_stderr is not None:
        ends: list[tuple[float | None, str]] = [
            (extraction.value + sign * extraction.data_stderr, f"{sign:+d} standard error") for sign in (-1, 1)
        ]
        rows.append(("measured resistance", ends))
    rows += [(v.name, [(v.result_low, v.low), (v.result_high, v.high)]) for v in extraction.levers]
    return rows
