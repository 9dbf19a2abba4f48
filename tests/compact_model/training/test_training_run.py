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
from dask_cluster import dask_cluster

from compact_model.model import CompactModel
from compact_model.population import Population
from compact_model.training.aftermath import evaluate_trained
from compact_model.training.chain_options import chain_of
from compact_model.training.checkpoint import load_checkpoint
from compact_model.training.finished import load_run
from compact_model.training.own_task import own_task
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.run import data_of, make_task, run
from compact_model.training.seeds import run_seeds
from compact_model.training.settings import TrainSettings, Variant
from compact_model.training.trainer import fresh_network, train
from compact_model.training.wires import TrainWires
from ground.errors import InputError, NotConverged

ROOT = Path(__file__).resolve().parents[3]


def _settings(path, **changes):
    return TrainSettings(**{"task": str(path), "epochs": 3, **changes})


@pytest.mark.parametrize(
    ("name", "rates"),
    [(name, {}) for name in ("sgd", "mp", "ttv2", "c-ttv2", "agad")]
    + [(n, {"verify": 0.6}) for n in ("mp", "agad")]
    + [("agad", {"transfer_every": 0.25, "rho": 0.5})],
)
@pytest.mark.parametrize("more", [{}, {"line_rates": 0.1}, {"wires": TrainWires(segment_ohm=20.0, every=7)}])
def test_a_resumed_run_is_bit_for_bit_an_uninterrupted_one(clusters, tmp_path, name, rates, more):
    rates = {"lr": 5.0, **rates} if name == "mp" else rates
    task, settings = own_task(clusters), _settings(clusters, algorithm=name, rates=rates, epochs=4, **more)
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
    rows = evaluate_trained(result.network, task).rows()
    assert [r["time_s"] for r in rows] == [0.0, 1.0, 3600.0, 86400.0, 3.1536e8]
    assert rows[0]["accuracy"] > 0.85
    assert rows[-1]["accuracy_shift_corrected"] > 0.5
    assert np.array_equal(state, result.network[0].tile.state()["W"])
    assert all(torch.equal(p, before[n]) for n, p in result.network.named_parameters())
    assert rows == evaluate_trained(result.network, task).rows()


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
        "data.json",
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
    settings = _settings(clusters, algorithm="sgd", epochs=2)
    summary = run_seeds(settings, tmp_path / "runs", 2, times=(0.0, 1.0), workers=2)
    single = run(settings.replace(seed=1), tmp_path / "one", times=(0.0, 1.0))
    assert summary["seeds"] == [0, 1] and summary["last"][1] == single["last"]
    assert summary["mean"] == pytest.approx(np.mean(summary["last"]))
    stored = [json.loads((tmp_path / f"runs/seed-{n}/result.json").read_text()) for n in (0, 1)]
    both = [record["in_time"][1]["accuracy"] for record in stored]
    assert summary["in_time"][1]["accuracy"] == pytest.approx(np.mean(both))
    assert summary["in_time"][1]["accuracy_spread"] == pytest.approx(np.std(both, ddof=1))
    with pytest.raises(InputError, match="holds seed 0 already; go on with --resume"):
        run_seeds(settings, tmp_path / "runs", 2)


def test_finished_seeds_are_not_run_again_and_a_cut_one_goes_on(clusters, tmp_path):
    settings, how = _settings(clusters, algorithm="sgd", epochs=4), {"times": (0.0,), "workers": 1, "resume": True}
    whole = run_seeds(settings, tmp_path / "whole", 2, **how)
    run_seeds(settings, tmp_path / "cut", 1, **how)
    kept = (tmp_path / "cut/seed-0/checkpoint.npz").stat().st_mtime_ns
    run(settings.replace(seed=1, epochs=2), tmp_path / "cut/seed-1", times=(0.0,))
    assert run_seeds(settings, tmp_path / "cut", 2, **how)["last"] == whole["last"]
    assert (tmp_path / "cut/seed-0/checkpoint.npz").stat().st_mtime_ns == kept


