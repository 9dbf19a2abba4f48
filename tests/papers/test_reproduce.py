"""The run over all figures and numbers: resumable by content, honest about what failed, whole files only."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from pages import parsed

from ground.errors import InputError, MissingLibrary, NotConverged
from ground.files import file_hash
from studies import kept, reproduce
from studies.cli import reproduce_command
from studies.figures import all_figures, chosen, order
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.style import new_figure
from studies.reproduce import Reproduction, reproduce_paper
from studies.target import Outcome, Target

ROOT = Path(__file__).resolve().parents[2]
_PANELS = {2: "abcde", 3: "abcde", 4: "abcdef", 5: "abc", 6: "abd"}


@dataclass
class Paper:
    """Two small figures and two numbers in place of the real ones; `drawn` and `computed` are what was made, in order."""

    drawn: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def figures(self) -> list[Figure]:
        return [
            Figure(
                "2a", "A line", self._draw("2a"), ("some.input",), reduced="3 points instead of 9", files=self.files
            ),
            Figure("S1", "Another line", self._draw("S1")),
        ]

    def targets(self) -> list[Target]:
        return [
            Target("slope", "2a", 2.0, 0.1, self._compute("slope", 2.1), ("some.input",)),
            Target("offset", "S1", 1.0, 0.1, self._compute("offset", 3.0), ("some.input",)),
        ]

    def _draw(self, number: str) -> Callable[[Effort], Drawing]:
        def draw(effort: Effort) -> Drawing:
            self.drawn.append(number)
            (effort.folder / "on_the_way.txt").write_text("x")
            if number in self.fails:
                raise self.fails[number]
            figure, axis = new_figure(width=2, height=2)
            x = np.arange(3.0 if effort.quick else 9.0)
            axis.plot(x, 2 * x)
            data = xr.Dataset({"y": ("x", 2 * x, {"units": "V"})}, {"x": ("x", x, {"units": "s"})})
            return Drawing(figure, data, "It rises <steeply>.", {"points": x.size}, synthetic=number == "S1")

        return draw

    def _compute(self, name: str, value: float) -> Callable[[], Outcome]:
        def compute() -> Outcome:
            self.computed.append(name)
            if name in self.fails:
                raise self.fails[name]
            return Outcome(value, "a note", 0.01)

        return compute


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    made = Paper()
    monkeypatch.setattr(reproduce, "all_figures", made.figures)
    monkeypatch.setattr(reproduce, "targets", made.targets)
    return made


def statuses(run: Reproduction) -> dict[str, str]:
    return {f["number"]: f["status"] for f in run.figures} | {r.name: r.status for r in run.rows}


def test_a_run_writes_pictures_data_records_scoreboard_and_page(paper: Paper, tmp_path: Path) -> None:
    said: list[str] = []
    run = reproduce_paper(tmp_path, say=said.append)
    assert statuses(run) == {"2a": "made", "S1": "made", "slope": "reproduced", "offset": "off"}
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == [
        f"{n}.{e}" for n in ("2a", "S1") for e in ("json", "nc", "png")
    ]
    record = json.loads((tmp_path / "figures" / "2a.json").read_text())
    assert record["files"] == {n: file_hash(tmp_path / "figures" / n) for n in ("2a.png", "2a.nc")}
    assert record["provenance"]["settings"]["points"] == 9 and len(record["provenance"]["settings"]["code_hash"]) == 16
    assert not any((tmp_path / "work").iterdir())
    with xr.open_dataset(tmp_path / "figures" / "S1.nc", engine="h5netcdf") as data:
        assert data.attrs["synthetic"] == "true" and data["y"].attrs["units"] == "V" and data["x"].attrs["units"] == "s"
    board = json.loads((tmp_path / "scoreboard.json").read_text())
    assert board["counts"] == {"reproduced": 1, "input": 0, "off": 1, "not attempted": 0}
    assert (board["rows"][0]["stderr"], board["rows"][0]["inputs"]) == (0.01, ["some.input"])
    page = parsed((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.count("img") == 2 and "It rises <steeply>." in page.words and "off by +200%" in page.words
    assert "Made from SYNTHETIC data." in page.words
    assert [s.split("]")[0] for s in said] == ["[1/4", "[2/4", "[3/4", "[4/4"] and "left" in said[0]


def test_a_second_run_makes_nothing_again_and_again_does(paper: Paper, tmp_path: Path) -> None:
    reproduce_paper(tmp_path)
    said: list[str] = []
    run = reproduce_paper(tmp_path, say=said.append)
    assert (paper.drawn, paper.computed) == (["2a", "S1"], ["slope", "offset"])
    assert said == ["4 of 4 are finished and unchanged; --again makes them anew."] and len(run.rows) == 2
    reproduce_paper(tmp_path, again=True, only=["2a"])
    assert (paper.drawn, paper.computed) == (["2a", "S1", "2a"], ["slope", "offset", "slope"])


def test_ctrl_c_loses_the_one_in_work_only(paper: Paper, tmp_path: Path) -> None:
    paper.fails["S1"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        reproduce_paper(tmp_path)
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == ["2a.json", "2a.nc", "2a.png"]
    paper.fails.clear()
    reproduce_paper(tmp_path)
    assert paper.drawn == ["2a", "S1", "S1"]


def test_kill_9_while_a_picture_is_written_loses_that_one_only(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "code_hash", lambda: "the same code")
    code = f"""
