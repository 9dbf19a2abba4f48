"""G1 and G2: laws drawn come back within their errors, the test of the law has its size and its power, draws keep correlations."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from compact_model.model import CompactModel
from compact_model.population import Bivariate, Population
from fits.cli import app
from fits.devices.bivariate_fit import QUANTITIES, _intervals, _moments, fit_bivariate, henze_zirkler, normality
from fits.devices.population_fit import fit_population, read_parameters
from ground.errors import InputError

G1 = Bivariate(mean=(22.0, 0.61), sigma=(4.0, 0.06), correlation=-0.5)
G2 = Bivariate(mean=(1.5, 0.05), sigma=(0.2, 0.08), correlation=0.4)
TRUE = (*G1.mean, *G1.sigma, G1.correlation)


def devices(n: int = 64, seed: int = 0) -> dict[str, np.ndarray]:
    """Synthetic parameters of devices, drawn from G1 and G2."""
    rng = np.random.default_rng(seed)
    a, b = G1.at(rng.normal(size=(2, n))), G2.at(rng.normal(size=(2, n)))
    return {
        "n_states": a[0],
        "sp_skew": a[1],
        "gamma": b[0],
        "gamma_up_down": b[1],
        "nsr": 1 + 0.1 * rng.normal(size=n),
    }


def test_intervals_cover_the_law():
    """95 % intervals over 1,000 samples of 32 devices: 92 to 98 %, and standard errors of the size of the scatter."""
    covered, scores = np.zeros(5), []
    rng = np.random.default_rng(0)
    for seed in range(1000):
        values = _moments(G1.at(rng.normal(size=(2, 32))).T)
        low, high = _intervals(values, 32)
        covered += (np.array(low) <= TRUE) & (np.array(high) >= TRUE)
        if seed < 40:
            fit = fit_bivariate(G1.at(rng.normal(size=(2, 32))).T, ("a", "b"), rng, replicas=99)
            assert (fit.low, fit.high) == _intervals(np.array(fit.values), 32)
            scores.append((np.array(fit.values) - TRUE) / fit.stderr)
    assert ((covered >= 920) & (covered <= 980)).all(), dict(zip(QUANTITIES, covered, strict=True))
    assert np.std(scores, axis=0) == pytest.approx(np.ones(5), abs=0.4)


def test_the_statistic_does_not_change_under_linear_maps():
    x = np.random.default_rng(0).normal(size=(50, 2))
    assert henze_zirkler(x @ np.array([[3.0, 1.0], [0.2, 0.01]]) + 7) == pytest.approx(henze_zirkler(x), rel=1e-9)


def test_p_values_of_normal_samples_are_uniform_and_others_are_seen():
    rng = np.random.default_rng(1)
    p = [normality(G1.at(rng.normal(size=(2, 40))).T, rng, replicas=99)[1] for _ in range(200)]
    assert 0.01 < np.mean(np.array(p) <= 0.05) < 0.1 and np.mean(p) == pytest.approx(0.5, abs=0.07)
    two = np.r_[rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 4]  # two kinds of device
    skewed = np.exp(rng.normal(size=(80, 2)))
    assert normality(two, rng, replicas=199)[1] <= 0.01 and normality(skewed, rng, replicas=199)[1] <= 0.01
    fit = fit_bivariate(skewed, ("a", "b"), rng, replicas=199)
    assert not fit.fits and "does NOT fit" in fit.report()


def test_drawn_devices_have_the_fitted_moments_and_correlations():
    fit = fit_population(devices(), seed=3, replicas=199, synthetic=True)
    drawn = fit.population.sample(20000, 1)
    gamma = 0.5 * (drawn.gamma_up + drawn.gamma_down)
    bias = (drawn.gamma_up - drawn.gamma_down) / (drawn.gamma_up + drawn.gamma_down)
    law = fit.exponents.law
    assert [gamma.mean(), bias.mean(), gamma.std(), bias.std()] == pytest.approx([*law.mean, *law.sigma], rel=0.05)
    assert np.corrcoef(gamma, bias)[0, 1] == pytest.approx(law.correlation, abs=0.03)
    assert fit.population.nsr_mean == pytest.approx(1.0, abs=0.05) and set(fit.population.assumed) == {
        "g_min_S",
        "g_max_S",
    }
    assert fit.rejected == 0.0 and fit.population.g_max_mean_S == Population.published().g_max_mean_S
    assert "SYNTHETIC" in fit.report() and "no correlation between G1 and G2" in fit.report()


def test_a_link_between_the_laws_and_a_wide_spread_are_said():
    own = devices(80)
    own["gamma"] = 1.5 + 0.03 * (own["n_states"] - 22) + 0.02 * np.random.default_rng(5).normal(size=80)
    own["n_states"] = np.maximum(own["n_states"] - 14, 2.1)
    text = fit_population(own, replicas=199).report()
    assert "n_states and gamma are correlated" in text and "the spread is wide for these bounds" in text


def test_the_same_seed_gives_the_same_fit():
    assert (
        fit_population(devices(), seed=1, replicas=99).to_dict()
        == fit_population(devices(), seed=1, replicas=99).to_dict()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sp_skew": None}, r"parameters lacks 'sp_skew'"),
        ({"gamma": np.ones(5)}, r"gamma has the shape \(5,\); expected one number per device, as n_states has 64"),
        ({"sp_skew": np.full(64, 61.0)}, r"sp_skew\[0\]=61 is not allowed: expected 0\.02\.\.0\.98.*per cent"),
        ({"gamma": np.full(64, 1.5)}, r"gamma=1\.5 is the same for every device: there is no spread"),
        ({"gamma": np.r_[np.nan, np.ones(63)]}, r"gamma\[0\]=nan is not allowed: expected finite numbers"),
    ],
)
def test_messages(change, message):
    own = {k: v for k, v in {**devices(), **change}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        fit_population(own, replicas=99)


def test_too_few_devices():
    with pytest.raises(
        InputError, match=r"n_states and sp_skew have the shape \(5, 2\); expected \(device, 2\) with 8"
    ):
        fit_population(devices(5))


def test_the_command_reads_csv_and_json(tmp_path):
    pytest.importorskip("matplotlib")
    own = devices()
    lines = [",".join(own), *(",".join(repr(float(v)) for v in row) for row in zip(*own.values(), strict=True))]
    (tmp_path / "d.csv").write_text("# synthetic: true\n" + "\n".join(lines) + "\n")
    rows = [{k: float(v[i]) for k, v in own.items()} for i in range(64)]
    (tmp_path / "d.json").write_text(json.dumps({"devices": rows, "synthetic": True}))
    a, b = read_parameters(tmp_path / "d.csv"), read_parameters(tmp_path / "d.json")
    assert a[1] and b[1] and all(np.array_equal(a[0][k], b[0][k]) and np.array_equal(a[0][k], own[k]) for k in own)
    out, png = tmp_path / "p.json", tmp_path / "p.png"
    arguments = [
        "population",
        str(tmp_path / "d.csv"),
        "-o",
        str(out),
        "--plot",
        str(png),
        "--replicas",
        "99",
        "--json",
    ]
    done = CliRunner().invoke(app, arguments)
    stored = json.loads(out.read_text())
    assert done.exit_code == 0 and png.read_bytes().startswith(b"\x89PNG")
    assert json.loads(done.stdout)["population"] == stored["population"]
    model = CompactModel.load(out)
    assert model.synthetic and model.covariance is not None and "population.nsr_sigma" in model.covariance.names
    assert Population.model_validate(stored["population"]).states.mean[0] == pytest.approx(own["n_states"].mean())
    (tmp_path / "x.json").write_text('{"devices": 3}')
    with pytest.raises(InputError, match=r"x\.json: cannot be read as .*n_states"):
        read_parameters(tmp_path / "x.json")
    (tmp_path / "x.csv").write_text("n_states,sp_skw\n1,2\n")
    with pytest.raises(InputError, match=r"line 1: no column 'sp_skew'\. Did you mean 'sp_skw'"):
        read_parameters(tmp_path / "x.csv")
