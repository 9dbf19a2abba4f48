"""The fields a sweep varies: dotted names into the tables of a device file, and the checks on names and values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from device_physics.device import SECTIONS
from device_physics.materials import material_table
from ground.errors import InputError, nearest
from meshes.stack import PRESETS

EXAMPLE = '["9 nm", "11 nm"]'


def checked_values(vary: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return field -> list of values, or raise InputError where one is no list, is empty, or holds a value twice."""
    out = {}
    for name, given in vary.items():
        values: Any = given.tolist() if hasattr(given, "tolist") else given  # numpy arrays as well
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence) or not len(values):
            raise InputError(
                f"vary.{name}={values!r} is not allowed: expected a list of values, such as {EXAMPLE}, or a range, such "
                'as {from = "5 nm", to = "15 nm", count = 11}.'
            )
        kinds = {str if isinstance(v, str) else bool if isinstance(v, bool) else float for v in values}
        if len(kinds) > 1 or any(not isinstance(v, (str, bool, int, float)) for v in values):
            raise InputError(
                f"vary.{name}={list(values)!r} is not allowed: expected all numbers or all texts, such as {EXAMPLE}."
            )
        for value in values:
            if list(values).count(value) > 1:
                raise InputError(f"vary.{name} holds {value!r} twice: every value makes its own rows, so give it once.")
        out[name] = list(values)
    return out


def changed(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a device file with dotted fields replaced.

    "materials.CMO.electrical_conductivity" goes into tables; "stack.layers.CMO.thickness" to the layer of that name;
    "filaments.2.radius" to the second of several filaments.
    Raises InputError for a field that cannot be there; Device.from_tables checks its last name and its value.
    """
    out: dict[str, Any] = json.loads(json.dumps(tables))
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        if not path or path[0] not in SECTIONS:
            raise InputError(
                f"sweep: the field {dotted!r} is not known: it begins with a section of the device file, such as "
                f"filament.radius. {nearest(dotted.split('.')[0], SECTIONS)}"
            )
        table = _table(out, path, dotted)
        for name in [n for n in table if _same_field(n, last)]:
            del table[name]
        table[last] = value
    return out


def _table(out: dict[str, Any], path: list[str], dotted: str) -> dict[str, Any]:
    """Walk down to the table that holds the last name of a dotted field, making tables that are not there."""
    if path[0] == "materials":
        known = {**material_table(), **out.get("materials", {})}
        if len(path) < 2 or path[1] not in known:
            raise InputError(
                f"sweep: the field {dotted!r} names no material of the device. {nearest('.'.join(path[1:]), known)}"
            )
    if path[:2] == ["stack", "layers"]:
        return _layer(out.setdefault("stack", {}), path[2:], dotted)
    table: Any = out
    for depth, name in enumerate(path, start=1):
        if isinstance(table, list):
            table = _numbered(table, name, dotted)
            continue
        table = table.setdefault(name, {})
        if isinstance(table, list) and depth < len(path):
            continue
        if not isinstance(table, dict):
            raise InputError(
                f"sweep: the field {dotted!r} is not known: {'.'.join(path[:depth])} is a value, not a table."
            )
    found: dict[str, Any] = table
    return found


def _numbered(tables: list[Any], name: str, dotted: str) -> Any:
    if not name.isdigit() or not 1 <= int(name) <= len(tables):
        raise InputError(
            f"sweep: the field {dotted!r} is not known: give the number of the table, 1..{len(tables)}, where it says {name!r}."
        )
    return tables[int(name) - 1]


def _layer(stack: dict[str, Any], names: list[str], dotted: str) -> dict[str, Any]:
    """Return the layer a field points into; layers of a preset are written out first."""
    if "layers" not in stack:
        stack["layers"] = [dict(la) for la in PRESETS.get(stack.pop("preset", "TiN/HfOx/CMO/TiN"), [])]
    by_name: dict[str, dict[str, Any]] = {str(la.get("name")): la for la in stack["layers"]}
    if len(names) != 1 or names[0] not in by_name:
        raise InputError(
            f"sweep: the field {dotted!r} names no layer of the stack; write stack.layers.NAME.FIELD, such as "
            f"stack.layers.CMO.thickness. {nearest('.'.join(names), by_name)}"
        )
    return by_name[names[0]]


def _same_field(one: str, other: str) -> bool:
    """Whether two names are the same field, with and without its unit: radius and radius_m."""
    return one == other or other in _without_unit(one) or one in _without_unit(other)


def _without_unit(name: str) -> set[str]:
    stem = name.rsplit("_per_", 1)[0]
    return {stem, stem.rsplit("_", 1)[0]} - {name}