import os, signal, sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from studies import figure_record, kept, reproduce
from tests.papers.test_reproduce import Paper
kept.code_hash = lambda: "the same code"
paper = Paper()
reproduce.all_figures, reproduce.targets = paper.figures, paper.targets
save = figure_record._save
def killed(drawing, stem, *rest):
    if stem.name == "S1":
        drawing.picture.savefig = lambda path, **k: (open(path, "wb").write(b"half"), os.kill(os.getpid(), signal.SIGKILL))
    save(drawing, stem, *rest)
figure_record._save = killed
reproduce.reproduce_paper({str(tmp_path)!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "figures" / "S1.png").exists() and not (tmp_path / "figures" / "S1.json").exists()
    reproduce_paper(tmp_path)
    assert paper.drawn == ["S1"]


def test_a_changed_key_or_a_damaged_file_is_made_again(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "curve.csv", tmp_path / "out"
    paper.files = (data,)
    reproduce_paper(out)
    data.write_text("1,2")
    reproduce_paper(out)
    assert paper.drawn == ["2a", "S1", "2a"]  # the file it reads is there now
    (out / "figures" / "S1.png").write_bytes(b"scribble")
    reproduce_paper(out)
    assert paper.drawn[3:] == ["S1"]
    monkeypatch.setattr(kept, "code_hash", lambda: "another code")
    reproduce_paper(out)
    assert paper.drawn[4:] == ["2a", "S1"] and paper.computed[2:] == ["slope", "offset"]


def test_quick_makes_anew_only_what_it_cuts(paper: Paper, tmp_path: Path) -> None:
    reproduce_paper(tmp_path)
    run = reproduce_paper(tmp_path, quick=True)
    assert paper.drawn == ["2a", "S1", "2a"] and paper.computed == ["slope", "offset"]
    assert [f["reduced"] for f in run.figures] == ["3 points instead of 9", ""]
    assert "Quick run" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_is_missing_or_fails_keeps_its_reason_and_the_run_goes_on(paper: Paper, tmp_path: Path) -> None:
    reproduce_paper(tmp_path)
    paper.fails |= {"2a": MissingLibrary("dolfinx is not installed: apt-get install it"), "S1": NotConverged("no luck")}
    paper.fails |= {"slope": MissingLibrary("needs full runs"), "offset": NotConverged("no luck either")}
    for _ in range(2):  # nothing of it is finished: it is tried again
        run = reproduce_paper(tmp_path, again=True)
        assert statuses(run) == {"2a": "not attempted", "S1": "off", "slope": "not attempted", "offset": "off"}
    assert run.figures[0]["caption"] == "dolfinx is not installed: apt-get install it"
    assert list((tmp_path / "figures").iterdir()) == []  # nor is what was made before still there
    page = parsed((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "no luck" in page.words and "apt-get install it" in page.words and "needs full runs" in page.words
    paper.fails.clear()
    assert set(statuses(reproduce_paper(tmp_path)).values()) == {"made", "reproduced", "off"}


def test_a_bug_is_not_swallowed(paper: Paper, tmp_path: Path) -> None:
    paper.fails["S1"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        reproduce_paper(tmp_path)


def test_only_makes_its_figures_and_their_numbers_and_keeps_the_others(paper: Paper, tmp_path: Path) -> None:
    run = reproduce_paper(tmp_path, only=["s1"])
    assert (paper.drawn, paper.computed) == (["S1"], ["offset"]) and statuses(run) == {"S1": "made", "offset": "off"}
    assert set(statuses(reproduce_paper(tmp_path, only=["2"]))) == {"2a", "S1", "slope", "offset"}
    with pytest.raises(
        InputError, match=r"--only '9z' is not allowed: the paper has no such figure here. Expected .* of 2a, S1"
    ):
        reproduce_paper(tmp_path, only=["2a", "9z"])


def test_the_command_says_where_everything_is(paper: Paper, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper.fails["S1"] = MissingLibrary("install more")
    out = tmp_path / "out"
    reproduce_command(out, quick=True, only="", again=False, json=False)
    told = capsys.readouterr().out
    assert "figure S1, not attempted: install more" in told and "figure 2a, quick: 3 points instead of 9" in told
    assert told.splitlines()[-1].startswith(f"1 of 2 figures and the scoreboard are in {out}/index.html")
    assert "2.1 ± 0.01" in told and "1 reproduced, 0 input, 1 off, 0 not attempted" in told
    reproduce_command(out, quick=True, only="2a", again=False, json=True)
    assert {"folder", "figures", "rows", "counts", "provenance"} == set(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"output": Path("rows.json")}, r"-o rows.json: expected a folder; the rows go into its scoreboard.json"),
        ({"only": " , "}, r"--only ' , ' is not allowed: expected numbers of figures with commas between them"),
    ],
)
def test_the_command_refuses(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        reproduce_command(**{"output": Path("x"), "quick": False, "only": "", "again": False, "json": False, **given})


def test_a_file_in_the_way_is_named(paper: Paper, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match=r"out/figures: cannot be made: Not a directory. Expected a folder"):
        reproduce_paper(tmp_path / "out")


def test_every_figure_of_the_paper_is_there_once_in_its_order() -> None:
    numbers = [f.number for f in all_figures()]
    published = [*(f"{n}{p}" for n, panels in _PANELS.items() for p in panels), *(f"S{n}" for n in range(1, 10))]
    assert numbers == published == sorted(published, key=order)
    assert [f.number for f in chosen(all_figures(), ["6", "S9"])] == ["6a", "6b", "6d", "S9"]
