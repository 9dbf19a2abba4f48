"""Text tables of sweeps: header, columns, numbers, block by block; each fault with its line and column."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fits.reading.columns import Column, Columns, looks_like_header, recognise
from fits.reading.layout import Layout
from fits.reading.measurement import BRANCHES
from fits.reading.text_cells import Rows, is_number, sniff, split_line, to_number
from fits.reading.text_lines import EXPECTED, Line, TextLines
from ground.errors import InputError

_PREAMBLE_LINES = 80
_OPTIONAL = ("run", "branch", "cycle", "in_compliance", "glitch", "offset_current_A", "device")


@dataclass
class TextTable:
    """The columns of one text file, in SI units, with what its comment lines say."""

    voltage_V: Any
    current_A: Any
    time_s: Any = None
    optional: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Header:
    line: int
    delimiter: str
    cells: list[str]
    columns: Columns
    extra: dict[str, int]


def parse(
    data: bytes,
    name: str,
    *,
    delimiter: str | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
    layout: Layout | None = None,
) -> TextTable:
    """Return the table in the bytes of a text file; `name` begins every message.

    Lines are read and turned into numbers in blocks of some megabytes, so only the numbers grow with the file.
    Raises InputError, and nothing else, where the bytes are not such a table.
    """
    text = TextLines(data, name)
    blocks = text.blocks()
    head: list[Line] = []
    for block in blocks:
        head += block
        if len(head) > _PREAMBLE_LINES:
            break
    if not head:
        raise InputError(f"{name}: holds only blank or comment lines; expected {EXPECTED}.")
    chosen = delimiter or (layout.separator if layout else None)
    start, header = _find_header(head, name, chosen, voltage_column, current_column, layout)
    body = _Body(name, header)
    for lines, ends in _with_end(itertools.chain([head[start:]], blocks)):
        body.add(lines, ends)
    if not body.points:
        raise InputError(
            f"{name}: line {header.line} is a header and no numbers follow; was the file cut off, or the export empty?"
        )
    said = text.meta.get("points", body.points)
    if said != body.points:
        raise InputError(f"{name}: says '# points: {said}' and holds {body.points}; the file was cut off or edited.")
    if "points" in text.meta and text.tail:
        raise InputError(
            f"{name}: line {text.count} does not end: found {text.tail[-40:]!r}; the file was cut off in this line."
        )
    return body.table(text.meta)


def _with_end(blocks: Iterator[list[Line]]) -> Iterator[tuple[list[Line], bool]]:
    """Give every block that has lines, and whether it is the last."""
    waiting: list[Line] = []
    for block in blocks:
        if block and waiting:
            yield waiting, False
        waiting = block or waiting
    if waiting:
        yield waiting, True


def _find_header(
    rows: list[Line],
    name: str,
    delimiter: str | None,
    voltage_column: str | None,
    current_column: str | None,
    layout: Layout | None,
) -> tuple[int, _Header]:
    """Return the index of the first line of numbers and the header above it."""
    named = [c.strip() for c in (voltage_column, current_column) if c is not None]
    if layout is not None:
        named += [c.column for c in layout.columns.values() if isinstance(c.column, str)]
    by_number = layout is not None and any(isinstance(c.column, int) for c in layout.columns.values())
    chosen = 0
    for k, (number, line) in enumerate([] if by_number and not named else rows[:_PREAMBLE_LINES]):
        cells = [c.strip() for c in split_line(line, delimiter or sniff(line), f"{name}: line {number}")]
        if all(n in cells for n in named) if named else looks_like_header(cells):
            chosen = k
            break
    number, line = rows[chosen]
    separator = delimiter or sniff(line)
    where = f"{name}: line {number}"
    header = split_line(line, separator, where)
    own = layout is None or layout.header
    if own and len([c for c in header if is_number(c, separator)]) >= 2 and not named:
        raise InputError(
            f"{where}: found the numbers {line.strip()[:60]!r} and no header above them; "
            "write one as the first line, such as voltage_V,current_A, or say what the columns are in a layout file."
        )
    if layout is not None:
        header = layout.rename(header, where)
    columns = recognise(header, where, voltage_column=voltage_column, current_column=current_column)
    cells = [h.strip() for h in header]
    extra = {n: cells.index(n) for n in _OPTIONAL if n in cells}
    return chosen + own, _Header(number, separator, header, columns, extra)


class _Body:
    """Collects the numbers of the lines below a header, as arrays, one per block."""

    def __init__(self, name: str, header: _Header) -> None:
        self.name, self.header, self.points = name, header, 0
        self.chosen = {"voltage_V": header.columns.voltage, "current_A": header.columns.current}
        needed = max(c.index for c in self.chosen.values()) + 1
        self.rows = Rows(name, header.delimiter, len(header.cells), needed)
        self.parts: dict[str, list[Any]] = {n: [] for n in (*self.chosen, "time_s", *header.extra)}

    def add(self, lines: Sequence[Line], ends: bool) -> None:
        """Add a block: in one stroke where it is all plain numbers, else cell by cell, which names what is wrong."""
        self.points += len(lines)
        if not self._all_at_once(lines):
            self._one_by_one(lines, ends)

    def _all_at_once(self, lines: Sequence[Line]) -> bool:
        d, time = self.header.delimiter, self.header.columns.time
        if self.header.extra or d in (" ", '"') or len(d) != 1 or not lines:
            return False
        texts = [line for _, line in lines]
        if {t.count(d) for t in texts} != {self.rows.width - 1}:
            return False
        columns = {**self.chosen, **({"time_s": time} if time else {})}
        try:
            used = [c.index for c in columns.values()]
            numbers = np.loadtxt(texts, delimiter=d, comments=None, usecols=used, ndmin=2, unpack=True)
        except (ValueError, TypeError):
            return False  # a text, an empty cell, a decimal comma, a quote
        if numbers.shape[1] != len(lines) or not np.isfinite(numbers).all():
            return False
        for (key, column), values in zip(columns.items(), numbers, strict=True):
            with np.errstate(over="ignore"):
                self.parts[key].append(values * column.factor)
        return True

    def _one_by_one(self, lines: Sequence[Line], ends: bool) -> None:
        values: dict[str, list[Any]] = {n: [] for n in self.parts}
        d, time = self.header.delimiter, self.header.columns.time
        for number, cells, last in self.rows.split(lines, ends=ends):
            where = f"{self.name}: line {number}"
            for key, column in self.chosen.items():
                values[key].append(_number(cells, column, where, d, last))
            if time is not None:
                values["time_s"].append(_time(cells, time, where, d, last))
            for key, index in self.header.extra.items():
                values[key].append(_optional(key, cells[index].strip() if index < len(cells) else "", where))
        for key, column_values in values.items():
            if column_values:
                self.parts[key].append(np.array(column_values))

    def table(self, meta: dict[str, Any]) -> TextTable:
        """Return what was collected."""
        whole = {key: np.concatenate(parts) for key, parts in self.parts.items() if parts}
        table = TextTable(whole["voltage_V"], whole["current_A"], whole.get("time_s"), meta=meta)
        table.optional = {key: whole[key] for key in self.header.extra}
        return table


def _number(cells: list[str], column: Column, where: str, delimiter: str, last: bool) -> float:
    cell = cells[column.index].strip()
    value = to_number(cell, delimiter)
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
    "device": str,
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