def test_a_seed_that_ends_badly_is_named_and_the_others_are_kept(clusters, tmp_path):
    settings = _settings(clusters, epochs=1, algorithm="fp")
    (tmp_path / "runs/seed-1").mkdir(parents=True)
    (tmp_path / "runs/seed-1/checkpoint.npz").write_bytes(b"PK no")
    with pytest.raises(
        NotConverged, match=r"seed 1: .*is no checkpoint of a training.* The other 1 of 2 seeds are kept"
    ):
        run_seeds(settings, tmp_path / "runs", 2, workers=1, resume=True)
    assert (tmp_path / "runs/seed-0/result.json").is_file()


def test_seeds_on_a_dask_cluster_are_those_of_processes(clusters, tmp_path):
    settings, how = _settings(clusters, algorithm="sgd", epochs=1), {"times": (0.0,)}
    here = run_seeds(settings, tmp_path / "here", 2, workers=1, **how)
    with dask_cluster(1) as cluster:
        there = run_seeds(settings, tmp_path / "there", 2, scheduler=cluster.address, **how)
    assert there["last"] == here["last"] and there["in_time"] == here["in_time"]
    assert (tmp_path / "there/seed-1/checkpoint.npz").is_file()


def test_the_torch_tile_trains_resumes_and_is_read(clusters, tmp_path):
    settings = _settings(clusters, algorithm="agad", device="torch-cpu", rates={"lr": 0.05}, batch=8, epochs=2)
    record = run(settings, tmp_path / "whole", times=(0.0, 3600.0))
    run(settings.replace(epochs=1), tmp_path / "cut", times=(0.0,))
    assert run(settings, tmp_path / "cut", resume=True, times=(0.0,))["curve"] == record["curve"]
    assert len(record["in_time"]) == 2 and record["settings"]["device"] == "torch-cpu"
    found = load_run(tmp_path / "whole")
    again = evaluate_trained(found.network, found.task, times=(0.0, 3600.0)).rows()
    assert again == record["in_time"] and found.epochs == 2


def test_a_clipped_run_takes_shorter_digital_steps_on_the_way_of_autograd(clusters, monkeypatch):
    """The chain does not clip, so it must not be taken."""
    import compact_model.training.task as task

    free = train(own_task(clusters), _settings(clusters, epochs=1, rates={"lr": 0.1}), Population.published())
    monkeypatch.setattr(task, "learn_classes", None)
    held = train(
        own_task(clusters), _settings(clusters, epochs=1, rates={"lr": 0.1}, clip=1e-6), Population.published()
    )
    start = fresh_network(own_task(clusters), _settings(clusters), Population.published())
    how_far = [
        sum(float((p - q).detach().abs().sum()) for p, q in zip(net.parameters(), start.parameters(), strict=True))
        for net in (free.network, held.network)
    ]
    assert how_far[1] < 1e-4 < 1e-2 < how_far[0]


def test_a_run_holds_what_is_digital_to_a_rate_of_its_own(clusters):
    """On the way of autograd, for the chain has one rate only; the arrays see nothing of it in the first step."""
    task = own_task(clusters)
    task.x, task.y = task.x[:32], task.y[:32]
    start = fresh_network(task, _settings(clusters), Population.published())
    settings = _settings(clusters, epochs=1, rates={"lr": 0.5})
    free, held = (train(task, s, Population.published()) for s in (settings, settings.replace(digital_lr=0.05)))
    for before, a, b in zip(start.parameters(), free.network.parameters(), held.network.parameters(), strict=True):
        assert (b - before).detach().numpy() == pytest.approx(0.1 * (a - before).detach().numpy(), rel=1e-3, abs=1e-7)
    assert all(
        np.array_equal(a.tile.weights, b.tile.weights)
        for a, b in zip(free.network, held.network, strict=True)
        if hasattr(a, "tile")
    )


