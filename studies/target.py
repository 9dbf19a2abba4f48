"""One published number of the paper and how we get ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """Our number (None where there is none, and `note` says why).

    stderr : its standard uncertainty, of ours alone: mesh, devices, seeds; None where nothing gives one. It decides no status.
    """

    value: float | None
    note: str
    stderr: float | None = None


@dataclass(frozen=True)
class Target:
    """A published number and how we get ours (None: not built yet).

    given : the number, or the law that it follows from, was put in; agreement is then a check of ours and no reproduction.
    files : files that are read: the number is computed again where one of them changes.
    """

    name: str
    figure: str
    published: float
    tolerance: float
    compute: Callable[[], Outcome] | None = None
    inputs: tuple[str, ...] = ()
    given: bool = False
    files: tuple[Path, ...] = ()
