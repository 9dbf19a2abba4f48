"""Putting a record into a file that has no place of its own for it: a comment, a text of the picture, or a file beside it."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ground.files import atomic, file_hash, write_json
from ground.records import SIDECAR

_COMMENT = {".csv": "#", ".tsv": "#", ".txt": "#", ".py": "#", ".toml": "#", ".sp": "*", ".cir": "*", ".va": "//"}
_XML = (".svg", ".vtu", ".html")
_AFTER_IHDR = 33  # signature, then the first chunk of every PNG


def stamp(path: str | Path, record: Mapping[str, Any], *, mark: str = "", beside: bool = False) -> None:
    """Put a record into a file that is written already, whole or not at all; `read_record` finds it again.

    mark : what begins a comment, for a text whose ending does not say it.  beside : leave the file as it is.
    Text gets a comment line at the top, SVG, VTU and HTML a comment, PNG a text chunk, PDF a comment at its end, and any other file
    (or any file, with `beside`) a FILE.provenance.json beside it with its hash.
    """
    path = Path(path)
    text = json.dumps(dict(record), ensure_ascii=True, allow_nan=False)
    kind = path.suffix.lower()
    mark = mark or _COMMENT.get(kind, "")
    if beside or not (mark or kind in (*_XML, ".png", ".pdf")):
        sidecar = path.with_name(path.name + SIDECAR)
        write_json(sidecar, {"file": path.name, "sha256": file_hash(path), "provenance": dict(record)})
        return
    data = path.read_bytes()
    if mark:
        data = f"{mark} provenance: {text}\n".encode() + data
    elif kind == ".png":
        data = data[:_AFTER_IHDR] + _chunk(b"tEXt", b"provenance\0" + text.encode()) + data[_AFTER_IHDR:]
    elif kind == ".pdf":
        data = _with_pdf_comment(data, text)
    else:
        data = _with_xml_comment(data, text)
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _with_pdf_comment(data: bytes, text: str) -> bytes:
    """A reader starts from the last startxref: it is said again after the comment."""
    starts = re.findall(rb"startxref\s+(\d+)", data)
    return data + f"\n% provenance: {text}\nstartxref\n{int(starts[-1]) if starts else 0}\n%%EOF\n".encode()


def _with_xml_comment(data: bytes, text: str) -> bytes:
    """After the line that says what the file is; two hyphens would end the comment, and < > are spelled as JSON allows."""
    safe = text.replace("--", "-\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
    comment = f"<!-- provenance: {safe} -->\n".encode()
    first, end, rest = data.partition(b"\n")
    if first.lstrip().lower().startswith((b"<?xml", b"<!doctype html")) and first.rstrip().endswith(b">"):
        return first + end + comment + rest
    return comment + data
