"""`reram fit synthetic`: labelled sweeps in a folder, and clear refusals."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from fits.cli import app
from fits.reading.readers import read_iv
from ground.errors import InputError


def test_sweeps_are_written_and_say_that_they_are_synthetic(tmp_path):
    done = CliRunner().invoke(app, ["synthetic", "-o", str(tmp_path / "new"), "--ambients", "280 K,300", "--json"])
    told = json.loads(done.stdout)
    assert told["synthetic"] and len(told["files"]) == 4
    sweeps = [read_iv(f) for f in told["files"]]
    assert all(s.synthetic for s in sweeps)
    assert sorted({s.ambient_K for s in sweeps}) == [280.0, 300.0]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--ambients", "260,cold", "--ambients"),
        ("--ambients", "5", "50"),
        ("--lrs", "18 nm", "--lrs"),
        ("--lrs", "-3 ohm", "--lrs"),
    ],
)
def test_bad_settings_are_refused_and_nothing_is_written(tmp_path, option, value, words):
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(app, ["synthetic", "-o", str(tmp_path / "x"), option, value], catch_exceptions=False)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        CliRunner().invoke(app, ["synthetic", "-o", str(tmp_path / "file" / "x")], catch_exceptions=False)
