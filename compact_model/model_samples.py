"""Models drawn from what the fits of a model are uncertain of: the same model, within its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.model import CompactModel, Covariance
from compact_model.model_parameters import GROUPS, WAYS, path_of, values_of, with_values
from compact_model.streams import check_seed
from ground.errors import InputError

Floats = NDArray[np.float64]
_TRIES = 1000  # draws in a row that are no device before the errors themselves are called unphysical


@dataclass(frozen=True, eq=False)
class ModelSamples(Sequence[CompactModel]):
    """Drawn models, in a row. names : of the covariance.  values : drawn, (models, names), logarithms where the names say so.

    rejected : share of the draws that were no device (outside the limits of the model) and were drawn again; where it is not
    small, what is drawn has other means and errors than the covariance says.
    """

    models: tuple[CompactModel, ...]
    names: tuple[str, ...]
    values: Floats
    rejected: float

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, index: Any) -> Any:
        return self.models[index]


def sample_models(model: CompactModel, n: int, seed: int = 0) -> ModelSamples:
    """Draw n models from the normal law of a model's covariance; the first k of them are those of n = k.

    A draw that a model does not allow, or whose hopping barrier is negative, is drawn again. The models drawn have no covariance.
    Raises InputError where the model has none, where it names what is no parameter, and where hardly a draw is a device.
    """
    covariance = covariance_of(model)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError(f"n={n!r} is not allowed: expected a whole number of models, 1 or more.")
    rng = np.random.default_rng(check_seed(seed))
    middle, root = values_of(model, covariance.names), _root(np.array(covariance.matrix))
    models: list[CompactModel] = []
    values, drawn, in_a_row = [], 0, 0
    while len(models) < n:
        if in_a_row == _TRIES:
            raise InputError(
                f"{model.name}: {_TRIES} draws in a row are no device: the errors in its covariance reach far beyond what its "
                "parameters can be. Likely cause: a fit that does not determine its parameters, or a matrix in other units."
            )
        point = middle + root @ rng.standard_normal(middle.size)
        drawn, in_a_row = drawn + 1, in_a_row + 1
        made = _physical(model, covariance.names, point, {"seed": seed, "number": len(models)})
        if made is not None:
            models.append(made)
            values.append(point)
            in_a_row = 0
    return ModelSamples(tuple(models), covariance.names, np.array(values), 1.0 - n / drawn)


def covariance_of(model: CompactModel) -> Covariance:
    """Return the covariance of a model, or raise InputError where it has none, or one without any error."""
    found = model.covariance
    if found is None or not np.any(np.diag(np.array(found.matrix))):
        raise InputError(
            f"{model.name}: CompactModel.covariance is empty, so nothing says how uncertain the model is. It is written by "
            "`reram fit hopping`, `fit pulses`, `fit population` and `fit relaxation` with -o model.json; the published numbers "
            "have no errors."
        )
    return found


def not_varied(model: CompactModel) -> tuple[str, ...]:
    """Return, in words, what of a model its covariance leaves as it is."""
    c = covariance_of(model)
    errors = np.diag(np.array(c.matrix))
    held = {path_of(n) for n, e in zip(c.names, errors, strict=True) if e == 0}
    lacking = [p for p in WAYS if p not in {path_of(n) for n in c.names}]
    out = [f"{path} (held fixed in the fit)" for path in WAYS if path in held]
    for group in GROUPS:
        own = [p for p in WAYS if p.startswith(f"{group}.")]
        without = [p for p in own if p in lacking]
        if group.startswith("cell") and model.cell is None:
            continue
        if without == own:
            out.append(f"{group} (numbers without errors)")
        elif without:
            out.append(f"{', '.join(without)} (without errors)")
    return tuple(out)


def _root(covariance: Floats) -> Floats:
    """A matrix R with R R^T = covariance, whose parameters may differ by thirty decades; rounding below 0 counts as 0."""
    scale = np.sqrt(np.diag(covariance))
    unit = np.where(scale > 0, scale, 1.0)
    width, direction = np.linalg.eigh(covariance / np.outer(unit, unit))
    return np.asarray(scale[:, None] * direction * np.sqrt(np.maximum(width, 0.0)))


def _physical(model: CompactModel, names: Sequence[str], point: Floats, number: dict[str, int]) -> CompactModel | None:
    record = {**model.provenance, "sample": number}
    try:
        made = with_values(model, names, point).replace(covariance=None, provenance=record)
    except InputError:
        return None
    h = None if made.cell is None else made.cell.hopping
    return None if h is not None and min(h.barrier_lrs_eV, h.barrier_hrs_eV) < 0 else made
