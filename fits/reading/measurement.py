"""Measured current-voltage data: points with their run, branch and flags, units checked, never changed in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from fits.reading.fields import AMBIENT, CURRENT, VOLTAGE, checked
from ground.errors import InputError, nearest

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TextLike = str | Sequence[str] | npt.NDArray[np.str_]

BRANCHES = ("forward +", "return +", "forward -", "return -")
ROOM_K = 293.15

_UNITS = {"voltage_V": "V", "current_A": "A", "time_s": "s", "offset_current_A": "A"}
_COORDS = ("run", "branch", "cycle", "in_compliance", "glitch", "offset_current_A")
_ATTRS = ("device", "ambient_K", "compliance_A", "source", "sha256", "synthetic")
_LONG = {
    "voltage_V": "voltage on the driven terminal",
    "current_A": "current into the driven terminal",
    "time_s": "time since the start of the run",
    "offset_current_A": "current of the branch at 0 V",
    "run": "run label",
    "branch": "direction and polarity of the sweep",
    "cycle": "number of the cycle in its run",
    "in_compliance": "current held by the instrument, not by the device",
    "glitch": "isolated bad reading",
}


@dataclass(frozen=True, eq=False, repr=False)
class Measurement:
    """One or several measured sweeps, as a Dataset along `point`.

    Variables: voltage_V [V], current_A [A], time_s [s, NaN where unknown].  Coordinates: run, branch, cycle,
    in_compliance, glitch, offset_current_A [A, NaN before `segment`].  All of shape (point,), read-only.
    Voltage and current are signed as measured on the driven terminal. Build one with `from_arrays` or `read_iv`.
    """

    _dataset: xr.Dataset

    def __post_init__(self) -> None:
        dataset = self._dataset.copy(deep=True)
        _check_layout(dataset)
        _check_values(dataset)
        for name in dataset.variables:
            dataset[name].values.setflags(write=False)
        object.__setattr__(self, "_dataset", dataset)

    @classmethod
    def from_arrays(
        cls,
        voltage_V: npt.ArrayLike,
        current_A: npt.ArrayLike,
        time_s: npt.ArrayLike | None = None,
        *,
        device: str = "",
        ambient_K: float = ROOM_K,
        synthetic: bool = False,
        source: str = "",
        run: TextLike = "Run1",
        branch: TextLike = "",
        in_compliance: npt.ArrayLike = False,
        glitch: npt.ArrayLike = False,
        compliance_A: float = float("nan"),
        sha256: str = "",
    ) -> Measurement:
        """Return a measurement from arrays of shape (point,); `run`, `branch` and the flags may also be single values.

        Raises InputError where shapes differ, a value is not finite or a number is out of range for its unit.
        """
        voltage = _column("voltage_V", voltage_V)
        columns: dict[str, Any] = {"voltage_V": voltage, "current_A": _column("current_A", current_A)}
        columns["time_s"] = _column("time_s", np.full(voltage.shape, np.nan) if time_s is None else time_s)
        for name, values in columns.items():
            if values.shape != voltage.shape:
                raise InputError(
                    f"{name} has {values.size} points and voltage_V has {voltage.size}: "
                    "every point needs both; was one of them cut off?"
                )
        coords = {
            "run": _spread("run", run, voltage.shape, np.str_),
            "branch": _spread("branch", branch, voltage.shape, np.str_),
            "cycle": np.ones(voltage.shape, dtype=np.int64),
            "in_compliance": _spread("in_compliance", in_compliance, voltage.shape, np.bool_),
            "glitch": _spread("glitch", glitch, voltage.shape, np.bool_),
            "offset_current_A": np.full(voltage.shape, np.nan),
        }
        attrs = {
            "device": str(device),
            "ambient_K": checked("ambient_K", ambient_K, AMBIENT),
            "compliance_A": float(compliance_A),
            "source": str(source),
            "sha256": sha256,
            "synthetic": bool(synthetic),
        }
        return cls(
            xr.Dataset(
                {n: ("point", v, _labels(n)) for n, v in columns.items()},
                {n: ("point", v, _labels(n)) for n, v in coords.items()},
                attrs,
            )
        )

    @property
    def dataset(self) -> xr.Dataset:
        """The points as an xarray Dataset with read-only arrays; adding to it changes your copy only."""
        return self._dataset.copy(deep=False)

    @property
    def voltage(self) -> FloatArray:
        """Voltage on the driven terminal [V], shape (point,)."""
        return self._dataset["voltage_V"].values

    @property
    def current(self) -> FloatArray:
        """Current into the driven terminal [A], shape (point,)."""
        return self._dataset["current_A"].values

    @property
    def time(self) -> FloatArray:
        """Time since the start of the run [s], shape (point,), NaN where the file gives none."""
        return self._dataset["time_s"].values

    @property
    def run_labels(self) -> npt.NDArray[np.str_]:
        """The run of every point, shape (point,)."""
        return self._dataset["run"].values

    @property
    def branch_names(self) -> npt.NDArray[np.str_]:
        """The branch of every point, shape (point,); "" before `segment`."""
        return self._dataset["branch"].values

    @property
    def cycle(self) -> npt.NDArray[np.int64]:
        """The cycle inside its run of every point, from 1, shape (point,)."""
        return self._dataset["cycle"].values

    @property
    def in_compliance(self) -> BoolArray:
        """True where the instrument held the current, shape (point,)."""
        return self._dataset["in_compliance"].values

    @property
    def glitch(self) -> BoolArray:
        """True where a reading stands alone far from its neighbours, shape (point,)."""
        return self._dataset["glitch"].values

    @property
    def usable(self) -> BoolArray:
        """True where the current is the device's own: neither in compliance nor a glitch, shape (point,)."""
        return ~(self.in_compliance | self.glitch)

    @property
    def offset_current(self) -> FloatArray:
        """Current of the point's branch at 0 V [A], shape (point,); NaN before `segment` or without a 0 V point."""
        return self._dataset["offset_current_A"].values

    @property
    def runs(self) -> tuple[str, ...]:
        """The run labels, in order of appearance."""
        return _appearing(self.run_labels)

    @property
    def branches(self) -> tuple[str, ...]:
        """The branch names present, in order of appearance; empty before `segment`."""
        return tuple(b for b in _appearing(self.branch_names) if b)

    @property
    def device(self) -> str:
        """Name of the device, "" where unknown."""
        return str(self._dataset.attrs["device"])

    @property
    def ambient_K(self) -> float:
        """Ambient temperature [K]."""
        return float(self._dataset.attrs["ambient_K"])

    @property
    def compliance_A(self) -> float:
        """Current limit of the instrument [A], NaN where unknown or different from run to run."""
        return float(self._dataset.attrs["compliance_A"])

    @property
    def source(self) -> str:
        """Name of the file read, "" where built from arrays."""
        return str(self._dataset.attrs["source"])

    @property
    def sha256(self) -> str:
        """SHA-256 of the file read, "" where built from arrays."""
        return str(self._dataset.attrs["sha256"])

    @property
    def synthetic(self) -> bool:
        """True where the data were made by a model, not measured."""
        return bool(self._dataset.attrs["synthetic"])

    def __len__(self) -> int:
        return int(self._dataset.sizes["point"])

    def __repr__(self) -> str:
        volts = self.voltage
        made = " SYNTHETIC" if self.synthetic else ""
        return (
            f"<Measurement {self.source or 'from arrays'}{made}: {len(self)} points, {len(self.runs)} run(s), "
            f"{volts.min():g}..{volts.max():g} V, {self.ambient_K:g} K>"
        )

    def run(self, label: str) -> Measurement:
        """Return the points of one run; raises InputError naming the nearest labels where there is no such run."""
        if label not in self.runs:
            raise InputError(f"run {label!r} is not in {self._name}. {nearest(str(label), self.runs)}")
        return self.select(self.run_labels == label)

    def branch(self, name: str) -> Measurement:
        """Return the points of one branch ("forward +", "return +", "forward -", "return -") of all runs."""
        if not self.branches:
            raise InputError(f"{self._name} has no branches yet: use segment(measurement) first.")
        if name not in self.branches:
            raise InputError(f"branch {name!r} is not in {self._name}. {nearest(str(name), self.branches)}")
        return self.select(self.branch_names == name)

    def select(self, mask: npt.ArrayLike) -> Measurement:
        """Return the points where `mask` (bool, shape (point,)) is True."""
        chosen = np.asarray(mask)
        if chosen.dtype != np.bool_ or chosen.shape != (len(self),):
            raise InputError(
                f"mask has dtype {chosen.dtype} and shape {chosen.shape}; "
                f"expected bool of shape ({len(self)},), one value per point."
            )
        if not chosen.any():
            raise InputError(f"the selection leaves no point of {self._name}.")
        return Measurement(self._dataset.isel(point=chosen))

    def subtract_offset(self) -> Measurement:
        """Return the measurement with each branch's current at 0 V subtracted, as found by `segment`."""
        if not self.branches:
            raise InputError(f"{self._name} has no offset yet: use segment(measurement) first.")
        missing = ~np.isfinite(self.offset_current)
        if missing.any():
            k = int(np.flatnonzero(missing)[0])
            raise InputError(
                f"{self._name}: the branch {str(self.branch_names[k])!r} of {str(self.run_labels[k])!r} "
                "has no point at 0 V, so its offset is unknown; select the other branches first."
            )
        return self.replace(current_A=self.current - self.offset_current, offset_current_A=np.zeros(len(self)))

    def replace(self, **changes: Any) -> Measurement:
        """Return a copy with variables, coordinates (shape (point,)) or attributes replaced, checked again."""
        dataset = self._dataset.copy(deep=False)
        for name, value in changes.items():
            if name in _ATTRS:
                dataset.attrs[name] = checked(name, value, AMBIENT) if name == "ambient_K" else value
            elif name in _LONG:
                dataset[name] = ("point", np.asarray(value), _labels(name))
            else:
                raise InputError(f"{name} is not part of a measurement. {nearest(name, [*_LONG, *_ATTRS])}")
        return Measurement(dataset)

    @property
    def _name(self) -> str:
        return self.source or "this measurement"


