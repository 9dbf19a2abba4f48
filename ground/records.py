"""Reading records: where each kind of file carries its own, and what a file holds beside it."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from ground.errors import InputError, MissingLibrary
from ground.files import content_hash
from ground.record import Record, checked

SIDECAR = ".provenance.json"
_HEAD = 2_000_000  # bytes of a text file that are searched
_MAX_JSON = 256_000_000
_LINE = re.compile(rb"^[ \t]*(?:#|\*|//|;|%|<!--)[ \t]*provenance: (\{.*\})[ \t]*(?:-->)?[ \t\r]*$", re.MULTILINE)
_PNG, _HDF5, _PDF = b"\x89PNG\r\n\x1a\n", b"\x89HDF\r\n\x1a\n", b"%PDF"


def read_record(path: Path) -> Record | None:
    """Return the record of a file, in it or in FILE.provenance.json beside it; None where nothing says what made it.

    Raises InputError where the file cannot be read or is damaged, or its record is none of this project.
    """
    try:
        with path.open("rb") as stream:
            raw = _raw(path, stream)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if raw is not None:
        return checked(path, raw)
    beside = path.with_name(path.name + SIDECAR)
    if not beside.is_file():
        return None
    try:
        data = _json(beside, beside.read_bytes())
    except OSError as error:
        raise InputError(f"{beside}: cannot be read: {error.strerror or error}.") from None
    if not isinstance(data, dict) or not isinstance(data.get("sha256"), str):
        raise InputError(f"{beside}: is damaged: expected the record of {path.name} and its sha256.")
    return checked(beside, data.get("provenance"), data["sha256"])


def content_of(path: Path) -> str | None:
    """Return 16 hex digits of a JSON or NetCDF file's content without its record: the same where it was made again alike.

    None where the file is of another kind, or cannot be read as what it seems to be.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if head == _HDF5:
            return _content_of_hdf5(path)
        if not _is_json(path, head) or path.stat().st_size > _MAX_JSON:
            return None
        data = _json(path, path.read_bytes())
        return content_hash({k: v for k, v in data.items() if k != "provenance"}) if isinstance(data, dict) else None
    except (OSError, ValueError, RecursionError, InputError, MissingLibrary):
        return None


def _is_json(path: Path, head: bytes) -> bool:
    return path.suffix.lower() == ".json" or head.lstrip().startswith(b"{")


def _raw(path: Path, stream: IO[bytes]) -> Any:
    head = stream.read(8)
    if head == _HDF5:
        with _hdf5(path) as file:
            text = file.attrs.get("provenance")
        return None if text is None else _json(path, text.encode() if isinstance(text, str) else bytes(text))
    if head == _PNG:
        return _first(path, _png_texts(stream))
    if head.startswith(_PDF):
        stream.seek(max(path.stat().st_size - _HEAD, 0))
        return _first(path, _LINE.findall(stream.read(_HEAD))[::-1])
    if _is_json(path, head):
        size = path.stat().st_size
        if size > _MAX_JSON:
            raise InputError(f"{path}: has {size / 1e6:.0f} MB; a record is read from JSON of at most 256 MB.")
        data = _json(path, head + stream.read())
        return data.get("provenance") if isinstance(data, dict) else None
    return _first(path, _LINE.findall(head + stream.read(_HEAD)))


def _first(path: Path, found: Iterable[bytes]) -> Any:
    """Parse the first of them: stamps go to the front, so it is the one written last."""
    text = next(iter(found), None)
    return None if text is None else _json(path, text)


def _json(path: Path, data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise InputError(f"{path}: is damaged: its JSON is nested too deeply.") from None
    except ValueError as error:
        raise InputError(f"{path}: is damaged or no JSON: {error}.") from None


def _png_texts(stream: IO[bytes]) -> Iterator[bytes]:
    while len(header := stream.read(8)) == 8:
        size, kind = struct.unpack(">I4s", header)
        if kind == b"IDAT":
            return
        body = stream.read(min(size, _HEAD))
        stream.seek(size - len(body) + 4, 1)
        if kind == b"tEXt" and body.startswith(b"provenance\0"):
            yield body.split(b"\0", 1)[1]


def _hdf5(path: Path) -> Any:
    try:
        import h5py
    except ImportError:
        raise MissingLibrary(
            f"{path}: h5py is not installed. It reads NetCDF files; install it with `pip install h5py`."
        ) from None
    try:
        return h5py.File(path, "r")
    except Exception as error:  # h5py raises unrelated kinds on damaged files
        raise InputError(f"{path}: is no NetCDF file, or is damaged ({type(error).__name__}: {error}).") from None


def _content_of_hdf5(path: Path) -> str | None:
    """Names, shapes, units and numbers; not the record, nor what HDF5 keeps for itself."""
    found = hashlib.sha256()

    def take(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            values = item[()]
            data = repr(values.tolist()).encode() if item.dtype.hasobject else values.tobytes()
            found.update(repr((name, item.shape, str(item.attrs.get("units", "")))).encode() + data)

    try:
        with _hdf5(path) as file:
            own = {k: str(v) for k, v in file.attrs.items() if k not in ("provenance", "_NCProperties")}
            found.update(json.dumps(own, sort_keys=True).encode())
            file.visititems(take)
    except Exception:  # h5py raises unrelated kinds on damaged files
        return None
    return found.hexdigest()[:16]
