"""What a fit can see: intervals, and the directions in which the data leave the parameters free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fits.hopping.choice import Choice

Array = NDArray[np.float64]
Coordinates = Callable[[Mapping[str, float], Any], tuple[float, float, float]]
FACTOR = 2.0  # a density known to worse than this factor, up or down, is not known
BARRIER_eV = 0.03  # a barrier known to worse than this (about kT) is not known
LENGTH_FACTOR = 1.5  # likewise for the hop distance


@dataclass(frozen=True)
class Fixed:
    """A parameter that is not fitted: its value (SI; eV for barriers) and where it comes from."""

    value: float
    source: str


@dataclass(frozen=True)
class Identified:
    """A fitted parameter: value, standard error, 95 % interval (all in its own unit), and whether the data see it."""

    value: float
    stderr: float
    low: float
    high: float
    identified: bool
    source: str = "fit"


@dataclass(frozen=True)
class Identification:
    """parameters by name; `names` and `covariance` in fitted coordinates (ln N, dE [eV], ln a); `weak` in words."""

    parameters: dict[str, Identified]
    names: tuple[str, ...]
    covariance: Array
    weak: tuple[str, ...]


def identify(result: Any, states: Sequence[str], choice: Choice, coordinates: Coordinates) -> Identification:
    """Turn an lmfit result into physical parameters with intervals and weak directions.

    coordinates : gives ln a, barrier [eV] and ln N of a state, linear in the fitted parameters.
    """
    from scipy.stats import t as student

    reach = float(student.ppf(0.975, result.nfree))
    values = result.params.valuesdict()
    rows = physical_rows(states, choice)
    covariance = physical_covariance(result.covar, result.var_names, values, rows, coordinates)
    names = tuple(row.name for row in rows)
    parameters = {}
    for row, error in zip(rows, np.sqrt(np.diag(covariance)), strict=True):
        value = coordinates(values, row.state)[row.place]
        parameters[row.parameter] = _identified(value, float(error), reach, row, choice.fixed.get(row.parameter))
    return Identification(parameters, names, covariance, _weak(parameters, names, covariance, reach))


@dataclass(frozen=True)
class Row:
    """One physical parameter: its name, that of its fitted coordinate, its state, and its place in `coordinates`."""

    parameter: str
    name: str
    state: str
    place: int

    @property
    def scale(self) -> float:
        """How wide the 95 % interval of the coordinate may be (half of it) for the parameter to count as known."""
        return (np.log(LENGTH_FACTOR), BARRIER_eV, np.log(FACTOR))[self.place]


def physical_rows(states: Sequence[str], choice: Choice) -> list[Row]:
    """Return the physical parameters of a fit, in the order of its covariance."""
    one = "hop_distance" in choice.shared
    out = [Row("hop_distance_m", "ln_hop_distance", states[0], 0)] if one else []
    for s in states:
        low = s.lower()
        if not one:
            out.append(Row(f"hop_distance_{low}_m", f"ln_hop_distance_{low}", s, 0))
        out.append(Row(f"trap_density_{low}_m3", f"ln_trap_density_{low}", s, 2))
        out.append(Row(f"barrier_{low}_eV", f"barrier_eV_{low}", s, 1))
    return out


def physical_covariance(
    covariance: Array, fitted: Sequence[str], values: dict[str, float], rows: Sequence[Row], coordinates: Coordinates
) -> Array:
    """Carry a covariance of fitted parameters over to the physical coordinates (which are linear in them)."""
    base = np.array([coordinates(values, r.state)[r.place] for r in rows])
    columns = [
        np.array([coordinates({**values, name: values[name] + 1.0}, r.state)[r.place] for r in rows]) - base
        for name in fitted
    ]
    transform = np.stack(columns, axis=1)
    return transform @ covariance @ transform.T


def _identified(value: float, error: float, reach: float, row: Row, known: Fixed | None) -> Identified:
    source = known.source if known else "fit"
    width = reach * error
    identified = bool(known) or bool(width <= row.scale)
    if row.place == 1:
        return Identified(value, error, value - width, value + width, identified, source)
    with np.errstate(over="ignore"):
        size = float(np.exp(value))
        low, high = float(np.exp(value - width)), float(np.exp(min(value + width, 700.0)))
    return Identified(size, size * error, low, high, identified, source)


def _weak(parameters: dict[str, Identified], names: Sequence[str], covariance: Array, reach: float) -> tuple[str, ...]:
    """Directions of the scaled covariance that are wider than the thresholds, in words, with what to measure."""
    scale = np.array(
        [np.log(FACTOR) if "density" in n else BARRIER_eV if "barrier" in n else np.log(LENGTH_FACTOR) for n in names]
    )
    width, direction = np.linalg.eigh(covariance * reach**2 / np.outer(scale, scale))
    out = []
    for w, d in zip(width[::-1], direction.T[::-1], strict=True):
        if w <= 1.0:
            break
        d = d * np.sign(d[np.argmax(np.abs(d))])
        terms = [
            f"{names[i]} {'+' if d[i] > 0 else '-'}{np.sqrt(w) * abs(d[i]) * scale[i]:.2g}"
            for i in np.argsort(-np.abs(d))
            if abs(d[i]) > 0.2
        ]
        out.append("the data do not see the direction " + ", ".join(terms) + " (95 %)")
    lost = [n for n, p in parameters.items() if not p.identified]
    if any("barrier" in n or "density" in n for n in lost):
        out.append("only the product N exp(-dE/kT) is seen, not N and dE apart")
    if any("hop_distance" in n for n in lost):
        out.append("the curves bend too little to see the hop distance; sweep to a higher bias")
    return tuple(out)
