"""One published number of the paper and how we get ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Outcome = tuple[float | None, str]


@dataclass(frozen=True)
class Target:
    """A published number and how we get ours (None: not built yet).

    given : the number, or the law that it follows from, was put in; agreement is then a check of ours and no reproduction.
    """

    name: str
    figure: str
    published: float
    tolerance: float
    compute: Callable[[], Outcome] | None = None
    inputs: tuple[str, ...] = ()
    given: bool = False
