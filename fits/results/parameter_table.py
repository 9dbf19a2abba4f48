"""Fitted parameters as a table of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ground.page import Table

_HEADER = ("parameter", "value", "standard error", "95 % low", "95 % high", "seen by the data", "source")


def parameter_table(parameters: Mapping[str, Any], title: str = "Parameters") -> Table:
    """Return the table of fitted parameters (`Identified` by name)."""
    rows = []
    for name, p in parameters.items():
        seen = "fixed" if p.source != "fit" else "yes" if p.identified else "NO"
        rows.append((name, p.value, p.stderr, p.low, p.high, seen, p.source))
    return Table(title, _HEADER, rows)
