import numpy as np
import pytest

from compact_model.population import Bivariate, Population
from compact_model.pulsed_device import step_at_symmetry_point_S, symmetry_point_S
from ground.errors import InputError
from ground.paper import paper


def numbers(devices):
    """Return (n_states, sp_skew, gamma, gamma_up_down, nsr, g_min, g_max) of devices, shape (7, n)."""
    window = devices.g_max_S - devices.g_min_S
    gamma = 0.5 * (devices.gamma_up + devices.gamma_down)
    return np.array(
        [
            window / step_at_symmetry_point_S(devices),
            (devices.g_max_S - symmetry_point_S(devices)) / window,
            gamma,
            (devices.gamma_up - devices.gamma_down) / (2 * gamma),
            devices.step_noise,
            devices.g_min_S,
            devices.g_max_S,
        ]
    )


def test_published_means_are_the_papers_and_the_rest_is_declared():
    p, printed = Population.published(), paper()["open_loop"]
    assert p.states.mean == (printed["n_states"]["mean"], printed["sp_skew"]["mean"])
    assert p.nsr_mean == printed["nsr"]["mean"]
    assert {"states.sigma", "exponents", "nsr_sigma", "g_min", "g_max"} <= set(p.assumed)
    assert all(len(reason) > 10 or reason.startswith("not printed") for reason in p.assumed.values())


def test_sample_has_the_asked_moments_and_correlations():
    p = Population.published().replace(
        states=Bivariate(mean=(22, 0.6), sigma=(3, 0.05), correlation=0.6),
        exponents=Bivariate(mean=(1.5, 0.1), sigma=(0.1, 0.05), correlation=-0.4),
        g_max_lowest_S=0.0,
    )
    x = numbers(p.sample(20000, 4))
    mean = np.array([22, 0.6, 1.5, 0.1, p.nsr_mean, p.g_min_mean_S, p.g_max_mean_S])
    sigma = np.array([3, 0.05, 0.1, 0.05, p.nsr_sigma, p.g_min_sigma_S, p.g_max_sigma_S])
    assert np.all(np.abs(x.mean(1) - mean) < 5 * sigma / np.sqrt(x.shape[1]))
    assert x.std(1) == pytest.approx(sigma, rel=0.03)
    correlation = np.corrcoef(x)
    expected = np.eye(7)
    expected[0, 1] = expected[1, 0] = 0.6
    expected[2, 3] = expected[3, 2] = -0.4
    assert correlation == pytest.approx(expected, abs=0.03)


def test_bounds_are_kept_by_rejection_not_by_clipping():
    p = Population.published().replace(nsr_mean=0.1, nsr_sigma=0.2)
    d = p.sample(5000, 0)
    nsr = np.sort(d.step_noise)
    assert nsr[0] > 0 and np.all(np.diff(nsr[:50]) > 0)  # no pile-up at the bound
    assert nsr.mean() == pytest.approx(0.1 + 0.2 * 0.50916, abs=0.01)  # mean of the truncated normal law, alpha = -0.5
    lowest = Population.published().sample(5000, 0).g_max_S.min()
    assert lowest >= 91.8e-6


def test_device_17_is_the_same_device_in_every_shape_and_tile():
    p = Population.published()
    whole = numbers(p.sample(40, 7))
    assert np.array_equal(numbers(p.sample((5, 8), 7).reshape(40)), whole)
    assert np.array_equal(numbers(p.sample(10, 7, first_device=10)), whole[:, 10:20])
    assert p.sample(10, 7, first_device=10).device_id[7] == 17
    assert not np.allclose(numbers(p.sample(40, 8)), whole)


def test_covariance_goes_both_ways():
    law = Bivariate(mean=(1.0, 2.0), sigma=(0.5, 2.0), correlation=-0.3)
    back = Bivariate.from_covariance(np.array(law.mean), law.covariance)
    assert back.sigma == pytest.approx(law.sigma) and back.correlation == pytest.approx(-0.3)
    for wrong in ([[1, 2], [2, 1]], [[1, 0.5], [0.4, 1]], [[1.0]]):
        with pytest.raises(InputError, match="expected a symmetric positive 2 x 2 matrix"):
            Bivariate.from_covariance(np.zeros(2), np.array(wrong))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"states": {"mean": (22, 61), "sigma": (4, 0.1)}},
            "the mean of states sp_skew=61 is not allowed: expected 0.02..0.98 .fractions",
        ),
        ({"g_max_mean_S": 1e-6}, "Population.g_max_mean_S=1e-06 is not allowed: expected more than g_min_mean_S"),
        ({"g_max_lowest_S": 2e-4}, "g_max_lowest_S=0.0002 is not allowed: .*most devices would be thrown away"),
        ({"nsr_mean": -1.0}, r"Population.nsr_mean=-1.0 is not allowed: expected 0..1e\+06"),
        ({"g_min_mean_S": 3.9}, r"Population.g_min_mean_S=3.9 is not allowed.*Did you mean 3.9e-06 .you gave uS"),
        ({"nsr_mena": 1.0}, "Population.nsr_mena is not known. Did you mean 'nsr_mean'"),
    ],
)
def test_a_population_that_cannot_be_is_explained(changes, words):
    with pytest.raises(InputError, match=words):
        Population.model_validate({**Population.published().model_dump(), **changes})


@pytest.mark.parametrize("shape", [0, (3, -1), (2.5,), True])
def test_a_bad_shape_is_named(shape):
    with pytest.raises(InputError, match=r"shape=.* is not allowed: expected whole numbers of 1 or more"):
        Population.published().sample(shape, 0)


def test_spreads_that_leave_no_device_are_refused():
    p = Population.published().replace(states=Bivariate(mean=(22, 0.5), sigma=(1e6, 1e6)))
    with pytest.raises(InputError, match=r"found no physical values in 1000 draws. The spreads are too large"):
        p.sample(4, 0)
