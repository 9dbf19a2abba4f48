"""Small tables of labelled columns (pulses, states, reads): cells by line, numbers by column, each fault with its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fits.reading.columns import Column, find, find_if_there
from fits.reading.layout import Layout
from fits.reading.source_file import SourceFile
from fits.reading.text_cells import Rows, is_number, sniff, split_line, to_number
from fits.reading.text_lines import TextLines
from ground.errors import InputError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlainTable:
    """A table as text. name : begins every message.  header : one per column ("" where the file has none).

    has_header : whether the file itself names its columns.  lines : line number of every row.  cells : its texts.
    """

    name: str
    header: list[str]
    has_header: bool
    header_line: int
    lines: list[int]
    cells: list[list[str]]
    delimiter: str
    meta: dict[str, object]

    @property
    def where(self) -> str:
        """File and line of the header, to begin messages with."""
        return f"{self.name}: line {self.header_line}"

    def find(self, kind: str) -> Column:
        """Return the column of a kind; raises InputError where there is none or two."""
        return find(self.header, self.where, kind)

    def find_if_there(self, kind: str) -> Column | None:
        """Return the column of a kind or None."""
        return find_if_there(self.header, self.where, kind)

    def numbers(self, column: Column, *, empty: bool = False) -> FloatArray:
        """Return a column in SI units, shape (row,); an empty cell is NaN where `empty`, else an InputError."""
        out = np.empty(len(self.cells))
        for k, (line, row) in enumerate(zip(self.lines, self.cells, strict=True)):
            cell = row[column.index].strip() if column.index < len(row) else ""
            value = to_number(cell, self.delimiter)
            if not cell and empty:
                value = math.nan
            elif value is None or not math.isfinite(value):
                raise InputError(
                    f"{self.name}: line {line}, column {column.header or column.index + 1!r}: found {cell[:40]!r}, "
                    "expected a finite number."
                )
            out[k] = value * column.factor
        return out

    def texts(self, column: Column) -> list[str]:
        """Return a column as written, without the blanks around it."""
        return [row[column.index].strip() if column.index < len(row) else "" for row in self.cells]


def plain_table(source: SourceFile, layout: Layout | None = None) -> PlainTable:
    """Return the table in a text file. The first line is its header unless it is all numbers, or the layout says so.

    Raises InputError, and nothing else, where the bytes are not such a table.
    """
    name = str(source.path)
    text = TextLines(source.data, name)
    rows = text.significant()
    if not rows:
        raise InputError(f"{name}: holds only blank or comment lines; expected a table.")
    number, first = rows[0]
    delimiter = (layout.separator if layout else None) or sniff(first)
    cells = [c.strip() for c in split_line(first, delimiter, f"{name}: line {number}")]
    has_header = layout.header if layout and layout.columns else not all(is_number(c, delimiter) for c in cells)
    header = cells if has_header else [""] * len(cells)
    if layout:
        header = layout.rename(header, f"{name}: line {number}")
    body = rows[1:] if has_header else rows
    if not body:
        raise InputError(f"{name}: line {number} is a header and no numbers follow; was the file cut off?")
    split = list(Rows(name, delimiter, len(header), 1).split(body, ends=True))
    lines, texts = [n for n, _, _ in split], [c for _, c, _ in split]
    return PlainTable(name, header, has_header, number, lines, texts, delimiter, text.meta)


def labels(table: PlainTable, kind: str, otherwise: str) -> list[str]:
    """Return the text of the column of a kind for every row, or one text for all where there is no such column."""
    column = table.find_if_there(kind)
    return [otherwise] * len(table.cells) if column is None else table.texts(column)


def of_path(path: str | Path, layout: Layout | None = None) -> tuple[SourceFile, PlainTable]:
    """Return the file and the table in it."""
    source = SourceFile.read(path)
    return source, plain_table(source, layout)