def _appearing(labels: npt.NDArray[np.str_]) -> tuple[str, ...]:
    """Return the different labels in order of appearance; only where the label changes is looked at."""
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    return tuple(dict.fromkeys(str(label) for label in labels[starts]))


def _labels(name: str) -> dict[str, str]:
    unit = {"units": _UNITS[name]} if name in _UNITS else {}
    return {"long_name": _LONG[name], **unit}


def _column(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}.") from None
    if array.ndim != 1:
        raise InputError(f"{name} has the shape {array.shape}; expected one dimension, (point,).")
    return array


def _spread(name: str, values: Any, shape: tuple[int, ...], kind: type) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.asarray(values).astype(kind)
    if array.ndim and array.shape != shape:
        raise InputError(f"{name} has the shape {array.shape}; expected one value, or {shape}: one per point.")
    return np.broadcast_to(array, shape).copy()


def _check_layout(dataset: xr.Dataset) -> None:
    for name in (*_UNITS, *_COORDS):
        if name not in dataset.variables:
            raise InputError(
                f"the dataset has no '{name}'. {nearest(name, [str(v) for v in dataset.variables])} "
                "Measurement.from_arrays builds a complete one."
            )
        if dataset[name].dims != ("point",):
            raise InputError(f"{name} has the dimensions {dataset[name].dims}; expected ('point',).")
    for name, unit in _UNITS.items():
        given = dataset[name].attrs.get("units")
        if given != unit:
            raise InputError(
                f"{name} says units={given!r}; expected {unit!r}: convert the numbers, then set the attribute."
            )
    missing = [a for a in _ATTRS if a not in dataset.attrs]
    if missing:
        raise InputError(f"the dataset has no attribute {missing[0]!r}; expected {', '.join(_ATTRS)}.")


def _check_values(dataset: xr.Dataset) -> None:
    if dataset.sizes["point"] == 0:
        raise InputError("the measurement has no point: give at least one voltage and current.")
    for name, quantity in (("voltage_V", VOLTAGE), ("current_A", CURRENT)):
        values = dataset[name].values
        if not np.isfinite(values).all():
            k = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InputError(
                f"{name}[{k}]={values[k]} is not allowed: expected finite numbers; "
                "drop the points the instrument could not read."
            )
        k = int(np.argmax(np.abs(values)))
        if not quantity.low <= values[k] <= quantity.high:
            raise InputError(
                f"{name}[{k}]={values[k]:g} is not allowed: expected {quantity.allowed}. "
                f"Are the numbers in m{quantity.unit} or u{quantity.unit}? SI is expected here."
            )
