"""The sweep file: which device, which biases, which fields are varied over which lists or ranges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.device import read_tables
from device_physics.varied_fields import checked_values
from ground.errors import InputError, nearest
from ground.provenance import Source, sources
from ground.spec import read_toml
from ground.units import Quantity, to_si

_RANGE = ("from", "to", "count", "spacing")
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")
COUNT_MAX = 100_000


def read_sweep(path: str | Path) -> tuple[dict[str, Any], list[float], dict[str, list[Any]]]:
    """Return (tables of the device, biases [V], vary) from a sweep file.

    volts : list or range.  device : another TOML file beside this one (optional).  [vary] : dotted field = list or range.
    A range is {from, to, count} of two numbers or two texts with units, with spacing = "log" for equal ratios.
    Raises InputError naming file, field and what is allowed.
    """
    path = Path(path)
    raw = read_toml(path)
    known = ("volts", "device", "vary")
    for name in raw:
        if name not in known:
            raise InputError(f"{path}: '{name}' is not known in a sweep file. {nearest(name, known)}")
    device = raw.get("device", "")
    if not isinstance(device, str):
        raise InputError(
            f'{path}: device={device!r} is not allowed: expected the name of a file, device = "cell.toml".'
        )
    vary = raw.get("vary", {})
    if not isinstance(vary, dict):
        raise InputError(f"{path}: vary={vary!r} is not allowed: expected a section [vary].")
    try:
        values = checked_values({n: _values(f"vary.{n}", v) for n, v in _flat(vary).items()})
        volts = _volts(raw.get("volts", [0.2]))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return read_tables(path.parent / device) if device else {}, volts, values


def sweep_sources(path: str | Path) -> list[Source]:
    """Return a sweep file that was read, and the device file that it names, as inputs."""
    device = read_toml(path).get("device")
    return [*sources("sweep file", path), *sources("device file", Path(path).parent / device if device else None)]


def _values(name: str, given: Any) -> Any:
    return expand(name, given) if isinstance(given, dict) else given


def _volts(given: Any) -> list[float]:
    values = _values("volts", given)
    if not isinstance(values, list) or not values or any(isinstance(v, bool) for v in values):
        raise InputError(
            f"volts={given!r} is not allowed: expected a list of numbers in volts, or {{from = -1.0, to = 1.0, count = 21}}."
        )
    return [Quantity("V", -1e3, 1e3).named("volts", v) for v in values]


def expand(name: str, given: dict[str, Any]) -> list[Any]:
    """Return the values of a range table: numbers, or texts in the unit of `from`. Both ends are included.

    Raises InputError for a key that is missing or not known, for ends that do not go together, and for a bad count.
    """
    for key in given:
        if key not in _RANGE:
            raise InputError(f"{name}: '{key}' is not known in a range. {nearest(key, _RANGE)}")
    for key in _RANGE[:3]:
        if key not in given:
            raise InputError(f'{name}: the range lacks \'{key}\'; write {{from = "5 nm", to = "15 nm", count = 11}}.')
    count, spacing = given["count"], given.get("spacing", "linear")
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= COUNT_MAX:
        raise InputError(f"{name}.count={count!r} is not allowed: expected a whole number, 2..{COUNT_MAX}.")
    if spacing not in ("linear", "log"):
        raise InputError(f"{name}.spacing={spacing!r} is not allowed: expected 'linear' or 'log'.")
    low, high, unit = _ends(name, given["from"], given["to"])
    if low == high:
        raise InputError(f"{name}: from and to are both {given['from']!r}; give a list of one value instead.")
    if spacing == "log" and not (low > 0 and high > 0):
        raise InputError(f"{name}: spacing = 'log' needs from and to above zero, and they are {low:g} and {high:g}.")
    numbers = np.geomspace(low, high, count) if spacing == "log" else np.linspace(low, high, count)
    rounded = [float(f"{x:.12g}") for x in numbers]  # 0.1 + 0.2 is labelled 0.3
    return rounded if unit is None else [f"{x:.12g} {unit}" for x in rounded]


def _ends(name: str, low: Any, high: Any) -> tuple[float, float, str | None]:
    """Return both ends as numbers, and the unit of the first where they are texts."""
    if isinstance(low, str) and isinstance(high, str):
        match = _QUANTITY.fullmatch(low)
        if match is None or not match[2]:
            raise InputError(f"{name}.from={low!r} is not allowed: expected a number and a unit, such as '5 nm'.")
        try:
            return to_si(low, match[2]), to_si(high, match[2]), match[2]
        except ValueError as error:
            raise InputError(f"{name}: from={low!r} and to={high!r} do not go together: the text {error}.") from None
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) and bool(np.isfinite(v)) for v in (low, high)]
    if all(numbers):
        return float(low), float(high), None
    raise InputError(
        f"{name}: from={low!r} and to={high!r} are not allowed: expected two numbers, or two texts with units."
    )


def _flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested tables to dotted names: TOML reads `filament.radius = [...]` as a table in a table."""
    out: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, dict) and not set(value) & set(_RANGE):
            out.update(_flat(value, f"{prefix}{name}."))
        else:
            out[prefix + name] = value
    return out
