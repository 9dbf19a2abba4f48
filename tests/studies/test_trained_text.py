"""The text network that the project keeps: it is what its record says, and reads as well as that says."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest

from ground.errors import InputError
from ground.files import file_hash
from studies.trained_text import FOLDER
from studies.training_targets import TEXT_ARRAYS

pytestmark = pytest.mark.training


def _kept():
    beside = json.loads((FOLDER / "checkpoint.npz.provenance.json").read_text(encoding="utf-8"))
    return beside["sha256"], beside["provenance"]


def test_what_is_kept_is_of_the_commands_that_it_names(monkeypatch):
    from typer.testing import CliRunner

    from compact_model.training import cli
    from compact_model.training.checkpoint import read_record
    from compact_model.training.settings import TrainSettings
    from reram import app

    asked = []
    monkeypatch.setattr(cli, "_one", lambda settings, *args, **how: (asked.append(settings) or {}, ""))
    for command in TEXT_ARRAYS.split("; then "):
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.output}"
    sha256, made = _kept()
    record = read_record(FOLDER / "checkpoint.npz")
    settings = TrainSettings(**json.loads((FOLDER / "settings.json").read_text(encoding="utf-8")))
    assert sha256 == file_hash(FOLDER / "checkpoint.npz")
    assert made["made_by"] == TEXT_ARRAYS
    assert made["settings"]["content"] == settings.content == record["settings"]
    last = record["curve"][-1]
    assert (last["epoch"], last["perplexity"]) == (made["settings"]["epoch"], made["settings"]["perplexity"])
    assert last["epoch"] == asked[-1].epochs
    chance = {"start": None, "model_content": "", "epochs": 1}
    assert settings.replace(**chance) == asked[-1].replace(**chance)


def test_it_reads_the_text_as_well_as_it_says(shared):
    from compact_model.training.finished import load_run

    run = load_run(FOLDER, data=shared / "data" / "war_and_peace" / "warpeace_input.txt")
    _, made = _kept()
    assert run.task.evaluate(run.network) == pytest.approx(made["settings"]["perplexity"], rel=3e-3)


def test_keeping_a_run_takes_its_state_as_it_is(tmp_path):
    from studies.trained_text import keep

    keep(FOLDER, tmp_path / "kept")
    with np.load(FOLDER / "checkpoint.npz") as theirs, np.load(tmp_path / "kept" / "checkpoint.npz") as ours:
        assert theirs.files == ours.files and all(np.array_equal(theirs[n], ours[n]) for n in ours.files)


def test_what_is_no_run_of_the_text_on_the_array_is_refused(tmp_path):
    from studies.trained_text import keep

    with pytest.raises(InputError, match="there is no such checkpoint"):
        keep(tmp_path, tmp_path / "kept")
    (tmp_path / "checkpoint.npz").write_bytes((FOLDER / "checkpoint.npz").read_bytes())
    with pytest.raises(InputError, match=r"is no folder of `reram train`: it has no readable settings.json"):
        keep(tmp_path, tmp_path / "kept")
    settings = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
    (tmp_path / "settings.json").write_text(json.dumps({**settings, "task": "digits"}))
    with pytest.raises(InputError, match="learned 'digits' by 'agad'; expected 'text' by 'agad'"):
        keep(tmp_path, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_at_the_command_line_a_wrong_folder_is_one_line():
    done = subprocess.run([sys.executable, "-m", "studies.trained_text"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "expected RUN" in done.stderr
