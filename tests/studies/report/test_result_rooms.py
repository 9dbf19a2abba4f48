"""Uncertainty, networks in time and the comparison with the paper on the report: their numbers, and what damage says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_results import make_evaluation, make_reproduction, make_uncertainty
from pages import Strict, parsed

from studies.report.page import write_report

pytestmark = pytest.mark.plot
HOSTILE = '<img src=x onerror="alert(1)">'
FILES = ("uncertainty", "evaluation", "scoreboard", "figures/2a", "rows/slope")


def page_of(folder: Path) -> Strict:
    write_report(folder)
    return parsed((folder / "report.html").read_text(encoding="utf-8"))


def copy_of(results: Path, folder: Path) -> Path:
    return Path(shutil.copytree(results, folder / "results"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder with all three results side by side. Not to be changed."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("results") / "run"
    make_reproduction(folder)
    make_uncertainty(folder)
    make_evaluation(folder / "evaluation")
    for file in (folder / "evaluation").iterdir():
        file.rename(folder / file.name)
    return folder


def test_numbers_and_pictures_stand_on_the_page_and_no_file_is_unknown(results: Path, tmp_path: Path) -> None:
    folder = copy_of(results, tmp_path)
    told = write_report(folder)
    page = parsed((folder / "report.html").read_text(encoding="utf-8"))
    assert told["notes"] == [] and told["unknown"] == ["index.html"]
    assert told["sections"] == [
        "Overview", "Uncertainty", "Network in time", "Comparison with the paper", "Figures of the paper", "Provenance", "Files",
    ]  # fmt: skip
    assert page.count("img") == 4  # bands, network in time (drawn here), two figures
    bands = json.loads((folder / "uncertainty.json").read_text())["bands"]["rmse"]
    for kind in ("parameters", "devices"):
        median, low, high = (bands[kind][end][1] for end in ("median", "p05", "p95"))
        assert low < high and f"{median:.4g} ({low:.4g}..{high:.4g})" in page.words
    for text in (
        "Varied: noise.relaxation.sigma_S.", "Not varied: population (numbers without errors).", "96.00 %", "92.00 %", "98.75 %",
        "92 ± 1.4", "93 ± 1.4", "0.35 ± 0.071", "programmed, after 7 epochs", "input_scale", "off by +200%", "far away",
        "2a: A line. It rises <steeply>. Inputs: some.input. Made from SYNTHETIC data. (figures/2a.png)",
    ):  # fmt: skip
        assert text in page.words, text
    assert page.text.index("Figure 2") < page.text.index("Supplement")


def test_of_a_stopped_comparison_the_numbers_that_are_there_are_shown(results: Path, tmp_path: Path) -> None:
    folder = copy_of(results, tmp_path)
    (folder / "scoreboard.json").write_bytes((folder / "scoreboard.json").read_bytes()[:500])
    (folder / "figures" / "2a.png").unlink()
    (folder / "rows" / "offset.json").unlink()
    page = page_of(folder)
    assert "scoreboard.json could not be read: is not JSON" in page.words
    assert "These are the numbers it has." in page.words and "slope" in page.text and "offset" not in page.text
    assert (
        "figures/2a.json: its picture is not among the files of this folder." in page.words
        and "Supplement" in page.text
    )


def test_a_figure_that_was_not_made_is_named_with_its_reason(results: Path, tmp_path: Path) -> None:
    folder = copy_of(results, tmp_path)
    board = json.loads((folder / "scoreboard.json").read_text())
    board["figures"][0] |= {"status": "not attempted", "caption": "needs <torch>"}
    (folder / "scoreboard.json").write_text(json.dumps(board))
    for file in (folder / "figures").glob("2a.*"):
        file.unlink()
    (folder / "figures" / "S1.png").write_bytes(b"no picture")
    page = page_of(folder)
    assert "Figures that are not here" in page.text and "needs <torch>" in page.words
    assert re.search(r"figures/S1\.png could not be shown: .*is not a picture", page.words)


def test_scores_are_shown_without_their_record_and_drawn_beside_a_training(results: Path, tmp_path: Path) -> None:
    shutil.copy(results / "evaluation.csv", tmp_path)
    page = page_of(tmp_path)
    assert page.count("img") == 1 and "92 ± 1.4" in page.words and "What was put in" not in page.words
    read = json.loads((results / "evaluation.json").read_text())
    curve = [{"epoch": 1, "loss": 1.0, "accuracy": 0.9, "pulses": 10}]
    result = {
        **{k: read[k] for k in ("task", "figure", "in_time", "epochs", "provenance")},
        "last": 0.9, "best": 0.9, "best_epoch": 1, "curve": curve, "settings": {}, "read": read,
    }  # fmt: skip
    (tmp_path / "evaluation.csv").unlink()
    shutil.copy(results / "figures" / "2a.png", tmp_path / "curve.png")  # any picture
    (tmp_path / "result.json").write_text(json.dumps(result))
    page = page_of(tmp_path)
    assert page.count("img") == 2 and "92 ± 1.4" in page.words and "What was put in" in page.words
    result["in_time"] = []  # a network in floating point
    (tmp_path / "result.json").write_text(json.dumps({**result, "read": None}))
    assert page_of(tmp_path).count("img") == 1


def _change(change: Callable[[Any], Any]) -> Callable[[Path], Any]:
    def damage(path: Path) -> None:
        table = json.loads(path.read_text())
        change(table)
        path.write_text(json.dumps(table))

    return damage


DAMAGE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "cut": ("uncertainty.json", lambda p: p.write_text(p.read_text()[:99]), r"uncertainty\.json could not be read: is not JSON"),
    "no devices": ("uncertainty.json", _change(lambda d: d["bands"]["rmse"].pop("devices")),
                   r"uncertainty\.json could not be shown: it has no 'devices'"),
    "a time too few": ("uncertainty.json", _change(lambda d: d["times_s"].pop()), r"uncertainty\.json could not be shown: zip\(\)"),
    "samples lost": ("uncertainty.json", _change(lambda d: d["failed"].update(devices=["no root"])),
                     r"1 of 3 samples \(devices\) gave no number and are left out: no root"),
    "a cut law": ("uncertainty.json", _change(lambda d: d.update(rejected_draws=0.3)), r"30% of the draws were no device"),
    "no floating point": ("evaluation.json", _change(lambda d: d["floating_point"].clear()),
                          r"evaluation\.json could not be shown: it has no 'accuracy'"),
    "a half row": ("evaluation.json", _change(lambda d: d["in_time"][1].pop("accuracy_shift_corrected")),
                   r"evaluation\.json could not be shown: it has no 'accuracy_shift_corrected'"),
    "an empty csv": ("evaluation.csv", lambda p: (p.write_text("time_s,loss,accuracy\n"), p.with_suffix(".json").unlink()),
                     r"evaluation\.csv could not be shown: list index"),
    "a number of words": ("scoreboard.json", _change(lambda d: d["rows"][1].update(published="x")),
                          r"scoreboard\.json could not be shown: .*slope"),
    "half a number": ("scoreboard.json", _change(lambda d: d["rows"][1].pop("name")),
                      r"scoreboard\.json could not be shown: .*missing 1 required.*'name'.*slope"),
    "no title": ("figures/2a.json", _change(lambda d: d.update(inputs=[3])), r"figures/2a\.json could not be shown"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_and_the_rest_is_shown(results: Path, tmp_path: Path, case: str) -> None:
    name, damage, message = DAMAGE[case]
    folder = copy_of(results, tmp_path)
    shutil.copy(folder / "uncertainty.png", folder / "evaluation.png")  # any picture, so that none is drawn
    damage(folder / name)
    page = page_of(folder)
    assert re.search(message, page.words, re.DOTALL), page.words[:2000]
    assert {"Comparison with the paper", "Figures of the paper", "Supplement"} <= set(page.text)
    assert name.startswith("uncertainty") or "RMSE of products [1]: median (5..95 %)" in page.text


def _hostile(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_hostile(v) for v in value]
    return HOSTILE if isinstance(value, str) else value


def test_nothing_of_a_hostile_result_is_markup(results: Path, tmp_path: Path) -> None:
    folder = copy_of(results, tmp_path)
    for name in FILES:
        path = folder / f"{name}.json"
        table = json.loads(path.read_text())
        kept = (
            {"figure": "accuracy"} if name == "evaluation" else {"number": table["number"]} if "number" in table else {}
        )
        path.write_text(json.dumps({**_hostile(table), **kept}))
    page = page_of(folder)
    assert page.count("img") == 4 and not any("onerror" in a for _, a in page.tags) and page.count("script") == 1
    assert page.words.count(HOSTILE) > 20


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_result_the_page_is_made(
    results: Path, tmp_path: Path, name: str, data: st.DataObject
) -> None:
    table = json.loads((results / f"{name}.json").read_text())
    inner = table["bands"]["rmse"] if name == "uncertainty" and data.draw(st.booleans()) else table
    for key in data.draw(st.lists(st.sampled_from(sorted(inner)), min_size=1, max_size=2)):
        inner[key] = data.draw(ANY)
    (tmp_path / "file.json").write_text(json.dumps(table))
    if data.draw(st.integers(0, 3)):  # else the picture is drawn
        shutil.copy(results / "figures" / "2a.png", tmp_path / "file.png")
    else:
        (tmp_path / "file.png").unlink(missing_ok=True)
    (tmp_path / "export.sp").write_text("* a subcircuit")
    assert "export.sp" in page_of(tmp_path).words
