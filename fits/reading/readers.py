"""Measured files in, measured files out: `read_iv` and `read_devices` take csv, tsv, Keithley workbooks and EasyEXPERT csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np

from fits.reading.keysight import is_easyexpert, read_easyexpert
from fits.reading.layout import Layout, layout_of
from fits.reading.measurement import ROOM_K, Measurement
from fits.reading.source_file import SourceFile
from fits.reading.text_table import TextTable, parse
from ground.errors import InputError, nearest
from ground.files import atomic

WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_LOWEST_OHM = 0.1  # max |V| over max |I|: no cell is below; voltage and current were exchanged


def read_iv(
    path: str | Path,
    *,
    sheet: str | None = None,
    ambient_K: float | None = None,
    delimiter: str | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
    layout: Layout | str | Path | None = None,
    device: str | None = None,
) -> Measurement:
    """Read the measured sweeps of one device from a file.

    path : a text table with a header (any column order; units in the names; comment lines begin with #), an EasyEXPERT
    csv of which every record becomes one run, or a Keithley workbook (.xlsx, or .xls with xlrd), of which every sheet
    RunN (or Data, AppendN) becomes one run.  sheet : one sheet of a workbook.  ambient_K : ambient temperature [K];
    where not given, that of the file's `# ambient_K:` line or the layout, else 293.15.  delimiter : one character,
    else recognised.  voltage_column, current_column : headers to use, where the names are not recognised.
    layout : mapping of names, units and column numbers, or its TOML file.  device : one of several in the file.

    Returns the points as measured: no sign change, no offset removed. Raises InputError naming file, line and column,
    and where the file holds several devices and none was named.
    """
    found = read_devices(
        path,
        sheet=sheet,
        ambient_K=ambient_K,
        delimiter=delimiter,
        voltage_column=voltage_column,
        current_column=current_column,
        layout=layout,
    )
    names = [m.device for m in found]
    if device is not None:
        if device not in names:
            raise InputError(f"{path}: there is no device {device!r}. {nearest(device, names[:200])}")
        return found[names.index(device)]
    if len(found) > 1:
        raise InputError(
            f"{path}: holds {len(found)} devices ({', '.join(names[:3])}, ...); name one with device=, "
            "or take all with read_devices (command line: reram fit folder)."
        )
    return found[0]


def read_devices(
    path: str | Path,
    *,
    sheet: str | None = None,
    ambient_K: float | None = None,
    delimiter: str | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
    layout: Layout | str | Path | None = None,
) -> list[Measurement]:
    """Read a file as `read_iv` does, one measurement per device that its column `device` (or test target) names."""
    chosen = layout_of(layout)
    file = SourceFile.read(path)
    options: dict[str, Any] = {"voltage_column": voltage_column, "current_column": current_column}
    if file.path.suffix.lower() in WORKBOOKS:
        from fits.reading.keithley import read_workbook

        if delimiter is not None:
            raise InputError(
                f"{path}: delimiter={delimiter!r} is for text tables, and this is a workbook; leave it out."
            )
        options |= {"ambient_K": _ambient(ambient_K, {}, chosen), "source": file.path.name, "sha256": file.sha256}
        return [_plausible(path, read_workbook(file.data, str(path), sheet=sheet, layout=chosen, **options))]
    if sheet is not None:
        raise InputError(f"{path}: sheet={sheet!r} is for workbooks (.xlsx), and this is a text table; leave it out.")
    if is_easyexpert(file.data):
        found = read_easyexpert(file, ambient_K=_ambient(ambient_K, {}, chosen), layout=chosen, **options)
    else:
        table = parse(file.data, str(path), delimiter=delimiter, layout=chosen, **options)
        found = _of_table(file, table, ambient_K, chosen)
    return [_plausible(path, m) for m in found]


def write_iv_csv(path: str | Path, measurement: Measurement) -> None:
    """Write a measurement so that `read_iv` gives it back, branches and flags included; whole or not at all."""
    m = measurement
    columns: dict[str, list[str]] = {}
    if (m.time == m.time).any():
        columns["time_s"] = ["" if t != t else repr(float(t)) for t in m.time]
    columns["voltage_V"] = [repr(float(v)) for v in m.voltage]
    columns["current_A"] = [repr(float(i)) for i in m.current]
    columns["run"] = [" ".join(str(r).split()) for r in m.run_labels]
    if m.branches:
        columns["branch"] = [str(b) for b in m.branch_names]
        columns["cycle"] = [str(int(c)) for c in m.cycle]
        columns["offset_current_A"] = [repr(float(i)) for i in m.offset_current]
    if m.branches or not m.usable.all():
        columns["in_compliance"] = [str(int(f)) for f in m.in_compliance]
        columns["glitch"] = [str(int(f)) for f in m.glitch]
    head = {
        "synthetic": str(m.synthetic).lower(),
        "device": " ".join(m.device.split()),
        "ambient_K": repr(m.ambient_K),
        "compliance_A": repr(m.compliance_A),
        "points": str(len(m)),
    }
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(f"# {key}: {value}\n" for key, value in head.items())
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _of_table(file: SourceFile, table: TextTable, ambient_K: float | None, layout: Layout | None) -> list[Measurement]:
    optional = dict(table.optional)
    label = re.search(r"Run\d+", file.path.stem)
    optional.setdefault("run", np.full(table.voltage_V.size, label[0] if label else "Run1"))
    devices = optional.pop("device", None)
    own = table.meta.get("device") or (layout.device if layout else "")
    if devices is None:
        chosen: list[tuple[str, Any]] = [(own, slice(None))]
    else:
        names, place = np.unique(devices, return_inverse=True)
        order = np.argsort(place, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(place))[:-1])
        chosen = sorted(((str(n) or own, rows) for n, rows in zip(names, groups, strict=True)), key=lambda g: g[1][0])
    common = {
        "ambient_K": _ambient(ambient_K, table.meta, layout),
        "synthetic": table.meta.get("synthetic", bool(layout and layout.synthetic)),
        "source": file.path.name,
        "compliance_A": table.meta.get("compliance_A", float("nan")),
        "sha256": file.sha256,
    }
    return [_one_device(file.path, table, device, rows, optional, common) for device, rows in chosen]


def _one_device(
    path: Path, table: TextTable, device: str, rows: Any, optional: dict[str, Any], common: dict[str, Any]
) -> Measurement:
    own = {name: values[rows] for name, values in optional.items()}
    later = {n: own.pop(n) for n in ("cycle", "offset_current_A") if n in own}
    time = None if table.time_s is None else table.time_s[rows]
    try:
        measurement = Measurement.from_arrays(
            table.voltage_V[rows], table.current_A[rows], time, device=device, **common, **own
        )
        return measurement.replace(**later) if later else measurement
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _plausible(path: str | Path, m: Measurement) -> Measurement:
    volts, amps = float(np.abs(m.voltage).max()), float(np.abs(m.current).max())
    if amps > 1e-3 and volts < _LOWEST_OHM * amps:
        raise InputError(
            f"{path}: the highest voltage is {volts:.3g} V and the highest current {amps:.3g} A; no cell has less than "
            f"{_LOWEST_OHM:g} ohm. Were the two columns or their units exchanged? Say which is which with "
            "voltage_column= and current_column=, and the units in the names: 'V (mV)', 'I (uA)'."
        )
    return m


def _ambient(given: float | None, meta: dict[str, Any], layout: Layout | None) -> float:
    if given is not None:
        return given
    return float(meta.get("ambient_K", (layout and layout.ambient_K) or ROOM_K))
