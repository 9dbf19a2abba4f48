"""Tables that hold states instead of sweeps: LRS and HRS against cycle, and reads of a resting cell against time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from fits.reading.layout import Layout, layout_of
from fits.reading.measurement import ROOM_K
from fits.reading.plain_table import PlainTable, labels, of_path
from fits.reading.source_file import SourceFile
from ground.errors import InputError

_AGREE = 1e-3  # relative: conductance, current and voltage of one row must tell the same


def read_states(path: str | Path, *, layout: Layout | str | Path | None = None) -> xr.Dataset:
    """Read LRS and HRS of cycled devices: columns lrs [ohm], hrs [ohm], and (if there) device and cycle.

    Returns a Dataset along `reading`: lrs_ohm, hrs_ohm; coordinates device, cycle. Raises InputError naming file, line
    and column; a resistance that is not positive is refused.
    """
    chosen = layout_of(layout)
    source, table = of_path(path, chosen)
    data = {}
    for name in ("lrs", "hrs"):
        column = table.find(name)
        values = table.numbers(column)
        if not (values > 0).all():
            k = int(np.flatnonzero(values <= 0)[0])
            raise InputError(
                f"{table.name}: line {table.lines[k]}, column {column.header!r}: found {values[k]:g}; "
                "expected a resistance above 0. Is it a conductance, or a reading lost in the offset?"
            )
        data[f"{name}_ohm"] = ("reading", values, {"units": "ohm", "long_name": name.upper()})
    cycle = table.find_if_there("cycle")
    cycles = np.ones(len(table.cells)) if cycle is None else table.numbers(cycle)
    return xr.Dataset(
        data,
        {"device": ("reading", _devices(table, chosen)), "cycle": ("reading", cycles.astype(np.int64))},
        _attrs(table, source, chosen),
    )


def read_retention(path: str | Path, *, layout: Layout | str | Path | None = None) -> xr.Dataset:
    """Read the conductance of resting cells against time: columns time [s] and conductance [S] (or resistance, or current
    and voltage), and (if there) device.

    Returns a Dataset along `reading`: conductance_S, time_s (since the first reading of the file), and current_A,
    voltage_V where the table has them; coordinate device. Raises InputError where a row contradicts itself: I/V = G.
    """
    chosen = layout_of(layout)
    source, table = of_path(path, chosen)
    time = table.numbers(table.find("time"))
    found: dict[str, npt.NDArray[np.float64]] = {}
    for kind in ("conductance", "resistance", "current", "voltage"):
        column = table.find_if_there(kind)
        if column is not None:
            found[kind] = table.numbers(column)
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = {
            "conductance": found.get("conductance"),
            "1 / resistance": 1 / found["resistance"] if "resistance" in found else None,
            "current / voltage": found["current"] / found["voltage"]
            if {"current", "voltage"} <= found.keys()
            else None,
        }
    told = {name: g for name, g in ways.items() if g is not None}
    if not told:
        table.find("conductance")  # raises, naming the columns there are
    first, *rest = told.items()
    for name, g in rest:
        apart = ~np.isclose(g, first[1], rtol=_AGREE, atol=0)
        if apart.any():
            k = int(np.flatnonzero(apart)[0])
            raise InputError(
                f"{table.name}: line {table.lines[k]}: {first[0]} says {first[1][k]:.5g} S and {name} says {g[k]:.5g} S; "
                "is a column or a unit wrong?"
            )
    data: dict[str, Any] = {
        "conductance_S": ("reading", first[1], {"units": "S", "long_name": "conductance"}),
        "time_s": ("reading", time - time[0], {"units": "s", "long_name": "time since the first reading"}),
    }
    for kind, unit in (("current", "A"), ("voltage", "V")):
        if kind in found:
            data[f"{kind}_{unit}"] = ("reading", found[kind], {"units": unit})
    return xr.Dataset(data, {"device": ("reading", _devices(table, chosen))}, _attrs(table, source, chosen))


def _devices(table: PlainTable, layout: Layout | None) -> npt.NDArray[np.str_]:
    return np.array(labels(table, "device", str(table.meta.get("device", layout.device if layout else ""))))


def _attrs(table: PlainTable, source: SourceFile, layout: Layout | None) -> dict[str, Any]:
    ambient = table.meta.get("ambient_K", (layout and layout.ambient_K) or ROOM_K)
    return {
        "ambient_K": float(str(ambient)),
        "source": source.path.name,
        "sha256": source.sha256,
        "synthetic": bool(table.meta.get("synthetic") or (layout and layout.synthetic)),
    }
