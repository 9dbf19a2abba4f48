"""What can go wrong, in words a person can act on, with the exit code the command line gives it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

SHOWN = 100  # characters of a value that a message repeats


class ReramError(Exception):
    """Base of every error this project raises on purpose; `exit_code` is what `reram` exits with."""

    exit_code = 1


class InputError(ReramError):
    """Something given by the user is not allowed: the message names field, value, what is allowed, likely cause."""

    exit_code = 2


class MissingLibrary(ReramError):
    """An optional library is needed for what was asked; the message carries the command that installs it."""

    exit_code = 2


class NotConverged(ReramError):
    """A solve did not reach its tolerance. `last_good` is the last state that did, or None."""

    exit_code = 3

    def __init__(self, message: str, last_good: Any = None) -> None:
        super().__init__(message)
        self.last_good = last_good


@contextmanager
def inside(where: str) -> Iterator[None]:
    """Let an InputError say where it arose: a layer, a material, a section."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def shown(value: Any) -> str:
    """Return a value as a message repeats it: cut where it is long."""
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 1000 else "(a huge number)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Return a phrase naming the known names nearest to `name`, or all of them where none is near."""
    name, names = name[:SHOWN], sorted(known)
    by_lower = {n.lower(): n for n in names}
    close = [by_lower[c] for c in difflib.get_close_matches(name.lower(), list(by_lower), n=count, cutoff=0.5)]
    if close:
        return "Did you mean " + " or ".join(repr(c) for c in close) + "?"
    return "Known: " + ", ".join(names) + "."
