"""Every quantitative figure of arXiv:2502.04524 and its supplement, drawn from our own pipeline.

Each file beside this one holds the figures of one subject; its function `figures` returns them as a list of `Figure`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence

from ground.errors import InputError
from studies.figures.figure import Figure

SUBJECTS = (
    "filament_figures",
    "forming_figures",
    "cycling_figures",
    "field_figures",
    "closed_loop_figures",
    "programming_figures",
    "relaxation_figures",
    "mvm_figures",
    "pulse_figures",
    "population_figures",
    "training_figures",
)


def all_figures() -> list[Figure]:
    """Return every figure in the order of the paper, the supplement last."""
    found = [f for s in SUBJECTS for f in importlib.import_module(f"studies.figures.{s}").figures()]
    return sorted(found, key=lambda f: order(f.number))


def order(number: str) -> tuple[bool, int, str]:
    """Return what a figure's number is sorted by: "2a" < "4f" < "S1" < "S9"."""
    parts = re.fullmatch(r"(S?)(\d+)([a-z]?)", number)
    assert parts is not None, number
    return bool(parts[1]), int(parts[2]), parts[3]


def chosen(figures: Sequence[Figure], only: Sequence[str]) -> list[Figure]:
    """Return the figures of these numbers ("2a", "s4", or "4" for all of figure 4), or all where none is given.

    Raises InputError for a number that is none of theirs, with those there are.
    """
    numbers = [f.number for f in figures]
    wanted: set[str] = set()
    for given in only:
        fitting = {n for n in numbers if given.lower() in (n.lower(), re.sub(r"[a-z]$", "", n).lower())}
        if not fitting:
            raise InputError(
                f"--only {given!r} is not allowed: the paper has no such figure here. Expected numbers with commas between them, "
                f"of {', '.join(numbers)}; a number without its letter means all of that figure."
            )
        wanted |= fitting
    return [f for f in figures if f.number in wanted] if only else list(figures)
