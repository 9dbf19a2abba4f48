"""Text tables as instruments and spreadsheets write them: bytes to lines to numbers, each fault with its line."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fits.columns import Column, Columns, looks_like_header, recognise
from fits.measurement import BRANCHES
from ground.errors import InputError

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a workbook (if it is a workbook, name it .xlsx)"),
    (b"\x1f\x8b", "gzip-compressed (unpack it first: gunzip)"),
    (b"BZh", "bzip2-compressed (unpack it first: bunzip2)"),
    (b"\xfd7zXZ", "xz-compressed (unpack it first: unxz)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed (unpack it first: unzstd)"),
    (b"\x89HDF", "an HDF5 or NetCDF file"),
    (b"\xd0\xcf\x11\xe0", "an old .xls workbook (save it as .xlsx or .csv)"),
    (b"%PDF", "a PDF file"),
    (b"\x89PNG", "a picture"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PREAMBLE_LINES = 80
_OPTIONAL = ("run", "branch", "cycle", "in_compliance", "glitch", "offset_current_A")
_EXPECTED = "a text table with a header line and columns such as voltage_V,current_A"
_META_KEYS = ("synthetic", "ambient_K", "device", "compliance_A", "points")


@dataclass
class TextTable:
    """The columns of one text file, in SI units, with what its comment lines say."""

    voltage_V: Any
    current_A: Any
    time_s: Any = None
    optional: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


def parse(
    data: bytes,
    name: str,
    *,
    delimiter: str | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
) -> TextTable:
    """Return the table in the bytes of a text file; `name` begins every message.

    Raises InputError, and nothing else, where the bytes are not such a table.
    """
    lines = re.split(r"\r\n|\n|\r", decode(data, name))
    meta: dict[str, Any] = {}
    rows = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not _comment(line, f"{name}: line {number}", meta)
    ]
    if not rows:
        raise InputError(f"{name}: holds only blank or comment lines; expected {_EXPECTED}.")
    start, separator, header, columns = _find_header(rows, name, delimiter, voltage_column, current_column)
    body = rows[start + 1 :]
    if not body:
        raise InputError(
            f"{name}: line {rows[start][0]} is a header and no numbers follow; "
            "was the file cut off, or the export empty?"
        )
    table = _numbers(body, name, separator, header, columns)
    table.meta = meta
    if meta.get("points", len(body)) != len(body):
        raise InputError(
            f"{name}: says '# points: {meta['points']}' and holds {len(body)}; the file was cut off or edited."
        )
    if "points" in meta and lines[-1].strip():
        raise InputError(
            f"{name}: line {len(lines)} does not end: found {lines[-1].strip()[-40:]!r}; "
            "the file was cut off in this line."
        )
    return table


def decode(data: bytes, name: str) -> str:
    """Return the text of UTF-8, UTF-16 or Windows-1252 bytes; raises InputError for anything that is no text."""
    if not data.strip(b"\x00 \t\r\n"):
        raise InputError(f"{name}: is empty; expected {_EXPECTED}.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise InputError(f"{name}: is {what}; expected {_EXPECTED}.")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise InputError(
                f"{name}: begins as {encoding} text and byte {error.start} does not fit; "
                "was the file cut off or damaged?"
            ) from None
        text = data.decode("cp1252", errors="replace")
    bad = re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd]", text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise InputError(
            f"{name}: line {line}: found the character {bad[0]!r}, which no text table holds; "
            f"this is a binary or damaged file; expected {_EXPECTED}."
        )
    return text


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


def _comment(line: str, where: str, meta: dict[str, Any]) -> bool:
    """Return whether the line is a comment, keeping what it says of the measurement in `meta`."""
    if not line.lstrip().startswith("#"):
        return False
    said = re.match(r"\s*#\s*(\w+)\s*[:=]\s*(.*?)\s*$", line)
    if said and said[1] in _META_KEYS:
        meta[said[1]] = _meta_value(said[1], said[2], where)
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


def _find_header(
    rows: list[tuple[int, str]],
    name: str,
    delimiter: str | None,
    voltage_column: str | None,
    current_column: str | None,
) -> tuple[int, str, list[str], Columns]:
    chosen = 0
    named = [c.strip() for c in (voltage_column, current_column) if c is not None]
    for k, (number, line) in enumerate(rows[:_PREAMBLE_LINES]):
        cells = [c.strip() for c in _split(line, delimiter or _sniff(line), f"{name}: line {number}")]
        if all(n in cells for n in named) if named else looks_like_header(cells):
            chosen = k
            break
    number, line = rows[chosen]
    separator = delimiter or _sniff(line)
    where = f"{name}: line {number}"
    header = _split(line, separator, where)
    if len([c for c in header if _is_number(c, separator)]) >= 2 and not named:
        raise InputError(
            f"{where}: found the numbers {line.strip()[:60]!r} and no header above them; "
            "write one as the first line, such as voltage_V,current_A."
        )
    columns = recognise(header, where, voltage_column=voltage_column, current_column=current_column)
    return chosen, separator, header, columns


def _sniff(line: str) -> str:
    return next((d for d in ("\t", ";", ",") if d in line), " ")


def _split(line: str, delimiter: str, where: str) -> list[str]:
    if delimiter == " ":
        wide = re.split(r"\s{2,}|\t", line.strip())
        return wide if len(wide) > 1 else line.split()
    if len(delimiter) != 1:
        raise InputError(f"delimiter={delimiter!r} is not allowed: expected one character, such as ',' or '\\t'.")
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration, TypeError, ValueError) as error:
        raise InputError(f"{where}: cannot be split at {delimiter!r}: {error}.") from None


def _is_number(cell: str, delimiter: str) -> bool:
    return _to_number(cell, delimiter) is not None


def _to_number(cell: str, delimiter: str) -> float | None:
    text = cell.strip()
    if delimiter != "," and "," in text and "." not in text:
        text = text.replace(",", ".", 1)  # decimal comma
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _numbers(body: list[tuple[int, str]], name: str, delimiter: str, header: list[str], columns: Columns) -> TextTable:
    chosen = {"voltage_V": columns.voltage, "current_A": columns.current}
    needed = max(c.index for c in chosen.values()) + 1
    extra = {n: [h.strip() for h in header].index(n) for n in _OPTIONAL if n in [h.strip() for h in header]}
    values: dict[str, list[Any]] = {n: [] for n in (*chosen, "time_s", *extra)}
    for number, cells in _rows(body, name, delimiter, len(header), needed):
        where, last = f"{name}: line {number}", number == body[-1][0]
        for key, column in chosen.items():
            values[key].append(_number(cells, column, where, delimiter, last))
        if columns.time is not None:
            values["time_s"].append(_time(cells, columns.time, where, delimiter, last))
        for key, index in extra.items():
            values[key].append(_optional(key, cells[index].strip() if index < len(cells) else "", where))
    table = TextTable(np.array(values["voltage_V"]), np.array(values["current_A"]))
    table.time_s = np.array(values["time_s"]) if columns.time is not None else None
    table.optional = {key: np.array(values[key]) for key in extra}
    return table


def _rows(
    body: list[tuple[int, str]], name: str, delimiter: str, width: int, needed: int
) -> Iterator[tuple[int, list[str]]]:
    narrowest = width
    for number, line in body:
        where, last = f"{name}: line {number}", number == body[-1][0]
        cells = _split(line, delimiter, where)
        if delimiter == " " and len(cells) < width:
            cells = line.split()
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) > width:
            cause = (
                "is there a decimal comma? Save the table with ';' between the columns"
                if delimiter == ","
                else "is a column without a name, or the delimiter another one"
            )
            raise InputError(f"{where}: found {len(cells)} cells under a header of {width}; {cause}.")
        if len(cells) < (narrowest if last else needed):
            cause = "the file was cut off in this line" if last else "a cell is missing"
            raise InputError(f"{where}: found {len(cells)} cells {line.strip()[:60]!r}, expected {width}; {cause}.")
        narrowest = min(narrowest, len(cells))
        yield number, cells


def _number(cells: list[str], column: Column, where: str, delimiter: str, last: bool) -> float:
    cell = cells[column.index].strip()
    value = _to_number(cell, delimiter)
    place = f"{where}, column {column.header!r}"
    cut = "; the file was cut off in this line" if last else ""
    if value is None and not cell:
        raise InputError(f"{place}: found an empty cell, expected a number{cut or '; delete the line or fill it in'}.")
    if value is None:
        raise InputError(
            f"{place}: found the text {cell[:40]!r}, expected a number such as -1.25e-06"
            f"{cut or '; remove the line if it is a remark, or begin it with #'}."
        )
    if not math.isfinite(value):
        raise InputError(
            f"{place}: found {cell[:40]!r}, expected a finite number; "
            "the instrument could not read this point (overflow or open input): delete the line."
        )
    return value * column.factor


def _time(cells: list[str], column: Column, where: str, delimiter: str, last: bool) -> float:
    if column.index >= len(cells) or not cells[column.index].strip():
        return math.nan
    return _number(cells, column, where, delimiter, last)


_READ: dict[str, Callable[[str], Any]] = {
    "run": lambda cell: cell or "Run1",
    "branch": lambda cell: ("", *BRANCHES)[("", *BRANCHES).index(cell)],
    "cycle": lambda cell: np.int64(int(cell)),
    "in_compliance": lambda cell: {"0": False, "1": True}[cell],
    "glitch": lambda cell: {"0": False, "1": True}[cell],
    "offset_current_A": float,
}
_ALLOWED = {
    "branch": " or ".join(repr(b) for b in BRANCHES),
    "cycle": "a whole number",
    "offset_current_A": "a number",
    "in_compliance": "0 or 1",
    "glitch": "0 or 1",
}


def _optional(key: str, cell: str, where: str) -> Any:
    try:
        return _READ[key](cell)
    except (ValueError, KeyError, OverflowError):
        raise InputError(f"{where}, column {key!r}: found {cell[:40]!r}, expected {_ALLOWED[key]}.") from None
