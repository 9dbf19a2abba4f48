"""The files of a run folder, one level of sub-folders deep, and reading them without trusting them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import file_hash
from ground.records import SIDECAR

MAX_FILES = 2000  # more are not shown one by one
SHOWN_ALIKE = 20  # of files whose names differ in their numbers only, where there are more than MAX_FILES
_MAX_JSON = 64_000_000


@dataclass(frozen=True)
class RunFile:
    """One file. name : its path from the run folder."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.path.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """Hash of its content, or why there is none."""
        try:
            return file_hash(self.path)
        except OSError as error:
            return f"(cannot be read: {error.strerror})"

    def text(self, most: int = _MAX_JSON) -> str:
        """Return the file as text. Raises InputError where it is too big, unreadable or no text."""
        try:
            if self.size > most:
                raise InputError(f"it has {self.size / 1e6:.0f} MB; at most {most / 1e6:.0f} MB are read")
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot be opened: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError("is not UTF-8 text; is it damaged?") from None

    def json(self) -> Any:
        """Return what a JSON file holds. Raises InputError where it is none."""
        text = self.text()
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(
                f"is not JSON: {error.msg} in line {error.lineno}; is it cut short, or edited by hand?"
            ) from None
        except (RecursionError, ValueError) as error:
            raise InputError(f"is not JSON that can be read: {type(error).__name__}") from None


@dataclass(frozen=True)
class LeftOut:
    """Files that are counted and not read. like : their names, with * for numbers.  size : in all [B]."""

    like: str
    count: int
    size: int


def run_files(folder: Path, leave_out: Path) -> tuple[list[RunFile], list[LeftOut]]:
    """Return the files of a folder and of its sub-folders, by name, without hidden ones, records of others and `leave_out`.

    Of more than MAX_FILES those that are alike, such as the samples of an uncertainty, are thinned, and whatever is too much after
    that is left out; the second list counts them.  Raises InputError where it is no folder, cannot be read or is empty.
    """
    if not folder.exists():
        raise InputError(f"{folder}: there is no such folder; give the folder of a run, such as runs/demo.")
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the folder of a run, such as {folder.parent}.")
    try:
        found = [RunFile(p, p.relative_to(folder).as_posix()) for p in _files(folder, depth=1)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}.") from None
    found = [f for f in found if f.path != leave_out and not f.name.endswith(SIDECAR)]
    if not found:
        raise InputError(f"{folder}: holds no file to report on; is the run unfinished, or is it another folder?")
    found.sort(key=lambda f: ("/" in f.name, f.name))
    return (found, []) if len(found) <= MAX_FILES else _thinned(found)


def _thinned(files: list[RunFile]) -> tuple[list[RunFile], list[LeftOut]]:
    alike: dict[str, list[RunFile]] = defaultdict(list)
    for file in files:
        alike[re.sub(r"\d+", "*", file.name)].append(file)
    left = [_counted(like, group[SHOWN_ALIKE:]) for like, group in alike.items() if len(group) > SHOWN_ALIKE]
    among = {f.name for group in alike.values() for f in group[:SHOWN_ALIKE]}
    some = [f for f in files if f.name in among]
    rest = some[MAX_FILES:]
    return some[:MAX_FILES], [*left, _counted("others", rest)] if rest else left


def _counted(like: str, files: Iterable[RunFile]) -> LeftOut:
    sizes = [f.size for f in files]
    return LeftOut(like, len(sizes), sum(sizes))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir() and depth:
            yield from _files(path, depth - 1)
        elif path.is_file():
            yield path
