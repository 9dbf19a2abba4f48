"""Finding the inputs of a result again: by their hash first, by their name second, in the folders where they would lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from ground.files import file_hash
from ground.provenance import SHIPPED
from ground.record import Wanted
from ground.records import content_of

Status = Literal["matches", "matches in content", "changed", "not found", "unreadable"]
_Key = TypeVar("_Key")
Index = dict[_Key, list[Path]]
_MOST_FILES, _MOST_FOLDERS = 5000, 100


@dataclass(frozen=True)
class Found:
    """status : of the link.  path : where the input is now.  sha256 : of it now."""

    status: Status
    path: Path | None = None
    sha256: str | None = None


class Finder:
    """Looks beside the file that names the input, in folders one step down, up and aside, and in `look_in`."""

    def __init__(self, look_in: Sequence[Path] = ()) -> None:
        self.look_in = tuple(look_in)
        self._hashes: dict[Path, str] = {}
        self._listed: dict[Path, list[Path]] = {}
        self._indexed: dict[Path, tuple[Index[str], Index[int]]] = {}

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a file, worked out once."""
        key = path.resolve()
        if key not in self._hashes:
            self._hashes[key] = file_hash(path)
        return self._hashes[key]

    def find(self, wanted: Wanted, beside: Path) -> Found:
        """Return the input, the file of its name that is another now, or what is in the way. beside : folder of the naming file."""
        if wanted.shipped is not None:
            own = SHIPPED / wanted.shipped
            return self._judged(wanted, [own] if own.is_file() else [])
        recorded = [beside / wanted.path] if wanted.path else []
        named = [p for p in recorded if p.is_file()]
        found = self._judged(wanted, named)
        if found.status in ("matches", "matches in content"):
            return found
        by_name, by_size = self._around(beside)
        named += by_name.get(wanted.name, [])
        renamed = [] if wanted.size is None else by_size.get(wanted.size, [])
        for path in (*named, *renamed):
            found = self._judged(wanted, [path])
            if found.status == "matches":
                return found
        return self._judged(wanted, named)

    def _judged(self, wanted: Wanted, paths: Sequence[Path]) -> Found:
        """Return the first of the files that matches, or that matches in content, or else the first of them as changed."""
        now: list[tuple[Path, str]] = []
        for path in paths:
            try:
                now.append((path, self.hash_of(path)))
            except OSError:
                continue
            if now[-1][1] == wanted.sha256:
                return Found("matches", *now[-1])
        for path, found in now if wanted.content else ():
            if content_of(path) == wanted.content:
                return Found("matches in content", path, found)
        if now:
            return Found("changed", *now[0])
        return Found("unreadable", paths[0]) if paths else Found("not found")

    def _around(self, beside: Path) -> tuple[Index[str], Index[int]]:
        """Files of the folder, of the folders in it, of the one above and those beside it, and of `look_in` likewise."""
        if beside not in self._indexed:
            by_name: Index[str] = defaultdict(list)
            by_size: Index[int] = defaultdict(list)
            for start in dict.fromkeys((beside, beside.parent, *self.look_in)):
                inner = [p for p in self._list(start) if p.is_dir() and not p.name.startswith(".")]
                for folder in (start, *inner[:_MOST_FOLDERS]):
                    for path in self._list(folder):
                        if path.is_file():
                            by_name[path.name].append(path)
                            by_size[path.stat().st_size].append(path)
            self._indexed[beside] = by_name, by_size
        return self._indexed[beside]

    def _list(self, folder: Path) -> list[Path]:
        if folder not in self._listed:
            try:
                self._listed[folder] = sorted(islice(folder.iterdir(), _MOST_FILES))
            except OSError:
                self._listed[folder] = []
        return self._listed[folder]
