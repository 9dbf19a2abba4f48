"""From lines to cells to numbers: delimiters, decimal commas, and what a cut or ragged line looks like."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from fits.reading.text_lines import Line
from ground.errors import InputError


def sniff(line: str) -> str:
    """Return the delimiter of a line: tab, semicolon, comma, else blanks."""
    return next((d for d in ("\t", ";", ",") if d in line), " ")


def split_line(line: str, delimiter: str, where: str) -> list[str]:
    """Return the cells of a line; raises InputError, begun by `where`, where it cannot be split."""
    if delimiter == " ":
        wide = re.split(r"\s{2,}|\t", line.strip())
        return wide if len(wide) > 1 else line.split()
    if len(delimiter) != 1:
        raise InputError(f"delimiter={delimiter!r} is not allowed: expected one character, such as ',' or '\\t'.")
    if '"' not in line and len(line) < 100_000:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration, TypeError, ValueError) as error:
        raise InputError(f"{where}: cannot be split at {delimiter!r}: {error}.") from None


def is_number(cell: str, delimiter: str) -> bool:
    """Return whether a cell is a number, decimal comma allowed where the comma is not the delimiter."""
    return to_number(cell, delimiter) is not None


def to_number(cell: str, delimiter: str) -> float | None:
    """Return the number in a cell, None where it is none."""
    text = cell.strip()
    if delimiter != "," and "," in text and "." not in text:
        text = text.replace(",", ".", 1)  # decimal comma
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


class Rows:
    """Splits the lines below a header. width : cells of the header.  needed : cells that no line may lack."""

    def __init__(self, name: str, delimiter: str, width: int, needed: int) -> None:
        self.name, self.delimiter, self.width, self.needed = name, delimiter, width, needed
        self.narrowest = width

    def split(self, lines: Sequence[Line], *, ends: bool) -> Iterator[tuple[int, list[str], bool]]:
        """Give (line number, cells, whether it is the last of the file) of every line; `ends` : these are the last ones.

        Raises InputError where a line has more cells than the header, or too few.
        """
        for k, (number, line) in enumerate(lines):
            where, last = f"{self.name}: line {number}", ends and k == len(lines) - 1
            cells = split_line(line, self.delimiter, where)
            if self.delimiter == " " and len(cells) < self.width:
                cells = line.split()
            while len(cells) > self.width and not cells[-1].strip():
                cells.pop()
            if len(cells) > self.width:
                cause = (
                    "is there a decimal comma? Save the table with ';' between the columns"
                    if self.delimiter == ","
                    else "is a column without a name, or the delimiter another one"
                )
                raise InputError(f"{where}: found {len(cells)} cells under a header of {self.width}; {cause}.")
            if len(cells) < (self.narrowest if last else self.needed):
                cause = "the file was cut off in this line" if last else "a cell is missing"
                raise InputError(
                    f"{where}: found {len(cells)} cells {line.strip()[:60]!r}, expected {self.width}; {cause}."
                )
            self.narrowest = min(self.narrowest, len(cells))
            yield number, cells, last
