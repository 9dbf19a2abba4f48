"""The series transistor from its characteristics: on-resistance per gate voltage, and the EKV law with error bars."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.transistor import Transistor
from fits.reading.measurement import FloatArray
from fits.reading.transistor_data import TransistorData
from ground.errors import InputError, NotConverged, nearest
from ground.files import write_json

NAMES = ("threshold_V", "gain_A_per_V2", "slope")
_LINEAR_V = 0.1  # |V_DS| up to which the on-resistance is read
_FLOOR = 1e-6  # of the highest current: below it a reading counts by its absolute error
_IDENTIFIED = 0.3  # relative standard error above which the data do not say the parameter
_STRONG_V = 0.1
_STEP = 1e-6
_PASSES = 4
_BOUNDS = {"threshold_V": (0.0, 3.0), "gain_A_per_V2": (float(np.log(1e-6)), 0.0), "slope": (1.0, 3.0)}


@dataclass(frozen=True)
class OnResistance:
    """On-resistance at one gate voltage. measured : from the line through |V_DS| <= 0.1 V, None below 6 points."""

    gate_V: float
    model_ohm: float
    model_stderr_ohm: float
    measured_ohm: float | None
    measured_stderr_ohm: float | None


@dataclass(frozen=True)
class TransistorFit:
    """Result. values, stderr : by name (stderr 0 where fixed).  covariance : over NAMES, zero rows where fixed.

    rms_relative : of the residuals of points above a thousandth of the highest current.  fixed : name -> value given by the user.
    """

    values: Mapping[str, float]
    stderr: Mapping[str, float]
    covariance: FloatArray
    fixed: Mapping[str, float]
    rms_relative: float
    on_resistance: tuple[OnResistance, ...]
    data: TransistorData

    @property
    def unidentified(self) -> tuple[str, ...]:
        """Parameters whose standard error is above 30 % (of 1 V for the threshold): the data do not say them."""
        scale = {"threshold_V": 1.0, "gain_A_per_V2": abs(self.values["gain_A_per_V2"]), "slope": self.values["slope"]}
        return tuple(n for n in NAMES if not self.stderr[n] <= _IDENTIFIED * scale[n])

    @property
    def model(self) -> Transistor:
        """The fitted transistor; raises InputError where a parameter is neither identified nor fixed."""
        if self.unidentified:
            raise InputError(
                f"{' and '.join(self.unidentified)} cannot be told from {self.data.source or 'these data'}: "
                "measure at more gate voltages and up to saturation, or fix it (fixed=, command line --threshold, --slope)."
            )
        return Transistor(**self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        finite = np.isfinite(self.covariance).all()
        return {
            "transistor": None if self.unidentified else self.model.model_dump(mode="json"),
            "values": dict(self.values),
            "stderr": {n: (s if np.isfinite(s) else None) for n, s in self.stderr.items()},
            "covariance": self.covariance.tolist() if finite else None,
            "covariance_of": list(NAMES),
            "fixed": dict(self.fixed),
            "unidentified": list(self.unidentified),
            "rms_relative": self.rms_relative,
            "on_resistance": [vars(r) for r in self.on_resistance],
            "n_points": int(self.data.gate_V.size),
            "ambient_K": self.data.ambient_K,
            "source": self.data.source,
            "synthetic": self.data.synthetic,
        }

    def report(self) -> str:
        """Return parameters with errors, what the data cannot say, and the on-resistances, as text."""
        made = ", SYNTHETIC" if self.data.synthetic else ""
        n = self.data.gate_V.size
        lines = [f"transistor (EKV), {self.data.source or 'from arrays'}, {n} points, {self.data.ambient_K:g} K{made}"]
        for name in NAMES:
            error = "fixed" if name in self.fixed else f"+- {self.stderr[name]:.2g}"
            weak = "   NOT IDENTIFIED by these data" if name in self.unidentified else ""
            lines.append(f"  {name:15s} {self.values[name]:.5g} {error}{weak}")
        lines.append(f"  residuals: {100 * self.rms_relative:.2g} % rms")
        for r in self.on_resistance:
            read = "" if r.measured_ohm is None else f"; read {r.measured_ohm:.4g} +- {r.measured_stderr_ohm:.2g} ohm"
            lines.append(f"  R_DS at {r.gate_V:.3g} V: {r.model_ohm:.4g} +- {r.model_stderr_ohm:.2g} ohm{read}")
        return "\n".join(lines)

    def plot(self) -> Any:
        """Return a matplotlib figure: current and residuals."""
        from fits.extraction.transistor_plot import figure_of

        return figure_of(self)


def fit_transistor(data: TransistorData, *, fixed: Mapping[str, float] | None = None) -> TransistorFit:
    """Fit threshold, gain and slope of the EKV transistor to measured points.

    A point weighs by its noise: a share of its current and a floor, both found from the residuals of the pass before.
    fixed : name -> value of parameters not to fit.  Errors come from the curvature and the scatter of the residuals.
    Raises InputError where there are too few points or no current, NotConverged where the fit does not end.
    """
    held = dict(fixed or {})
    for name in held:
        if name not in NAMES:
            raise InputError(f"fixed={name!r} is not a parameter. {nearest(name, NAMES)}")
    free = [n for n in NAMES if n not in held]
    on = np.abs(data.drain_A) > 0
    if on.sum() <= len(free) or not (data.drain_V != data.source_V)[on].any():
        raise InputError(
            f"{data.source or 'the data'}: {int(on.sum())} points carry current and {len(free)} parameters are to be fitted; "
            "expected more points, with a voltage between drain and source."
        )
    current = np.abs(data.drain_A)
    spread, x = current + _FLOOR * current.max(), np.array([_start(n, data, held) for n in free])
    for _ in range(_PASSES if free else 0):
        found = _least_squares(x, free, held, data, spread)
        x = found.x
        spread = _noise(_current(_values(free, x, held), data), data.drain_A)
    values = _values(free, x, held)
    rest = (_current(values, data) - data.drain_A) / spread
    scale = float(rest @ rest) / max(rest.size - len(free), 1)
    covariance = _covariance(found if free else None, free, values, scale)
    stderr = {n: float(np.sqrt(covariance[k, k])) for k, n in enumerate(NAMES)}
    high = current > 1e-3 * current.max()
    rms = float(np.sqrt(np.mean((_current(values, data)[high] / data.drain_A[high] - 1) ** 2)))
    return TransistorFit(values, stderr, covariance, held, rms, _on_resistances(data, values, covariance), data)


def load_transistor(path: str | Path) -> Transistor:
    """Read a transistor from the file of `reram fit transistor -o`; raises InputError naming the file."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as JSON: {error}. Give the file of `reram fit transistor -o`."
        ) from None
    inside = data.get("transistor") if isinstance(data, dict) else None
    if not isinstance(inside, dict):
        raise InputError(
            f"{path}: holds no transistor; expected the file of `reram fit transistor -o`, fully identified."
        )
    try:
        return Transistor.model_validate(inside)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def save_fit(fit: TransistorFit, path: str | Path, record: Mapping[str, Any]) -> None:
    """Write the transistor with covariance and provenance; raises InputError where it is not identified."""
    write_json(path, {**fit.to_dict(), "transistor": fit.model.model_dump(mode="json"), "provenance": dict(record)})


