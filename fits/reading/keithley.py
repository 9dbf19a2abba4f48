"""Keithley workbooks, Clarius (sheets RunN) and KITE (Data, AppendN): each is one run; Settings says how it was measured."""

from __future__ import annotations

import io
import math
import re
import warnings
from typing import Any

import numpy as np

from fits.reading.columns import Column, recognise
from fits.reading.layout import Layout
from fits.reading.measurement import Measurement
from fits.reading.old_workbook import load_old_workbook
from ground.errors import InputError, nearest

Row = tuple[Any, ...]

_RUN = re.compile(r"Run\d+|Data|Append\d+")
_OLD = b"\xd0\xcf\x11\xe0"


def read_workbook(
    data: bytes,
    name: str,
    *,
    sheet: str | None = None,
    ambient_K: float,
    source: str,
    sha256: str,
    voltage_column: str | None = None,
    current_column: str | None = None,
    layout: Layout | None = None,
) -> Measurement:
    """Return all sheets RunN (Clarius) or Data, Append1, Append2, ... (KITE) as one measurement with one run each.

    data : the bytes of the file.  name : begins every message.  sheet : read this sheet only.
    The voltage is the programmed one of the driven terminal (AV), the current its measured one (AI).
    compliance_A is that of the Settings sheet where every run read has the same one there, else NaN.
    """
    sheets = _load(data, name)
    wanted = _choose(list(sheets), name, sheet)
    compliance = _compliance(sheets.get("Settings", []))
    parts: dict[str, list[Any]] = {"voltage": [], "current": [], "time": [], "run": []}
    for label in wanted:
        voltage, current, time = _run(sheets[label], f"{name}: sheet {label!r}", voltage_column, current_column, layout)
        parts["voltage"] += voltage
        parts["current"] += current
        parts["time"] += time
        parts["run"] += [label] * len(voltage)
    limits = {compliance.get(label, compliance.get("", math.nan)) for label in wanted}
    try:
        return Measurement.from_arrays(
            parts["voltage"],
            parts["current"],
            parts["time"],
            run=np.array(parts["run"]),
            ambient_K=ambient_K,
            source=source,
            sha256=sha256,
            compliance_A=limits.pop() if len(limits) == 1 else math.nan,
            device=layout.device if layout else "",
            synthetic=bool(layout and layout.synthetic),
        )
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def run_sheets(data: bytes, name: str) -> dict[str, list[Row]]:
    """Return the sheets of the runs of a workbook, in their order: label -> rows, the header first."""
    sheets = _load(data, name)
    return {label: sheets[label] for label in _choose(list(sheets), name, None)}


def _load(data: bytes, name: str) -> dict[str, list[Row]]:
    if not data:
        raise InputError(f"{name}: is empty; expected a workbook with sheets Run1, Run2, ...")
    if data.startswith(_OLD):
        return load_old_workbook(data, name)
    if not data.startswith(b"PK"):
        raise InputError(
            f"{name}: is not a workbook, whatever its name says; a text table should be named .csv or .tsv."
        )
    try:
        import openpyxl

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that data do not depend on
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            try:
                return {s.title: [tuple(r) for r in s.iter_rows(values_only=True)] for s in book.worksheets}
            finally:
                book.close()
    except Exception as error:  # a damaged archive raises many unrelated kinds
        raise InputError(
            f"{name}: the workbook cannot be opened: {error}. Was the file cut off while copying?"
        ) from None


def _choose(sheets: list[str], name: str, sheet: str | None) -> list[str]:
    if sheet is not None:
        if sheet not in sheets:
            raise InputError(f"{name}: there is no sheet {sheet!r}. {nearest(sheet, sheets)}")
        return [sheet]
    runs = [s for s in sheets if _RUN.fullmatch(s)]
    if not runs:
        raise InputError(
            f"{name}: no sheet is named Run1, Run2, ... (Clarius) or Data, Append1, ... (KITE); found {', '.join(map(repr, sheets))}. "
            "This may be a summary of a cycling test: give the workbook of the single sweeps, "
            "or name a sheet with sheet=."
        )
    return sorted(runs, key=lambda s: int(re.sub(r"\D", "", s) or 0))


def _run(
    rows: list[Row], where: str, voltage_column: str | None, current_column: str | None, layout: Layout | None
) -> tuple[list[float], list[float], list[float]]:
    if not rows or not any(c is not None for c in rows[0]):
        raise InputError(f"{where}: is empty; expected a header Time, AI, AV and numbers below it.")
    header = ["" if c is None else str(c) for c in rows[0]]
    if layout is not None:
        header = layout.rename(header, f"{where}, row 1")
    columns = recognise(header, f"{where}, row 1", voltage_column=voltage_column, current_column=current_column)
    body = list(rows[1:])
    used = (columns.voltage.index, columns.current.index)
    while body and all(i >= len(body[-1]) or body[-1][i] is None for i in used):
        body.pop()
    if not body:
        raise InputError(f"{where}: has a header and no numbers; was the sweep stopped before its first point?")
    voltage = _programmed([number_in(row, columns.voltage, where, number) for number, row in enumerate(body, 2)])
    current = [number_in(row, columns.current, where, number) for number, row in enumerate(body, 2)]
    time = columns.time
    if time is None:
        return voltage, current, [math.nan] * len(voltage)
    return voltage, current, [number_in(row, time, where, number, math.nan) for number, row in enumerate(body, 2)]


def _programmed(voltage: list[float]) -> list[float]:
    """Return the voltages as they were programmed: Clarius keeps single precision, -0.01 as -0.00999999977648258."""
    if max(map(abs, voltage)) > 1e30:
        return voltage
    single = np.array(voltage, dtype=np.float32)
    same = np.allclose(single.astype(np.float64), voltage, rtol=1e-14, atol=0.0)
    return [float(str(v)) for v in single] if same else voltage


def number_in(row: Row, column: Column, where: str, number: int, missing: float | None = None) -> float:
    """Return the number of a column in row `number` of a sheet; raises InputError naming the cell, where `missing` is None."""
    value = row[column.index] if column.index < len(row) else None
    if value is None and missing is not None:
        return missing
    place = f"{where}, cell {_letters(column.index)}{number} ({column.header})"
    if value is None:
        raise InputError(f"{place}: is empty, expected a number; delete the row or fill it in.")
    try:
        if isinstance(value, bool):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{place}: found {str(value)[:40]!r}, expected a number; "
            "'#REF' and other text stand in formula columns: "
            "choose the measured ones with voltage_column= and current_column=."
        ) from None
    if not math.isfinite(result):
        raise InputError(f"{place}: found {value!r}, expected a finite number; delete the row.")
    return result * column.factor


def _letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _compliance(rows: list[Row]) -> dict[str, float]:
    """Return the compliance [A] of the swept terminal for each run that the Settings sheet describes.

    KITE describes the test once, under no run: key "".
    """
    found: dict[str, float] = {}
    run, swept = "", 1
    for row in rows:
        cells = ["" if c is None else str(c).strip() for c in row]
        if cells and _RUN.fullmatch(cells[0]):
            run, swept = cells[0], 1
        elif cells and cells[0] == "Operation Mode":
            swept = next((k for k, c in enumerate(cells) if "sweep" in c.lower()), 1)
        elif cells and cells[0] == "Compliance" and swept < len(cells):
            try:
                found[run] = float(cells[swept])
            except ValueError:
                continue  # "N/A": the terminal has none
    return found
