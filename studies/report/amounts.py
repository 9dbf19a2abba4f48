"""Numbers as a person reads them: with the prefix of the unit."""

from __future__ import annotations

import math

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def amount(value: float | None, unit: str, digits: int = 3) -> str:
    """Return a value in SI with a prefix, such as "35.3 kΩ"; "-" where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0.0:
        return f"0 {unit}".strip()
    rounded = float(f"{value:.{digits}g}")
    power = min(max(3 * math.floor(math.log10(abs(rounded)) / 3), -15), 12)
    text = f"{rounded / 10.0**power:.{digits}g}".replace("-", "\N{MINUS SIGN}")
    return f"{text} {_PREFIXES[power]}{unit}".strip()


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it, such as "1 h"."""
    for size, name in ((3.1536e7, "years"), (86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"


def file_size(count: int) -> str:
    """Return bytes in the unit that suits them."""
    return amount(float(count), "B")