def test_a_device_that_is_not_there(clusters):
    from compact_model.training.convert import torch_device

    with pytest.raises(InputError, match=r"device='gpu' is not known: expected cpu .numba kernels., torch-cpu"):
        torch_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(
            InputError, match=r"device='cuda' cannot be used: torch .* (was built without CUDA|finds 0)"
        ):
            train(own_task(clusters), _settings(clusters, device="cuda"), Population.published())


def test_settings_that_came_later_leave_the_content_of_earlier_runs_alone(clusters):
    plain = TrainSettings(task="mnist")
    assert not {"device", "test_bytes", "reach", "learn_scales", "clip", "digital_lr", "line_rates", "layers"} & set(
        plain.model_dump(mode="json")
    )
    assert plain.content == "3652983827f757b4"
    assert plain.replace(device="torch-cpu").content != plain.content
    with pytest.raises(InputError, match="test_bytes=9 is not allowed with task='mnist': it cuts a text"):
        plain.replace(test_bytes=9)


def test_a_decaying_rate_falls_from_epoch_to_epoch(clusters):
    task, weights = own_task(clusters), []
    for decay, epochs in ((1.0, 1), (1e-3, 1), (1e-3, 2), (1.0, 2)):
        settings = _settings(clusters, algorithm="fp", epochs=epochs, rates={"lr": 0.5, "decay": decay})
        weights.append(train(task, settings, Population.published()).network[0].weight.detach())
    first, same, little, much = weights
    assert torch.equal(first, same)
    assert 0 < float((little - same).abs().max()) < 0.01 * float((much - first).abs().max())


def test_an_earlier_run_is_taken_from_its_folder(clusters, tmp_path):
    with pytest.raises(InputError, match="is no folder of `reram train`: settings.json is not there"):
        load_run(tmp_path)
    (tmp_path / "seed-0").mkdir()
    with pytest.raises(InputError, match="It holds several seeds: name one, such as seed-0"):
        load_run(tmp_path)
    record = run(_settings(clusters, epochs=1), tmp_path / "run")
    found = load_run(tmp_path / "run")
    assert evaluate_trained(found.network, found.task, noise=found.model.noise).rows() == record["in_time"]
    other = CompactModel.published()
    other.replace(population=other.population.replace(nsr_mean=0.1)).save(tmp_path / "other.json")
    with pytest.raises(InputError, match=r"was trained with the model .*give its file with --model"):
        load_run(tmp_path / "run", model_file=tmp_path / "other.json")


def test_a_run_knows_its_data_before_it_ends(tmp_path, monkeypatch):
    (tmp_path / "t.txt").write_bytes(bytes(range(60, 70)) * 1200)
    monkeypatch.chdir(tmp_path)
    settings = TrainSettings(task="text", algorithm="fp", rates={"lr": 1.0}, epochs=1, batch=8)

    def stop(done, total):
        raise KeyboardInterrupt

    run(settings, tmp_path / "run", data=Path("t.txt"))
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(KeyboardInterrupt):
        run(settings.replace(epochs=2), tmp_path / "run", resume=True, progress=stop)
    (tmp_path / "run" / "result.json").unlink()
    assert load_run(tmp_path / "run").task.tokens == 10
    record = run(settings.replace(epochs=2), tmp_path / "run", resume=True)
    assert record["data"] == str(tmp_path / "t.txt") and record["epochs"] == 2
    (tmp_path / "run" / "data.json").unlink()  # as of a run from before there was this file
    assert load_run(tmp_path / "run").epochs == 2
    (tmp_path / "t.txt").rename(tmp_path / "moved.txt")
    with pytest.raises(InputError, match=r"t\.txt"):
        load_run(tmp_path / "run")
    assert load_run(tmp_path / "run", data=tmp_path / "moved.txt").epochs == 2


