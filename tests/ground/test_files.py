"""Files are whole or absent."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from ground.errors import InputError
from ground.files import atomic, content_hash, file_hash, write_json, write_text
from ground.paper import paper
from ground.progress import progress_bar
from ground.provenance import provenance


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="power cut"), atomic(path) as temporary:
        temporary.write_text("half of the ne")
        raise RuntimeError("power cut")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x")
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_where_a_file_cannot_be_written_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder .*none does not exist; create it first"):
        write_text(tmp_path / "none" / "a.txt", "x")
    with pytest.raises(InputError, match=r"is a folder; give the name of a file to write"):
        write_text(tmp_path, "x")


def test_json_never_holds_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())
    write_json(tmp_path / "a.json", {"x": 1.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1.5}


def test_hashes_follow_content_only(tmp_path: Path) -> None:
    assert content_hash({"a": 1, "b": 2.0}) == content_hash({"b": 2.0, "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_provenance_names_inputs_and_settings(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x")
    record = provenance("reram test", files=[tmp_path / "data.csv"], synthetic=True, bias_V=0.2)
    assert record["inputs"][0]["name"] == "data.csv"
    assert record["synthetic"] is True
    assert record["settings"] == {"bias_V": 0.2}
    assert str(tmp_path) not in json.dumps(record)


def test_the_published_numbers_are_there() -> None:
    assert paper()["program_verify"]["mean_iterations"]["acceptance_0p2_percent"] == 89


def test_progress_says_how_much_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("solving") as report:
        for i in range(1, 21):
            report(i, 20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("solving: 20/20")
    assert "s left" in lines[0]
    assert len(lines) <= 12
    with progress_bar("solving", quiet=True) as report:
        report(1, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_every_round_has_its_own_time_left(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = [0.0], io.StringIO()
    written.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr("ground.progress.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("sys.stderr", written)
    with progress_bar("epoch") as report:
        for _ in range(3):
            for i in range(1, 101):
                clock[0] += 1.0
                report(i, 100)
    lines = [line.strip() for line in written.getvalue().replace("\r", "\n").splitlines() if line.strip()]
    if terminal:
        assert len(lines) == 300 and lines[200] == "epoch: 1/100   1 s gone, about 99 s left"
        assert lines[249] == "epoch: 50/100   50 s gone, about 50 s left"
    else:
        assert [line.split()[1] for line in lines[-6:]] == ["30/100", "60/100", "90/100"] * 2
        assert lines[-1] == "epoch: 90/100   90 s gone, about 10 s left"
        assert len(lines) == 11 + 6 and lines[10].startswith("epoch: 100/100   100 s gone")
