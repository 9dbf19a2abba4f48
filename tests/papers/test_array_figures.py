"""Figures of arrays: every number has a unit, and the physics in them holds. Drawn smaller than a quick run, for time."""

import json

import numpy as np
import pytest

from compact_model.open_loop import open_loop_metrics
from compact_model.population import Population
from compact_model.programming_statistics import fit_width, program_statistics
from ground.errors import InputError, MissingLibrary
from ground.paper import paper
from ground.plotting import load_matplotlib
from studies import training_curves
from studies.figures import (
    mvm_figures,
    population_figures,
    programming_figures,
    pulse_figures,
    relaxation_figures,
    training_figures,
)
from studies.figures.figure import Effort

MODULES = (programming_figures, relaxation_figures, mvm_figures, pulse_figures, population_figures)
FIGURES = {f.number: f for m in (*MODULES, training_figures) for f in m.figures()}
SIMULATED = [n for n in FIGURES if n not in ("6b", "6d")]
_TEN_YEARS_s = 3.1536e8


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Every simulated figure's data, by its number."""
    plt, folder = load_matplotlib(), tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relaxation_figures, "_CURVE_s", (1.0, 600.0, 3600.0))
        patch.setattr(mvm_figures, "_TIMES_s", (0.0, 1.0, 3600.0, _TEN_YEARS_s))
        patch.setattr(mvm_figures, "_LARGE", 128)
        for module in (pulse_figures, population_figures):
            patch.setattr(module, "ARRAY", (4, 3))
        out = {}
        for number in SIMULATED:
            drawing = FIGURES[number].draw(Effort(True, folder))
            assert drawing.caption and "Put in: " in drawing.caption
            plt.close(drawing.picture)
            out[number] = drawing.data
    population_figures._pulse_fits.cache_clear()
    return out


def test_the_figures_are_those_of_the_paper():
    expected = "3a 3b 3c 3d 3e 4a 4b 4c 4d 4e 4f 5a 5b 5c 6a 6b 6d S6 S7 S8 S9"
    assert " ".join(sorted(FIGURES)) == expected
    inferred = [n for n, f in FIGURES.items() if "inferred" in f.title]
    assert inferred == ["S7", "S8"]


@pytest.mark.parametrize("number", FIGURES)
def test_inputs_are_published_numbers(number):
    for key in FIGURES[number].inputs:
        at = paper()
        for part in key.split("."):
            at = at[part]


@pytest.mark.parametrize("number", SIMULATED)
def test_every_variable_has_a_unit_and_can_be_kept(number, drawn, tmp_path):
    data = drawn[number]
    assert data.data_vars
    assert [n for n, v in data.variables.items() if not v.attrs.get("units")] == []
    data.to_netcdf(tmp_path / "figure.nc", engine="h5netcdf")


def test_levels_lie_in_the_accepted_band(drawn):
    data = drawn["3a"]
    edge = 0.002 * data.target.values
    assert np.all(np.abs(data.conductance.values - data.target.values[:, None]) <= edge[:, None] * (1 + 1e-9))
    assert data.conductance.shape == (35, 32)


def test_the_loop_stops_where_it_is_inside_and_pulses_towards_the_target(drawn):
    data = drawn["3b"]
    gap = data.conductance.values - float(data.target)
    inside = np.abs(gap) <= float(data.acceptance * data.target)
    assert inside[-1] and not inside[:-1].any()
    assert np.array_equal(np.sign(data.voltage.values[1:]), -np.sign(gap[:-1]))
    assert {float(v) for v in data.voltage.values[1:]} == {1.35, -1.3}


def test_precision_costs_pulses(drawn):
    data = drawn["3d"]
    assert np.all(np.diff(data.mean_pulses) < 0) and np.all(np.diff(data.relative_noise) > 0)
    both = drawn["3c"].mean_pulses.mean("target").values
    assert both == pytest.approx(data.mean_pulses.sel(acceptance=[0.002, 0.02]).values)
    assert list(drawn["3c"].published_mean.values) == [89, 11]


