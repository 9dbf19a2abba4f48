"""Measured transistor characteristics in: gate, drain, source voltage and drain current, from text, EasyEXPERT or Keithley files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fits.reading.columns import Column
from fits.reading.fields import AMBIENT, CURRENT, VOLTAGE, checked
from fits.reading.keysight import easyexpert_table, is_easyexpert
from fits.reading.layout import Layout, layout_of
from fits.reading.measurement import ROOM_K, FloatArray
from fits.reading.plain_table import PlainTable, plain_table
from fits.reading.source_file import SourceFile
from ground.errors import InputError

_GROUP = re.compile(r"(Gate|Drain|Source)(V|I)(?:\((\d+)\))?")
_KINDS = {"GateV": "gate_V", "DrainV": "drain_V", "DrainI": "drain_A", "SourceV": "source_V"}


@dataclass(frozen=True)
class TransistorData:
    """Points of a transistor. gate_V, drain_V, source_V : to bulk [V]; drain_A : current into the drain [A]; all (point,)."""

    gate_V: FloatArray
    drain_V: FloatArray
    drain_A: FloatArray
    source_V: FloatArray
    ambient_K: float = ROOM_K
    source: str = ""
    sha256: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name, quantity in (("gate_V", VOLTAGE), ("drain_V", VOLTAGE), ("drain_A", CURRENT), ("source_V", VOLTAGE)):
            values = np.asarray(getattr(self, name), float)
            if values.ndim != 1 or values.shape != np.shape(self.gate_V) or not values.size:
                raise InputError(f"{name} has the shape {values.shape}; expected one value per point, as gate_V has.")
            checked(name, float(values[np.argmax(np.abs(values))]), quantity)
            object.__setattr__(self, name, values)
        checked("ambient_K", self.ambient_K, AMBIENT)


def read_transistor(
    path: str | Path, *, layout: Layout | str | Path | None = None, ambient_K: float | None = None
) -> TransistorData:
    """Read output or transfer characteristics: columns gate voltage, drain voltage, drain current, and (if there) source voltage.

    Names such as gate_V, 'VG (V)', Vgs, drain_V, Vd, drain_A, Id [uA], GateV(1) are known; others by a layout.
    Raises InputError naming file, line and column.
    """
    chosen, file = layout_of(layout), SourceFile.read(path)
    name = str(file.path)
    if file.path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        columns, meta = _of_workbook(file, name), dict[str, Any]()
    else:
        table = easyexpert_table(file, chosen) if is_easyexpert(file.data) else plain_table(file, chosen)
        columns, meta = _of_table(table), table.meta
    if ambient_K is None:
        ambient_K = float(str(meta.get("ambient_K", (chosen and chosen.ambient_K) or ROOM_K)))
    try:
        return TransistorData(
            **columns,
            ambient_K=ambient_K,
            source=file.path.name,
            sha256=file.sha256,
            synthetic=bool(meta.get("synthetic") or (chosen and chosen.synthetic)),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _of_table(table: PlainTable) -> dict[str, FloatArray]:
    out = {
        "gate_V": table.numbers(table.find("gate")),
        "drain_V": table.numbers(table.find("drain")),
        "drain_A": table.numbers(table.find("drain_current")),
    }
    source = table.find_if_there("source")
    return {**out, "source_V": np.zeros(out["gate_V"].size) if source is None else table.numbers(source)}


def _of_workbook(file: SourceFile, name: str) -> dict[str, FloatArray]:
    """Return the groups DrainI(k), DrainV(k), GateV(k) of the first run, one below the other."""
    from fits.reading.keithley import number_in, run_sheets

    label, rows = next(iter(run_sheets(file.data, name).items()))
    header = [_GROUP.fullmatch(str(c).strip()) for c in rows[0]] if rows else []
    places = {(m[3] or "1", m[1] + m[2]): k for k, m in enumerate(header) if m and m[1] + m[2] in _KINDS}
    groups = list(dict.fromkeys(group for group, _ in places))
    parts: dict[str, list[float]] = {n: [] for n in _KINDS.values()}
    for group in groups:
        missing = [k for k in ("GateV", "DrainV", "DrainI") if (group, k) not in places]
        if missing:
            raise InputError(f"{name}: sheet {label!r}: group {group} has no column {missing[0]}({group}).")
        for number, row in enumerate(rows[1:], 2):
            if places[group, "DrainI"] < len(row) and row[places[group, "DrainI"]] is not None:
                for key, field in _KINDS.items():
                    place = places.get((group, key))
                    where = f"{name}: sheet {label!r}"
                    column = None if place is None else Column(place, f"{key}({group})", 1.0)
                    parts[field].append(0.0 if column is None else number_in(row, column, where, number))
    if not parts["drain_A"]:
        raise InputError(
            f"{name}: sheet {label!r} has no columns GateV, DrainV, DrainI (or GateV(1), ...) with numbers; "
            "is this the file of a transistor?"
        )
    return {key: np.array(values) for key, values in parts.items()}
