"""Runs that start from the arrays of another run."""

import shutil

import numpy as np
import pytest

from compact_model.training.checkpoint import load_checkpoint
from compact_model.training.finished import load_run
from compact_model.training.run import run
from compact_model.training.settings import TrainSettings, Variant
from compact_model.training.wires import TrainWires
from ground.errors import InputError


@pytest.fixture
def settings(clusters):
    return TrainSettings(task=str(clusters), epochs=2)


def _run(settings, folder, **how):
    return run(settings, folder, times=(0.0,), **how)


def test_with_the_same_rates_it_is_the_longer_run_bit_for_bit(settings, tmp_path):
    whole = _run(settings.replace(epochs=4), tmp_path / "whole")
    _run(settings, tmp_path / "first")
    second = _run(settings.replace(epochs=4), tmp_path / "second", start=tmp_path / "first")
    assert second["curve"] == whole["curve"] and second["epochs"] == 4
    ours, theirs = (load_run(tmp_path / n).network for n in ("whole", "second"))
    for a, b in zip(ours.modules(), theirs.modules(), strict=True):
        if hasattr(a, "tile"):
            assert all(np.array_equal(v, b.tile.state()[k]) for k, v in a.tile.state().items())
    assert [i["role"] for i in second["provenance"]["inputs"]].count("start") == 1
    assert second["settings"]["start"]["epoch"] == 2 and "start" not in whole["settings"]


def test_it_resumes_whatever_became_of_the_run_it_started_from(settings, tmp_path):
    _run(settings, tmp_path / "first")
    other = settings.replace(rates={"lr": 0.02, "decay": 0.5}, epochs=5)
    whole = _run(other, tmp_path / "whole", start=tmp_path / "first")
    _run(other.replace(epochs=3), tmp_path / "cut", start=tmp_path / "first")
    shutil.rmtree(tmp_path / "first")
    resumed = _run(other, tmp_path / "cut", start=tmp_path / "first", resume=True)
    again = _run(other, tmp_path / "cut", resume=True)
    assert resumed["curve"] == whole["curve"] == again["curve"]
    assert resumed["settings"] == whole["settings"]


def test_killed_in_its_first_epoch_it_starts_again(settings, tmp_path):
    _run(settings, tmp_path / "first")
    whole = _run(settings.replace(epochs=3), tmp_path / "whole", start=tmp_path / "first")
    (tmp_path / "cut").mkdir()
    shutil.copy(tmp_path / "whole" / "start.npz", tmp_path / "cut")
    assert _run(settings.replace(epochs=3), tmp_path / "cut", resume=True)["curve"] == whole["curve"]


def test_the_rates_are_its_own_and_decay_from_the_start(settings, tmp_path):
    """The first epoch after the start runs at the full rate, whatever the decay; the second does not."""
    first = tmp_path / "first"
    _run(settings, first)

    def curve(decay):
        own = settings.replace(rates={"lr": 0.05, "decay": decay}, epochs=4)
        return _run(own, tmp_path / f"decay-{decay}", start=first)["curve"]

    steady, falling = curve(1.0), curve(0.1)
    assert steady[:3] == falling[:3] and steady[3] != falling[3]


def test_wires_and_rates_per_line_may_come_in(settings, tmp_path):
    _run(settings, tmp_path / "first")
    more = settings.replace(wires=TrainWires(segment_ohm=20.0), line_rates=0.1, epochs=3)
    _run(more, tmp_path / "second", start=tmp_path / "first")
    tile = load_run(tmp_path / "second").network[0].tile
    assert tile.state()["gain_offset"][0].max() < 1.0
    _run(more.replace(wires=TrainWires(segment_ohm=1e-6), epochs=4), tmp_path / "third", start=tmp_path / "second")
    tile = load_run(tmp_path / "third").network[0].tile
    assert tile.state()["gain_offset"][0] == pytest.approx(1.0, abs=1e-3)  # solved anew, not taken over


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, r"start=.*first: was trained with seed=0, but this run has 1"),
        ({"variant": Variant(nsr=0.2)}, r"was trained with variant=\{'nsr': None"),
        ({"reach": 2.0}, r"was trained with reach=1.0, but this run has 2.0"),
        ({"algorithm": "mp"}, r"was trained with algorithm='agad', whose arrays are not those of 'mp'"),
        ({"algorithm": "fp"}, r"was trained with algorithm='agad', whose arrays are not those of 'fp'"),
        ({"epochs": 2}, r"epochs=2 is not allowed with start=.*: expected more than the 2 it has"),
        ({"task": "digits"}, r"was trained with task="),
    ],
)
def test_what_it_cannot_start_from(settings, tmp_path, changes, words):
    _run(settings, tmp_path / "first")
    with pytest.raises(InputError, match=words):
        _run(settings.replace(**{"epochs": 4, **changes}), tmp_path / "second", start=tmp_path / "first")
    assert not (tmp_path / "second").exists()


def test_a_folder_that_is_no_run(settings, tmp_path):
    with pytest.raises(InputError, match="is no folder of `reram train`"):
        _run(settings, tmp_path / "second", start=tmp_path / "nothing")
    _run(settings, tmp_path / "first")
    (tmp_path / "first" / "checkpoint.npz").unlink()
    with pytest.raises(InputError, match="there is no such checkpoint"):
        _run(settings.replace(epochs=4), tmp_path / "second", start=tmp_path / "first")


def test_a_run_in_floating_point_has_no_arrays(settings, tmp_path):
    _run(settings.replace(algorithm="fp"), tmp_path / "first")
    with pytest.raises(InputError, match="algorithm='fp', whose arrays are not those of 'agad'"):
        _run(settings.replace(epochs=4), tmp_path / "second", start=tmp_path / "first")


def test_a_run_that_has_begun_otherwise_is_not_started_anew(settings, tmp_path):
    _run(settings, tmp_path / "first")
    _run(settings, tmp_path / "second")
    with pytest.raises(InputError, match="was made with other settings"):
        _run(settings.replace(epochs=4), tmp_path / "second", start=tmp_path / "first", resume=True)
    assert not (tmp_path / "second" / "start.npz").exists()


def test_without_a_folder_there_is_nothing_to_start_from(settings, clusters):
    from compact_model.population import Population
    from compact_model.training.own_task import own_task
    from compact_model.training.trainer import train

    given = settings.replace(start={"content": "0" * 16, "epoch": 1})
    with pytest.raises(InputError, match=r"needs a folder that holds start\.npz"):
        train(own_task(clusters), given, Population.published())


def test_the_command(settings, tmp_path):
    from typer.testing import CliRunner

    import reram

    _run(settings, tmp_path / "first")
    words = ["train", settings.task, "--start", str(tmp_path / "first"), "--lr", "0.02", "--epochs", "3", "-o"]
    done = CliRunner().invoke(reram.app, [*words, str(tmp_path / "second")], catch_exceptions=False)
    assert done.exit_code == 0 and "after 3 epochs" in done.output
    with pytest.raises(InputError, match=r"start=.* is not allowed with several seeds"):
        CliRunner().invoke(reram.app, [*words, str(tmp_path / "third"), "--seeds", "2"], catch_exceptions=False)
    assert load_checkpoint(tmp_path / "second" / "checkpoint.npz", load_run(tmp_path / "second").network)["curve"]
