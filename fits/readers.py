"""Measured files in, measured files out: `read_iv` takes csv, tsv and Keithley workbooks; `write_iv_csv` writes csv."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path
from typing import Any

from fits.measurement import ROOM_K, Measurement
from fits.text_table import parse
from ground.errors import InputError, nearest
from ground.files import atomic

_WORKBOOKS = (".xlsx", ".xlsm")


def read_iv(
    path: str | Path,
    *,
    sheet: str | None = None,
    ambient_K: float | None = None,
    delimiter: str | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
) -> Measurement:
    """Read measured current-voltage sweeps from a csv or tsv file or a Keithley Clarius workbook.

    path : a text table with a header (any column order; units in the names; comment lines begin with #), or .xlsx,
    of which every sheet RunN becomes one run.  sheet : one sheet of a workbook.  ambient_K : ambient temperature [K];
    where not given, that of the file's `# ambient_K:` line, else 293.15.  delimiter : one character, else recognised.
    voltage_column, current_column : headers to use, where the names are not recognised.

    Returns the points as measured: no sign change, no offset removed. Raises InputError naming file, line and column.
    """
    path = Path(path)
    data = _bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() == ".xls":
        raise InputError(f"{path}: old .xls workbooks are not read; save it as .xlsx or .csv.")
    if path.suffix.lower() in _WORKBOOKS:
        from fits.keithley import read_workbook

        if delimiter is not None:
            raise InputError(
                f"{path}: delimiter={delimiter!r} is for text tables, and this is a workbook; leave it out."
            )
        return read_workbook(
            data,
            str(path),
            sheet=sheet,
            ambient_K=_ambient(ambient_K, {}),
            source=path.name,
            sha256=sha256,
            voltage_column=voltage_column,
            current_column=current_column,
        )
    if sheet is not None:
        raise InputError(f"{path}: sheet={sheet!r} is for workbooks (.xlsx), and this is a text table; leave it out.")
    table = parse(data, str(path), delimiter=delimiter, voltage_column=voltage_column, current_column=current_column)
    label = re.search(r"Run\d+", path.stem)
    optional = dict(table.optional)
    later = {n: optional.pop(n) for n in ("cycle", "offset_current_A") if n in optional}
    measurement = _named(
        path,
        lambda: Measurement.from_arrays(
            table.voltage_V,
            table.current_A,
            table.time_s,
            device=table.meta.get("device", ""),
            ambient_K=_ambient(ambient_K, table.meta),
            synthetic=table.meta.get("synthetic", False),
            source=path.name,
            compliance_A=table.meta.get("compliance_A", float("nan")),
            sha256=sha256,
            **{"run": label[0] if label else "Run1", **optional},
        ),
    )
    return measurement.replace(**later) if later else measurement


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


def _ambient(given: float | None, meta: dict[str, Any]) -> float:
    return float(meta.get("ambient_K", ROOM_K)) if given is None else given


def _named(path: Path, build: Any) -> Measurement:
    try:
        return build()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        names = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        hint = f" {nearest(path.name, names[:200])}" if names else f" Nor is there any other in {path.parent}."
        raise InputError(f"{path}: there is no such file.{hint}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give the name of a csv, tsv or xlsx file.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}.") from None
