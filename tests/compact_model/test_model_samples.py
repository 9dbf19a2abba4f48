"""Drawn models: their moments are the covariance's, limits cut by rejection, and a joined model has the errors of all its fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compact_model.cell import Cell
from compact_model.model import CompactModel, Covariance
from compact_model.model_join import fitted_parts, join_models
from compact_model.model_parameters import ALIASES, WAYS, values_of, with_values
from compact_model.model_samples import not_varied, sample_models
from ground.errors import InputError

V1 = Path(__file__).parent / "data" / "model_v1.json"
RELAXATION = "noise.relaxation.mean_shift_S"
STATES = ("ln population.states.mean.n_states", "population.states.mean.sp_skew", "population.states.correlation")
BASE = CompactModel.published()


def with_errors(model: CompactModel, names: tuple[str, ...], matrix: object) -> CompactModel:
    c = np.atleast_2d(np.asarray(matrix, float))
    return model.replace(covariance=Covariance(names=names, matrix=tuple(map(tuple, c.tolist()))))


def test_mean_and_covariance_of_the_draws_are_those_of_the_fit() -> None:
    sigma = np.array([0.05, 0.02, 1e-8])
    rho = np.array([[1.0, -0.6, 0.3], [-0.6, 1.0, 0.0], [0.3, 0.0, 1.0]])
    names = (*STATES[:2], RELAXATION)
    model = with_errors(BASE, names, rho * np.outer(sigma, sigma))
    found = sample_models(model, 1500, seed=3)
    assert found.rejected == 0.0 and len(found) == 1500
    z = (found.values - values_of(model, names)) / sigma
    assert np.all(np.abs(z.mean(axis=0)) < 4 / np.sqrt(1500))
    assert np.cov(z.T) == pytest.approx(rho, abs=4 * np.sqrt(2 / 1500))
    drawn = np.array([values_of(m, names) for m in found[:50]])  # what stands in the models is what was drawn
    assert drawn == pytest.approx(found.values[:50], rel=1e-12)
    assert found[0].population.exponents == BASE.population.exponents and found[0].covariance is None


def test_the_same_seed_gives_the_same_models_and_more_of_them_begin_alike() -> None:
    model = with_errors(BASE, STATES, np.diag([0.01, 1e-3, 0.5]))
    few, many, other = sample_models(model, 5, 7), sample_models(model, 9, 7), sample_models(model, 5, 8)
    assert list(few) == list(many[:5]) and few[0] != other[0]
    assert few[0].provenance["sample"] == {"seed": 7, "number": 0}


def test_limits_cut_by_rejection_and_not_by_clipping() -> None:
    """A correlation of 0 +- 1 is a normal law cut at both ends: 68.3 % of the draws stand, and none of them at an end."""
    found = sample_models(with_errors(BASE, STATES[2:], 1.0), 600)
    assert found.rejected == pytest.approx(0.317, abs=4 * np.sqrt(0.317 * 0.683 / 880))
    assert np.abs(found.values).max() < 1.0 and found.values.std() == pytest.approx(0.5396, abs=0.05)


def test_one_parameter_agrees_with_the_delta_method() -> None:
    """Spread at 1 h, s0 + s1 ln t, is linear in s1; current at 0.2 V is exp(ln N): both slopes are known without the code."""
    s1 = BASE.noise.relaxation.sigma_per_ln_S
    drawn = sample_models(with_errors(BASE, ("noise.relaxation.sigma_per_ln_S",), (0.05 * s1) ** 2), 800)
    width = np.std([m.noise.relaxation.std_S(3600.0) for m in drawn])
    assert width == pytest.approx(0.05 * s1 * np.log(3600.0), rel=4 / np.sqrt(1600))
    cell = with_errors(BASE.replace(cell=Cell.published()), ("ln_trap_density_lrs",), 0.01**2)
    density = [m.cell.hopping.trap_density_lrs_m3 for m in sample_models(cell, 800) if m.cell]
    assert np.std(density) / np.mean(density) == pytest.approx(0.01, rel=4 / np.sqrt(1600))


def test_a_barrier_held_fixed_stays_and_a_negative_one_is_no_device() -> None:
    model = BASE.replace(cell=Cell.published())
    assert model.cell is not None
    low = model.cell.hopping.barrier_lrs_eV
    wide = with_errors(model, ("barrier_eV_lrs", "barrier_eV_hrs"), np.diag([low**2, 0.0]))
    found = sample_models(wide, 300)
    assert found.values[:, 0].min() > 0 and found.rejected == pytest.approx(0.159, abs=0.08)
    assert np.all(found.values[:, 1] == model.cell.hopping.barrier_hrs_eV)
    left = not_varied(wide)
    assert left[0] == "cell.hopping.barrier_hrs_eV (held fixed in the fit)"
    assert "population (numbers without errors)" in left and "noise.relaxation (numbers without errors)" in left
    assert any(t.startswith("cell.hopping.hop_distance_m, ") and t.endswith("(without errors)") for t in left)


def test_every_name_reads_and_sets_its_own_parameter() -> None:
    model = BASE.replace(cell=Cell.published())
    for name in (*WAYS, *ALIASES, "ln population.nsr_mean"):
        value = values_of(model, (name,))
        moved = with_values(model, (name,), value + 1e-3 * np.abs(value) + (1e-3 if not value[0] else 0.0))
        assert values_of(moved, (name,))[0] > value[0], name
        others = [n for n in WAYS if values_of(moved, (n,))[0] != values_of(model, (n,))[0]]
        assert len(others) == 1, name


def test_separate_fits_are_joined_with_independent_errors() -> None:
    iv = with_errors(BASE.replace(cell=Cell.published(), name="iv"), ("ln_hop_distance",), 0.01)
    pulses = with_errors(
        BASE.replace(name="pulses", population=BASE.population.replace(nsr_mean=0.7), validity={"g_S": (1e-5, 8e-5)}),
        ("ln population.nsr_mean", "population.nsr_sigma"),
        [[0.02, 1e-3], [1e-3, 0.03]],
    )
    rest = with_errors(BASE.replace(name="rest", validity={"t_s": (1.0, 1e5)}), (RELAXATION,), 1e-16)
    both = join_models([iv, pulses, rest])
    assert fitted_parts(both) == ("cell", "population", "noise") and both.cell == iv.cell
    assert both.population.nsr_mean == 0.7 and both.covariance is not None
    c = np.array(both.covariance.matrix)
    assert np.diag(c).tolist() == [0.01, 0.02, 0.03, 1e-16] and c[1, 2] == 1e-3 and not c[0, 1:].any()
    assert both.validity["t_s"] == (1.0, 1e5) and both.validity["g_S"] == (1e-5, 8e-5)
    with pytest.raises(InputError, match="pulses: its population was fitted in an earlier one of the models too"):
        join_models([pulses, pulses])
    with pytest.raises(InputError, match="has no covariance, so it does not say what was fitted in it"):
        join_models([iv, BASE])
    far = rest.replace(validity={"t_s": (1e9, 2e9)})
    with pytest.raises(InputError, match="rest: holds for t_s 1e.09..2e.09, the models before it for 1..3.2e.08"):
        join_models([iv, far])


@pytest.mark.parametrize(
    ("model", "n", "message"),
    [
        (
            BASE,
            3,
            "covariance is empty, so nothing says how uncertain .*fit hopping`, `fit pulses`, `fit population` and `fit relax",
        ),
        (with_errors(BASE, (RELAXATION,), 0.0), 3, "covariance is empty"),
        (with_errors(BASE, (RELAXATION,), 1e-16), 0, "n=0 is not allowed: expected a whole number of models"),
        (
            with_errors(BASE, ("population.nsr_men",), 1.0),
            3,
            "'population.nsr_men' is no parameter .*Did you mean 'population.nsr_mean'",
        ),
        (with_errors(BASE, ("ln_hop_distance",), 1.0), 3, "'ln_hop_distance' is of the cell, but the model has none"),
        (with_errors(BASE, ("ln population.states.correlation",), 1.0), 3, "is a logarithm, but the model has 0 there"),
        (
            with_errors(BASE, (RELAXATION,), 1e12),
            3,
            "1000 draws in a row are no device: the errors in its covariance reach far",
        ),
        (CompactModel.load(V1), 3, "'n_states' is no parameter of a model. Did you mean"),
    ],
)
def test_models_that_cannot_be_drawn_say_why(model: CompactModel, n: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_models(model, n)
