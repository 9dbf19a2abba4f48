"""Runs: resume bit for bit, stop with a reason, what the folder holds, the command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from compact_model.model import CompactModel
from compact_model.population import Population
from compact_model.training.aftermath import figure_in_time
from compact_model.training.checkpoint import load_checkpoint
from compact_model.training.own_task import own_task
from compact_model.training.run import make_task, run, run_seeds
from compact_model.training.settings import TrainSettings, Variant
from compact_model.training.trainer import fresh_network, train
from ground.errors import InputError, NotConverged

ROOT = Path(__file__).resolve().parents[3]
CLUSTERS = '''"""SYNTHETIC clusters in 16 dimensions."""
import numpy as np
def data():
    rng = np.random.default_rng(0)
    centre, y = rng.uniform(0, 1, (4, 16)), rng.integers(0, 4, 600)
    x = np.clip(centre[y] + 0.15 * rng.standard_normal((600, 16)), 0, 1)
    return x[:480], y[:480], x[480:], y[480:]
'''


@pytest.fixture
def clusters(tmp_path):
    path = tmp_path / "clusters.py"
    path.write_text(CLUSTERS)
    return path


def _settings(path, **changes):
    return TrainSettings(**{"task": str(path), "epochs": 3, **changes})


@pytest.mark.parametrize("name", ["sgd", "ttv2", "c-ttv2", "agad"])
def test_a_resumed_run_is_bit_for_bit_an_uninterrupted_one(clusters, tmp_path, name):
    task, settings = own_task(clusters), _settings(clusters, algorithm=name, epochs=4)
    whole = train(task, settings, Population.published())
    first = tmp_path / "run"
    first.mkdir()
    train(task, settings.replace(epochs=2), Population.published(), folder=first)
    resumed = train(task, settings, Population.published(), folder=first, resume=True)
    assert resumed.curve.rows == whole.curve.rows
    for a, b in zip(whole.network.modules(), resumed.network.modules(), strict=True):
        if hasattr(a, "tile"):
            assert all(np.array_equal(v, b.tile.state()[k]) for k, v in a.tile.state().items())


def test_agad_learns_and_the_array_it_leaves_relaxes(clusters):
    task = own_task(clusters)
    result = train(task, _settings(clusters, epochs=15, rates={"lr": 0.05}), Population.published())
    assert result.curve.rows[-1]["accuracy"] > 0.9
    before = {n: p.clone() for n, p in result.network.named_parameters()}
    state = result.network[0].tile.state()["W"].copy()
    rows = figure_in_time(task, result.network)
    assert [r["time_s"] for r in rows] == [0.0, 1.0, 3600.0, 86400.0, 3.1536e8]
    assert rows[0]["accuracy"] > 0.85
    assert rows[-1]["accuracy_shift_corrected"] > 0.5
    assert np.array_equal(state, result.network[0].tile.state()["W"])
    assert all(torch.equal(p, before[n]) for n, p in result.network.named_parameters())
    assert rows == figure_in_time(task, result.network)


def test_early_stop(clusters):
    settings = _settings(clusters, algorithm="fp", epochs=60, patience=3)
    said = []
    result = train(own_task(clusters), settings, Population.published(), say=said.append)
    assert result.stopped_early and len(result.curve) < 60
    assert said[-1] == "stopped: no better accuracy for 3 epochs"
    assert "about" in said[0] and "accuracy" in said[0]


def test_divergence_stops_and_the_last_good_checkpoint_is_kept(clusters, tmp_path):
    task, settings = own_task(clusters), _settings(clusters, algorithm="fp", epochs=2)
    train(task, settings, Population.published(), folder=tmp_path)
    kept = (tmp_path / "checkpoint.npz").read_bytes()
    task.x[100] = float("nan")
    with pytest.raises(
        NotConverged, match=r"epoch 3: the loss or a weight is no finite number.*The checkpoint after epoch 2 is kept"
    ):
        train(task, settings.replace(epochs=4), Population.published(), folder=tmp_path, resume=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == kept


def test_a_dead_tile_stops_the_run(clusters):
    settings = _settings(clusters, rates={"fast_lr": 0.0})
    with pytest.raises(NotConverged, match=r"a tile of \d+ x \d+ got no pulse at all: it is dead; raise lr or fast_lr"):
        train(own_task(clusters), settings, Population.published())


def test_weights_at_their_bounds_stop_the_run(clusters):
    settings = _settings(clusters, algorithm="sgd", rates={"lr": 300.0}, variant=Variant(nsr=0.0, states=3.0))
    with pytest.raises(NotConverged, match=r"stand at their bounds|ran away|no finite number"):
        train(own_task(clusters), settings.replace(epochs=8), Population.published())


def test_a_run_leaves_its_files_and_refuses_to_be_run_over(clusters, tmp_path):
    folder = tmp_path / "run"
    record = run(_settings(clusters), folder)
    assert {p.name for p in folder.iterdir()} >= {
        "checkpoint.npz",
        "curve.csv",
        "result.json",
        "arrays.npz",
        "settings.json",
    }
    stored = json.loads((folder / "result.json").read_text())
    assert stored == json.loads(json.dumps(record))
    assert len(stored["curve"]) == 3 and len(stored["in_time"]) == 5
    assert stored["provenance"]["settings"]["content"]
    lines = (folder / "curve.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy,pulses" and len(lines) == 4
    assert float(lines[-1].split(",")[1]) == record["curve"][-1]["loss"]
    arrays = np.load(folder / "arrays.npz")
    assert np.all((arrays["0/g_S"] >= arrays["0/g_min_S"]) & (arrays["0/g_S"] <= arrays["0/g_max_S"]))
    with pytest.raises(InputError, match="holds a run already; go on with --resume"):
        run(_settings(clusters), folder)
    with pytest.raises(InputError, match="was made with other settings"):
        run(_settings(clusters, seed=5), folder, resume=True)


def test_several_seeds_side_by_side(clusters, tmp_path):
    summary = run_seeds(_settings(clusters, algorithm="fp", epochs=2), tmp_path / "runs", 2)
    single = run(_settings(clusters, algorithm="fp", epochs=2, seed=1), tmp_path / "one")
    assert summary["seeds"] == [0, 1] and summary["last"][1] == single["last"]
    assert summary["mean"] == pytest.approx(np.mean(summary["last"]))


def test_damaged_and_foreign_checkpoints_are_refused(clusters, tmp_path):
    task, settings = own_task(clusters), _settings(clusters, epochs=1)
    network = fresh_network(task, settings, Population.published())
    with pytest.raises(InputError, match="there is no such checkpoint"):
        load_checkpoint(tmp_path / "none.npz", network)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match="is no checkpoint of a training, or damaged"):
        load_checkpoint(tmp_path / "bad.npz", network)
    np.savez(tmp_path / "pickled.npz", record=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="is no checkpoint of a training, or damaged"):
        load_checkpoint(tmp_path / "pickled.npz", network)
    train(task, settings, Population.published(), folder=tmp_path)
    other = fresh_network(task, _settings(clusters, algorithm="sgd"), Population.published())
    with pytest.raises(InputError, match="is missing or has another shape; is it of another network"):
        load_checkpoint(tmp_path / "checkpoint.npz", other)


def test_variants_change_the_means_and_nothing_else():
    p = Population.published()
    q = Variant(nsr=0.2, states=100, skew=0.5).of(p)
    assert (q.nsr_mean, *q.states.mean) == (0.2, 100.0, 0.5)
    assert q.nsr_sigma / q.nsr_mean == pytest.approx(p.nsr_sigma / p.nsr_mean)
    assert q.exponents == p.exponents and Variant().of(p) == p
    with pytest.raises(InputError, match=r"Variant.skew=50.0 is not allowed: expected 0.02..0.98"):
        Variant(skew=50.0)


def test_a_model_without_a_window_or_population_is_refused(clusters, tmp_path):
    model = CompactModel.published()
    narrow = model.population.replace(g_max_mean_S=1.01 * model.population.g_min_mean_S, g_max_lowest_S=0.0)
    model.replace(population=narrow).save(tmp_path / "narrow.json")
    with pytest.raises(InputError, match="there is no room for weights"):
        run(_settings(clusters), tmp_path / "run", model_file=tmp_path / "narrow.json")
    data = json.loads((tmp_path / "narrow.json").read_text())
    del data["population"]
    (tmp_path / "none.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="CompactModel.population is missing"):
        run(_settings(clusters), tmp_path / "run", model_file=tmp_path / "none.json")


def test_unknown_tasks_and_settings_are_refused():
    with pytest.raises(InputError, match="task='mnst' is not known: expected mnist, digits, text or a Python file"):
        make_task("mnst", None, 32)
    with pytest.raises(InputError, match=r"TrainSettings.epochs=0 is not allowed"):
        TrainSettings(task="mnist", epochs=0)
    with pytest.raises(InputError, match=r"TrainSettings.seed=1.5 is not allowed: expected a whole number"):
        TrainSettings(task="mnist", seed=1.5)


def _command(*arguments):
    return [sys.executable, str(ROOT / "reram.py"), "train", *map(str, arguments)]


def test_killed_in_mid_epoch_the_command_goes_on_to_the_same_curve(clusters, tmp_path):
    options = ("--algorithm", "agad", "--epochs", 4, "--seed", 3)
    subprocess.run(_command(clusters, *options, "-o", tmp_path / "whole", "--json"), check=True, capture_output=True)
    slow = CLUSTERS + "import time\ntime.sleep(0)\n"
    clusters.write_text(slow)
    with subprocess.Popen(
        _command(clusters, *options, "-o", tmp_path / "cut"), stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if "epoch 2/4" in line:
                break
        os.kill(process.pid, signal.SIGKILL)
    time.sleep(0.1)
    done = subprocess.run(
        _command(clusters, *options, "-o", tmp_path / "cut", "--resume", "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert (tmp_path / "cut" / "curve.csv").read_bytes() == (tmp_path / "whole" / "curve.csv").read_bytes()
    assert json.loads(done.stdout)["epochs"] == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("mnist",), "give the folder of the four IDX files with --data"),
        (("x.py", "--algorithm", "adam"), "algorithm='adam' is not known"),
        (("x.py", "--algorithm", "sgd", "--fast-lr", "0.1"), "AnalogSGD.fast_lr is not known"),
        (("x.py", "--slots", "40"), "PulseTrains.slots=40 is not allowed"),
        (("x.py", "--threads", "999"), "threads=999 is not allowed"),
    ],
)
def test_the_command_says_what_is_wrong_and_leaves_with_2(clusters, tmp_path, options, words):
    first = clusters if options[0] == "x.py" else options[0]
    done = subprocess.run(
        _command(first, *options[1:], "-o", tmp_path / "run"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
