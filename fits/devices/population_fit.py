"""Devices to a population: G1 and G2 as bivariate normals with errors, and a Population that devices are drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compact_model.population import PHYSICAL_HIGH, PHYSICAL_LOW, Bivariate, Population
from compact_model.streams import check_seed
from fits.devices.bivariate_fit import BivariateFit, fit_bivariate
from fits.devices.device_population import QuantityStatistics, spearman
from fits.reading.plain_table import of_path
from ground.errors import InputError, nearest

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from ground.provenance import Source

FloatArray = npt.NDArray[np.float64]
STATES, EXPONENTS = ("n_states", "sp_skew"), ("gamma", "gamma_up_down")
SCALARS = {"nsr": "1", "g_min_S": "S", "g_max_S": "S"}
_DRAWS = 4000


@dataclass(frozen=True)
class PopulationFit:
    """Result. states : G1, law of (n_states, sp_skew).  exponents : G2, law of (gamma, gamma_up_down).

    scalars : statistics of nsr, g_min_S, g_max_S where given.  cross : (G1 quantity, G2 quantity) -> (rank correlation, p).
    rejected : share of draws of the two laws that are no device (outside the bounds of Population) and are drawn again.
    parameters : the devices, name -> (device,).
    """

    states: BivariateFit
    exponents: BivariateFit
    scalars: Mapping[str, QuantityStatistics]
    cross: Mapping[tuple[str, str], tuple[float, float]]
    rejected: float
    parameters: Mapping[str, FloatArray]
    source: str = ""
    synthetic: bool = False

    @property
    def population(self) -> Population:
        """The population to draw devices from; what the table does not hold is published, and named in `assumed`."""
        return population_of(self.parameters, Population.published())

    def to_compact_model(
        self,
        name: str = "",
        files: Iterable[str | Path | Source] = (),
        near: Path | None = None,
        *,
        seed: int = 0,
        replicas: int = 400,
    ) -> CompactModel:
        """Return the published compact model with this population, and the covariance of what was fitted, over devices.

        files : what was measured, for the provenance.  near : the file that the model will be saved as.
        seed, replicas : of the resampling of devices.
        """
        from compact_model.model import CompactModel
        from compact_model.model_parameters import coordinate_names
        from fits.results.device_bootstrap import covariance_over_devices
        from ground.provenance import provenance, published

        base, values = CompactModel.published(), self.parameters
        covariance = covariance_over_devices(
            lambda picked: population_of({n: v[picked] for n, v in values.items()}, base.population),
            self.states.n,
            coordinate_names(fitted_paths(values)),
            seed=seed,
            replicas=replicas,
        )
        return base.replace(
            name=name or f"population of {self.states.n} devices" + (" (SYNTHETIC data)" if self.synthetic else ""),
            population=self.population,
            covariance=covariance,
            provenance=provenance(
                "fit_population",
                files=[*files, *published()],
                near=near,
                synthetic=self.synthetic,
                devices=self.states.n,
                noise="arXiv:2502.04524",
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {
            "population": self.population.model_dump(mode="json"),
            "G1": self.states.to_dict(),
            "G2": self.exponents.to_dict(),
            "scalars": {n: {"mean": s.mean, "sigma": s.sigma, "n": s.n} for n, s in self.scalars.items()},
            "between_G1_and_G2": [{"of": a, "and": b, "spearman": r, "p": p} for (a, b), (r, p) in self.cross.items()],
            "rejected": self.rejected,
            "source": self.source,
            "synthetic": self.synthetic,
        }

    def report(self) -> str:
        """Return both laws with errors and tests, what links them, and what rejection does, as text."""
        made = ", SYNTHETIC" if self.synthetic else ""
        lines = [f"population, {self.source or 'from arrays'}, {self.states.n} devices{made}"]
        lines += ["G1: number of states and skew of the symmetry point", self.states.report()]
        lines += ["G2: soft-bounds exponents", self.exponents.report()]
        for name, s in self.scalars.items():
            lines.append(f"  {name:10s} {s.mean:.4g} +- {s.mean_stderr or 0:.2g} {s.unit}, sigma {s.sigma or 0:.3g}")
        linked = [(pair, c) for pair, c in self.cross.items() if c[1] < 0.05 / len(self.cross)]
        for (a, b), (r, p) in linked:
            lines.append(f"  {a} and {b} are correlated ({r:+.2f}, p = {p:.1g}): drawing G1 and G2 apart loses that")
        if not linked:
            lines.append("  no correlation between G1 and G2 is seen: they are drawn independently")
        lines.append(f"  {100 * self.rejected:.2g} % of the draws are no device and are drawn again")
        if self.rejected > 0.01:
            lines.append("  so many cut draws shift the means of what is drawn: the spread is wide for these bounds")
        return "\n".join(lines)

    def plot(self) -> Any:
        """Return a matplotlib figure: devices and the ellipses of both laws."""
        from fits.devices.population_plot import figure_of

        return figure_of(self)


_FIELDS = {
    "nsr": ("nsr_mean", "nsr_sigma"),
    "g_min_S": ("g_min_mean_S", "g_min_sigma_S"),
    "g_max_S": ("g_max_mean_S", "g_max_sigma_S"),
}


def population_of(parameters: Mapping[str, FloatArray], published: Population) -> Population:
    """Return the population with the moments of devices, name -> (device,); what they do not hold stays as published."""
    given: dict[str, Any] = {}
    for law, names in (("states", STATES), ("exponents", EXPONENTS)):
        pair = np.stack([parameters[n] for n in names])
        given[law] = Bivariate.from_covariance(pair.mean(axis=1), np.cov(pair))
    assumed = {}
    for name, (mean, sigma) in _FIELDS.items():
        if name in parameters:
            given |= {mean: float(parameters[name].mean()), sigma: float(parameters[name].std(ddof=1))}
        else:
            assumed[name] = "not in the table of devices; that of the published population"
    if "g_max_S" in parameters:
        given["g_max_lowest_S"] = 0.0
    return published.replace(**given, assumed=assumed)


def fitted_paths(parameters: Iterable[str]) -> list[str]:
    """Return the paths into a model (see `model_parameters`) of the population that devices with these parameters give."""
    given = set(parameters)
    laws = [
        f"population.{law}.{rest}"
        for law, names in (("states", STATES), ("exponents", EXPONENTS))
        for rest in (*(f"{kind}.{n}" for kind in ("mean", "sigma") for n in names), "correlation")
    ]
    return [*laws, *(f"population.{field}" for name, pair in _FIELDS.items() if name in given for field in pair)]


def fit_population(
    parameters: Mapping[str, npt.ArrayLike],
    *,
    seed: int = 0,
    replicas: int = 999,
    source: str = "",
    synthetic: bool = False,
) -> PopulationFit:
    """Fit G1 and G2 to the parameters of devices.

    parameters : n_states, sp_skew, gamma, gamma_up_down, and optionally nsr, g_min_S, g_max_S; each of shape (device,).
    seed : of resampling and tests.  replicas : resamplings.
    Raises InputError where one is missing, has another length, holds what no device can have, or there are too few.
    """
    rng = np.random.default_rng(check_seed(seed))
    own = _checked(parameters)
    names = (*STATES, *EXPONENTS)
    g1 = fit_bivariate(np.stack([own[n] for n in STATES], axis=1), STATES, rng, replicas=replicas)
    g2 = fit_bivariate(np.stack([own[n] for n in EXPONENTS], axis=1), EXPONENTS, rng, replicas=replicas)
    z = rng.normal(size=(4, _DRAWS))
    drawn = np.concatenate([g1.law.at(z[:2]), g2.law.at(z[2:])])
    inside = np.all((PHYSICAL_LOW[:4] <= drawn.T) & (PHYSICAL_HIGH[:4] >= drawn.T), axis=1)
    found = {n: QuantityStatistics.of(own[n], unit) for n, unit in SCALARS.items() if n in own}
    scalars = {n: s for n, s in found.items() if s is not None}
    cross = {(a, b): _linked(own[a], own[b], rng, replicas) for a in STATES for b in EXPONENTS}
    kept = {n: own[n] for n in (*names, *scalars)}
    return PopulationFit(g1, g2, scalars, cross, float(1 - inside.mean()), kept, source, synthetic)


def read_parameters(path: str | Path) -> tuple[dict[str, FloatArray], bool]:
    """Read parameters of devices from a csv or tsv with these names as headers, or a JSON {"devices": [{...}, ...]}.

    Returns (name -> (device,), synthetic). Raises InputError naming what is missing.
    """
    if Path(path).suffix.lower() == ".json":
        return _of_json(Path(path))
    _, table = of_path(path)
    header = [h.strip() for h in table.header]
    columns = {n: header.index(n) for n in (*STATES, *EXPONENTS, *SCALARS) if n in header}
    missing = [n for n in (*STATES, *EXPONENTS) if n not in columns]
    if missing:
        raise InputError(
            f"{table.where}: no column {missing[0]!r}. {nearest(missing[0], [h for h in header if h] or ['none'])}"
        )
    from fits.reading.columns import Column

    return {n: table.numbers(Column(k, n, 1.0)) for n, k in columns.items()}, bool(table.meta.get("synthetic"))


def _of_json(path: Path) -> tuple[dict[str, FloatArray], bool]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = data["devices"]
        names = [n for n in (*STATES, *EXPONENTS, *SCALARS) if all(n in row for row in rows)]
        return {n: np.array([float(row[n]) for row in rows]) for n in names}, bool(data.get("synthetic"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f'{path}: cannot be read as {{"devices": [{{"n_states": .., "sp_skew": .., ...}}]}}: {type(error).__name__} {error}.'
        ) from None


def _checked(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, FloatArray]:
    own: dict[str, FloatArray] = {}
    for name in (*STATES, *EXPONENTS, *SCALARS):
        if name not in parameters:
            if name in SCALARS:
                continue
            raise InputError(f"parameters lacks {name!r}. {nearest(name, [*map(str, parameters), '(nothing)'])}")
        own[name] = np.asarray(parameters[name], float)
        if own[name].ndim != 1 or own[name].size != own[STATES[0]].size:
            raise InputError(
                f"{name} has the shape {own[name].shape}; expected one number per device, as {STATES[0]} has "
                f"{own[STATES[0]].size}."
            )
    for k, name in enumerate((*STATES, *EXPONENTS)):
        bad = np.flatnonzero((own[name] < PHYSICAL_LOW[k]) | (own[name] > PHYSICAL_HIGH[k]))
        if bad.size:
            raise InputError(
                f"{name}[{bad[0]}]={own[name][bad[0]]:g} is not allowed: expected {PHYSICAL_LOW[k]:g}..{PHYSICAL_HIGH[k]:g}. "
                "Was the fit of this device bad, or is this a per cent?"
            )
    return own


def _linked(a: FloatArray, b: FloatArray, rng: np.random.Generator, replicas: int) -> tuple[float, float]:
    """Return the rank correlation and its p-value by permutation."""
    rho, _ = spearman(a, b)
    others = np.array([spearman(a, rng.permutation(b))[0] for _ in range(min(replicas, 499))])
    return rho, float((1 + np.sum(np.abs(others) >= abs(rho))) / (others.size + 1))
