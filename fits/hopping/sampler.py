"""The posterior of the hopping parameters by emcee, through lmfit. Needs emcee."""

from __future__ import annotations

import importlib.util

import numpy as np

from fits.hopping.bootstrap import Progress, Resampled, with_samples
from fits.hopping.fit import coordinates
from fits.hopping.result import HoppingFit
from fits.results.identifiability import physical_rows
from ground.errors import InputError, MissingLibrary

WALKERS_PER_PARAMETER = 4
_THIN = 5


def sample_posterior(
    fit: HoppingFit, steps: int = 1000, *, seed: int = 0, progress: Progress | None = None
) -> HoppingFit:
    """Return the fit with the intervals of the posterior: flat in the fitted coordinates, normal noise of the rms residual.

    Walkers start from the linear covariance, so that little is burnt (a fifth). The self-consistent current is taken to first
    order about the best fit, which holds where the data determine the currents.  steps : per walker.
    Raises MissingLibrary without emcee, and InputError for steps that are too few.
    """
    if importlib.util.find_spec("emcee") is None:
        raise MissingLibrary(
            "emcee is not installed. It samples the posterior of a fit; install it with `pip install emcee`."
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or not 100 <= steps <= 1_000_000:
        raise InputError(f"steps={steps!r} is not allowed: expected a whole number from 100 to 1000000.")
    import emcee

    problem, solved = fit.problem, fit.solved
    names = list(solved.result.var_names)
    values = dict(solved.result.params.valuesdict())
    best = np.array([values[n] for n in names])
    limits = np.array([(solved.result.params[n].min, solved.result.params[n].max) for n in names])

    def ln_probability(x: np.ndarray) -> float:
        if np.any(x < limits[:, 0]) or np.any(x > limits[:, 1]):
            return -np.inf
        r = problem.residual({**values, **dict(zip(names, x, strict=True))}, solved.seen, solved.reference_K)
        return -0.5 * float(r @ r) / fit.residual_rms**2

    rng = np.random.default_rng(seed)
    walkers = WALKERS_PER_PARAMETER * len(names)
    start = rng.multivariate_normal(best, solved.result.covar, walkers)
    inside = np.clip(start, limits[:, 0] + 1e-9, limits[:, 1] - 1e-9)
    sampler = emcee.EnsembleSampler(walkers, len(names), ln_probability)
    sampler._random = np.random.RandomState(seed)
    for done, _ in enumerate(sampler.sample(inside, iterations=steps), 1):
        if progress:
            progress(done, steps)
    chain = sampler.get_chain(discard=steps // 5, thin=_THIN, flat=True)
    time = float(np.max(sampler.get_autocorr_time(tol=0)))
    note = f", autocorrelation {time:.0f} steps" + ("" if steps > 50 * time else ": CHAIN TOO SHORT, give more steps")
    rows = physical_rows(problem.states, fit.choice)
    samples = np.array([_physical(dict(zip(names, x, strict=True)), values, rows, solved.reference_K) for x in chain])
    return with_samples(fit, Resampled("emcee", fit.names, samples, seed, note=note))


def _physical(x: dict[str, float], values: dict[str, float], rows: list, reference: float) -> list[float]:
    return [coordinates({**values, **x}, r.state, reference)[r.place] for r in rows]
