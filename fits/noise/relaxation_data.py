"""Reads of resting cells arranged for the relaxation fit: devices side by side, times since their programming."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fits.reading.columns import Column, split_unit
from fits.reading.layout import layout_of
from fits.reading.plain_table import of_path
from fits.reading.state_readers import read_retention
from ground.errors import InputError

Array = NDArray[np.float64]
_UNITS = {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9}
_TOLERANCE = 0.02  # times of two devices that differ by less, relative to the time, are one


@dataclass(frozen=True)
class Reads:
    """time_s (n,), conductance_S (n, devices), target_S (devices,) or None, device names (devices,)."""

    time_s: Array
    conductance_S: Array
    target_S: Array | None
    devices: tuple[str, ...]
    synthetic: bool


def read_relaxation(path: str | Path, *, layout: str | Path | None = None) -> Reads:
    """Read a table of conductance against time, one row per device and time; an optional column target gives the targets.

    The first reading of every device is the moment of its programming. Raises InputError naming the device whose times are not
    those of the others, and as `read_retention`.
    """
    data = read_retention(path, layout=layout)
    device, time, g = data["device"].values.astype(str), data["time_s"].values, data["conductance_S"].values
    names = tuple(dict.fromkeys(device.tolist()))
    target = _targets(path, layout)
    reference: Array | None = None
    columns, targets = [], []
    for name in names:
        mine = np.flatnonzero(device == name)
        mine = mine[np.argsort(time[mine], kind="stable")]
        own = time[mine] - time[mine[0]]
        if reference is None:
            reference = own
        if own.shape != reference.shape or not np.allclose(own, reference, rtol=_TOLERANCE, atol=0.5):
            raise InputError(
                f"{path}: device '{name}' was read {own.size} times up to {own[-1]:g} s, and '{names[0]}' {reference.size} times up to "
                f"{reference[-1]:g} s; a spread over devices needs them read at the same times after programming."
            )
        columns.append(g[mine])
        if target is not None:
            targets.append(float(target[mine[0]]))
    assert reference is not None
    return Reads(
        reference,
        np.stack(columns, axis=1),
        None if target is None else np.array(targets),
        names,
        bool(data.attrs.get("synthetic")),
    )


def _targets(path: str | Path, layout: str | Path | None) -> Array | None:
    _, table = of_path(path, layout_of(layout))
    for k, header in enumerate(table.header):
        name, unit = split_unit(header)
        if name.strip().lower() == "target":
            if unit and unit not in _UNITS:
                raise InputError(
                    f"{table.where}: the column {header!r} has the unit {unit!r}; expected {', '.join(_UNITS)}."
                )
            return table.numbers(Column(k, header, _UNITS.get(unit, 1.0)))
    return None
