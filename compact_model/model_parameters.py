"""The parameters of a model that a covariance can speak of: their names, where they stand, and reading and setting them.

A name is the dotted path into the model, "noise.relaxation.sigma_S", with the two numbers of a bivariate law by their own names,
"population.states.mean.n_states". "ln PATH" is the natural logarithm of the parameter. Hopping fits write shorter names
("ln_trap_density_lrs", "barrier_eV_lrs"), and model files of earlier releases others yet: `ALIASES` says what they stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError, nearest

if TYPE_CHECKING:
    from compact_model.model import CompactModel

Floats = NDArray[np.float64]
Way = tuple[str | int, ...]

_HOPPING = ("hop_distance_m", "trap_density_lrs_m3", "trap_density_hrs_m3", "barrier_lrs_eV", "barrier_hrs_eV")
_PAIRS = {"states": ("n_states", "sp_skew"), "exponents": ("gamma", "gamma_up_down")}
_SCALARS = ("nsr_mean", "nsr_sigma", "g_min_mean_S", "g_min_sigma_S", "g_max_mean_S", "g_max_sigma_S")


def _ways() -> dict[str, Way]:
    out: dict[str, Way] = {f"cell.hopping.{n}": ("cell", "hopping", n) for n in _HOPPING}
    for law, pair in _PAIRS.items():
        for kind in ("mean", "sigma"):
            out |= {f"population.{law}.{kind}.{n}": ("population", law, kind, k) for k, n in enumerate(pair)}
        out[f"population.{law}.correlation"] = ("population", law, "correlation")
    out |= {f"population.{n}": ("population", n) for n in _SCALARS}
    out |= {f"noise.relaxation.{n}": ("noise", "relaxation", n) for n in ("mean_shift_S", "sigma_S", "sigma_per_ln_S")}
    return {**out, "noise.read.k_S": ("noise", "read", "k_S")}


WAYS = _ways()
GROUPS = ("cell.hopping", "population", "noise.relaxation", "noise.read")
ALIASES = {
    "ln_hop_distance": "ln cell.hopping.hop_distance_m",
    **{f"ln_trap_density_{s}": f"ln cell.hopping.trap_density_{s}_m3" for s in ("lrs", "hrs")},
    **{f"barrier_eV_{s}": f"cell.hopping.barrier_{s}_eV" for s in ("lrs", "hrs")},
    **{f"mean of {n}": f"population.{law}.mean.{n}" for law, pair in _PAIRS.items() for n in pair},
    **{f"mean of {short}": f"population.{n}" for short, n in (("nsr", "nsr_mean"), ("g_min", "g_min_mean_S"))},
    "mean of g_max": "population.g_max_mean_S",
    **{n: f"noise.relaxation.{n}" for n in ("mean_shift_S", "sigma_S", "sigma_per_ln_S")},
}
# As logarithms where they are positive by nature; a spread may be 0, a correlation negative: they are taken as they are.
_POSITIVE = ("mean.n_states", "mean.gamma", "nsr_mean", "g_min_mean_S", "g_max_mean_S")


def coordinate_names(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the names a fit of the population writes: "ln PATH" where a parameter is positive by nature, else the path."""
    return tuple(f"ln {p}" if p.startswith("population.") and p.endswith(_POSITIVE) else p for p in paths)


def path_of(name: str) -> str:
    """Return the dotted path that a name of a covariance stands for, or raise InputError."""
    path = ALIASES.get(name, name).removeprefix("ln ")
    if path not in WAYS:
        raise InputError(
            f"Covariance.names: {name!r} is no parameter of a model. {nearest(name, [*WAYS, *ALIASES])} "
            "Or 'ln ' and such a path."
        )
    return path


def values_of(model: Any, names: Sequence[str]) -> Floats:
    """Return the coordinates of a model (or of anything with its fields), (names,); raises InputError where it has no such part."""
    out = []
    for name in names:
        value = model
        for step in WAYS[path_of(name)]:
            value = value[step] if isinstance(step, int) else getattr(value, step)
            if value is None:
                raise InputError(f"Covariance.names: {name!r} is of the {step}, but the model has none.")
        if _is_log(name) and value <= 0:
            raise InputError(f"Covariance.names: {name!r} is a logarithm, but the model has {value:g} there.")
        out.append(np.log(value) if _is_log(name) else value)
    return np.array(out, float)


def with_values(model: CompactModel, names: Sequence[str], values: Floats) -> CompactModel:
    """Return the checked model with these coordinates; raises InputError where they are not allowed."""
    data = model.model_dump(exclude={"provenance"})
    for name, value in zip(names, values, strict=True):
        *way, last = WAYS[path_of(name)]
        place: Any = data
        for step in way[:-1]:
            place = place[step]
        number = float(np.exp(value) if _is_log(name) else value)
        if isinstance(last, int):
            pair = list(place[way[-1]])
            pair[last] = number
            place[way[-1]] = tuple(pair)
        else:
            place[way[-1]][last] = number
    return type(model).model_validate({**data, "provenance": model.provenance})


def _is_log(name: str) -> bool:
    return ALIASES.get(name, name).startswith("ln ")
