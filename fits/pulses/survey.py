"""Pulse fits of several devices: what they have in common, and the model with the population that they are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compact_model.population import Bivariate, Population
from fits.devices.population_fit import fit_population, fitted_paths, population_of
from fits.pulses.fit import PARAMETERS, PulseFit, ReadNoise, fit_pulses
from fits.pulses.trace import PulseTrace, WithError
from ground.errors import InputError, NotConverged

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from ground.provenance import Source

Array = NDArray[np.float64]
EXPORTED = ("n_states", "sp_skew", "gamma", "gamma_up_down", "nsr", "g_min", "g_max")
_PLACES = [PARAMETERS.index(n) for n in EXPORTED]


@dataclass(frozen=True)
class PulseSurvey:
    """fits : one per device.  failed : device -> reason."""

    fits: tuple[PulseFit, ...]
    failed: dict[str, str]

    @property
    def synthetic(self) -> bool:
        return any(f.trace.synthetic for f in self.fits)

    def means(self) -> dict[str, dict[str, WithError]]:
        """Mean over devices with its standard error: of the devices' own parameters, and of the protocol's metrics."""
        own = {n: [f.parameters[n].value for f in self.fits] for n in PARAMETERS}
        read = {n: [f.protocol[n].value for f in self.fits if f.protocol and n in f.protocol] for n in PARAMETERS}
        return {
            "device": {n: _mean(v) for n, v in own.items()},
            "protocol": {n: _mean(v) for n, v in read.items() if v},
        }

    def report(self) -> str:
        """One block per device (at most 8), then the means."""
        lines = [f.report() for f in self.fits[:8]]
        if len(self.fits) > 8:
            lines.append(f"... and {len(self.fits) - 8} more devices (all of them with --json)")
        lines += [f"left out {name}: {reason}" for name, reason in self.failed.items()]
        if len(self.fits) > 1:
            means = self.means()
            lines.append(f"mean of {len(self.fits)} devices +- standard error")
            for n in ("n_states", "sp_skew", "nsr", "gamma_up", "gamma_down"):
                a, b = means["device"][n], means["protocol"].get(n)
                text = f"  {n:<12}{a.value:.4g} +- {a.stderr or 0:.2g}"
                lines.append(text + ("" if b is None else f"   protocol {b.value:.4g} +- {b.stderr or 0:.2g}"))
            better = sum(f.delta_aic > 0 for f in self.fits)
            total = sum(f.delta_aic for f in self.fits)
            lines.append(
                f"  generalised soft bounds have the lower AIC on {better} of {len(self.fits)} devices, {total:+.1f} in all"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary."""
        return {
            "devices": [f.to_dict() for f in self.fits],
            "means": {k: {n: vars(w) for n, w in d.items()} for k, d in self.means().items()},
            "failed": self.failed,
            "synthetic": self.synthetic,
        }

    def plot(self) -> Any:
        """Return the figure of the first device."""
        return self.fits[0].plot()

    def to_compact_model(
        self, name: str = "", files: Iterable[str | Path | Source] = (), near: Path | None = None
    ) -> CompactModel:
        """Return the published compact model with the population of these devices, and the covariance of all its parameters.

        files : what was measured, for the provenance.  near : the file that the model will be saved as.
        Spreads are those of the devices: what the fits themselves scatter is taken off.
        Raises InputError where the traces are normalised, too few, or do not show what would be written.
        """
        from compact_model.model import CompactModel
        from compact_model.model_parameters import coordinate_names
        from fits.results.device_bootstrap import covariance_over_devices
        from ground.provenance import provenance, published

        if any(f.trace.normalised for f in self.fits):
            raise InputError(
                "the traces are normalised, not in siemens, so no model is exported: a model needs g_min and g_max in S."
            )
        lost = sorted({n for f in self.fits for n in EXPORTED if not f.parameters[n].identified})
        seen = [f for f in self.fits if all(f.parameters[n].identified for n in EXPORTED)]
        if len(seen) < len(self.fits):
            raise InputError(
                f"{len(self.fits) - len(seen)} of {len(self.fits)} devices do not show {', '.join(lost)}, so no model is exported: the "
                "rest would be a choice, not a sample. Pulse them for longer, or leave these devices out by name (--leave-out)."
            )
        values = np.array([[f.parameters[n].value for n in EXPORTED] for f in seen])
        own = np.array([f.covariance[np.ix_(_PLACES, _PLACES)] for f in seen])
        base = CompactModel.published()
        fit_population(_columns(values))  # refuses what is no sample of devices
        population = _population(values, own, base.population)
        covariance = covariance_over_devices(
            lambda picked: _population(values[picked], own[picked], base.population),
            len(seen),
            coordinate_names(fitted_paths(_columns(values))),
        )
        low, high = float(values[:, 5].min()), float(values[:, 6].max())
        return base.replace(
            name=name or f"pulse fit of {len(seen)} devices" + (" (SYNTHETIC data)" if self.synthetic else ""),
            population=population,
            covariance=covariance,
            validity={**base.validity, "g_S": (low, high)},
            provenance=provenance(
                "fit_pulses",
                files=[*files, *published()],
                near=near,
                synthetic=self.synthetic,
                devices=len(seen),
                noise="arXiv:2502.04524",
            ),
        )


def fit_survey(
    traces: Sequence[PulseTrace], *, read_noise: ReadNoise = "auto", progress: Callable[[int, int], None] | None = None
) -> PulseSurvey:
    """Fit every trace; one whose likelihood has no maximum is left out with its reason.

    Raises InputError where there is no trace, and NotConverged where none could be fitted.
    """
    if not traces:
        raise InputError("there is no pulse trace to fit: give at least one file with pulses.")
    fits, failed = [], {}
    for k, trace in enumerate(traces, 1):
        try:
            fits.append(fit_pulses(trace, read_noise=read_noise))
        except (NotConverged, InputError) as error:
            failed[trace.device or f"trace {k}"] = str(error)
        if progress:
            progress(k, len(traces))
    if not fits:
        raise NotConverged("; ".join(f"{n}: {r}" for n, r in failed.items()))
    return PulseSurvey(tuple(fits), failed)


def _columns(values: Array) -> dict[str, Array]:
    names = {"g_min": "g_min_S", "g_max": "g_max_S"}
    return {names.get(n, n): values[:, k] for k, n in enumerate(EXPORTED)}


def _population(values: Array, own: Array, published: Population) -> Population:
    """Return the population of devices with EXPORTED values (device, 7), whose fits scatter by the covariances `own`."""
    spread, mean = _spread(values, own), values.mean(axis=0)
    return population_of(_columns(values), published).replace(
        states=Bivariate.from_covariance(mean[:2], spread[:2, :2]),
        exponents=Bivariate.from_covariance(mean[2:4], spread[2:4, 2:4]),
        nsr_sigma=float(np.sqrt(spread[4, 4])),
    )


def _spread(values: Array, own: Array) -> Array:
    """Covariance of EXPORTED over devices less that of the fits, kept a covariance in each block."""
    whole = np.cov(values.T)
    out = np.zeros_like(whole)
    for block in ([0, 1], [2, 3], [4]):
        ix = np.ix_(block, block)
        size = np.sqrt(np.diag(whole)[block]) + 1e-300
        value, vector = np.linalg.eigh((whole - own.mean(axis=0))[ix] / np.outer(size, size))
        out[ix] = (vector * np.maximum(value, 0.0)) @ vector.T * np.outer(size, size)
    return out


def _mean(values: Sequence[float]) -> WithError:
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return WithError(float(np.mean(values)), error)
