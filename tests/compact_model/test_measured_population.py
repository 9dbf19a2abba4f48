"""A population whose measured means are the published ones."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.measured_population import as_measured, measured_means
from compact_model.population import Population
from ground.errors import NotConverged

PUBLISHED = Population.published()


def test_the_protocol_measures_the_published_means_on_it_with_noise_it_was_not_made_with() -> None:
    population = as_measured(PUBLISHED, devices=2048)
    wanted = np.array([*PUBLISHED.states.mean, PUBLISHED.nsr_mean])
    fresh = measured_means(population, devices=4096, seed=7)
    assert fresh == pytest.approx(wanted, rel=0.01)
    assert (
        np.abs(measured_means(PUBLISHED, devices=4096, seed=7) / wanted - 1.0).max() > 0.07
    )  # the bias that is taken out


def test_only_the_means_move_and_it_says_so() -> None:
    population = as_measured(PUBLISHED, devices=512)
    assert population.states.sigma == PUBLISHED.states.sigma and population.exponents == PUBLISHED.exponents
    assert population.nsr_sigma == PUBLISHED.nsr_sigma and population.g_max_mean_S == PUBLISHED.g_max_mean_S
    assert population.states.mean[0] > PUBLISHED.states.mean[0] and population.nsr_mean < PUBLISHED.nsr_mean
    assert "measures the published means" in population.assumed["states.mean, nsr_mean"]
    assert Population.published() == PUBLISHED


def test_nothing_is_corrected_where_there_is_no_noise_and_400_pulses_reach_the_bounds() -> None:
    quiet = PUBLISHED.replace(
        nsr_mean=1e-3, nsr_sigma=0.0, exponents=PUBLISHED.exponents.replace(mean=(0.5, 0.0), sigma=(0.0, 0.0))
    )
    assert as_measured(quiet, devices=512).states.mean == pytest.approx(quiet.states.mean, rel=0.02)


def test_a_mean_that_nothing_measures_as_is_refused() -> None:
    loud = PUBLISHED.replace(states=PUBLISHED.states.replace(mean=(2.0, 0.61), sigma=(0.0, 0.0)), nsr_mean=15.0)
    with pytest.raises(NotConverged, match=r"as_measured: n_states, sp_skew, nsr measure as .* after 40 corrections"):
        as_measured(loud, devices=64)
