"""A measured file as bytes: read once, hashed once, and named in every message."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ground.errors import InputError, nearest


@dataclass(frozen=True, repr=False)
class SourceFile:
    """A file read. path : as given.  data : its bytes.  sha256 : of the bytes, in hex."""

    path: Path
    data: bytes
    sha256: str

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file; raises InputError saying why it cannot be read, with the nearest name where it is not there."""
        path = Path(path)
        data = _bytes(path)
        return cls(path, data, hashlib.sha256(data).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        names = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        hint = f" {nearest(path.name, names[:200])}" if names else f" Nor is there any other in {path.parent}."
        raise InputError(f"{path}: there is no such file.{hint}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give the name of a csv, tsv or xlsx file.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}.") from None
