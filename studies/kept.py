"""What was made before, one JSON record each: current as long as nothing that it depends on has changed.

A record is written after the files that belong to it, and each file whole or not at all: whatever stops a run, what has a
record is finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import content_hash, file_hash, write_json
from ground.provenance import version

_HOUSE = Path(__file__).resolve().parent.parent
_FLOORS = ("ground", "meshes", "device_physics", "compact_model", "fits", "studies")
_SOURCES = (".py", ".toml", ".nc", ".json")
_RESULTS = ("training_results.json", "training_curves.json")  # collected: read by what names them as its files


@cache
def code_hash() -> str:
    """Return 16 hex digits of all modules and data files of this installation, without collected results."""
    digest = hashlib.sha256()
    for floor in _FLOORS:
        for path in sorted((_HOUSE / floor).rglob("*")):
            if path.suffix in _SOURCES and path.name not in _RESULTS and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(_HOUSE)} {file_hash(path)}\n".encode())
    return digest.hexdigest()[:16]


def content_key(what: Any, files: Iterable[Path] = ()) -> str:
    """Return the key of a result: what is computed (JSON-like), the code, and the files it reads (one that is missing counts)."""
    read = {p.name: file_hash(p) if p.is_file() else None for p in files}
    return content_hash({"what": what, "code": code_hash(), "version": version(), "files": read})


@dataclass(frozen=True)
class Kept:
    """The records of one folder, which is made if needed. Raises InputError where it cannot be."""

    folder: Path

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be made: {error.strerror}. Expected a folder (-o FOLDER), not a file."
            ) from None

    def record(self, name: str) -> dict[str, Any] | None:
        """Return the record of a name, or None where there is none that can be read."""
        try:
            found = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def current(self, name: str, key: str) -> dict[str, Any] | None:
        """Return the record of a name if it has this key and all its files are as they were written."""
        found = self.record(name)
        if found is None or found.get("key") != key:
            return None
        files = found.get("files", {})
        whole = all((p := self.folder / n).is_file() and file_hash(p) == h for n, h in files.items())
        return found if whole else None

    def keep(self, name: str, key: str, record: dict[str, Any], files: Iterable[str] = ()) -> dict[str, Any]:
        """Write the record of a name, with the hashes of its files, which are already there; return it."""
        full = {"key": key, **record, "files": {f: file_hash(self.folder / f) for f in files}}
        write_json(self.folder / f"{name}.json", full)
        return full

    def forget(self, name: str) -> None:
        """Remove the record of a name: before its files are written anew."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)
