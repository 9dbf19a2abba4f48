"""Pulse tables in: the conductance after every pulse, with the direction of the pulse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from fits.reading.columns import Column
from fits.reading.layout import Layout, layout_of
from fits.reading.measurement import ROOM_K
from fits.reading.plain_table import FloatArray, PlainTable, labels, of_path
from fits.reading.source_file import SourceFile
from ground.errors import InputError, nearest

_WORDS = {
    **dict.fromkeys(("up", "+1", "1", "+", "1.0", "set", "potentiation", "pot"), 1),
    **dict.fromkeys(("down", "-1", "-", "-1.0", "reset", "depression", "dep"), -1),
}
_BOUNDS_S = (-1.0, 1.0)  # an instrument's offset may read below zero; nobody pulses a siemens


def read_pulses(
    path: str | Path,
    *,
    layout: Layout | str | Path | None = None,
    batch: int | None = None,
    read_voltage_V: float | None = None,
    ambient_K: float | None = None,
) -> xr.Dataset:
    """Read a pulse trace: one row per pulse, or two columns `up` and `down` (up pulses first, then down pulses).

    path : csv or tsv with a header: a conductance, a resistance, or a current read at `read_voltage_V` [V] (or a
    `voltage` column); the direction as a column `direction` (+1/-1, up/down, set/reset), the sign of a column
    `pulse_voltage`, or `batch` pulses up, then `batch` down, and so on.  Optional columns: pulse, device, cycle.
    Two columns of numbers without a header are up and down responses, as aihwkit stores them.
    layout : mapping of other names and units, or its TOML file.  ambient_K : else 293.15.

    Returns a Dataset along `pulse`: `conductance_S` [S], or `response` (units "1") where the table is normalised;
    `direction` (+1 or -1, int8); coordinates `pulse` (from 1), `device`, `cycle`; attributes normalised, ambient_K,
    source, sha256, synthetic. The value stands AFTER its pulse. Raises InputError naming file, line and column.
    """
    chosen = layout_of(layout)
    source, table = of_path(path, chosen)
    if not table.has_header and not (chosen and chosen.columns):
        table = _up_and_down(table)
    up, down = table.find_if_there("up"), table.find_if_there("down")
    if read_voltage_V is None and chosen is not None:
        read_voltage_V = chosen.read_voltage_V
    if up is not None and down is not None:
        values, direction, kept = _paired(table, up, down)
        normalised = not (_has_unit(table, up) and _has_unit(table, down))
    else:
        values, normalised = _values(table, read_voltage_V)
        direction, kept = _direction(table, batch), np.arange(values.size)
    return _dataset(table, source, chosen, (values, direction, kept), normalised, ambient_K)


def _up_and_down(table: PlainTable) -> PlainTable:
    if len(table.header) != 2:
        raise InputError(
            f"{table.where}: found {len(table.header)} columns of numbers and no header; expected a header such as "
            "pulse,conductance_S,direction, or two columns: response to up pulses, response to down pulses."
        )
    first = table.numbers(Column(0, "1", 1.0))
    if first.size > 2 and np.allclose(np.diff(first), np.diff(first)[0]) and np.diff(first)[0] != 0:
        raise InputError(
            f"{table.where}: the first column counts {first[0]:g}, {first[1]:g}, ... and there is no header; is it the "
            "number of the pulse? Write a header such as pulse,conductance_S,direction."
        )
    return PlainTable(table.name, ["up", "down"], True, table.header_line, *_rest(table))


def _rest(table: PlainTable) -> tuple[Any, ...]:
    return table.lines, table.cells, table.delimiter, table.meta


def _has_unit(table: PlainTable, column: Column) -> bool:
    from fits.reading.columns import split_unit

    return bool(split_unit(table.header[column.index])[1])


def _paired(table: PlainTable, up: Column, down: Column) -> tuple[FloatArray, npt.NDArray[np.int8], npt.NDArray[Any]]:
    halves = [table.numbers(c, empty=True) for c in (up, down)]
    kept = [np.flatnonzero(np.isfinite(h)) for h in halves]
    for column, rows in zip((up, down), kept, strict=True):
        if not rows.size or rows[-1] + 1 != rows.size:
            raise InputError(
                f"{table.where}: the column {column.header!r} has empty cells between its numbers; "
                "expected one response after every pulse, from the first row on."
            )
    direction = np.repeat(np.array([1, -1], np.int8), [k.size for k in kept])
    return np.concatenate([h[k] for h, k in zip(halves, kept, strict=True)]), direction, np.concatenate(kept)


def _values(table: PlainTable, read_voltage_V: float | None) -> tuple[FloatArray, bool]:
    conductance = table.find_if_there("conductance")
    if conductance is not None:
        return table.numbers(conductance), False
    resistance = table.find_if_there("resistance")
    if resistance is not None:
        ohm = table.numbers(resistance)
        _no_zero(table, ohm, resistance)
        return 1.0 / ohm, False
    current = table.find_if_there("current")
    if current is None:
        table.find("conductance")  # raises, naming the columns there are
    assert current is not None
    voltage = table.find_if_there("voltage")
    if voltage is None and not read_voltage_V:
        raise InputError(
            f"{table.where}: the table has a current and no conductance; give read_voltage_V= (--v-read) [V], "
            "or a column voltage."
        )
    volts = np.full(len(table.cells), read_voltage_V, float) if voltage is None else table.numbers(voltage)
    if voltage is not None:
        _no_zero(table, volts, voltage)
    return table.numbers(current) / volts, False


def _no_zero(table: PlainTable, values: FloatArray, column: Column) -> None:
    if (values == 0).any():
        line = table.lines[int(np.flatnonzero(values == 0)[0])]
        raise InputError(
            f"{table.name}: line {line}, column {column.header!r}: found 0; it gives no conductance. Delete the line."
        )


def _direction(table: PlainTable, batch: int | None) -> npt.NDArray[np.int8]:
    rows = len(table.cells)
    column = table.find_if_there("direction")
    if column is not None:
        return np.array([_word(table, k, t, column) for k, t in enumerate(table.texts(column))], np.int8)
    pulse_voltage = table.find_if_there("pulse_voltage")
    if pulse_voltage is not None:
        volts = table.numbers(pulse_voltage)
        _no_zero(table, volts, pulse_voltage)
        return np.sign(volts).astype(np.int8)
    if batch is None:
        raise InputError(
            f"{table.where}: no column says the direction of the pulses; add a column direction (+1 or -1) or "
            "pulse_voltage_V, or give batch= (--batch): so many pulses up, then so many down."
        )
    if isinstance(batch, bool) or not 1 <= batch <= rows:
        raise InputError(f"batch={batch!r} is not allowed: expected 1..{rows} pulses, as many as the table has rows.")
    return np.where(np.arange(rows) // batch % 2 == 0, 1, -1).astype(np.int8)


def _word(table: PlainTable, row: int, text: str, column: Column) -> int:
    found = _WORDS.get(text.lower())
    if found is None:
        raise InputError(
            f"{table.name}: line {table.lines[row]}, column {column.header!r}: found {text[:40]!r}, expected +1 or -1, "
            f"up or down, set or reset. {nearest(text[:40], _WORDS)}"
        )
    return found


def _dataset(
    table: PlainTable,
    source: SourceFile,
    layout: Layout | None,
    trace: tuple[FloatArray, npt.NDArray[np.int8], npt.NDArray[Any]],
    normalised: bool,
    ambient_K: float | None,
) -> xr.Dataset:
    values, direction, kept = trace
    if not normalised and not ((_BOUNDS_S[0] <= values) & (values <= _BOUNDS_S[1])).all():
        k = int(np.argmax(np.abs(values)))
        raise InputError(
            f"{table.name}: line {table.lines[kept[k]]}: the conductance {values[k]:g} S is not allowed: expected at most "
            "1 S. Are the numbers in uS? Say so in the name of the column: conductance_uS."
        )
    if ambient_K is None:
        ambient_K = float(str(table.meta.get("ambient_K", (layout and layout.ambient_K) or ROOM_K)))
    device = np.array(labels(table, "device", str(table.meta.get("device", layout.device if layout else ""))))[kept]
    cycle = table.find_if_there("cycle")
    cycles = np.ones(values.size, np.int64) if cycle is None else table.numbers(cycle)[kept].astype(np.int64)
    name, unit = ("response", "1") if normalised else ("conductance_S", "S")
    return xr.Dataset(
        {
            name: ("pulse", values, {"long_name": "conductance after the pulse", "units": unit}),
            "direction": ("pulse", direction, {"long_name": "direction of the pulse: +1 up, -1 down"}),
        },
        {
            "pulse": ("pulse", np.arange(1, values.size + 1), {"long_name": "number of the pulse"}),
            "device": ("pulse", device),
            "cycle": ("pulse", cycles),
        },
        {
            "normalised": normalised,
            "ambient_K": ambient_K,
            "source": source.path.name,
            "sha256": source.sha256,
            "synthetic": bool(table.meta.get("synthetic") or (layout and layout.synthetic)),
        },
    )
