"""Bootstrap, sampler and design: the same widths as the linear theory where that holds, on any number of processes."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import numpy as np
import pytest

from compact_model.published_cell import hop_distance_for, published_hopping
from device_physics.dome_response import Response
from fits.hopping.bootstrap import bootstrap
from fits.hopping.experiment_design import Design
from fits.hopping.fit import fit_hopping
from fits.hopping.result import HoppingFit
from fits.hopping.sampler import sample_posterior
from fits.hopping.synthetic import synthetic_curves
from ground.errors import InputError, MissingLibrary

AMBIENTS = (260.0, 330.0)


@pytest.fixture(scope="module")
def table() -> Response:
    return Response.default()


@pytest.fixture(scope="module")
def truth(table: Response) -> Any:
    return published_hopping(hop_distance_for(18e3, response=table))


@pytest.fixture(scope="module")
def fit(table: Response, truth: Any) -> HoppingFit:
    return fit_hopping(synthetic_curves(truth, ambients_K=AMBIENTS, points=30, seed=1, response=table), table)


@pytest.fixture(scope="module")
def residual(fit: HoppingFit) -> HoppingFit:
    return bootstrap(fit, 30, seed=2)


@pytest.mark.parametrize("kind", ["residual", "parametric"])
def test_the_bootstrap_has_the_widths_of_the_linear_theory(fit: HoppingFit, residual: HoppingFit, kind: Any) -> None:
    again = residual if kind == "residual" else bootstrap(fit, 30, kind=kind, seed=2)
    for name, p in again.parameters.items():
        assert p.stderr == pytest.approx(fit.parameters[name].stderr, rel=0.5), name  # 30 replicas: 13 % is one sigma
        assert p.value == fit.parameters[name].value
    assert "30 samples" in again.report() and kind in again.report()
    assert again.to_dict()["resampled"]["samples"] == 30


def test_the_bootstrap_does_not_depend_on_the_processes(fit: HoppingFit, residual: HoppingFit) -> None:
    """Nor on how many replicas are asked for: each has a seed of its own."""
    told: list[tuple[int, int]] = []
    two = bootstrap(fit, 20, seed=2, workers=2, progress=lambda done, total: told.append((done, total)))
    assert [t[1] for t in told] == [20] * 4 and told[-1] == (20, 20)
    assert residual.resampled is not None and two.resampled is not None
    assert np.array_equal(residual.resampled.samples[:20], two.resampled.samples)
    assert np.ptp(two.resampled.samples, axis=0).min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replicas": 5}, "replicas=5 is not allowed: expected a whole number from 20"),
        ({"kind": "wild"}, "kind='wild' is not allowed: expected one of residual, parametric"),
        ({"seed": -1}, "seed=-1 is not allowed"),
    ],
)
def test_what_cannot_be_resampled_is_said(fit: HoppingFit, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bootstrap(fit, **arguments)


@pytest.mark.skipif(importlib.util.find_spec("emcee") is None, reason="emcee is not installed")
def test_the_posterior_has_the_widths_of_the_linear_theory(fit: HoppingFit) -> None:
    sampled = sample_posterior(fit, 250, seed=1)
    for name, p in sampled.parameters.items():
        assert p.stderr == pytest.approx(fit.parameters[name].stderr, rel=0.4), name
    assert "emcee" in sampled.report() and "CHAIN TOO SHORT" in sampled.report()
    with pytest.raises(InputError, match="steps=3 is not allowed"):
        sample_posterior(fit, 3)


def test_without_emcee_the_answer_is_how_to_install_it(fit: HoppingFit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="emcee is not installed.*pip install emcee"):
        sample_posterior(fit)


def test_the_design_foretells_what_more_ambients_bring(table: Response, truth: Any) -> None:
    """The expected half-widths are those of a fit to such data, within what the noise of one data set moves them."""
    few = {"points": 40, "lrs_max_V": 0.4, "hrs_max_V": 0.4, "response": table}
    one = fit_hopping(synthetic_curves(truth, ambients_K=(293.15,), seed=8, **few), table)
    assert not one.parameters["barrier_hrs_eV"].identified
    pair = re.search(r"two more ambients \(for example (\d+) K and (\d+) K\)", one.report())
    assert pair is not None
    low, high = float(pair[1]), float(pair[2])
    assert low < 293.15 < high
    three = fit_hopping(synthetic_curves(truth, ambients_K=(low, 293.15, high), seed=9, **few), table)
    assert all(p.identified for p in three.parameters.values())
    told = re.search(r"barrier_hrs_eV \+-([\d.]+) meV", one.advice[0])
    assert told is not None
    found = three.parameters["barrier_hrs_eV"]
    assert 0.5e3 * (found.high - found.low) == pytest.approx(float(told[1]), rel=0.3)


def test_the_design_of_nothing_more_is_the_fit_itself(fit: HoppingFit) -> None:
    widths = Design(fit.problem, fit.solved).widths(())
    assert widths == pytest.approx(1.96 * np.sqrt(np.diag(fit.covariance)), rel=0.05)
    assert fit.advice == ()
