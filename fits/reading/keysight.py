"""Keysight EasyEXPERT (B1500) csv: records of settings lines and data, in both layouts that the program exports.

Layout 1 (one line kind per line): `SetupTitle, ..`, `TestParameter, Channel.VName, V1, ..`, `DataName, V1, I1`, `DataValue, 0, 1E-12`.
Layout 2 (single file): `Setup title,..`, `Channel.VName,V1,..`, `AutoAnalysis.Marker.Data.StartCondition,`, then a plain table.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fits.reading.columns import Column, find, find_if_there
from fits.reading.layout import Layout
from fits.reading.measurement import Measurement
from fits.reading.plain_table import PlainTable
from fits.reading.source_file import SourceFile
from fits.reading.text_cells import to_number
from fits.reading.text_lines import TextLines
from ground.errors import InputError

_FIRST = re.compile(
    rb'(?mi)^[\s"\xef\xbb\xbf\xff\xfe]*(SetupTitle|PrimitiveTest|TestParameter|Setup title|DataName)"?\s*,'
)
_KINDS = ("TestParameter", "MetaData", "AnalysisSetup")
_START_2 = "AutoAnalysis.Marker.Data.StartCondition"


@dataclass
class Record:
    """One test record: its settings by name, the names of its data columns, and the rows with their line numbers."""

    line: int
    settings: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    def say(self, kind: str, rest: list[str]) -> None:
        """Keep a line of settings: `TestParameter, name, values...` or `name, values...`."""
        if kind in _KINDS and rest:
            self.settings[rest[0]] = rest[1:]
        elif rest:
            self.settings[kind] = rest

    @property
    def device(self) -> str:
        """The test target as typed in, "" where none."""
        said = self.settings.get("TestRecord.TestTarget") or self.settings.get("Device ID") or []
        return " ".join(filter(None, said))

    @property
    def synthetic(self) -> bool:
        """Whether the remarks of the record say so."""
        return "synthetic" in " ".join(self.settings.get("TestRecord.Remarks", [])).lower()

    @property
    def compliance_A(self) -> float:
        """Current limit of the swept channel [A], NaN where the record does not say."""
        said = self.settings.get("Measurement.Primary.Compliance", [""])
        value = to_number(said[0] if said else "", ",")
        return math.nan if value is None else value


def is_easyexpert(data: bytes) -> bool:
    """Return whether the file begins as EasyEXPERT writes (UTF-8 or UTF-16)."""
    return bool(_FIRST.search(data[:4000].replace(b"\x00", b"")))


def read_easyexpert(
    file: SourceFile,
    *,
    ambient_K: float,
    voltage_column: str | None = None,
    current_column: str | None = None,
    layout: Layout | None = None,
) -> list[Measurement]:
    """Return the sweeps of all records, one measurement per test target; each record, and each step of a second sweep, is a run.

    The voltage is that of the channel swept (Channel.Func VAR1) and the current is the same channel's, unless
    voltage_column, current_column or a layout name others. Raises InputError naming file, line and column.
    """
    name = str(file.path)
    records = list(_records(file.data, name))
    if not records:
        raise InputError(f"{name}: has EasyEXPERT settings and no line DataName; was the file cut off before its data?")
    parts: dict[str, list[tuple[str, Record, dict[str, Any]]]] = {}
    number = 0
    for record in records:
        for numbers in _sweeps(record, name, voltage_column, current_column, layout):
            number += 1
            parts.setdefault(record.device, []).append((f"Run{number}", record, numbers))
    return [_measurement(file, device, runs, ambient_K, layout) for device, runs in parts.items()]


def easyexpert_table(file: SourceFile, layout: Layout | None = None) -> PlainTable:
    """Return the records of a file that have the columns of the first, one below the other, as a table of cells."""
    name = str(file.path)
    records = list(_records(file.data, name))
    if not records or not records[0].rows:
        raise InputError(f"{name}: has EasyEXPERT settings and no data; was the file cut off before its data?")
    first = records[0]
    names = layout.rename(first.names, f"{name}: line {first.line}") if layout else first.names
    rows = [row for r in records if r.names == first.names for row in r.rows]
    meta: dict[str, object] = {"synthetic": True} if any(r.synthetic for r in records) else {}
    return PlainTable(name, names, True, first.line, [n for n, _ in rows], [c for _, c in rows], ",", meta)


def _measurement(
    file: SourceFile, device: str, runs: list[Any], ambient_K: float, layout: Layout | None
) -> Measurement:
    limits = {record.compliance_A for _, record, _ in runs}
    whole = {key: np.concatenate([n[key] for _, _, n in runs]) for key in ("voltage", "current", "time")}
    try:
        return Measurement.from_arrays(
            whole["voltage"],
            whole["current"],
            whole["time"],
            run=np.concatenate([np.full(n["voltage"].size, label) for label, _, n in runs]),
            device=device or (layout.device if layout else ""),
            ambient_K=ambient_K,
            source=file.path.name,
            sha256=file.sha256,
            compliance_A=limits.pop() if len(limits) == 1 else math.nan,
            synthetic=any(r.synthetic for _, r, _ in runs) or bool(layout and layout.synthetic),
        )
    except InputError as error:
        raise InputError(f"{file.path}: {error}") from None


def _records(data: bytes, name: str) -> Iterator[Record]:
    record, plain = Record(0), False
    for number, line in (pair for block in TextLines(data, name).blocks() for pair in block):
        cells = _cells(line, f"{name}: line {number}")
        kind, rest = cells[0], cells[1:]
        if record.names and kind in ("SetupTitle", "Setup title", "DataName"):
            yield record
            record, plain = Record(number, dict(record.settings) if kind == "DataName" else {}), False
        if kind == "DataValue" or (plain and record.names):
            if not record.names:
                raise InputError(f"{name}: line {number}: DataValue before any DataName; is the beginning cut off?")
            record.rows.append((number, rest if kind == "DataValue" else cells))
        elif kind == "DataName" or plain:
            record.line, record.names = number, rest if kind == "DataName" else [c for c in cells if c]
        elif kind == _START_2:
            plain = True
        else:
            record.say(kind, rest)
    if record.names:
        yield record


def _cells(line: str, where: str) -> list[str]:
    try:
        return [
            c.strip() for c in (next(csv.reader([line], skipinitialspace=True)) if '"' in line else line.split(","))
        ]
    except (csv.Error, StopIteration) as error:
        raise InputError(f"{where}: cannot be split at ',': {error}.") from None


def _sweeps(
    record: Record, name: str, voltage_column: str | None, current_column: str | None, layout: Layout | None
) -> Iterator[dict[str, Any]]:
    """Give voltage, current and time of every sweep of a record: several where a second source steps."""
    where = f"{name}: line {record.line}"
    if not record.rows:
        raise InputError(f"{where}: DataName and no DataValue below it; was the file cut off, or the test aborted?")
    names = layout.rename(record.names, where) if layout else record.names
    given = {"voltage": voltage_column, "current": current_column}
    mapped = layout.columns if layout else {}
    chosen = {kind: _channel(record, names, where, kind, given[kind], kind in mapped) for kind in given}
    time = find_if_there(names, where, "time")
    if time:
        chosen["time"] = time
    length, steps = (_dimension(record, k, name) for k in ("Dimension1", "Dimension2"))
    rows = record.rows
    if length and len(rows) < length * max(steps, 1):
        raise InputError(
            f"{name}: line {rows[-1][0]}: the record says {length * max(steps, 1)} points (Dimension1, Dimension2) and "
            f"{len(rows)} follow; the file was cut off."
        )
    pieces = [rows[k : k + length] for k in range(0, len(rows), length)] if length and steps > 1 else [rows]
    for piece in pieces:
        while piece and all(c.index >= len(piece[-1][1]) or not piece[-1][1][c.index] for c in chosen.values()):
            piece = piece[:-1]  # the sweep was stopped there
        if piece:
            numbers = {
                key: np.array([_number(cells, column, name, n, len(names)) for n, cells in piece])
                for key, column in chosen.items()
            }
            yield {"time": np.full(len(piece), math.nan), **numbers}


def _channel(record: Record, names: list[str], where: str, kind: str, given: str | None, mapped: bool) -> Column:
    """Return the column of the swept channel, the one given or mapped, or the only one that can be it."""
    if given is not None or mapped:
        return find(names, where, kind, given)
    key = {"voltage": "VName", "current": "IName"}[kind]
    swept = next((k for k, f in enumerate(record.settings.get("Channel.Func", [])) if f.upper() == "VAR1"), None)
    own = record.settings.get(f"Channel.{key}", [])
    if swept is not None and swept < len(own) and own[swept] in names:
        return Column(names.index(own[swept]), own[swept], 1.0)
    first = [n for n in names if re.fullmatch(rf"{key[0]}\w*", n)]
    if len(first) > 1 and find_if_there(names, where, kind) is None:
        raise InputError(
            f"{where}: {', '.join(first)} can each be the {kind} and no channel is marked VAR1; say which with "
            f"{kind}_column= (command line: --{kind}-column)."
        )
    return find(names, where, kind, first[0] if len(first) == 1 else None)


def _dimension(record: Record, key: str, name: str) -> int:
    said = [c for c in record.settings.get(key, []) if c]
    if not said:
        return 0
    if not said[0].isdecimal() or len(said[0]) > 9:
        raise InputError(
            f"{name}: the record of line {record.line} says {key}, {said[0][:40]!r}; expected a whole number."
        )
    return int(said[0])


def _number(cells: list[str], column: Column, name: str, number: int, width: int) -> float:
    place = f"{name}: line {number}, column {column.header!r}"
    if column.index >= len(cells):
        raise InputError(f"{place}: found {len(cells)} values, expected {width}; the file was cut off in this line.")
    value = to_number(cells[column.index], ",")
    if value is None or not math.isfinite(value):
        raise InputError(
            f"{place}: found {cells[column.index][:40]!r}, expected a finite number such as -1.25E-06; "
            "delete the line if the instrument could not read this point."
        )
    return value * column.factor
