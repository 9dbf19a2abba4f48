"""One model of several fits: the cell of one, the population and the noise of others, with the errors of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.model import CompactModel, Covariance
from compact_model.model_parameters import path_of
from ground.errors import InputError
from ground.provenance import Source, provenance

PARTS = ("cell", "population", "noise")


def fitted_parts(model: CompactModel) -> tuple[str, ...]:
    """Return which of PARTS the covariance of a model speaks of: those that were fitted."""
    names = () if model.covariance is None else model.covariance.names
    found = {path_of(n).split(".")[0] for n in names}
    return tuple(p for p in PARTS if p in found)


def join_models(
    models: Sequence[CompactModel], *, files: Iterable[str | Path | Source] = (), near: Path | None = None
) -> CompactModel:
    """Return the first model with the parts that the others fitted; separate fits have independent errors.

    files : of the models, for the provenance.  near : the file it will be saved as.
    Raises InputError where two fitted the same part, or hold for ranges that do not meet.
    """
    given: dict[str, Any] = {}
    for number, model in enumerate(models):
        for part in fitted_parts(model):
            if part in given:
                raise InputError(f"{model.name}: its {part} was fitted in an earlier one of the models too; give one.")
            given[part] = getattr(model, part)
        if number and not fitted_parts(model):
            raise InputError(
                f"{model.name}: has no covariance, so it does not say what was fitted in it; leave it out."
            )
    covariances = [m.covariance for m in models if m.covariance is not None]
    made = provenance(
        "join_models",
        files=files,
        near=near,
        synthetic=any(m.synthetic for m in models),
        models=[m.name for m in models],
    )
    return models[0].replace(
        **given,
        name="; ".join(m.name for m in models)[:200],
        covariance=_beside_each_other(covariances),
        validity=_common(models),
        provenance=made,
    )


def _beside_each_other(covariances: Sequence[Covariance]) -> Covariance | None:
    if not covariances:
        return None
    sizes = np.cumsum([0, *(len(c.names) for c in covariances)])
    matrix = np.zeros((sizes[-1], sizes[-1]))
    for c, a, b in zip(covariances, sizes, sizes[1:], strict=False):
        matrix[a:b, a:b] = c.matrix
    names = tuple(n for c in covariances for n in c.names)
    return Covariance(names=names, matrix=tuple(tuple(float(x) for x in row) for row in matrix))


def _common(models: Sequence[CompactModel]) -> dict[str, tuple[float, float]]:
    """The range in which all models hold, of each quantity."""
    out: dict[str, tuple[float, float]] = {}
    for model in models:
        for name, (low, high) in model.validity.items():
            a, b = out.get(name, (low, high))
            out[name] = (max(a, low), min(b, high))
            if out[name][0] > out[name][1]:
                raise InputError(
                    f"{model.name}: holds for {name} {low:g}..{high:g}, the models before it for {a:g}..{b:g}."
                )
    return out
