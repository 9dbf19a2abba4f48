"""What is not known of a model, carried to what is computed with it: bands of MVM error and network accuracy, not points.

Two bands stand beside each other. "parameters": models drawn from the covariance of the fits, on the same devices (one seed), so
that nothing but the parameters differs. "devices": the model as it is, on other devices of its population. The first says how well
the cell is known, the second how chips of one and the same cell differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compact_model.model import CompactModel
from compact_model.model_samples import ModelSamples, not_varied, sample_models
from compact_model.mvm.chain import Mvm
from compact_model.mvm.settings import MvmSettings
from compact_model.mvm.study import problem
from compact_model.noise import check_time
from ground.errors import InputError, NotConverged
from ground.files import content_hash
from studies.kept import Kept, content_key
from studies.trained_network import TrainedNetwork

Floats = NDArray[np.float64]
KINDS = ("parameters", "devices")
QUANTILES = {"p05": 0.05, "median": 0.5, "p95": 0.95}
_MOST = 10_000
_UNBIASED: Final = "median_unbiased"  # numpy's default makes the band of 20 samples a fifth too narrow


@dataclass(frozen=True)
class Question:
    """What is computed with each model. times_s : after programming.  size, inputs : of the random product.

    settings : the chain of the product.  through_cell : read product and network through the curve of each model's cell, where it has
    one.  network : or None.  seed : of matrix, inputs, drawn models and the devices of "parameters".
    """

    times_s: tuple[float, ...] = (0.0, 1.0, 3600.0, 3.1536e8)
    size: int = 64
    inputs: int = 100
    settings: MvmSettings = field(default_factory=lambda: MvmSettings.published(programming="simulated"))
    through_cell: bool = True
    network: TrainedNetwork | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.times_s:
            raise InputError("times is empty: expected at least one, such as 0 (just programmed).")
        for t in self.times_s:
            check_time(t)
        problem(self.size, self.size, self.inputs, self.seed)

    def key(self, model: CompactModel, device_seed: int) -> str:
        """The key of an answer: it changes with everything the answer depends on."""
        own = content_hash(model.model_dump(mode="json", include={"population", "noise", "cell"}))
        asked = [
            self.times_s,
            self.size,
            self.inputs,
            self.settings.model_dump(mode="json"),
            self.through_cell,
            self.seed,
        ]
        net = () if self.network is None else (self.network.content,)
        return content_key([own, device_seed, *asked, *net])

    def answer(self, model: CompactModel, device_seed: int) -> dict[str, list[float]]:
        """Return {"rmse": per time, figure of the network: per time} of one model on one set of devices."""
        settings = self.settings.replace(cell=model.cell if self.through_cell else None)
        w, x = problem(self.size, self.size, self.inputs, self.seed)
        mvm = Mvm.program(w, settings, seed=device_seed, noise=model.noise, population=model.population)
        exact = x @ w
        found = {"rmse": [float(np.sqrt(np.mean((mvm.multiply(x, t) - exact) ** 2))) for t in self.times_s]}
        if self.network is not None:
            found[self.network.figure] = self.network.scores(model, self.times_s, device_seed, self.through_cell)
        return found


@dataclass(frozen=True, eq=False)
class Bands:
    """values : quantity -> kind (see KINDS) -> (samples, times); nominal : quantity -> (times,), of the model as it is.

    failed : kind -> reasons of the samples that gave no number.  left : what was not varied, in words.
    """

    times_s: tuple[float, ...]
    nominal: dict[str, Floats]
    values: dict[str, dict[str, Floats]]
    failed: dict[str, tuple[str, ...]]
    samples: ModelSamples
    left: tuple[str, ...]

    def band(self, quantity: str, kind: str) -> dict[str, Floats]:
        """Return 5 %, median and 95 % of a quantity over the samples of a kind, each (times,)."""
        return {n: np.quantile(self.values[quantity][kind], q, axis=0, method=_UNBIASED) for n, q in QUANTILES.items()}

    def wider(self, quantity: str) -> list[str]:
        """Return, per time, which of the two bands is the wider one."""
        width = {k: (b := self.band(quantity, k))["p95"] - b["p05"] for k in KINDS}
        return [
            "equal" if p == d else KINDS[0] if p > d else KINDS[1]
            for p, d in zip(width["parameters"], width["devices"], strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {
            "times_s": list(self.times_s),
            "samples": len(self.samples),
            "varied": list(self.samples.names),
            "not_varied": list(self.left),
            "rejected_draws": self.samples.rejected,
            "failed": {k: list(v) for k, v in self.failed.items()},
            "bands": {
                quantity: {
                    "nominal": self.nominal[quantity].tolist(),
                    **{k: {n: v.tolist() for n, v in self.band(quantity, k).items()} for k in KINDS},
                    "wider": self.wider(quantity),
                }
                for quantity in self.values
            },
        }


def uncertainty_bands(
    model: CompactModel,
    samples: int = 20,
    question: Question | None = None,
    *,
    folder: str | Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Bands:
    """Answer a question with `samples` models drawn from the covariance of a model, and with the model on `samples` sets of devices.

    folder : every answer is kept there as soon as it is known; what is there already and still current is not computed again, so a
    run goes on where it was stopped, and from fewer samples to more.
    Raises InputError where the model has no covariance, and NotConverged where fewer than two samples of a kind give a number.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or not 2 <= samples <= _MOST:
        raise InputError(
            f"samples={samples!r} is not allowed: expected 2..{_MOST}; a band needs more than one, 20 or more say something."
        )
    asked = question or Question()
    drawn, left = sample_models(model, samples, asked.seed), [*not_varied(model), *_not_carried(model, asked)]
    kept = Kept(Path(folder) / "samples")
    jobs = {
        "devices": [(model, asked.seed + k) for k in range(samples)],
        "parameters": [(m, asked.seed) for m in drawn],
    }
    found: dict[str, list[dict[str, Any]]] = {}
    done = 0
    for kind, cases in jobs.items():
        found[kind] = []
        for k, (one, device_seed) in enumerate(cases):
            found[kind].append(_answered(kept, f"{kind}-{k:04d}", asked, one, device_seed, nominal=done == 0))
            done += 1
            progress(done, 2 * samples)
    return _bands(asked, found, drawn, tuple(left))


