"""Frozen specifications: what a user states, checked once, with messages that teach."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer, model_validator

from ground.errors import InputError, nearest, shown
from ground.units import Quantity, usual_unit

LINES_MAX = 12  # of a message: what is more is counted
_EXPECTED = {
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
}


class Spec(BaseModel):
    """Base of all specifications. A field `thickness_m` is also accepted as `thickness = "5 nm"`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: Any) -> Self:
        if isinstance(data, dict):
            data = full_names(cls, data)
        try:
            return handler(data)
        except ValidationError as error:
            lines = [_explain_one(cls, e) for e in error.errors()]
            more = [f"... and {len(lines) - LINES_MAX} more of this kind."] if len(lines) > LINES_MAX else []
            raise InputError("\n".join(lines[:LINES_MAX] + more)) from None

    def replace(self, **changes: Any) -> Self:
        """Return a checked copy with some fields changed (pydantic's own model_copy does not check)."""
        return type(self).model_validate({**{n: getattr(self, n) for n in type(self).model_fields}, **changes})


class GrownSpec(Spec):
    """A Spec that got fields later: those named in `added` are dumped only where they are not at their default.

    So the content hash of what could be said before stays what it was, and with it every stored result.
    """

    added: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_new_defaults(self, handler: Any) -> dict[str, Any]:
        fields = type(self).model_fields
        plain = {n for n in self.added if getattr(self, n) == fields[n].default}
        return {n: v for n, v in handler(self).items() if n not in plain}


def quantities(cls: type[BaseModel]) -> dict[str, Quantity]:
    """Return the doors of a specification's physical fields by their names without units: `thickness`."""
    return {short: quantity for short, (_, quantity) in _doors(cls).items()}


def _doors(cls: type[BaseModel]) -> dict[str, tuple[str, Quantity]]:
    """Map `thickness` to (`thickness_m`, its Quantity) for every physical field."""
    out = {}
    for name, field in cls.model_fields.items():
        found = [q for q in field.metadata if isinstance(q, Quantity)]
        found += [
            q for arg in get_args(field.annotation) if get_origin(arg) for q in get_args(arg) if isinstance(q, Quantity)
        ]
        if found:
            out[_without_unit(name, found[0].unit) if found[0].unit else name] = (name, found[0])
    return out


def _short_names(cls: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Map `thickness` to (`thickness_m`, "m") for every field that has a unit."""
    return {short: (full, q.unit) for short, (full, q) in _doors(cls).items() if q.unit}


def _without_unit(name: str, unit: str) -> str:
    """Take the unit off a name: sigma_S_per_m -> sigma, alpha_per_K -> alpha, radius_m -> radius."""
    stem = name.rsplit("_per_", 1)[0]
    return stem if stem != name and unit.startswith("1/") else stem.rsplit("_", 1)[0]


def short_name(cls: type[BaseModel], field: str) -> str:
    """Return the name of a field without its unit."""
    return next((short for short, (full, _) in _short_names(cls).items() if full == field), field)


def full_names(cls: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """Return data with `thickness` renamed to `thickness_m`; raises InputError for a number without its unit, or twice."""
    shorts = _short_names(cls)
    out: dict[str, Any] = {}
    for key, value in data.items():
        full, unit = shorts.get(key, (key, ""))
        if full in out:
            raise InputError(f"{cls.__name__}.{full} is given twice ('{key}' is the same field): keep one.")
        if key in shorts and isinstance(value, (int, float)) and not isinstance(value, bool):
            raise InputError(
                f"{cls.__name__}.{key}={shown(value)} is not allowed: it carries no unit. "
                f'Write {key} = "{shown(value)} {usual_unit(unit)}" (or any unit of this kind), or {full} in {unit}.'
            )
        out[full] = value
    return out


def _explain_one(cls: type[BaseModel], error: Any) -> str:
    where = cls.__name__ + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error["loc"])
    if error["type"] == "missing":
        return f"{where} is missing: it has no default, so give it a value."
    if error["type"] == "extra_forbidden":
        known = list(cls.model_fields) + list(_short_names(cls))
        return f"{where} is not known. {nearest(str(error['loc'][-1]), known)}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if error["type"] in _EXPECTED:
        message = f"expected {_EXPECTED[error['type']]}."
    return f"{where}={shown(error['input'])} is not allowed: {message}"


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return the tables of a TOML file, or raise InputError naming file and line."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.{_neighbours(path)}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; a TOML file was expected.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; a TOML file was expected.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f'{path}: is not valid TOML: {error}. Texts need quotes: radius = "11 nm".') from None


def _neighbours(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else None
    names = [p.name for p in folder.glob("*.toml")] if folder else []
    return f" {nearest(path.name, names)}" if names else ""