@pytest.mark.parametrize("acceptance", [0.002, 0.02])
def test_the_slope_of_the_widths_is_that_of_the_statistics(acceptance, drawn):
    data = drawn["3e"].sel(acceptance=acceptance)
    line = fit_width(data.target, data.sigma, np.full(data.target.size, int(data.devices)))
    own = program_statistics(Population.published(), (8, 8), 35, acceptance, seed=0).sigma_line
    assert float(data.c1) == pytest.approx(own.c1, rel=1e-12)
    assert line.c1 == pytest.approx(own.c1, rel=1e-9)
    assert own.c1 == pytest.approx(acceptance / np.sqrt(3), abs=4 * own.c1_stderr)


def test_levels_spread_as_the_law_and_the_read_say(drawn):
    data = drawn["4b"]
    programmed, later = data["std"].values
    assert np.all(programmed < 0.2) and np.all(later > 3 * programmed)
    read = 0.0277316483 * np.log10(data.target) * np.sqrt(np.log(600.0 / 2e-6))
    expected = np.sqrt(float(data.law) ** 2 + read**2)
    error = float((data.std_stderr.values[1] / expected).mean())
    assert float((later / expected - 1).mean()) == pytest.approx(0, abs=4 * error / np.sqrt(35))
    assert float(drawn["4a"].overlap) == pytest.approx(0.096, rel=0.25)
    assert np.allclose(drawn["4a"]["std"], later)


def test_after_an_hour_the_mean_has_moved_as_the_law_says(drawn):
    data = drawn["4d"]
    law = paper()["relaxation"]["mean_shift"]["per_ln_t"] * np.log(3600.0)
    change = data.change.values
    error = np.nanstd(change) / np.sqrt(np.isfinite(change).sum())
    assert float(data.mean_of_all) == pytest.approx(law, abs=4 * error)
    assert error < 0.03
    slope, stderr = np.polyfit(data.target, data["mean"], 1)[0], 0.8 / np.sqrt(change.size) / np.std(data.target.values)
    assert slope == pytest.approx(0, abs=4 * stderr)  # independent of the level


def test_levels_sink_and_spread_with_time(drawn):
    curves, level = drawn["4c"], drawn["4e"]
    assert np.all(np.diff(curves["mean"].mean("target")) < 0) and np.all(np.diff(curves["std"].mean("target")) > 0)
    assert np.all(np.abs(level["mean"] - level.law_mean) < 4 * level["std"] / 16)
    assert np.all(level["std"] > level.law_std * (1 - 4 / np.sqrt(512)))
    own = [np.corrcoef(level.conductance[i], level.conductance[i + 1])[0, 1] for i in range(4)]
    assert min(own) > 0.3  # the same devices all along


def test_products_get_worse_with_time_and_exact_wires_are_worse(drawn):
    data = drawn["4f"]
    assert np.all(np.diff(data.rmse, axis=2) > 0)
    assert np.all(data.rmse.sel(ir_drop="exact") > data.rmse.sel(ir_drop="aihwkit"))
    seen = np.sqrt(((data.product - data.product_fp) ** 2).mean("point"))
    stored = data.rmse.sel(matrix=0, time=data.scatter_time.values)
    assert np.allclose(seen, stored, rtol=0.25)  # 20 of the 100 vectors


def test_every_source_of_error_counts(drawn):
    data = drawn["S6"].sel(time=1.0).rmse.mean("matrix")
    order = ["none, ideal I/O", "aihwkit, ideal I/O", "aihwkit, 6/8 bit", "exact, 6/8 bit"]
    assert np.all(np.diff(data.sel(case=order)) > 0)
    assert np.all(drawn["S6"].rmse_large.values.ravel() > data.sel(case=["aihwkit, 6/8 bit", "exact, 6/8 bit"]).values)


def test_metrics_follow_from_the_trace_that_is_drawn(drawn):
    data = drawn["5a"]
    found = open_loop_metrics(data.conductance.values, data.direction.values[1:], 500)
    for name in ("n_states", "sp_skew", "nsr"):
        assert float(data[name]) == pytest.approx(float(getattr(found, name)), rel=1e-9)
    assert float(data.g_min) < float(data.g_sp) < float(data.g_max)


