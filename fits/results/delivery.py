"""How a fit leaves the command line: text or JSON on stdout; on request a file, a plot and a page, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from ground.errors import InputError

if TYPE_CHECKING:
    from ground.page import Table


_ENDINGS = (".png", ".svg", ".pdf")


class Fit(Protocol):
    """What every fit can do."""

    def report(self) -> str:
        """Text for a person."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary."""

    def plot(self) -> Any:
        """A matplotlib figure; InputError where there is nothing to draw."""


def check_outputs(*paths: Path | None) -> None:
    """Raise InputError where one of the files asked for cannot be written: before a long computation, not after it."""
    from ground.files import check_writable

    for path in paths:
        if path is not None:
            check_writable(path)


def deliver(
    fit: Fit,
    title: str,
    provenance: Mapping[str, Any],
    *,
    as_json: bool,
    plot: Path | None = None,
    html: Path | None = None,
    output: Path | None = None,
    save: Callable[[Path], None] | None = None,
    tables: Callable[[], Sequence[Table]] = lambda: (),
    notes: Sequence[str] = (),
    caption: str = "Data, model and residuals",
) -> None:
    """Write what was asked for, then print.

    output : a file that `save` writes (default: the JSON object); where it is refused, nothing else is written either.
    A page whose fit has nothing to draw says so; a plot of it is refused.
    """
    check_outputs(output, plot, html)
    if plot is not None and plot.suffix.lower() not in _ENDINGS:
        raise InputError(f"--plot={plot}: the ending {plot.suffix!r} is not allowed: expected {', '.join(_ENDINGS)}.")
    from ground.stamp import stamp

    result = {**fit.to_dict(), "provenance": dict(provenance)}
    report = fit.report()
    figure, lacking = _figure(fit, plot, html)
    if output is not None:
        from ground.files import write_json

        save(output) if save is not None else write_json(output, result)
    if html is not None:
        from ground.page import Figure, write_page

        shown = () if figure is None else (Figure(figure, caption),)
        write_page(html, title, report, provenance=provenance, tables=tables(), figures=shown, notes=[*notes, *lacking])
        stamp(html, provenance)
    if plot is not None:
        save_figure(figure, plot)
        stamp(plot, provenance)
    written = "".join(f"\nwritten: {p}" for p in (output, plot, html) if p is not None)
    typer.echo(json.dumps(result, indent=2, allow_nan=False) if as_json else report + written)


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure (PNG, SVG or PDF by its suffix), whole or not at all, and close it."""
    from ground.files import atomic
    from ground.plotting import load_matplotlib

    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    load_matplotlib().close(figure)


def _figure(fit: Fit, plot: Path | None, html: Path | None) -> tuple[Any, list[str]]:
    """Return the figure (None where none is asked for or possible), and for the page why there is none."""
    if plot is None and html is None:
        return None, []
    try:
        return fit.plot(), []
    except InputError as error:
        if plot is not None:
            raise
        return None, [f"No figure: {error}"]