def _least_squares(
    x: FloatArray, free: list[str], held: Mapping[str, float], data: TransistorData, spread: FloatArray
) -> Any:
    from scipy.optimize import least_squares

    low, high = (np.array([_BOUNDS[n][k] for n in free]) for k in (0, 1))
    found = least_squares(
        lambda x: (_current(_values(free, x, held), data) - data.drain_A) / spread,
        np.clip(x, low + 1e-6, high - 1e-6),
        bounds=(low, high),
        x_scale="jac",
        xtol=1e-12,
    )
    if not found.success:
        raise NotConverged(f"the transistor fit of {data.source or 'the data'} did not converge: {found.message}")
    return found


def _noise(model: FloatArray, measured: FloatArray) -> FloatArray:
    """Return the standard deviation of every point: a share of the current, and a floor that the smallest currents show."""
    rest, top = np.abs(measured - model), np.abs(model).max()
    low = np.abs(model) < 1e-4 * top
    floor = 1.4826 * float(np.median(rest[low])) if low.any() else _FLOOR * top
    share = 1.4826 * float(np.median(rest[~low] / np.abs(model[~low])))
    return np.hypot(max(share, 1e-9) * model, max(floor, 1e-12 * top))


def _values(free: list[str], x: FloatArray, held: Mapping[str, float]) -> dict[str, float]:
    own = {n: float(np.exp(v)) if n == "gain_A_per_V2" else float(v) for n, v in zip(free, x, strict=True)}
    return {n: float(held[n]) if n in held else own[n] for n in NAMES}


