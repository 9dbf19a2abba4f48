"""Text files as instruments and spreadsheets write them: bytes to numbered lines, block by block, comments kept apart."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ground.errors import InputError

Line = tuple[int, str]

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a workbook (if it is a workbook, name it .xlsx)"),
    (b"\x1f\x8b", "gzip-compressed (unpack it first: gunzip)"),
    (b"BZh", "bzip2-compressed (unpack it first: bunzip2)"),
    (b"\xfd7zXZ", "xz-compressed (unpack it first: unxz)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed (unpack it first: unzstd)"),
    (b"\x89HDF", "an HDF5 or NetCDF file"),
    (b"\xd0\xcf\x11\xe0", "an old .xls workbook (if it is one, name it .xls)"),
    (b"%PDF", "a PDF file"),
    (b"\x89PNG", "a picture"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
EXPECTED = "a text table with a header line and columns such as voltage_V,current_A"
_META_KEYS = ("synthetic", "ambient_K", "device", "compliance_A", "points")
BLOCK_BYTES = 4 << 20  # so that the memory for text does not grow with the file


@dataclass
class TextLines:
    """The lines of one file. name : begins every message.  meta : what the comment lines read so far say.

    count, tail : number and text of the last line read so far, blank and comment lines included.
    """

    data: bytes
    name: str
    meta: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    tail: str = ""

    def blocks(self) -> Iterator[list[Line]]:
        """Give the lines that are neither blank nor comment, numbered from 1, a block at a time; each is complete."""
        number = 0
        for text in text_blocks(self.data, self.name):
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            ended = lines[-1] == ""
            numbered = list(enumerate(lines[:-1] if ended else lines, number + 1))
            if "#" in text:
                numbered = [p for p in numbered if not _comment(p[1], self.name, p[0], self.meta)]
            yield [p for p in numbered if p[1] and not p[1].isspace()]
            number += len(lines) - 1
            self.count, self.tail = number + 1, lines[-1].strip()

    def significant(self) -> list[Line]:
        """Return all of them at once: for small tables."""
        return [line for block in self.blocks() for line in block]


def text_blocks(data: bytes, name: str) -> Iterator[str]:
    """Give the text of UTF-8, UTF-16 or Windows-1252 bytes in blocks of whole lines.

    Raises InputError for anything that is no text.
    """
    if not data.strip(b"\x00 \t\r\n"):
        raise InputError(f"{name}: is empty; expected {EXPECTED}.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise InputError(f"{name}: is {what}; expected {EXPECTED}.")
    encoding, line = _encoding(data), 1
    for a, b in _cuts(data, encoding):
        text = _text(data[a:b], encoding if a == 0 or encoding == "utf-16" else encoding.removesuffix("-sig"), name)
        bad = re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd]", text)
        if bad:
            raise InputError(
                f"{name}: line {line + text.count(chr(10), 0, bad.start())}: found the character {bad[0]!r}, which no text "
                f"table holds; this is a binary or damaged file; expected {EXPECTED}."
            )
        line += text.count("\n")
        yield text


def _cuts(data: bytes, encoding: str) -> Iterator[tuple[int, int]]:
    if encoding.startswith("utf-16"):  # a newline byte may be half a character
        yield 0, len(data)
        return
    newline = b"\n" if b"\n" in data[:BLOCK_BYTES] else b"\r"
    start = 0
    while start < len(data):
        end = data.find(newline, start + BLOCK_BYTES) + 1
        yield start, end or len(data)
        start = end or len(data)


def _text(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding.startswith("utf-16"):
            raise InputError(
                f"{name}: begins as {encoding} text and byte {error.start} does not fit; "
                "was the file cut off or damaged?"
            ) from None
        if encoding == "utf-8-sig":
            raise InputError(
                f"{name}: begins as utf-8 text and byte {error.start} does not fit; was the file cut off or damaged?"
            ) from None
        return data.decode("cp1252", errors="replace")


def _encoding(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return encoding
    sample = data[:400]
    if sample[1::2].count(0) > 0.4 * len(sample[1::2]):
        return "utf-16-le"
    if sample[0::2].count(0) > 0.4 * len(sample[0::2]):
        return "utf-16-be"
    return "utf-8"


def _comment(line: str, name: str, number: int, meta: dict[str, Any]) -> bool:
    """Return whether the line is a comment, keeping what it says of the measurement in `meta`."""
    if not line.lstrip().startswith("#"):
        return False
    said = re.match(r"\s*#\s*(\w+)\s*[:=]\s*(.*?)\s*$", line)
    if said and said[1] in _META_KEYS:
        meta[said[1]] = _meta_value(said[1], said[2], f"{name}: line {number}")
    return True


def _meta_value(key: str, text: str, where: str) -> Any:
    if key == "device":
        return text
    if key == "synthetic":
        if text.lower() not in ("true", "false"):
            raise InputError(f"{where}: found '# synthetic: {text}'; expected true or false.")
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    if not math.isfinite(number) and not (key == "compliance_A" and text == "nan"):
        raise InputError(
            f"{where}: found '# {key}: {text}'; expected a number without a unit (the unit is in the name)."
        )
    return number
