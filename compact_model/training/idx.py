"""IDX files, the format of MNIST: a magic number, the sizes, and the bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError

_MOST = 2_000_000_000


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes, gzipped or not.

    Raises InputError naming the file where it is missing, damaged, of another type, or shorter or longer than it says.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}. An IDX file was expected.") from None
    except (EOFError, zlib.error):
        raise InputError(f"{path}: is a damaged gzip file (cut off in the download?); fetch it again.") from None
    if len(data) < 4 or data[:2] != b"\0\0":
        raise InputError(
            f"{path}: is no IDX file: it begins with {data[:4].hex() or 'nothing'}; expected 0000 08 and the dimensions."
        )
    if data[2] != 8:
        raise InputError(f"{path}: holds IDX type 0x{data[2]:02x}; expected 0x08, unsigned bytes.")
    dimensions = data[3]
    head = 4 + 4 * dimensions
    sizes = [int(n) for n in np.frombuffer(data[4:head], ">u4")]
    if len(sizes) != dimensions or dimensions == 0:
        raise InputError(f"{path}: ends inside its header.")
    expected = int(np.prod(sizes, dtype=float))
    if expected > _MOST or len(data) - head != expected:
        raise InputError(
            f"{path}: says it holds {expected} bytes ({' x '.join(map(str, sizes))}), but has {len(data) - head}."
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(sizes)


def find_idx(folder: str | Path, name: str) -> Path:
    """Return the file `name` or `name`.gz in a folder, or raise InputError."""
    folder = Path(folder)
    for found in (folder / name, folder / f"{name}.gz"):
        if found.is_file():
            return found
    raise InputError(
        f"{folder}: holds neither {name} nor {name}.gz. --data names the folder with the four IDX files of MNIST; "
        "without them, `reram train digits` needs no files."
    )
