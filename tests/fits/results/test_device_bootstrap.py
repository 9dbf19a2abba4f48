"""Errors of populations over devices: those of normal theory for many devices, in the model file of every fit that has devices."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.model_parameters import coordinate_names
from compact_model.model_samples import sample_models
from compact_model.population import Bivariate
from fits.devices.population_fit import fit_population, fitted_paths

G1 = Bivariate(mean=(22.0, 0.61), sigma=(4.0, 0.06), correlation=-0.5)
G2 = Bivariate(mean=(1.5, 0.05), sigma=(0.2, 0.08), correlation=0.4)


def devices(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = G1.at(rng.normal(size=(2, n))), G2.at(rng.normal(size=(2, n)))
    return {
        "n_states": a[0],
        "sp_skew": a[1],
        "gamma": b[0],
        "gamma_up_down": b[1],
        "nsr": 1 + 0.1 * rng.normal(size=n),
    }


def test_a_population_fit_writes_the_errors_of_normal_theory() -> None:
    n, own = 200, devices(200)
    model = fit_population(own, synthetic=True, replicas=99).to_compact_model(replicas=600)
    assert model.covariance is not None and model.synthetic
    assert model.covariance.names == coordinate_names(fitted_paths(own))
    c = np.array(model.covariance.matrix)
    found = dict(zip(model.covariance.names, np.sqrt(np.diag(c)), strict=True))
    theory = {
        "ln population.states.mean.n_states": 4.0 / 22.0 / np.sqrt(n),
        "population.states.mean.sp_skew": 0.06 / np.sqrt(n),
        "population.states.sigma.n_states": 4.0 / np.sqrt(2 * n),
        "population.states.correlation": (1 - 0.5**2) / np.sqrt(n),
        "ln population.exponents.mean.gamma": 0.2 / 1.5 / np.sqrt(n),
        "ln population.nsr_mean": 0.1 / np.sqrt(n),
        "population.nsr_sigma": 0.1 / np.sqrt(2 * n),
    }
    for name, expected in theory.items():
        assert found[name] == pytest.approx(expected, rel=0.25), name
    assert c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]) == pytest.approx(-0.5, abs=0.2)  # means follow the devices' correlation


def test_a_handful_of_devices_has_the_standard_error_of_its_mean() -> None:
    own = devices(8, seed=4)
    covariance = fit_population(own, replicas=99).to_compact_model(replicas=1000).covariance
    assert covariance is not None
    expected = own["sp_skew"].std(ddof=1) / np.sqrt(8)
    place = covariance.names.index("population.states.mean.sp_skew")
    assert np.sqrt(covariance.matrix[place][place]) == pytest.approx(expected, rel=4 / np.sqrt(2000))


def test_what_the_table_does_not_hold_has_no_errors_and_stays() -> None:
    own = devices(20)
    del own["nsr"]
    model = fit_population(own, replicas=99).to_compact_model(replicas=50)
    assert model.covariance is not None and not any("nsr" in n or "g_m" in n for n in model.covariance.names)
    drawn = sample_models(model, 3)
    assert {m.population.nsr_mean for m in drawn} == {model.population.nsr_mean}
    assert len({m.population.states.mean for m in drawn}) == 3