def _answered(
    kept: Kept, name: str, asked: Question, model: CompactModel, device_seed: int, *, nominal: bool
) -> dict[str, Any]:
    """Return the kept answer, or compute and keep it; what fails is kept with its reason, except that of the model itself."""
    key = asked.key(model, device_seed)
    found = kept.current(name, key)
    if found is not None:
        return found
    try:
        record: dict[str, Any] = {"answer": asked.answer(model, device_seed)}
    except (InputError, NotConverged) as error:
        if nominal:
            raise
        record = {"failed": str(error)}
    return kept.keep(name, key, record)


def _not_carried(model: CompactModel, asked: Question) -> list[str]:
    """Return what is varied but does not reach a result, in words."""
    varies = any(n.startswith(("ln_hop", "ln_trap", "barrier")) or "cell." in n for n in _varied(model))
    return ["cell.hopping: read by linear devices, so it does not show"] if varies and not asked.through_cell else []


def _varied(model: CompactModel) -> Sequence[str]:
    return () if model.covariance is None else model.covariance.names


def _bands(
    asked: Question, found: dict[str, list[dict[str, Any]]], drawn: ModelSamples, left: tuple[str, ...]
) -> Bands:
    failed = {k: tuple(r["failed"] for r in records if "failed" in r) for k, records in found.items()}
    answers = {k: [r["answer"] for r in records if "answer" in r] for k, records in found.items()}
    for kind, good in answers.items():
        if len(good) < 2:
            raise NotConverged(
                f"{len(failed[kind])} of {len(found[kind])} samples ({kind}) gave no number, too many for a band. "
                f"The first: {failed[kind][0]}"
            )
    nominal = found["devices"][0]["answer"]
    values = {q: {k: np.array([a[q] for a in answers[k]]) for k in KINDS} for q in nominal}
    return Bands(asked.times_s, {q: np.array(v) for q, v in nominal.items()}, values, failed, drawn, left)
