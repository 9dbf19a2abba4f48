"""The tornado as a picture: one bar per substituted constant, the longest on top. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

from fits.low_field_fit import Extraction
from ground.errors import InputError
from ground.files import atomic
from ground.plotting import load_matplotlib


def draw_tornado(extraction: Extraction, path: str | Path) -> None:
    """Draw the levers of an extraction as PNG. Raises InputError where no constant was varied."""
    if not extraction.levers:
        raise InputError(
            f"there is no tornado to draw: the {extraction.engine} varied no constants. It takes the FEM (`--engine fem`)."
        )
    plt = load_matplotlib()
    name, unit, scale = extraction.shown
    centre, levers = extraction.value * scale, extraction.levers
    figure, axes = plt.subplots(figsize=(8, 1.6 + 0.55 * len(levers)), layout="constrained")
    for row, lever in enumerate(levers):
        for end, text, colour in ((lever.result_low, lever.low, "#4477aa"), (lever.result_high, lever.high, "#ee7733")):
            if end is not None:
                axes.barh(row, end * scale - centre, left=centre, color=colour, height=0.6)
            label = text if end is not None else f"{text}: no value"
            right = end is not None and end * scale >= centre
            axes.annotate(
                label,
                ((centre if end is None else end * scale), row),
                xytext=(4 if right else -4, 9 if end is None else 0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=8,
            )
    axes.set_yticks(range(len(levers)), [lever.name for lever in levers])
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.axvline(centre, color="black", lw=1)
    if extraction.data_stderr is not None:
        half = extraction.data_stderr * scale
        axes.axvspan(centre - half, centre + half, color="grey", alpha=0.25, lw=0, label="error of the data")
        axes.legend(fontsize=8, loc="lower right")
    kind = "SYNTHETIC data, " if extraction.synthetic else ""
    axes.set(xlabel=f"{name} [{unit}]", title=f"{name} = {centre:.4g} {unit}: {kind}constants over their ranges")
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