def _current(values: Mapping[str, float], data: TransistorData) -> FloatArray:
    return Transistor(**values).current(data.gate_V, data.drain_V, data.source_V, data.ambient_K)


def _start(name: str, data: TransistorData, held: Mapping[str, float]) -> float:
    if name == "threshold_V":
        on = np.abs(data.drain_A) > 0.02 * np.abs(data.drain_A).max()
        return float(np.clip(data.gate_V[on].min() - 0.1, 0.05, 2.9))
    if name == "slope":
        return 1.3
    guess = {"threshold_V": held.get("threshold_V", _start("threshold_V", data, held)), "slope": held.get("slope", 1.3)}
    unit = Transistor(**guess, gain_A_per_V2=1e-3).current(data.gate_V, data.drain_V, data.source_V, data.ambient_K)
    top = np.argsort(np.abs(unit))[-max(unit.size // 5, 1) :]
    return float(np.log(np.clip(1e-3 * np.median(np.abs(data.drain_A[top] / unit[top])), 2e-6, 0.9)))


def _covariance(found: Any, free: list[str], values: Mapping[str, float], scale: float) -> FloatArray:
    """Return the covariance over NAMES; infinite where the data leave a direction free."""
    out = np.zeros((3, 3))
    if found is None:
        return out
    places = [NAMES.index(n) for n in free]
    unit = np.array([values[n] if n == "gain_A_per_V2" else 1.0 for n in free])  # fitted as a logarithm
    curvature = found.jac.T @ found.jac
    norm = np.sqrt(np.diag(curvature))
    if not norm.all() or np.linalg.cond(curvature / np.outer(norm, norm)) > 1e12:
        out[np.ix_(places, places)] = np.inf
        return out
    inverse = np.linalg.inv(curvature / np.outer(norm, norm)) / np.outer(norm, norm)
    out[np.ix_(places, places)] = scale * inverse * np.outer(unit, unit)
    return out


def _on_resistances(
    data: TransistorData, values: Mapping[str, float], covariance: FloatArray
) -> tuple[OnResistance, ...]:
    rows = []
    across = data.drain_V - data.source_V
    for gate in np.unique(np.round(data.gate_V, 9)):
        model = _model_ohm(values, float(gate), data.ambient_K)
        if not model < 1e9:
            continue  # off
        slopes = np.array([_sensitivity(values, n, float(gate), data.ambient_K) for n in NAMES])
        with np.errstate(invalid="ignore"):
            variance = float(slopes @ covariance @ slopes)
        own = np.isclose(data.gate_V, gate) & (np.abs(across) <= _LINEAR_V + 1e-9)
        strong = gate > values["threshold_V"] + _STRONG_V  # below, the curve saturates within a few thermal voltages
        read, error = _read(across[own], data.drain_A[own]) if strong else (None, None)
        stderr = float(np.sqrt(variance)) if np.isfinite(variance) and variance >= 0 else float("inf")
        rows.append(OnResistance(float(gate), model, stderr, read, error))
    return tuple(rows)


def _model_ohm(values: Mapping[str, float], gate_V: float, ambient_K: float) -> float:
    step = 1e-4
    return step / float(Transistor(**values).current(gate_V, step / 2, -step / 2, ambient_K))


def _sensitivity(values: Mapping[str, float], name: str, gate_V: float, ambient_K: float) -> float:
    step = _STEP * max(abs(values[name]), 1e-3)
    up = {**values, name: values[name] + step}
    return (_model_ohm(up, gate_V, ambient_K) - _model_ohm(values, gate_V, ambient_K)) / step


def _read(volts: FloatArray, amps: FloatArray) -> tuple[float | None, float | None]:
    """Return resistance and its standard error from a line with curvature, I = a + g V + c V^2: g at 0 V."""
    if np.unique(volts).size < 6:
        return None, None
    weight = 1.0 / (np.abs(volts) + 0.1 * np.abs(volts).max())  # the noise grows with the current
    columns = np.stack([np.ones(volts.size), volts, volts**2], axis=1) * weight[:, None]
    solution, *_ = np.linalg.lstsq(columns, amps * weight, rcond=None)
    rest = amps * weight - columns @ solution
    g = float(solution[1])
    if g <= 0:
        return None, None
    variance = float(rest @ rest) / max(volts.size - 3, 1) * np.linalg.inv(columns.T @ columns)[1, 1]
    return 1.0 / g, float(np.sqrt(variance)) / g**2
