"""Intervals by repetition: the fit done again on data with the noise dealt anew, on processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fits.hopping.result import HoppingFit, StateCurve
from fits.results.identifiability import Identified, physical_rows
from ground.errors import InputError, NotConverged

if TYPE_CHECKING:
    from fits.hopping.fit import Problem

Array = NDArray[np.float64]
Kind = Literal["residual", "parametric"]
Progress = Callable[[int, int], None]
_CHUNK = 5  # replicas a process does at a time
_FEWEST, _MOST = 20, 100_000


@dataclass(frozen=True)
class Resampled:
    """samples (n, parameters) in the coordinates of the covariance (ln a, ln N, dE [eV]), of the order of `names`."""

    method: str
    names: tuple[str, ...]
    samples: Array
    seed: int
    failed: int = 0
    note: str = ""

    @property
    def described(self) -> str:
        """One line for a report."""
        lost = f", {self.failed} without a fit" if self.failed else ""
        return f"2.5..97.5 % of {len(self.samples)} samples, {self.method}, seed {self.seed}{lost}{self.note}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-like summary: the samples themselves are made again from the seed."""
        low, middle, high = np.percentile(self.samples, [2.5, 50.0, 97.5], axis=0)
        return {
            "method": self.method,
            "samples": len(self.samples),
            "failed": self.failed,
            "seed": self.seed,
            "note": self.note,
            "coordinates": {
                n: {"low": float(a), "median": float(b), "high": float(c)}
                for n, a, b, c in zip(self.names, low, middle, high, strict=True)
            },
        }


def bootstrap(
    fit: HoppingFit,
    replicas: int = 200,
    *,
    kind: Kind = "residual",
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> HoppingFit:
    """Return the fit with bootstrap intervals and covariance in place of the linear ones.

    kind : "residual" deals the residuals of each curve (scaled for the freedom the fit took) to its points anew;
    "parametric" draws normal noise of the rms residual of each curve.  workers : processes; the result does not depend on it.
    Raises InputError for arguments that are not allowed, and NotConverged where more than a tenth of the replicas find no fit.
    """
    _check(replicas, kind, seed)
    start = dict(fit.solved.result.params.valuesdict())
    ids = [list(range(a, min(a + _CHUNK, replicas))) for a in range(0, replicas, _CHUNK)]
    inflate = float(np.sqrt(fit.points / fit.solved.result.nfree))
    jobs = {
        n: (_Plan(fit.problem, _model_curves(fit), fit.residuals, inflate, kind, seed, start), i)
        for n, i in enumerate(ids)
    }
    found: dict[int, list[list[float]]] = {}
    done = failed = 0
    for n, outcome in _run(jobs, workers):
        found[n] = outcome["samples"]
        failed += outcome["failed"]
        done += len(ids[n])
        if progress:
            progress(done, replicas)
    if failed > replicas / 10:
        raise NotConverged(f"bootstrap: {failed} of {replicas} replicas found no fit, too many for an interval.")
    samples = np.array([row for n in sorted(found) for row in found[n]])
    return with_samples(fit, Resampled(f"{kind} bootstrap", fit.names, samples, seed, failed))


def with_samples(fit: HoppingFit, resampled: Resampled) -> HoppingFit:
    """Return the fit with the intervals, errors and covariance of samples."""
    rows = physical_rows(fit.problem.states, fit.choice)
    covariance = np.cov(resampled.samples.T)
    parameters: dict[str, Identified] = {}
    for k, row in enumerate(rows):
        old = fit.parameters[row.parameter]
        low, high = (float(x) for x in np.percentile(resampled.samples[:, k], [2.5, 97.5]))
        error, width = float(np.sqrt(covariance[k, k])), 0.5 * (high - low)
        known = old.source != "fit"
        if row.place != 1:
            low, high, error = float(np.exp(low)), float(np.exp(min(high, 700.0))), error * old.value
        parameters[row.parameter] = replace(
            old, stderr=error, low=low, high=high, identified=known or bool(width <= row.scale)
        )
    return replace(fit, parameters=parameters, covariance=covariance, resampled=resampled)


@dataclass(frozen=True)
class _Plan:
    """All a process needs for any replica. curves : with the currents of the model instead of the measured ones."""

    problem: Problem
    curves: tuple[StateCurve, ...]
    residuals: tuple[Array, ...]
    inflate: float
    kind: Kind
    seed: int
    start: Mapping[str, float]

    def replica(self, number: int) -> tuple[StateCurve, ...]:
        """Return the curves with the noise of one replica: that of its number, whoever computes it."""
        rng = np.random.default_rng([self.seed, number])
        out = []
        for curve, residual in zip(self.curves, self.residuals, strict=True):
            if self.kind == "residual":
                noise = rng.choice(residual - residual.mean(), residual.size) * self.inflate
            else:
                noise = rng.standard_normal(residual.size) * np.sqrt(np.mean(residual**2)) * self.inflate
            out.append(replace(curve, current_A=curve.current_A * np.maximum(1.0 + noise, 0.05)))
        return tuple(out)


def replicas_of(plan: _Plan, numbers: list[int]) -> dict[str, Any]:
    """Fit some replicas: what a process does at a time."""
    from fits.hopping.fit import coordinates

    rows = physical_rows(plan.problem.states, plan.problem.choice)
    samples: list[list[float]] = []
    for number in numbers:
        try:
            solved = replace(plan.problem, curves=plan.replica(number)).solve(plan.start)
        except InputError:
            continue
        values = solved.result.params.valuesdict()
        samples.append([float(coordinates(values, r.state, solved.reference_K)[r.place]) for r in rows])  # type: ignore[arg-type]
    return {"samples": samples, "failed": len(numbers) - len(samples)}


def _model_curves(fit: HoppingFit) -> tuple[StateCurve, ...]:
    return tuple(
        replace(c, current_A=np.sign(c.current_A) * np.exp(m))
        for c, m in zip(fit.curves, fit.model_ln_current, strict=True)
    )


def _run(jobs: dict[int, tuple[Any, ...]], workers: int) -> Iterator[tuple[int, Any]]:
    if workers == 1:
        for n, arguments in jobs.items():
            yield n, replicas_of(*arguments)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        flying = {pool.submit(replicas_of, *arguments): n for n, arguments in jobs.items()}
        for future in as_completed(flying):
            yield flying[future], future.result()


def _check(replicas: int, kind: str, seed: int) -> None:
    if isinstance(replicas, bool) or not isinstance(replicas, int) or not _FEWEST <= replicas <= _MOST:
        raise InputError(
            f"replicas={replicas!r} is not allowed: expected a whole number from {_FEWEST} to {_MOST}; 200 or more for 95 % intervals."
        )
    if kind not in get_args(Kind):
        raise InputError(f"kind={kind!r} is not allowed: expected one of {', '.join(get_args(Kind))}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed={seed!r} is not allowed: expected a whole number of 0 or more.")