def test_the_array_answers_as_its_devices(drawn):
    data = drawn["5b"]
    after = data.conductance_after_1200
    assert float(after.mean()) == pytest.approx(float(data["mean"].sel(pulse=1200)), rel=1e-12)
    assert float(after.std(ddof=1)) == pytest.approx(float(data["std"].sel(pulse=1200)), rel=1e-9)
    assert float(data["mean"].sel(pulse=400)) > 90 and float(data["mean"].sel(pulse=800)) < 8
    metrics = drawn["5c"]
    assert float(metrics.sp_skew.mean()) == pytest.approx(float(metrics.published_sp_skew), abs=0.03)
    assert float(metrics.n_states.mean()) == pytest.approx(22, rel=0.15)


def test_alternation_leads_to_the_symmetry_point(drawn):
    weight = drawn["6a"].weight
    assert np.all(np.abs(weight[-400:].mean("pulse")) < 0.15)
    assert np.all(weight.max("pulse") - weight.min("pulse") == pytest.approx(2, abs=0.1))
    sevens = drawn["S7"]
    assert np.all(sevens.conductance.min("pulse") == sevens.g_min)


def test_the_fitted_law_runs_through_the_steps(drawn):
    data = drawn["S8"]
    pulls = []
    for d in (1, -1):
        own = data.sel(direction=d)
        expected = np.interp(own.bin_conductance, data.g_line, own.law_step)
        pulls.append(((own.bin_step - expected) / own.bin_step_stderr).values)
    wide = np.abs(data.bin_step.values) > 0.3  # near a bound a step is cut off by it
    assert np.sqrt(np.mean(np.array(pulls)[wide] ** 2)) < 2.5
    assert np.all(data.law_step.sel(direction=1) >= 0) and np.all(data.law_step.sel(direction=-1) <= 0)


def test_measuring_fitting_and_drawing_close_the_loop(drawn):
    data = drawn["S9"]
    for name, mean, law in (("n_states", 22.0, data.g1_mean[0]), ("gamma", 1.5, data.g2_mean[0])):
        devices, draws = data[f"device_{name}"], data[f"drawn_{name}"]
        assert float(devices.mean()) == pytest.approx(mean, abs=4 * float(devices.std()) / np.sqrt(devices.size))
        assert float(draws.mean()) == pytest.approx(float(law), abs=4 * float(draws.std()) / np.sqrt(draws.size))
    assert float(data.drawn_up_down.mean()) == pytest.approx(1 - 2 * float(data.g1_mean[1]), abs=0.06)


PLAIN = {"nsr": None, "states": None, "skew": None}


def _run(folder, values, seed=0, task="mnist", algorithm="agad", rates=None, **variant):
    folder.mkdir(parents=True)
    figure = "perplexity" if task == "text" else "accuracy"
    settings = {"task": task, "algorithm": algorithm, "variant": {**PLAIN, **variant}, "seed": seed}
    settings["rates"] = rates or {}
    record = {"settings": settings, "provenance": {"cmo_reram": "0"}}
    (folder / "result.json").write_text(json.dumps(record))
    rows = [f"{i},1.0,{v!r},7" for i, v in enumerate(values, 1)]
    (folder / "curve.csv").write_text("\n".join([f"epoch,loss,{figure},pulses", *rows]) + "\n")
    return folder


@pytest.fixture
def stored(tmp_path, monkeypatch):
    def put(folders):
        path = tmp_path / "curves.json"
        path.write_text(json.dumps(training_curves.collect(folders)))
        monkeypatch.setattr(training_curves, "CURVES", path)

    return put


def _picture(number, folder):
    drawing = FIGURES[number].draw(Effort(True, folder))
    load_matplotlib().close(drawing.picture)
    assert [n for n, v in drawing.data.variables.items() if not v.attrs.get("units")] == []
    return drawing


