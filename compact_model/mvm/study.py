"""How far products in memory are from floating point: over time, over settings, and which source of error does it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.mvm.chain import Mvm
from compact_model.mvm.devices import DeviceSource
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Noise, check_time
from ground.errors import InputError

Floats = NDArray[np.float64]
NORMALISATION = (
    "root mean square of y - y_fp over vectors and columns, not divided by anything: y = x W with W and x uniform in -1..1, "
    "so that y_fp has a standard deviation of sqrt(rows)/3"
)
# What is switched off to see what each source contributes.
SOURCES: dict[str, dict[str, Any]] = {
    "quantisation": {"dac_bits": None, "adc_bits": None},
    "IR drop": {"ir_drop": "none"},
    "programming": {"programming": "ideal"},
    "relaxation": {"relaxation": False},
    "read noise": {"read_noise": False},
}
OF_CELL = {"non-linearity of the cell": {"cell": None, "gate_V": None}}


def sources(settings: MvmSettings) -> dict[str, dict[str, Any]]:
    """Return what is switched off for each source that these settings have."""
    return SOURCES if settings.cell is None else {**SOURCES, **OF_CELL}


@dataclass(frozen=True, eq=False)
class MvmStudy:
    """rmse, rmse_over_std : (times,), see NORMALISATION.  y : (times, vectors, columns); y_fp : (vectors, columns)."""

    settings: MvmSettings
    size: tuple[int, int]
    times_s: tuple[float, ...]
    y: Floats
    y_fp: Floats

    @property
    def rmse(self) -> Floats:
        return np.asarray(np.sqrt(np.mean((self.y - self.y_fp) ** 2, axis=(1, 2))))

    @property
    def rmse_over_std(self) -> Floats:
        """The same, relative to the standard deviation of the floating-point result."""
        return np.asarray(self.rmse / self.y_fp.std())


def problem(rows: int, columns: int, inputs: int, seed: int) -> tuple[Floats, Floats]:
    """Weights (rows, columns) and inputs (inputs, rows), uniform in -1..1, as the authors' first public script draws them."""
    for name, value in (("rows", rows), ("columns", columns), ("inputs", inputs)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= 8192:
            raise InputError(f"{name}={value!r} is not allowed: expected a whole number of 1..8192.")
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (rows, columns)), rng.uniform(-1, 1, (inputs, rows))


def mvm_study(
    size: int | tuple[int, int] = 64,
    inputs: int = 100,
    times_s: Sequence[float] = (0.0, 1.0, 3600.0, 86400.0, 3.1536e8),
    settings: MvmSettings | None = None,
    *,
    seed: int = 0,
    noise: Noise | None = None,
    population: DeviceSource | None = None,
) -> MvmStudy:
    """Multiply random vectors with a random matrix at several times after programming; the devices are the same at all times.

    noise, population : of the devices, as in `Mvm.program`.
    """
    rows, columns = (size, size) if isinstance(size, (int, np.integer)) else size
    used = settings or MvmSettings.published()
    times = tuple(float(check_time(t)) for t in times_s)
    if not times:
        raise InputError("times_s is empty: expected at least one time, such as 0 (just programmed).")
    w, x = problem(rows, columns, inputs, seed)
    mvm = Mvm.program(w, used, seed=seed, noise=noise, population=population)
    return MvmStudy(used, (rows, columns), times, np.array([mvm.multiply(x, t) for t in times]), x @ w)


def error_budget(
    size: int | tuple[int, int] = 64,
    inputs: int = 100,
    times_s: Sequence[float] = (0.0, 1.0, 3600.0, 86400.0, 3.1536e8),
    settings: MvmSettings | None = None,
    *,
    seed: int = 0,
    **devices: Any,
) -> dict[str, dict[str, Floats]]:
    """Return for every source {"without": RMSE with it switched off, "alone": RMSE with nothing else}, and "all", each (times,).

    devices : noise and population, as in `mvm_study`.
    """
    used = settings or MvmSettings.published()
    known = sources(used)

    def rmse(*off: str) -> Floats:
        changes = {k: v for name in off for k, v in known[name].items()}
        return mvm_study(size, inputs, times_s, used.replace(**changes), seed=seed, **devices).rmse

    budget = {"all": {"without": rmse(), "alone": rmse()}}
    for name in known:
        budget[name] = {"without": rmse(name), "alone": rmse(*(other for other in known if other != name))}
    return budget


def mvm_sweep(
    over: Mapping[str, Sequence[Any]],
    times_s: Sequence[float],
    settings: MvmSettings | None = None,
    *,
    size: int = 64,
    inputs: int = 100,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    **devices: Any,
) -> list[dict[str, Any]]:
    """Study every combination of settings; `over` maps a setting, or "size", to its values. Returns one record per combination.

    devices : noise and population, as in `mvm_study`.
    """
    used = settings or MvmSettings.published()
    points = list(itertools.product(*over.values()))
    records = []
    for done, values in enumerate(points):
        point = dict(zip(over, values, strict=True))
        changes = {k: v for k, v in point.items() if k != "size"}
        study = mvm_study(int(point.get("size", size)), inputs, times_s, used.replace(**changes), seed=seed, **devices)
        records.append({**point, "times_s": list(study.times_s), "rmse": study.rmse.tolist()})
        progress(done + 1, len(points))
    return records
