"""The files of a run folder, one level of sub-folders deep, and reading them without trusting them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import file_hash
from ground.records import SIDECAR

MAX_FILES = 2000
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


def run_files(folder: Path, leave_out: Path) -> list[RunFile]:
    """Return the files of a folder and of its sub-folders, by name, without hidden ones, records of others and `leave_out`.

    Raises InputError where it is no folder, cannot be read, is empty or holds more than MAX_FILES.
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
    if len(found) > MAX_FILES:
        raise InputError(
            f"{folder}: holds {len(found)} files; a report shows at most {MAX_FILES}. Give one run's folder."
        )
    if not found:
        raise InputError(f"{folder}: holds no file to report on; is the run unfinished, or is it another folder?")
    return sorted(found, key=lambda f: ("/" in f.name, f.name))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir() and depth:
            yield from _files(path, depth - 1)
        elif path.is_file():
            yield path
