"""The chain of a real run, without the FEM: sweeps -> fit -> model -> array, MVM and exports, then one byte is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import reram
from fits.hopping.synthetic import write_synthetic_sweeps
from ground.errors import InputError
from ground.trace import trace

OUTPUTS = ("array.nc", "array.png", "array.json", "cell.sp", "cell.va", "cfg.py", "cfg.json", "t_up.csv", "t_down.csv")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(reram.app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("chain")
    for part in ("data", "out"):
        (base / part).mkdir()
    sweeps = write_synthetic_sweeps(base / "data", ambients_K=(293.15,))
    model, out = base / "model.json", base / "out"
    fixed = [f"--fix=barrier_{s}_eV={e} meV: figure 2d" for s, e in (("lrs", 48), ("hrs", 72))]
    small = ("--shape", "2x2", "--levels", 3, "--model", model)
    for command in (
        ("fit", "hopping", *sweeps, *fixed, "-o", model, "--html", base / "fit.html"),
        ("array", "program", *small, "-o", out / "array.nc", "--plot", out / "array.png"),
        ("array", "program", *small, "-o", out / "array.json"),
        ("export", "spice", model, "-o", out / "cell.sp"),
        ("export", "verilog-a", model, "-o", out / "cell.va"),
        ("export", "aihwkit", model, "-o", out / "cfg.py", "--json-config", out / "cfg.json"),
        ("export", "lookup", model, "-o", out / "t", "--rows", 3, "--columns", 3),
        ("mvm", "--size", 8, "--inputs", 2, "--times", "0", "-o", out / "mvm.json", "--plot", out / "mvm.svg"),
        ("mvm", "--size", 8, "--inputs", 2, "--times", "0", "-o", out / "mvm.nc"),
    ):
        done = run(*command)
        assert done.exit_code == 0, (command, done.output, done.exception)
    return base


def files_behind(file: Path) -> dict[str, tuple[str, str]]:
    return {x.wanted.name: (x.wanted.role, x.found.status) for f in trace(file).walk() for x in f.links}


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_result_leads_back_to_the_data(folder: Path, name: str) -> None:
    behind = files_behind(folder / "out" / name)
    assert behind["model.json"] == ("compact model", "matches")
    assert {n for n, (role, _) in behind.items() if role == "measured data"} == {
        "synthetic_lrs_293K.csv",
        "synthetic_hrs_293K.csv",
    }
    assert behind["response_default.nc"] == ("response table", "matches")
    assert behind["paper.toml"] == ("published numbers", "matches")
    traced = trace(folder / "out" / name)
    assert traced.broken() == [] and traced.missing() == []
    assert traced.record is not None and traced.record.synthetic
    if name != "array.json":
        assert traced.record.libraries["numpy"]


@pytest.mark.parametrize("name", ["mvm.json", "mvm.nc", "mvm.svg"])
def test_an_mvm_leads_back_to_the_published_numbers(folder: Path, name: str) -> None:
    assert files_behind(folder / "out" / name) == {"paper.toml": ("published numbers", "matches")}


def test_a_page_of_a_fit_carries_its_record(folder: Path) -> None:
    behind = files_behind(folder / "fit.html")
    assert behind["synthetic_hrs_293K.csv"][1] == "matches" and behind["response_default.nc"][1] == "matches"


def test_the_model_in_the_record_is_the_model_of_the_file(folder: Path) -> None:
    record = trace(folder / "out" / "array.json").record
    assert record is not None
    shown = json.loads(run("model", "show", folder / "model.json", "--json").output)
    assert record.specifications()["model"] == (shown["content_hash"], None)
    assert record.inputs[0].content == shown["content_hash"]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def weaken(file: Path) -> None:
    model = json.loads(file.read_text())
    model["cell"]["filament_radius_m"] *= 1.01
    file.write_text(json.dumps(model))


@pytest.mark.parametrize(
    ("changed", "how", "link"),
    [
        (
            "data/synthetic_hrs_293K.csv",
            flip,
            r"synthetic_hrs_293K\.csv \(measured data\) has changed since model\.json was made",
        ),
        ("model.json", weaken, r"model\.json \(compact model\) has changed since array\.nc was made"),
    ],
)
def test_the_link_that_changed_is_named(folder: Path, changed: str, how: Callable[[Path], None], link: str) -> None:
    file = folder / changed
    kept = file.read_bytes()
    how(file)
    try:
        done = run("trace", folder / "out" / "array.nc")
        assert isinstance(done.exception, InputError)
        with pytest.raises(InputError, match=link):
            raise done.exception
        told = run("trace", folder / "out" / "array.nc", "--json")
        assert told.exit_code == 2 and json.loads(told.output)["matches"] is False
    finally:
        file.write_bytes(kept)
    assert run("trace", folder / "out" / "array.nc").exit_code == 0


def test_the_folder_may_move_as_a_whole(folder: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    traced = trace(moved / "out" / "cell.sp")
    assert traced.missing() == [] and traced.broken() == []
    assert all(str(f.path).startswith(str(moved)) for f in traced.walk() if f.path.suffix == ".csv")
