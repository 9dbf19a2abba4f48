"""Every command of `reram fit` writes its page: valid, self-contained, with figure and provenance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made import devices_like, reads, table, traces
from pages import parsed
from typer.testing import CliRunner

from compact_model.model import CompactModel
from compact_model.transistor import Transistor
from fits.cli import app
from fits.hopping.synthetic import write_synthetic_sweeps
from fits.results.identifiability import Identified
from fits.results.parameter_table import parameter_table
from ground.errors import InputError


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """Command -> its arguments, on small synthetic files (those of `noise` and `forming` say nothing of it)."""
    folder = tmp_path_factory.mktemp("inputs")
    sweeps = [p for p in write_synthetic_sweeps(folder) if "293K" in p.name]
    trace = traces(devices_like(1), seed=13)[0]
    pulses = _csv(folder / "pulses.csv", "# synthetic: true\nconductance_S,direction", trace.g, trace.direction)
    rng = np.random.default_rng(0)
    times = 0.05 * np.arange(300)
    series = _csv(folder / "series.csv", "time_s,conductance_S", times, 5e-5 + 1e-7 * rng.standard_normal(300))
    volts = np.linspace(0, 4, 201)
    formed = _csv(folder / "f.csv", "V,I", volts, np.where(volts < 3, 1e-12 * np.sinh(2 * volts), volts / 3e4))
    gate, drain = (x.ravel() for x in np.meshgrid([1.2, 2.0, 3.0], np.linspace(0, 1, 15)))
    amps = Transistor(threshold_V=0.55, gain_A_per_V2=3e-4, slope=1.3).current(gate, drain, 0.0, 293.15)
    transistor = _csv(folder / "t.csv", "# synthetic: true\nVG (V),VD (V),ID (A)", gate, drain, amps)
    own = np.random.default_rng(1).normal([30, 0.5, 1.5, 0.05], [3, 0.05, 0.2, 0.02], (12, 4)).T
    devices = _csv(folder / "d.csv", "# synthetic: true\nn_states,sp_skew,gamma,gamma_up_down", *own)
    many = folder / "many"
    many.mkdir()
    (many / "form.csv").write_text(f"# synthetic: true\n{formed.read_text()}")
    ohm = ["--resistance", "35 kohm", "--error", "1%", "--engine", "table"]
    return {
        "iv": [*sweeps],
        "forming": [formed],
        "folder": [many, "--workers", 1],
        "transistor": [transistor],
        "population": [devices, "--replicas", 99],
        "filament": ohm,
        "cmo": ohm,
        "hopping": [*sweeps],
        "pulses": [pulses],
        "relaxation": [table(folder / "resting.csv", reads(5, 12))],
        "noise": [series],
    }


def _csv(path: Path, header: str, *columns: np.ndarray) -> Path:
    rows = (",".join(f"{x:.9g}" for x in row) for row in zip(*columns, strict=True))
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


FITS = [str(c.name) for c in app.registered_commands if c.name != "synthetic"]  # which makes data, and fits nothing


def test_every_command_is_looked_at(inputs: dict[str, list[object]]) -> None:
    assert set(FITS) == set(inputs)


@pytest.mark.plot
@pytest.mark.parametrize("command", FITS)
def test_every_command_writes_its_page_its_plot_and_one_json(
    inputs: dict[str, list[object]], command: str, tmp_path: Path
) -> None:
    page, picture, arguments = tmp_path / "p.html", tmp_path / "p.png", inputs[command]
    told = json.loads(run(command, *arguments, "--json", "--html", page, "--plot", picture))
    assert told["provenance"]["made_by"] == f"reram fit {command}"
    found = parsed(page.read_text(encoding="utf-8"))
    words = found.words
    assert found.count("img") == 1
    assert "Provenance" in words and f"reram fit {command}" in words and told["provenance"]["made_at"] in words
    assert all(a.name in words for a in arguments if isinstance(a, Path))
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert ("SYNTHETIC" in words) is (command not in ("noise", "forming", "filament", "cmo"))


def test_a_page_without_a_figure_says_why_and_a_plot_is_refused(tmp_path: Path) -> None:
    page, arguments = tmp_path / "p.html", ("cmo", "--resistance", "5 kohm", "--engine", "table")
    assert f"written: {page}" in run(*arguments, "--html", page)
    found = parsed(page.read_text(encoding="utf-8"))
    assert "No figure: there is no tornado to draw" in found.words
    assert not found.count("img")
    with pytest.raises(InputError, match="there is no tornado to draw"):
        run(*arguments, "--plot", tmp_path / "t.png", "-o", tmp_path / "o.json")
    with pytest.raises(
        InputError, match=r"--plot=.*t\.txt: the ending '\.txt' is not allowed: expected \.png, \.svg, \.pdf"
    ):
        run(*arguments, "--error", "1%", "--plot", tmp_path / "t.txt", "-o", tmp_path / "o.json")
    assert [p.name for p in tmp_path.iterdir()] == ["p.html"]


def test_a_model_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    sweeps = [p for p in write_synthetic_sweeps(tmp_path) if "293K" in p.name]
    with pytest.raises(
        InputError, match=r"so no model is exported.*measure at two more ambients.*--fix 'barrier_hrs_eV"
    ):
        run("hopping", *sweeps, "--v-max", 0.3, "-o", tmp_path / "m.json", "--html", tmp_path / "p.html")
    assert not (tmp_path / "m.json").exists() and not (tmp_path / "p.html").exists()
    fixes = [x for s in ("lrs", "hrs") for x in ("--fix", f"barrier_{s}_eV={65 if s == 'lrs' else 80} meV: figure 2d")]
    run("hopping", *sweeps, "--v-max", 0.6, *fixes, "-o", tmp_path / "m.json")
    assert (
        CompactModel.load(tmp_path / "m.json").provenance["settings"]["fixed"]["barrier_hrs_eV"]["source"]
        == "figure 2d"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hopping", "F", "--bootstrap", 20, "--emcee"), "--bootstrap and --emcee exclude each other"),
        (("noise", "R"), "holds 6 devices; name one with --device, such as --device 'd0'"),
        (("noise", "R", "--device", "d9"), "--device='d9' is not in"),
        (("pulses", "P", "--leave-out", "x"), "--leave-out: there is no device 'x'"),
        (("hopping", "F", "--html", "/none/p.html"), "the folder /none does not exist"),
    ],
)
def test_commands_say_what_is_not_allowed(tmp_path: Path, arguments: tuple[object, ...], message: str) -> None:
    files = {"F": write_synthetic_sweeps(tmp_path)[0], "R": table(tmp_path / "r.csv", reads(6, 6))}
    files["P"] = tmp_path / "p.csv"
    files["P"].write_text(
        "conductance_S,direction\n" + "\n".join(f"{5e-5 + 1e-6 * (k % 2)},{1 - 2 * (k % 2)}" for k in range(40))
    )
    with pytest.raises(InputError, match=message):
        run(*(files.get(str(a), a) for a in arguments))


def test_the_table_of_parameters_says_what_the_data_saw() -> None:
    known = {"n": Identified(1.0, 0.1, 0.8, 1.2, True), "m": Identified(2.0, 0.0, 2.0, 2.0, True, "a paper")}
    lost = {"b": Identified(3.0, 9.0, -15.0, 21.0, False)}
    rows = parameter_table({**known, **lost}).rows
    assert [(r[0], r[5], r[6]) for r in rows] == [("n", "yes", "fit"), ("m", "fixed", "a paper"), ("b", "NO", "fit")]
    assert list(rows[0][1:5]) == [1.0, 0.1, 0.8, 1.2]