def test_learning_curves_are_drawn_as_they_were_run(tmp_path, stored):
    for seed, shift in enumerate((0.0, 0.002)):
        _run(tmp_path / "array" / f"seed-{seed}", [0.91 + shift, 0.96 + shift], seed)
    _run(tmp_path / "fp", [0.95, 0.98], algorithm="fp")
    stored({"mnist_accuracy_array": tmp_path / "array", "mnist_accuracy_fp": tmp_path / "fp"})
    drawing = _picture("6b", tmp_path)
    assert np.allclose(drawing.data.mnist_accuracy_array, [[91.0, 96.0], [91.2, 96.2]])
    assert "array, AGAD 96.10 % (published 96.9 %)" in drawing.caption
    assert "Not run yet: " in drawing.caption and "--states 100" in drawing.caption


def test_the_gap_in_perplexity_is_drawn(tmp_path, stored):
    _run(tmp_path / "fp", [6.0, 4.0], task="text", algorithm="fp")
    _run(tmp_path / "array", [7.0, 4.04], task="text", rates={"verify": 0.6})
    stored({"lstm_perplexity_fp": tmp_path / "fp", "lstm_perplexity_array": tmp_path / "array"})
    drawing = _picture("6d", tmp_path)
    assert float(drawing.data.lstm_perplexity_array_gap) == pytest.approx(1.0)
    assert float(drawing.data.published_gap) == 0.7
    assert "Not run yet: reram train text --data FILE" in drawing.caption and "--algorithm mp" in drawing.caption
    _run(tmp_path / "mp", [6.5, 4.02], task="text", algorithm="mp", rates={"verify": 0.6})
    stored({f"lstm_perplexity_{name}": tmp_path / name for name in ("fp", "array", "mp")})
    assert "summed in digital, verified, 4.020, 0.50 % above" in _picture("6d", tmp_path).caption
    _run(tmp_path / "fp_long", [6.0, 4.0, 3.9], task="text", algorithm="fp")
    stored({f"lstm_perplexity_{name}": tmp_path / name for name in ("fp", "fp_long", "array", "mp")})
    drawing = _picture("6d", tmp_path)
    assert "4.000 in floating point, 3.900 where it got more epochs; array" in drawing.caption
    assert float(drawing.data.lstm_perplexity_array_gap) == pytest.approx(1.0)
    assert "lstm_perplexity_fp_long_gap" not in drawing.data


@pytest.mark.parametrize(("number", "command"), [("6b", "reram train mnist"), ("6d", "reram train text")])
def test_without_runs_the_figure_says_how_to_make_them(number, command, tmp_path, stored):
    stored({})
    with pytest.raises(MissingLibrary, match=f"needs full runs: {command} .*python -m studies.training_curves"):
        _picture(number, tmp_path)


def test_runs_that_are_not_what_they_are_called_are_refused(tmp_path):
    run = _run(tmp_path / "symmetric", [0.9], skew=0.5)
    with pytest.raises(InputError, match=r"is a run of \('mnist', 'agad', .*0.5.* but mnist_accuracy_array is one of"):
        training_curves.collect({"mnist_accuracy_array": run})
    with pytest.raises(InputError, match=r"'blind'.* but lstm_perplexity_array is one of .*'verified'"):
        training_curves.collect({"lstm_perplexity_array": _run(tmp_path / "text", [4.0], task="text")})
    assert training_curves.collect({"mnist_accuracy_symmetric": run})["mnist_accuracy_symmetric"]["values"] == [[0.9]]
    with pytest.raises(InputError, match="'mnist_accuracy_sym' is not known.*mnist_accuracy_symmetric"):
        training_curves.collect({"mnist_accuracy_sym": run})
    with pytest.raises(InputError, match=r"holds no result.json and curve.csv; is the run finished"):
        training_curves.collect({"mnist_accuracy_fp": tmp_path})
    for seed, epochs in enumerate((2, 3)):
        _run(tmp_path / "uneven" / f"seed-{seed}", [0.9] * epochs, seed)
    with pytest.raises(InputError, match=r"the seeds have 2, 3 epochs; expected as many of each"):
        training_curves.collect({"mnist_accuracy_array": tmp_path / "uneven"})
