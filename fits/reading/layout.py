"""A small mapping file for tables with other names, units or no header at all: it renames columns, no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fits.reading.fields import AMBIENT
from ground.errors import InputError, nearest
from ground.spec import Spec, read_toml
from ground.units import Quantity

QUANTITIES = (
    *("voltage", "current", "time", "device", "cycle", "run", "conductance", "resistance", "lrs", "hrs"),
    *("up", "down", "pulse", "direction", "pulse_voltage", "gate", "drain", "drain_current", "source"),
)
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " "}


class LayoutColumn(Spec):
    """One column. column : its header, or its number from 1.  unit : its unit where the header does not say, "" for SI."""

    column: int | str
    unit: str = ""


class Layout(Spec):
    """How the columns of a table are called. From TOML: `Layout.from_file("mapping.toml")`.

    columns : quantity (voltage, current, time, device, cycle, run, ...) -> header, number from 1, or {column, unit}.
    header : False where the first line is numbers already.  delimiter : "tab", "comma", "semicolon", "space" or one
    character; else recognised.  ambient_K, device, synthetic : of the whole file, where the file does not say.
    """

    columns: dict[str, LayoutColumn] = Field(default_factory=dict)
    header: bool = True
    delimiter: str | None = None
    ambient_K: Annotated[float, AMBIENT] | None = None
    read_voltage_V: Annotated[float, Quantity("V", -10.0, 10.0)] | None = None
    device: str = ""
    synthetic: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("columns"), dict):
            named = {k: {"column": v} if isinstance(v, (int, str)) else v for k, v in data["columns"].items()}
            return {**data, "columns": named}
        return data

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, column in self.columns.items():
            if name not in QUANTITIES:
                raise InputError(f"Layout.columns.{name} is not known. {nearest(name, QUANTITIES)}")
            if isinstance(column.column, int) and column.column < 1:
                raise InputError(f"Layout.columns.{name}={column.column} is not allowed: columns are counted from 1.")
            if isinstance(column.column, str) and not self.header:
                raise InputError(
                    f"Layout.columns.{name}={column.column!r} is not allowed: header = false, so there are no names; "
                    "give the number of the column, from 1."
                )
        if not self.header and not self.columns:
            raise InputError("Layout.columns is missing: a table without a header needs the numbers of its columns.")
        return self

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a TOML mapping file; raises InputError naming the file and the field."""
        data = read_toml(path)
        try:
            return cls.model_validate(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @property
    def separator(self) -> str | None:
        """The delimiter as one character, None where it is to be recognised."""
        return None if self.delimiter is None else _DELIMITERS.get(self.delimiter, self.delimiter)

    def rename(self, header: Sequence[str], where: str) -> list[str]:
        """Return the header with the mapped columns under the names this project knows: 'voltage (mV)'.

        header : as in the file, or empty names where the file has none.  A name the map gives away is not left
        on another column.  Raises InputError, begun by `where`, where a mapped column is not there.
        """
        cells = [h.strip() for h in header]
        out = list(cells) if self.header else [f"column {k}" for k in range(1, len(cells) + 1)]
        for name, column in self.columns.items():
            out[self._place(name, column, cells, where)] = f"{name} ({column.unit})" if column.unit else name
        return out

    def _place(self, name: str, column: LayoutColumn, cells: Sequence[str], where: str) -> int:
        if isinstance(column.column, int):
            if column.column > len(cells):
                raise InputError(
                    f"{where}: the layout takes {name} from column {column.column}, and there are {len(cells)}."
                )
            return column.column - 1
        if column.column not in cells:
            raise InputError(
                f"{where}: there is no column {column.column!r} for {name}. {nearest(column.column, cells)}"
            )
        return cells.index(column.column)


def layout_of(layout: Layout | str | Path | None) -> Layout | None:
    """Return the layout, read from its file where a path is given."""
    return Layout.from_file(layout) if isinstance(layout, (str, Path)) else layout