@pytest.mark.parametrize("text", ["[1]", '{"data": 5}', '{"da', "null", ""])
def test_a_damaged_record_of_the_data_counts_as_none(tmp_path, text):
    (tmp_path / "data.json").write_text(text)
    assert data_of(tmp_path) is None
    (tmp_path / "result.json").write_text('{"data": "/there/t.txt"}')
    assert data_of(tmp_path) == Path("/there/t.txt")


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
    slow = clusters.read_text() + "import time\ntime.sleep(0)\n"
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


def test_several_seeds_killed_together_go_on_to_the_same_curves(tmp_path):
    """Three on two processes, killed when a first one is through and the third has begun: that one is left alone, all end alike."""
    pytest.importorskip("sklearn")
    settings = TrainSettings(task="digits", algorithm="sgd", epochs=6, batch=256, trains=PulseTrains(slots=5))
    how = {"times": (0.0,), "workers": 1, "read": chain_of("0.35 ohm", 6, 8, "none", 256)}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run_seeds(settings, whole, 3, **how)
    words = ("--algorithm", "sgd", "--epochs", 6, "--batch", 256, "--read-times", "0", "--ir-drop", "none")
    command = _command("digits", *words, "--seeds", 3, "--workers", 2, "-o", cut, "--json")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        while not (cut / "seed-2/checkpoint.npz").is_file():
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    rows = [json.loads(p.read_text())["value"] for p in (cut / "finished").iterdir()]
    finished = {row["settings"]["seed"] for row in rows}
    assert finished and 2 not in finished and not (cut / "result.json").exists()
    kept = {n: (cut / f"seed-{n}/checkpoint.npz").stat().st_mtime_ns for n in finished}
    run_seeds(settings, cut, 3, resume=True, **how)
    assert all((cut / f"seed-{n}/checkpoint.npz").stat().st_mtime_ns == when for n, when in kept.items())
    for n in range(3):
        one, other = ((run / f"seed-{n}/curve.csv").read_bytes() for run in (whole, cut))
        assert one == other and len(one.splitlines()) == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("mnist",), "give the folder of the four IDX files with --data"),
        (("x.py", "--algorithm", "adam"), "algorithm='adam' is not known"),
        (("x.py", "--algorithm", "sgd", "--fast-lr", "0.1"), "AnalogSGD.fast_lr is not known"),
        (("x.py", "--slots", "40"), "PulseTrains.slots=40 is not allowed"),
        (("x.py", "--threads", "999"), "threads=999 is not allowed"),
        (("x.py", "--decay", "0"), "AGAD.decay=0.0 is not allowed: expected 0.001..1"),
        (("x.py", "--threshold", "0"), "AGAD.threshold=0.0 is not allowed"),
        (("x.py", "--reach", "0"), "TrainSettings.reach=0.0 is not allowed: expected 0.01..100"),
    ],
)
def test_the_command_says_what_is_wrong_and_leaves_with_2(clusters, tmp_path, options, words):
    first = clusters if options[0] == "x.py" else options[0]
    done = subprocess.run(
        _command(first, *options[1:], "-o", tmp_path / "run"),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RERAM_MNIST_MIRRORS": ""},
    )
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "gpu"), "device='gpu' is not known"),
        (("--workers", "2"), "give --seeds N with them"),
        (("--seeds", "2", "--threads", "2"), "threads=2 is not allowed with several seeds"),
        (("--read-times", "soon"), "read-times='soon' is not allowed"),
        (("--wire", "5 m"), "wire='5 m' has the unit"),
        (("--test-bytes", "9"), "test_bytes=9 is not allowed with task="),
        (("--algorithm", "sgd", "--verify", "0.6"), "AnalogSGD.verify is not known"),
        (("--algorithm", "ttv2", "--tail", "3"), "TTv2.tail is not known"),
        (("--algorithm", "mp", "--true-size"), "MixedPrecision.true_size is not known"),
        (("--clip", "0"), "TrainSettings.clip=0.0 is not allowed"),
        (("--digital-lr", "0"), "TrainSettings.digital_lr=0.0 is not allowed"),
        (("--algorithm", "fp", "--digital-lr", "0.5"), "digital_lr=0.5 is not allowed with algorithm='fp'"),
        (("--device-noise", "-1"), "Converters.device_noise=-1.0 is not allowed: expected 0..100"),
        (("--output-noise", "nan"), "Converters.noise=nan is not allowed: not a finite number"),
        (
            ("--algorithm", "fp", "--device-noise", "0.006"),
            "converters={'device_noise': 0.006} is not allowed with algorithm='fp'",
        ),
        (("--verify", "0"), "AGAD.verify=0.0 is not allowed: expected 0.05..1"),
        (("--algorithm", "fp", "--learn-scales"), "learn_scales=True is not allowed with algorithm='fp'"),
        (("--algorithm", "fp", "--line-rates", "0.1"), "line_rates=0.1 is not allowed with algorithm='fp'"),
        (("--algorithm", "fp", "--layer", "0:threshold=2"), "layers=.* is not allowed with algorithm='fp'"),
        (
            ("--layer", "0:fast_lr"),
            "layer='0:fast_lr' is not allowed: expected NAME:RATE=VALUE, such as out:fast_lr=0.05",
        ),
        (("--layer", ":fast_lr=0.1"), "layer=':fast_lr=0.1' is not allowed: expected NAME:RATE=VALUE"),
        (("--layer", "9:fast_lr=0.1"), "there is no analog layer '9' in the network"),
        (("--line-rates", "2"), "TrainSettings.line_rates=2.0 is not allowed: expected 0..1"),
        (("--transfer-every", "0"), "AGAD.transfer_every=0.0 is not allowed"),
        (("--algorithm", "mp", "--spread-trains"), "trains.spread=True is not allowed with algorithm='mp'"),
        (("--algorithm", "mp", "--even-trains"), "trains.even=True is not allowed with algorithm='mp'"),
        (("--train-wire", "0.35"), "train-wire='0.35' carries no unit"),
        (("--train-wire", "0 ohm"), "TrainWires.segment_ohm=0.0 is not allowed"),
        (("--train-wire", "1 ohm", "--train-wire-every", "0"), "TrainWires.every=0 is not allowed"),
        (("--train-wire-every", "9"), "train-wire-every=9 is not allowed without --train-wire"),
        (("--algorithm", "fp", "--train-wire", "1 ohm"), "wires=.* is not allowed with algorithm='fp'"),
    ],
)
def test_what_the_command_does_not_take(clusters, tmp_path, options, words):
    from typer.testing import CliRunner

    import reram

    with pytest.raises(InputError, match=words):
        CliRunner().invoke(
            reram.app, ["train", str(clusters), *options, "-o", str(tmp_path / "run")], catch_exceptions=False
        )
    assert not (tmp_path / "run").exists()


