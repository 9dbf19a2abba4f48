"""Records in files and the chain behind them: every kind of file, every way a link can fail, and records that lie."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import reram
from ground.errors import InputError
from ground.files import content_hash, write_json
from ground.plotting import load_matplotlib
from ground.provenance import SHIPPED, Source, provenance, published, shipped, sources, with_inputs
from ground.records import SIDECAR, content_of, read_record
from ground.stamp import stamp
from ground.trace import Traced, trace
from ground.trace_report import report

HOSTILE = "a --> </script> <!-- \\ \" ' \u001b[31m ü 电 \n # provenance: {}"
RECORD = provenance("reram test", note=HOSTILE)


def chain(folder: Path) -> Path:
    """data.csv -> model.json -> out/result.json, and the path of the result."""
    (folder / "data.csv").write_text("voltage_V,current_A\n0.1,1e-6\n")
    model, result = folder / "model.json", folder / "out" / "result.json"
    made = provenance("fit", files=[*sources("measured data", folder / "data.csv"), *published()], near=model)
    write_json(model, {"a": 1.5, "provenance": made})
    result.parent.mkdir()
    write_json(result, {"b": 2, "provenance": provenance("mvm", files=sources("compact model", model), near=result)})
    return result


def statuses(traced: Traced) -> dict[str, str]:
    return {link.wanted.name: link.found.status for file in traced.walk() for link in file.links}


def figure() -> Any:
    pyplot = load_matplotlib()
    drawn, axes = pyplot.subplots(figsize=(1, 1))
    axes.plot([0, 1])
    pyplot.close(drawn)
    return drawn


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("t.csv", "a,b\n1,2\n"),
        ("t.tsv", ""),
        ("t.sp", ".subckt x\n.ends\n"),
        ("t.va", "module x;\nendmodule\n"),
        ("t.py", '"""Doc."""\nfrom __future__ import annotations\nX = 1\n'),
        ("t.html", '<!DOCTYPE html>\n<html lang="en"><body></body></html>\n'),
        ("t.vtu", '<?xml version="1.0"?>\n<VTKFile></VTKFile>\n'),
        ("t.npz", "PK anything"),
        ("noending", "anything"),
    ],
)
def test_a_record_comes_back_out_of_every_kind_of_file(tmp_path: Path, name: str, body: str) -> None:
    file = tmp_path / name
    file.write_text(body)
    assert read_record(file) is None
    stamp(file, RECORD)
    found = read_record(file)
    assert found is not None and found.made_by == "reram test" and found.settings["note"] == HOSTILE
    assert body in file.read_text() or name in ("t.html", "t.vtu")


@pytest.mark.parametrize("name", ["t.png", "t.svg", "t.pdf"])
def test_a_picture_stays_a_picture(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    figure().savefig(file)
    before = file.read_bytes()
    stamp(file, RECORD)
    found = read_record(file)
    assert found is not None and found.settings["note"] == HOSTILE
    if name == "t.png":
        from PIL import Image

        with Image.open(file) as picture:
            picture.load()
            assert json.loads(picture.info["provenance"]) == RECORD
    elif name == "t.svg":
        import xml.dom.minidom

        root = xml.dom.minidom.parse(str(file)).documentElement  # our own file
        assert root is not None and root.tagName == "svg"
    else:
        start = before.rindex(b"startxref")
        assert file.read_bytes().startswith(before) and file.read_bytes().endswith(before[start:].strip() + b"\n")


def test_the_last_stamp_counts(tmp_path: Path) -> None:
    for name in ("a.csv", "a.png", "a.pdf", "a.npz"):
        file = tmp_path / name
        if name.endswith(("png", "pdf")):
            figure().savefig(file)
        else:
            file.write_text("x\n")
        stamp(file, provenance("first"))
        stamp(file, provenance("second"))
        found = read_record(file)
        assert found is not None and found.made_by == "second", name


def test_an_exported_python_file_still_runs(tmp_path: Path) -> None:
    file = tmp_path / "t.py"
    file.write_text('"""Doc."""\nfrom __future__ import annotations\nX = 1\n')
    stamp(file, RECORD)
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    assert names["X"] == 1 and names["__doc__"] == "Doc."


def test_a_record_names_role_size_content_and_the_near_way(tmp_path: Path) -> None:
    record = json.loads(chain(tmp_path).read_text())["provenance"]
    (entry,) = record["inputs"]
    model = tmp_path / "model.json"
    assert (
        entry["role"] == "compact model" and entry["path"] == "../model.json" and entry["bytes"] == model.stat().st_size
    )
    assert entry["content"] == content_hash({"a": 1.5})
    own = json.loads(model.read_text())["provenance"]["inputs"][1]
    assert own["shipped"] == "ground/paper.toml" and "path" not in own
    assert record["libraries"]["numpy"] == np.__version__


def test_a_far_input_is_named_without_its_way(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x")
    deep = tmp_path / "a" / "b" / "c" / "d" / "e.json"
    assert "path" not in provenance("x", files=[tmp_path / "data.csv"], near=deep)["inputs"][0]
    assert with_inputs({"inputs": []}, [tmp_path / "data.csv"], tmp_path / "e.json")["inputs"][0]["path"] == "data.csv"


def test_a_whole_chain_matches(tmp_path: Path) -> None:
    traced = trace(chain(tmp_path))
    assert statuses(traced) == {"model.json": "matches", "data.csv": "matches", "paper.toml": "matches"}
    assert traced.broken() == [] and traced.missing() == []
    text = report(traced)
    assert (
        "made by mvm, cmo-reram" in text and "measured data: data.csv" in text and text.endswith("Every link matches.")
    )


def test_one_byte_of_the_data_is_seen_through_the_model(tmp_path: Path) -> None:
    result = chain(tmp_path)
    data = bytearray((tmp_path / "data.csv").read_bytes())
    data[-2] ^= 1
    (tmp_path / "data.csv").write_bytes(data)
    traced = trace(result)
    assert statuses(traced)["model.json"] == "matches" and statuses(traced)["data.csv"] == "changed"
    assert traced.broken() == ["data.csv (measured data) has changed since model.json was made"]
    assert "CHANGED since (sha256 now" in report(traced)


def test_the_same_model_made_again_still_matches(tmp_path: Path) -> None:
    result, model = chain(tmp_path), tmp_path / "model.json"
    again = json.loads(model.read_text())
    again["provenance"]["made_at"] = "2031-01-01T00:00:00+00:00"
    write_json(model, again)
    assert statuses(trace(result))["model.json"] == "matches in content"
    assert trace(result).broken() == [] and "only its own record was made again" in report(trace(result))
    write_json(model, {**again, "a": 1.6})
    assert statuses(trace(result))["model.json"] == "changed"


def test_netcdf_matches_by_its_numbers_and_units(tmp_path: Path) -> None:
    def table(values: list[float], unit: str, made: str) -> Path:
        with h5py.File(tmp_path / "t.nc", "w") as file:
            file["g"] = values
            file["g"].attrs["units"] = unit
            file.attrs["provenance"] = json.dumps(provenance(made))
        return tmp_path / "t.nc"

    first = content_of(table([1.0, 2.0], "S", "a"))
    assert first == content_of(table([1.0, 2.0], "S", "b")) is not None
    assert first != content_of(table([1.0, 2.5], "S", "a")) and first != content_of(table([1.0, 2.0], "uS", "a"))
    found = read_record(tmp_path / "t.nc")
    assert found is not None and found.made_by == "a"


@pytest.mark.parametrize("where", ["renamed", "sibling", "above", "look-in"])
def test_an_input_that_moved_is_found_by_its_hash(tmp_path: Path, where: str) -> None:
    base = tmp_path / "base"
    base.mkdir()
    result = chain(base)
    target = {
        "renamed": base / "renamed.json",
        "sibling": base / "other" / "model.json",
        "above": base / "out" / "inner" / "old.json",
        "look-in": tmp_path / "far" / "away" / "model.json",
    }[where]
    target.parent.mkdir(parents=True, exist_ok=True)
    (base / "model.json").rename(target)
    assert statuses(trace(result, [tmp_path / "far"] if where == "look-in" else []))["model.json"] == "matches"
    if where == "look-in":
        lost = trace(result)
        assert lost.missing() == ["model.json"] and lost.broken() == []
        assert "Not found: model.json. --look-in FOLDER" in report(lost)


def test_the_right_file_elsewhere_counts_more_than_a_wrong_one_in_its_place(tmp_path: Path) -> None:
    result = chain(tmp_path)
    (tmp_path / "kept").mkdir()
    (tmp_path / "data.csv").rename(tmp_path / "kept" / "data.csv")
    (tmp_path / "data.csv").write_text("another")
    assert statuses(trace(result))["data.csv"] == "matches"


def test_a_shipped_file_is_held_against_the_installed_one(tmp_path: Path) -> None:
    record = provenance("x", files=[shipped("device_physics/response_default.nc", "response table")])
    write_json(tmp_path / "a.json", {"provenance": record})
    good = trace(tmp_path / "a.json")
    assert statuses(good) == {"response_default.nc": "matches"} and "(shipped)" in report(good)
    assert "device ba30955262e98f88 matches what is recorded of it" in report(good)
    record["inputs"][0]["sha256"] = "0" * 64
    del record["inputs"][0]["content"]
    write_json(tmp_path / "a.json", {"provenance": record})
    assert trace(tmp_path / "a.json").broken() == [
        "response_default.nc (response table) has changed since a.json was made"
    ]


def test_a_specification_that_lost_its_hash_is_said(tmp_path: Path) -> None:
    device = {"r_m": 1e-8}
    for recorded, broken in ((device, 0), ({"r_m": 2e-8}, 1)):
        made = provenance("solve", device=recorded, device_hash=content_hash(device), mesh_hash="ab12")
        write_json(tmp_path / "s.json", {"provenance": made})
        assert len(trace(tmp_path / "s.json").broken()) == broken
        assert "mesh ab12" in report(trace(tmp_path / "s.json"))
    assert "the device in the record of s.json does not have its hash" in trace(tmp_path / "s.json").broken()[0]


def test_another_version_is_said_and_breaks_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "old.json", {"provenance": {"made_by": "fit", "cmo_reram": "0.0.1"}})
    traced = trace(tmp_path / "old.json")
    assert traced.broken() == [] and "0.0.1 (another version: " in report(traced)
    assert traced.to_dict()["record"]["other_version"] is True


def test_a_file_beside_which_another_ones_record_stands_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "arrays.npz"
    file.write_text("one")
    stamp(file, RECORD)
    assert trace(file).broken() == []
    file.write_text("two")
    assert trace(file).broken() == ["arrays.npz is not the file that the record beside it was written for"]
    assert "CHANGED since" in report(trace(file))


def test_records_that_run_in_a_circle_end(tmp_path: Path) -> None:
    entry = {"sha256": "0" * 64, "role": "input"}
    for name, other in (("a.json", "b.json"), ("b.json", "a.json")):
        write_json(
            tmp_path / name, {"provenance": {"made_by": name, "inputs": [{**entry, "name": other, "path": other}]}}
        )
    assert "stands above already: the records run in a circle" in report(trace(tmp_path / "a.json"))


def test_a_chain_without_end_is_cut(tmp_path: Path) -> None:
    before = tmp_path / "0.json"
    write_json(before, {})
    for n in range(1, 45):
        file = tmp_path / f"{n}.json"
        write_json(file, {"provenance": provenance("step", files=[before], near=file)})
        before = file
    assert "not looked into: 40 files deep" in report(trace(before))


def test_what_was_shown_is_not_shown_again(tmp_path: Path) -> None:
    chain(tmp_path)
    both = [Source(tmp_path / "model.json", "compact model"), Source(tmp_path / "out" / "result.json", "result")]
    write_json(tmp_path / "sum.json", {"provenance": provenance("report", files=both, near=tmp_path / "sum.json")})
    text = report(trace(tmp_path / "sum.json"))
    assert text.count("measured data: data.csv") == 1 and "matches, shown above" in text


def test_a_file_without_a_record(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1,2\n")
    assert "nothing says what made it" in report(trace(tmp_path / "d.csv"))
    assert trace(tmp_path / "d.csv").to_dict()["record"] is None


def broken_link(key: str, value: Any) -> Callable[[Path], None]:
    entry = {"name": "a.csv", "sha256": "0" * 64, key: value}
    return lambda f: write_json(f, {"provenance": {"made_by": "x", "inputs": [entry]}})


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda f: None, "there is no such file"),
        (lambda f: f.mkdir(), r"is a folder; a file has a chain\. Give one of the files in it"),
        (lambda f: (f.mkdir(), (f / "summary.json").write_text("{}")), r"Its summary is .*summary\.json"),
        (lambda f: os.mkfifo(f), "is no file on a disk"),
        (lambda f: f.write_text('{"provenance": '), "is damaged or no JSON"),
        (lambda f: f.write_bytes(b"\xff\xfe\x00{"), "is damaged or no JSON"),
        (lambda f: f.write_text("[" * 100_000), "nested too deeply"),
        (lambda f: f.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50)), "is no NetCDF file, or is damaged"),
        (lambda f: f.write_text('{"provenance": 3}'), r"its record is damaged: provenance='3'"),
        (lambda f: f.write_text('{"provenance": {"made_by": 1}}'), "the name of the command"),
        (lambda f: f.write_text('{"provenance": {"made_by": "x", "inputs": {}}}'), "inputs='{}'; expected a list"),
        (
            lambda f: f.write_text('{"provenance": {"made_by": "x", "inputs": [1]}}'),
            r"inputs\[0\]='1'; expected a table",
        ),
        (lambda f: f.write_text('{"provenance": {"made_by": "x", "settings": 1}}'), "settings='1'; expected a table"),
        (broken_link("name", "../../etc/passwd"), r"inputs\[0\]\.name=.*the name of a file"),
        (broken_link("name", None), r"inputs\[0\]\.name='None'"),
        (broken_link("sha256", "zz"), r"inputs\[0\]\.sha256='zz'; expected 64 hex digits"),
        (broken_link("path", "/etc/passwd"), r"inputs\[0\]\.path='/etc/passwd'; expected the relative path"),
        (broken_link("path", "../../../../x"), "relative path of a near file"),
        (broken_link("path", "a/../../../x"), "relative path of a near file"),
        (broken_link("path", "a\0b"), "relative path of a near file"),
        (broken_link("shipped", "../../x"), r"inputs\[0\]\.shipped='\.\./\.\./x'"),
    ],
)
def test_what_cannot_be_traced_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[Path], Any], match: str
) -> None:
    file = tmp_path / "f.json"
    make(file)
    with pytest.raises(InputError, match=match):
        trace(file)


def test_a_damaged_record_beside_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("x")
    (tmp_path / f"a.npz{SIDECAR}").write_text("[]")
    with pytest.raises(InputError, match=r"is damaged: expected the record of a\.npz and its sha256"):
        trace(tmp_path / "a.npz")


def test_a_folder_to_look_in_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--look-in='.*nowhere' is not allowed: there is no such folder"):
        trace(chain(tmp_path), [tmp_path / "nowhere"])


def test_a_file_nobody_may_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, opened = chain(tmp_path), Path.open

    def guarded(
        path: Path, *how: Any, **more: Any
    ) -> Any:  # as the system does it: root, who may run the tests, reads everything
        if path.name == locked:
            raise PermissionError(13, "Permission denied")
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", guarded)
    locked = "model.json"
    assert statuses(trace(result)) == {"model.json": "unreadable"} and trace(result).missing() == ["model.json"]
    locked = "result.json"
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        trace(result)


def test_a_damaged_input_is_changed_and_not_looked_into(tmp_path: Path) -> None:
    result = chain(tmp_path)
    (tmp_path / "model.json").write_text("{")
    assert statuses(trace(result)) == {"model.json": "changed"} and "cannot be looked into" in report(trace(result))


def test_a_huge_file_is_hashed_but_no_json_is_read_from_it(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    with big.open("wb") as stream:
        stream.truncate(256_000_001)
    with pytest.raises(InputError, match="has 256 MB; a record is read from JSON of at most 256 MB"):
        trace(big)


def test_nothing_of_a_record_reaches_the_terminal_but_printable_characters(tmp_path: Path) -> None:
    bad = "x\u001b]0;owned\u0007\n\u202eevil" * 50
    entry = {"name": bad[:100].replace("/", ""), "sha256": "0" * 64, "role": bad}
    record = {"made_by": bad, "cmo_reram": bad, "made_at": bad, "libraries": {bad: bad}, "settings": {"m_hash": bad}}
    write_json(tmp_path / "a.json", {"provenance": {**record, "inputs": [entry]}})
    text = report(trace(tmp_path / "a.json"))
    assert all(c.isprintable() or c == "\n" for c in text) and len(text) < 3000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ("made_by", "cmo_reram", "made_at", "libraries", "inputs", "settings", "synthetic")
_ENTRIES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("name", "sha256", "path", "shipped", "bytes", "content"), _JSON)
)
_RECORDS = st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, _JSON)) | st.fixed_dictionaries(
    {"made_by": st.text(), "inputs": st.lists(_ENTRIES, max_size=2)}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_RECORDS)
def test_any_record_is_read_or_refused(tmp_path: Path, record: dict[str, Any]) -> None:
    file = tmp_path / "f.json"
    file.write_text(json.dumps({"provenance": record}))
    try:
        text = report(trace(file))
    except InputError:
        return
    assert text.startswith(str(file)[:100])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"%PDF", b"# provenance: {", b"\x89HDF\r\n\x1a\n"]),
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, head: bytes) -> None:
    file = tmp_path / "f.bin"
    file.write_bytes(head + data)
    try:
        assert trace(file).sha256
    except InputError as error:
        assert "f.bin" in str(error)


def test_the_command_prints_the_chain_and_says_by_its_exit_code_whether_it_holds(tmp_path: Path) -> None:
    result = chain(tmp_path)

    def run(*more: str) -> Any:
        return CliRunner().invoke(reram.app, ["trace", str(result), *more])

    done = run()
    assert done.exit_code == 0 and "Every link matches." in done.output
    told = json.loads(run("--json").output)
    assert told["matches"] is True and told["inputs"][0]["origin"]["inputs"][0]["status"] == "matches"
    (tmp_path / "data.csv").unlink()
    assert run().exit_code == 0 and json.loads(run("--json").output)["not_found"] == ["data.csv"]
    (tmp_path / "data.csv").write_text("other")
    done = run()
    assert isinstance(done.exception, InputError) and done.exception.exit_code == 2
    assert "the chain no longer holds: data.csv (measured data) has changed" in str(done.exception)
    done = run("--json")
    assert done.exit_code == 2 and json.loads(done.output)["changed"]


def test_the_packages_stand_where_shipped_files_are_looked_for() -> None:
    assert (SHIPPED / "ground" / "paper.toml").is_file() and (SHIPPED / "device_physics" / "materials.toml").is_file()
