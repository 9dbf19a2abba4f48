"""What a fit can see: intervals, and the directions in which the data leave the parameters free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.laws import BOLTZMANN_eV

Array = NDArray[np.float64]
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


def identify(result: Any, states: Sequence[str], reference_K: float, fixed: dict[Any, Fixed]) -> Identification:
    """Turn an lmfit result in (ln_a, barrier_S, ln_k_S) into physical parameters with intervals and weak directions."""
    from scipy.stats import t as student

    reach = float(student.ppf(0.975, result.nfree))
    fitted = list(result.var_names)
    names = ["ln_hop_distance"] + [f"{kind}_{s.lower()}" for s in states for kind in ("ln_trap_density", "barrier_eV")]
    transform = np.zeros((len(names), len(fitted)))
    transform[0, fitted.index("ln_a")] = 1.0
    for n, s in enumerate(states):
        density, barrier = 1 + 2 * n, 2 + 2 * n
        transform[density, fitted.index(f"ln_k_{s}")] = 1.0
        if f"barrier_{s}" in fitted:
            transform[density, fitted.index(f"barrier_{s}")] = 1.0 / (BOLTZMANN_eV * reference_K)
            transform[barrier, fitted.index(f"barrier_{s}")] = 1.0
    covariance = transform @ result.covar @ transform.T
    error = np.sqrt(np.diag(covariance))
    value = result.params.valuesdict()
    parameters = {"hop_distance_m": _logarithmic(value["ln_a"], error[0], reach, LENGTH_FACTOR)}
    for n, s in enumerate(states):
        barrier = value[f"barrier_{s}"]
        ln_density = value[f"ln_k_{s}"] + barrier / (BOLTZMANN_eV * reference_K)
        parameters[f"trap_density_{s.lower()}_m3"] = _logarithmic(ln_density, error[1 + 2 * n], reach, FACTOR)
        width = reach * error[2 + 2 * n]
        known = fixed.get(s)
        parameters[f"barrier_{s.lower()}_eV"] = Identified(
            barrier,
            float(error[2 + 2 * n]),
            barrier - width,
            barrier + width,
            bool(known) or bool(width <= BARRIER_eV),
            known.source if known else "fit",
        )
    return Identification(parameters, tuple(names), covariance, _weak(parameters, names, covariance, reach))


def _logarithmic(ln_value: float, error: float, reach: float, factor: float) -> Identified:
    value = float(np.exp(ln_value))
    with np.errstate(over="ignore"):
        low, high = float(np.exp(ln_value - reach * error)), float(np.exp(min(ln_value + reach * error, 700.0)))
    return Identified(value, float(value * error), low, high, bool(reach * error <= np.log(factor)))


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
        out.append(
            "only the product N exp(-dE/kT) is seen; to separate N from dE measure at two more ambients, for example 260 K and 360 K, "
            "or sweep to a bias with more self-heating"
        )
    if "hop_distance_m" in lost:
        out.append("the curves bend too little to see the hop distance; sweep to a higher bias")
    return tuple(out)