def test_the_command_takes_the_noise_of_reads(clusters, tmp_path):
    from typer.testing import CliRunner

    import reram

    noises = ("--output-noise", "0", "--device-noise", "0.006")
    words = ["train", str(clusters), "--epochs", "1", "--read-times", "0", *noises, "-o", str(tmp_path / "run")]
    CliRunner().invoke(reram.app, words, catch_exceptions=False)
    found = json.loads((tmp_path / "run/settings.json").read_text())["converters"]
    assert (found["noise"], found["device_noise"], found["dac_bits"]) == (0.0, 0.006, 7.0)
    assert json.loads((tmp_path / "run/result.json").read_text())["settings"]["converters"] == found


def test_the_evaluate_command_reads_a_run_again_and_programs_it(clusters, tmp_path):
    from typer.testing import CliRunner

    import reram

    run(_settings(clusters, epochs=2, rates={"lr": 0.05}), tmp_path / "run", times=(0.0, 3600.0))
    first = json.loads((tmp_path / "run/result.json").read_text())
    call = CliRunner().invoke
    done = call(reram.app, ["evaluate", str(tmp_path / "run"), "--times", "0,1h", "--json"], catch_exceptions=False)
    record = json.loads(done.stdout)
    assert record["in_time"] == first["in_time"] and record["state"] == "as trained, fixed references"
    assert json.loads((tmp_path / "run/evaluation.json").read_text()) == record
    assert {"checkpoint.npz", "settings.json"} <= {i["name"] for i in record["provenance"]["inputs"]}
    options = [
        "--program",
        "stated",
        "--repeats",
        "2",
        "--ir-drop",
        "none",
        "--times",
        "0",
        "-o",
        str(tmp_path / "out"),
    ]
    done = call(reram.app, ["evaluate", str(tmp_path / "run"), *options], catch_exceptions=False)
    assert done.exit_code == 0 and "programmed: accuracy" in done.stdout and "±" in done.stdout
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"evaluation.json", "evaluation.csv"}
    with pytest.raises(InputError, match="input-scale='big' is not allowed: expected vector, or a number"):
        call(reram.app, ["evaluate", str(tmp_path / "run"), "--input-scale", "big"], catch_exceptions=False)


