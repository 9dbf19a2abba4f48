"""Moments after a write, as people write them: 0, 1s, 1h, 1d, 10y."""

from __future__ import annotations

from collections.abc import Iterable

from ground.errors import InputError

_UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 3.1536e7}


def moment_s(given: float | str, name: str = "times") -> float:
    """Return seconds of a number of seconds or a text such as "1 h" or "10y", or raise InputError. A year has 365 days."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    word = str(given).strip()
    digits = word.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = word[len(digits) :].strip()
    try:
        value = float(digits)
    except ValueError:
        value = float("nan")
    if value != value or (unit not in _UNITS_S and value != 0.0):
        raise InputError(
            f"{name}={word!r} is not allowed: expected 0 or a number with one of {', '.join(_UNITS_S)}, such as 1h or 10y."
        )
    return value * _UNITS_S.get(unit, 1.0)


def parse_times(text: str, name: str = "times") -> list[float]:
    """Return seconds of a text such as "0,1s,1h,10y", or raise InputError."""
    return [moment_s(word, name) for word in text.split(",")]


def moments_s(given: Iterable[float | str]) -> tuple[float, ...]:
    """Return seconds of several moments; raises InputError where there is none."""
    out = tuple(moment_s(t) for t in given)
    if not out:
        raise InputError("times is empty: expected at least one, such as 0 (just written).")
    return out
