"""The sweep file: which device, which biases, which fields are varied over which values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ground.errors import InputError, nearest
from ground.spec import read_toml


def read_sweep(path: str | Path) -> tuple[dict[str, Any], list[float], dict[str, list[Any]]]:
    """Return (tables of the device, biases [V], vary) from a sweep file.

    volts : list, or {from, to, count}.  device : another TOML file beside this one (optional).  [vary] : dotted field = list.
    Raises InputError naming what is wrong.
    """
    path = Path(path)
    raw = read_toml(path)
    known = ("volts", "device", "vary")
    for name in raw:
        if name not in known:
            raise InputError(f"{path}: '{name}' is not known in a sweep file. {nearest(name, known)}")
    device = read_toml(path.parent / raw["device"]) if "device" in raw else {}
    vary: dict[str, list[Any]] = {}
    for name, values in _flat(raw.get("vary", {})).items():
        if not isinstance(values, list) or not values:
            raise InputError(
                f'{path}: vary.{name}={values!r} is not allowed: expected a list of values, such as ["9 nm", "11 nm"].'
            )
        vary[name] = values
    return device, _volts(path, raw.get("volts", [0.2])), vary


def _volts(path: Path, given: Any) -> list[float]:
    if isinstance(given, dict) and set(given) == {"from", "to", "count"}:
        return [float(v) for v in np.linspace(float(given["from"]), float(given["to"]), int(given["count"]))]
    if (
        isinstance(given, list)
        and given
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in given)
    ):
        return [float(v) for v in given]
    raise InputError(
        f"{path}: volts={given!r} is not allowed: expected a list of numbers in volts, or {{from = -1.0, to = 1.0, count = 21}}."
    )


def _flat(tables: Any, prefix: str = "") -> dict[str, Any]:
    """Join nested tables to dotted names: TOML reads `filament.radius = [...]` as a table in a table."""
    out: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, dict):
            out.update(_flat(value, f"{prefix}{name}."))
        else:
            out[prefix + name] = value
    return out
