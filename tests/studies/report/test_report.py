"""The report of a run folder: everything known is shown, everything else listed, nothing given is markup, damage is named."""

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
from pages import Strict, parsed
from typer.testing import CliRunner

from compact_model.model import CompactModel
from ground.errors import InputError
from ground.files import file_hash
from reram import app
from studies.report.amounts import amount, duration, file_size
from studies.report.page import write_report
from studies.report.run_folder import MAX_FILES, SHOWN_ALIKE

SECTIONS = [
    "Overview", "Device", "Mesh", "Fields", "Current-voltage data", "Hopping fit", "Compact model", "Quasi-static cycle", "Array",
    "Matrix-vector products", "Training", "Exports", "Provenance", "Files",
]  # fmt: skip
HOSTILE = '<img src=x onerror="alert(1)">'


def page_of(folder: Path) -> Strict:
    write_report(folder)
    return parsed((folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.plot
def test_every_file_of_a_run_has_its_place(made: Path) -> None:
    found = parsed((made / "report.html").read_text(encoding="utf-8"))
    assert found.values("a", "href") == [f"#{re.sub('[^a-z]+', '-', s.lower())}" for s in SECTIONS]
    for file in made.rglob("*"):
        if file.is_file() and file.name != "report.html":
            assert file_hash(file) in found.text, file
    words = found.words
    for text in (
        "SYNTHETIC data (6 files)", "35.7 kΩ", "329.5 K", "80.3 meV", "200 nm", "filament ⌀ 22 nm", "r = 11 nm", "aihwkit_config.py",
        "not known", "95.00 %", "8 × 8", ["ion", "barriers", "and", "exponents"][0], "reram mvm", "made by hand", "5 S/cm after forming",
    ):  # fmt: skip
        assert text in words, text
    # mesh, fit, I-V, cycle, array, MVM, training, its network in time, and the cut-away that the 3D view stands for
    assert found.count("img") == 9 and found.count("svg") == 2
    (data,) = [a for t, a in found.tags if t == "script" and a.get("type") == "application/json"]
    assert data


@pytest.mark.plot
def test_the_command_prints_one_object_or_where_the_page_is(made: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for name in ("summary.json", "mesh.png"):
        shutil.copy(made / name, small)
    told = CliRunner().invoke(app, ["report", str(small), "--json"])
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    assert found["sections"] == ["Overview", "Mesh", "Provenance", "Files"] and found["files"] == 2
    assert found["bytes"] == (small / "report.html").stat().st_size and found["unknown"] == found["notes"] == []
    (small / "bad.json").write_text("{")
    said = CliRunner().invoke(app, ["report", str(small), "-o", str(tmp_path / "p.html")]).stdout
    assert "note: bad.json could not be read: is not JSON" in said and said.endswith(f"Open {tmp_path / 'p.html'}\n")
    again = CliRunner().invoke(app, ["report", str(small), "--json"])  # the page of before is not one of its files
    assert json.loads(again.stdout)["files"] == 3


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "cut JSON": ("model.json", _half, r"model\.json could not be read: is not JSON: .* in line \d+; is it cut short"),
    "binary JSON": ("fit.json", lambda p: p.write_bytes(b"\xff\xfe\0"), r"fit\.json could not be read: is not UTF-8 text"),
    "cut picture": ("mesh.png", _half, r"mesh\.png could not be shown: the picture is cut short"),
    "no picture": ("cutaway.png", lambda p: p.write_bytes(b"no"), r"cutaway\.png could not be shown: .*is not a picture"),
    "cut fields": ("fields.vtu", _half, r"fields\.vtu could not be shown: .*is not a file of fields as --vtu writes it"),
    "cut cycle": ("cycle.csv", _half, r"cycle\.csv could not be shown"),
    "curve of words": ("train/result.json", lambda p: p.write_text(p.read_text().replace("1000", '"x"').replace('"epoch"', '"e"')),
                       r"train/result\.json could not be shown: it has no 'epoch'"),
    "no NetCDF": ("table.nc", lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"), r"table\.nc could not be read: is no NetCDF file"),
    "a solution of nothing": ("solution.json", lambda p: p.write_text('{"bias_V":1,"balances":1,"dofs":1,"provenance":{}}'),
                              r"solution\.json could not be shown: it has no 'dome'"),
    "a model of nothing": ("model.json", lambda p: p.write_text('{"population":{},"noise":{},"version":1}'),
                           r"model\.json could not be shown: .*Population\.states is missing"),
    "records of nothing": ("summary.json", lambda p: p.write_text('{"stages":[3],"files":[],"provenance":{"made_by":7}}'),
                           r"summary\.json: its record could not be read: .*its record is damaged"),
    "a broken device": ("device.toml", lambda p: p.write_text("[stack"), r"device\.toml could not be read"),
}  # fmt: skip


@pytest.mark.plot
@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_named_on_the_page_and_the_rest_is_shown(made: Path, tmp_path: Path, case: str) -> None:
    name, damage, message = DAMAGE[case]
    (tmp_path / "train").mkdir()
    for other in {name, "array.json", "mvm.json", *(["cutaway.png"] if "vtu" in name else [])}:
        if (made / other).exists():
            shutil.copy(made / other, tmp_path / other)
    for picture in ("array.png", "mvm.png"):  # any picture, so that none is drawn
        shutil.copy(made / "fit.png", tmp_path / picture)
    (tmp_path / name).touch()
    damage(tmp_path / name)
    found = page_of(tmp_path)
    assert re.search(message, found.words), found.words[:2000]
    assert "Closed-loop programming" in found.words and "Matrix-vector products" in found.words
    if name == "fields.vtu":
        assert len(found.values("img", "src")) == 3  # the picture stands where the view would


def test_folders_that_cannot_be_reported_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: there is no such folder; give the folder of a run"):
        write_report(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file: is a file; give the folder of a run"):
        write_report(tmp_path / "file")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no file to report on; is the run unfinished"):
        write_report(empty)
    (empty / "x.dat").write_text("x")
    (empty / "y.json").write_text("[")
    with pytest.raises(
        InputError, match=r"holds nothing that a report can show: x\.dat, y\.json; y\.json could not be"
    ):
        write_report(empty)
    CompactModel.published().save(empty / "model.json")
    with pytest.raises(InputError, match="does not exist; create it first"):
        write_report(empty, tmp_path / "nowhere" / "p.html")
    assert sorted(p.name for p in empty.iterdir()) == ["model.json", "x.dat", "y.json"]


def test_of_thousands_of_alike_files_some_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    CompactModel.published().save(tmp_path / "model.json")
    samples, others = tmp_path / "samples", tmp_path / "others"
    for folder in (samples, others):
        folder.mkdir()
    (others / "0_kept.txt").write_text("read me")
    for k in range(MAX_FILES):
        record = {"key": f"{k}", "answer": {"rmse": [0.1]}, "files": []}
        (samples / f"devices-{k}.json").write_text(json.dumps(record))
    told = write_report(tmp_path)
    page = page_of(tmp_path)
    assert told["files"] == 2 + SHOWN_ALIKE and told["files_left_out"] == MAX_FILES - SHOWN_ALIKE
    assert told["notes"] == ["1,980 of 2,002 files are counted and not shown: samples/devices-*.json (1,980)"]
    assert told["notes"][0] in page.words and "read me" in page.words
    sizes = sorted((p.name, p.stat().st_size) for p in samples.iterdir())
    left = sum(size for _, size in sizes[SHOWN_ALIKE:])
    assert f"samples/devices-*.json 1,980 files, counted only {left}" in page.words
    assert told["bytes"] < 200_000
    for k in range(MAX_FILES):  # unlike files: the first of them by name
        (others / f"{'x' * (k % 50)}{chr(97 + k // 50 % 26)}{'y' * (k // 1300)}{'z' * (k // 50)}.dat").touch()
    told = write_report(tmp_path)
    assert told["files"] == MAX_FILES and told["files"] + told["files_left_out"] == 2 + 2 * MAX_FILES
    assert "others (" in told["notes"][0]


def test_nothing_of_a_hostile_folder_is_markup(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)<"
    (folder / HOSTILE).mkdir(parents=True)
    (folder / f"{HOSTILE}.dat").write_text("x")
    (folder / HOSTILE / "<script><b>.txt").write_text("</pre><b>bold")
    (folder / "broken<b>.json").write_text("{" + HOSTILE)
    stage = {"stage": HOSTILE, "status": HOSTILE, "what": "<b>", "seconds": 1}
    record = {"made_by": HOSTILE, "made_at": "<b>" * 9, "inputs": [{"name": "<b>", "sha256": "a" * 64}]}
    (folder / "summary.json").write_text(json.dumps({"stages": [stage], "files": [], "provenance": record}))
    model = json.loads(CompactModel.published().model_dump_json())
    (folder / "model.json").write_text(json.dumps({**model, "name": HOSTILE, "validity": {"<b>": [0, 1]}}))
    found = page_of(folder)
    assert not found.count("img") and not found.count("b") and found.count("script") == 1
    assert HOSTILE in found.words


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.plot
@given(st.sampled_from(["solution", "summary", "array", "mvm", "fit", "train/result", "model"]), st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_file_the_page_is_made(made: Path, tmp_path: Path, name: str, data: st.DataObject) -> None:
    table = json.loads((made / f"{name}.json").read_text())
    for key in data.draw(st.lists(st.sampled_from(sorted(table)), min_size=1, max_size=2)):
        table[key] = data.draw(ANY)
    (tmp_path / "file.json").write_text(json.dumps(table))
    (tmp_path / "export.sp").write_text("* a subcircuit")
    assert "export.sp" in page_of(tmp_path).words


@pytest.mark.plot
def test_sub_folders_are_looked_into_once(made: Path, tmp_path: Path) -> None:
    for folder in ("a", "a/b", ".hidden"):
        (tmp_path / folder).mkdir()
        shutil.copy(made / "train" / "curve.csv", tmp_path / folder)
    (tmp_path / "pipe.json").symlink_to(tmp_path / "gone.json")
    shown = write_report(tmp_path)
    assert shown["files"] == 1 and "Training" in shown["sections"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (35339.0, "Ω", "35.3 kΩ"),
        (-2.83e-5, "A", "−28.3 µA"),
        (0.0, "V", "0 V"),
        (999.96, "m", "1 km"),
        (None, "V", "-"),
    ],
)
def test_amounts(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@given(st.floats(1e-14, 1e14), st.sampled_from([1, -1]))
def test_an_amount_is_the_value_to_its_digits(size: float, sign: int) -> None:
    prefixes = dict(zip("fpnµmkMGT", (-15, -12, -9, -6, -3, 3, 6, 9, 12), strict=True))
    number, _, unit = amount(sign * size, "V").replace("\N{MINUS SIGN}", "-").partition(" ")
    assert float(number) * 10.0 ** prefixes.get(unit.removesuffix("V"), 0) == pytest.approx(sign * size, rel=6e-3)


def test_times_and_sizes() -> None:
    assert [duration(t) for t in (0, 1, 90, 3600, 86400, 3.1536e8)] == [
        "0 s",
        "1 s",
        "1.5 min",
        "1 h",
        "1 d",
        "10 years",
    ]
    assert [file_size(n) for n in (0, 512, 5_444_014)] == ["0 B", "512 B", "5.44 MB"]
