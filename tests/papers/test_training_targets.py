"""Rows of figure 6: from collected runs, or not attempted with the command that makes them."""

import json
import shlex
import subprocess
import sys

import pytest

from ground.errors import InputError
from studies import training_curves, training_targets
from studies.scoreboard import compute_rows


def _result(folder, last, seed, epochs=80):
    folder.mkdir(parents=True)
    record = {"last": last, "best": last, "epochs": epochs, "in_time": [], "settings": {"seed": seed}}
    (folder / "result.json").write_text(json.dumps({**record, "provenance": {"cmo_reram": "0"}}))


@pytest.fixture
def stored(monkeypatch):
    def put(results):
        monkeypatch.setattr(training_targets, "results", lambda: results)
        return {t.name: t for t in training_targets.training_targets()}

    return put


def test_without_runs_a_row_is_not_attempted_and_says_how(stored, monkeypatch):
    rows = stored({}).values()
    monkeypatch.setattr("studies.scoreboard.targets", lambda: list(rows))
    for row in compute_rows():
        assert row.status == "not attempted" and "reram train" in row.note


def test_seeds_are_collected_into_mean_and_spread(tmp_path, stored):
    for seed, last in enumerate((0.970, 0.972, 0.974)):
        _result(tmp_path / "agad" / f"seed-{seed}", last, seed)
    found = training_targets.collect({"mnist_accuracy_array": tmp_path / "agad"})
    outcome = stored(found)["mnist_accuracy_array"].compute()
    assert outcome.value == pytest.approx(97.2) and outcome.stderr == pytest.approx(0.2 / 3**0.5)
    note = outcome.note
    assert "97.20 ± 0.20 % after 80 epochs, seeds [0, 1, 2]" in note and "sigmoid" in note


def test_the_perplexity_gap_is_relative(tmp_path, stored):
    _result(tmp_path / "fp", 4.0, 0)
    _result(tmp_path / "array", 4.04, 0)
    names = {"lstm_perplexity_fp": tmp_path / "fp", "lstm_perplexity_array": tmp_path / "array"}
    outcome = stored(training_targets.collect(names))["lstm_perplexity_gap_percent"].compute()
    assert outcome.value == pytest.approx(1.0) and outcome.stderr is None  # one seed has no spread
    assert "not looked at" not in outcome.note.split(";")[1]
    for name, value in (("mp", 4.02), ("blind", 4.4)):
        _result(tmp_path / name, value, 0)
        names[f"lstm_perplexity_{name}"] = tmp_path / name
    found = stored(training_targets.collect(names))
    assert (
        "; 4.400 with AGAD whose pulses on W are not looked at" in found["lstm_perplexity_gap_percent"].compute().note
    )
    assert found["lstm_perplexity_gap_mp_percent"].compute().value == pytest.approx(0.5)
    assert "after 80 (" not in outcome.note
    _result(tmp_path / "fp_long", 3.9, 0)
    found = stored(training_targets.collect({**names, "lstm_perplexity_fp_long": tmp_path / "fp_long"}))
    outcome = found["lstm_perplexity_gap_percent"].compute()
    assert outcome.value == pytest.approx(1.0)  # a longer run is told, the gap stays that to the usual one
    assert "4.000 in floating point after 80 (3.900 after 80, 1 of 1 seeds)" in outcome.note


def test_the_gap_has_the_spread_of_the_seeds_of_both_sides(tmp_path, stored):
    for name, values in (("fp", (4.0, 4.02)), ("mp", (4.04, 4.08))):
        for seed, value in enumerate(values):
            _result(tmp_path / name / f"seed-{seed}", value, seed)
    found = training_targets.collect({f"lstm_perplexity_{n}": tmp_path / n for n in ("fp", "mp")})
    outcome = stored(found)["lstm_perplexity_gap_mp_percent"].compute()
    assert outcome.value == pytest.approx(100 * (4.06 / 4.01 - 1))
    assert outcome.stderr == pytest.approx(
        100 * (4.06 / 4.01) * ((0.01 / 4.01) ** 2 + (0.02 / 4.06) ** 2) ** 0.5, rel=1e-6
    )


def test_unfinished_runs_and_unknown_names_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no result.json; is the run finished"):
        training_targets.collect({"mnist_accuracy_fp": tmp_path})
    with pytest.raises(InputError, match="'mnist' is not known: expected one of mnist_accuracy_fp"):
        training_targets.collect({"mnist": tmp_path})


@pytest.mark.parametrize("name", training_curves.COMMANDS)
def test_a_stored_run_is_one_of_the_command_that_stands_beside_it(name, monkeypatch):
    """The last of several commands: each of the earlier ones is at least one that `reram train` takes."""
    for library in ("torch", "numba"):
        pytest.importorskip(library, reason="needs the training extra")
    from typer.testing import CliRunner

    from compact_model.training import cli
    from compact_model.training.settings import TrainSettings
    from reram import app

    asked = []

    def run(settings, *args, **how):
        asked.append(settings)
        return {}, ""

    monkeypatch.setattr(cli, "_one", run)
    monkeypatch.setattr(cli, "_several", run)
    commands = training_curves.COMMANDS[name].split("; then ")
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.output}"
    assert len(asked) == len(commands)
    chance = {"start": None, "model_content": "", "seed": 0}
    stored = training_curves.curves()[name]
    assert TrainSettings(**{**stored["settings"], **chance}) == asked[-1].replace(**chance)
    assert len(stored["epoch"]) == asked[-1].epochs


@pytest.mark.parametrize("module", ["training_targets", "training_curves"])
@pytest.mark.parametrize(
    ("given", "told"), [("mnist_accuracy_fp", "expected NAME=FOLDER"), ("m=x", "'m' is not known")]
)
def test_wrong_names_are_one_line_and_change_nothing(module, given, told):
    before = [p.read_bytes() for p in (training_targets.RESULTS, training_curves.CURVES)]
    command = [sys.executable, "-m", f"studies.{module}", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1
    assert before == [p.read_bytes() for p in (training_targets.RESULTS, training_curves.CURVES)]


def test_without_names_the_commands_are_printed():
    command = [sys.executable, "-m", "studies.training_targets"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "mnist_accuracy_fp:\n  reram train mnist --data FOLDER --algorithm fp --epochs 80 --seeds 3\n" in printed
    parts = printed.split("lstm_perplexity_array:\n")[1].split("lstm_perplexity_mp")[0].splitlines()
    assert len(parts) > 1 and all(p.startswith("  reram train text ") for p in parts)
