"""A record of what made a file, checked: anybody may have written it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import content_hash

_MAX_INPUTS = 100_000


@dataclass(frozen=True)
class Wanted:
    """An input as a record names it. content : hash without its own record.  path : from the folder of the file that names it.

    shipped : "package/file" where it came with the package.
    """

    name: str
    role: str
    sha256: str
    size: int | None = None
    content: str | None = None
    path: str | None = None
    shipped: str | None = None


@dataclass(frozen=True)
class Record:
    """A checked record; see `provenance`. about : hash of the file that a record beside it belongs to."""

    made_by: str
    version: str
    made_at: str
    libraries: Mapping[str, str]
    synthetic: bool
    inputs: tuple[Wanted, ...]
    settings: Mapping[str, Any]
    about: str | None = None

    def specifications(self) -> dict[str, tuple[str, bool | None]]:
        """Hashes of what is no file (device, mesh, model): name -> (hash, whether the recorded specification still has it)."""
        out: dict[str, tuple[str, bool | None]] = {}
        for key, value in self.settings.items():
            if key in ("devices", "meshes") and isinstance(value, list):  # of a sweep
                out[f"{len(value)} {key}"] = (", ".join(str(v) for v in value), None)
                continue
            name = key.removesuffix("_hash").removesuffix("_content")
            if name == key or not isinstance(value, str):
                continue
            given = self.settings.get(name)
            out[name] = (value, content_hash(given) == value if isinstance(given, dict) else None)
        return out


def checked(path: Path, raw: Any, about: str | None = None) -> Record:
    """Return the record that stands in a file. about : hash of the file it belongs to, where it stands beside it.

    Raises InputError naming the file and what is wrong.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("made_by"), str):
        raise _wrong(path, "provenance", raw, "a table with the name of the command that made the file")
    tables: dict[str, Any] = {name: raw.get(name, {}) for name in ("libraries", "settings")}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise _wrong(path, name, table, "a table")
    inputs = raw.get("inputs", [])
    if not isinstance(inputs, list) or len(inputs) > _MAX_INPUTS:
        raise _wrong(path, "inputs", inputs, f"a list of at most {_MAX_INPUTS} inputs")
    return Record(
        made_by=raw["made_by"],
        version=str(raw.get("cmo_reram", "unknown")),
        made_at=str(raw.get("made_at", "unknown")),
        libraries={str(k): str(v) for k, v in tables["libraries"].items()},
        synthetic=raw.get("synthetic") is True,
        inputs=tuple(_wanted(path, f"inputs[{i}]", entry) for i, entry in enumerate(inputs)),
        settings=tables["settings"],
        about=about,
    )


def _wanted(path: Path, where: str, entry: Any) -> Wanted:
    if not isinstance(entry, dict):
        raise _wrong(path, where, entry, "a table with name and sha256")
    name, sha256 = entry.get("name"), entry.get("sha256")
    if not isinstance(name, str) or not _is_near(name) or "/" in name or name == "..":
        raise _wrong(path, f"{where}.name", name, "the name of a file")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _wrong(path, f"{where}.sha256", sha256, "64 hex digits")
    size, content, near, own = (entry.get(key) for key in ("bytes", "content", "path", "shipped"))
    if near is not None and not _is_near(near):
        raise _wrong(path, f"{where}.path", near, "the relative path of a near file")
    if own is not None and not (isinstance(own, str) and re.fullmatch(r"[a-z_]+/[a-z_]+\.[a-z]+", own)):
        raise _wrong(path, f"{where}.shipped", own, "package/file of this project")
    return Wanted(
        name=name,
        role=str(entry.get("role", "input")),
        sha256=sha256,
        size=size if isinstance(size, int) else None,
        content=content if isinstance(content, str) else None,
        path=near,
        shipped=own,
    )


def _is_near(way: Any) -> bool:
    """Whether a path leads at most three folders up and then down: no record sends a reader through the whole disk."""
    if not isinstance(way, str) or not 0 < len(way) < 1000 or "\0" in way or "\\" in way or way.startswith("/"):
        return False
    parts = way.split("/")
    up = parts.count("..")
    return up <= 3 and parts[:up] == [".."] * up


def _wrong(path: Path, what: str, value: Any, expected: str) -> InputError:
    return InputError(f"{path}: its record is damaged: {what}={str(value)[:60]!r}; expected {expected}.")