def test_the_evaluate_command_takes_the_mid_point_of_single_devices_off_in_the_words_of_mvm(clusters, tmp_path):
    """Inputs of one sign through 5 ohm a segment: what the wires take from the mid-point, only a wired reference takes off."""
    from typer.testing import CliRunner

    import reram

    run(_settings(clusters, algorithm="fp", rates={"lr": 0.5}, epochs=8), tmp_path / "run")

    def evaluated(*words):
        given = ("--program", "ideal", "--scheme", "single", "--times", "0", "--wire", "5ohm", "--adc", "0", *words)
        call = ["evaluate", str(tmp_path / "run"), *given, "--json"]
        return json.loads(CliRunner().invoke(reram.app, call, catch_exceptions=False).stdout)

    words = ("digital", "column", "wired", "wired --reference-every 4")
    found = {w: evaluated("--reference", *w.split()) for w in words}
    loss = {w: record["in_time"][0]["loss"] for w, record in found.items()}
    ideal = found["wired"]["floating_point"]["loss"]
    assert loss["digital"] == pytest.approx(loss["column"], rel=1e-6)
    assert abs(loss["wired --reference-every 4"] - ideal) < 0.5 * abs(loss["column"] - ideal)
    assert abs(loss["wired"] - ideal) < 0.5 * abs(loss["column"] - ideal)
    assert found["wired --reference-every 4"]["chain"]["reference_every"] == 4


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("--reference wire", "reference='wire' is not allowed: expected 'digital', 'column' or 'wired'"),
        ("--reference wired --program ideal", "is not allowed with pairs.*choose scheme='single'"),
        ("--reference-every 4 --program ideal", "reference_every=4 is not allowed with reference='column'"),
        ("--reference wired --scheme single", "reference='wired' is not allowed without --program"),
        ("--reference digital", "reference='digital' is not allowed without --program"),
        ("--cell", "--cell is not allowed: the model 'CMO/HfOx.*' of .* has no cell"),
    ],
)
def test_references_that_the_evaluate_command_does_not_take(clusters, tmp_path, words, match):
    from typer.testing import CliRunner

    import reram

    run(_settings(clusters, algorithm="sgd", epochs=1), tmp_path / "run", times=(0.0,))
    with pytest.raises(InputError, match=match):
        CliRunner().invoke(reram.app, ["evaluate", str(tmp_path / "run"), *words.split()], catch_exceptions=False)


def test_the_embedded_digits_train_read_and_resume(tmp_path):
    pytest.importorskip("sklearn")
    settings = TrainSettings(task="digits", algorithm="fp", rates={"lr": 0.3}, epochs=10)
    record = run(settings, tmp_path / "digits")
    assert record["task"] == "digits" and record["last"] > 0.8
    assert load_run(tmp_path / "digits").epochs == 10
