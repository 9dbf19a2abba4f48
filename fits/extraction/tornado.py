"""How much a result hangs on the constants that stand in for unpublished ones: each over its range, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ground.errors import InputError

# (constant, value as text) -> result
Refit = Callable[[str, str], float]


@dataclass(frozen=True)
class Lever:
    """One constant at both ends of its range, and the result there; None where no result exists, with the reason.

    low, high : ends as texts with units.  result_low, result_high : results there, in SI.  shift_low, shift_high : relative.
    """

    name: str
    low: str
    high: str
    result_low: float | None
    result_high: float | None
    shift_low: float | None
    shift_high: float | None
    reason: str = ""

    @property
    def spread(self) -> float:
        """Largest minus smallest relative shift, the result itself included; infinite where an end has no result."""
        shifts = [0.0, *(float("inf") if s is None else s for s in (self.shift_low, self.shift_high))]
        return max(shifts) - min(shifts)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return asdict(self)


def tornado(value: float, constants: Sequence[tuple[str, str, str]], refit: Refit) -> tuple[Lever, ...]:
    """Return one lever per (name, low, high), the longest first. `refit` may raise InputError where no result exists."""
    levers = []
    for name, low, high in constants:
        ends: list[float | None] = []
        reason = ""
        for text in (low, high):
            try:
                ends.append(refit(name, text))
            except InputError as error:
                ends.append(None)
                reason = f"{name} = {text}: {error}"
        shifts = [None if x is None else x / value - 1.0 for x in ends]
        levers.append(Lever(name, low, high, ends[0], ends[1], shifts[0], shifts[1], reason))
    return tuple(sorted(levers, key=lambda lever: -lever.spread))


def combined(value: float, levers: Sequence[Lever]) -> tuple[float, float]:
    """Return the (down, up) errors from all constants: one-sided shifts added in squares, as for independent causes."""
    down = up = 0.0
    for lever in levers:
        shifts = [s for s in (lever.shift_low, lever.shift_high) if s is not None]
        down += min([0.0, *shifts]) ** 2
        up += max([0.0, *shifts]) ** 2
    return value * down**0.5, value * up**0.5
