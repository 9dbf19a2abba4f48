"""The page: valid, self-contained, escaped; and every command of `reram fit` writes one."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import devices_like, reads, table, traces
from typer.testing import CliRunner

from compact_model.model import CompactModel
from compact_model.transistor import Transistor
from fits.cli import app
from fits.hopping.synthetic import write_synthetic_sweeps
from fits.results.identifiability import Identified
from fits.results.report_page import Figure, Table, parameter_table, report_page, write_page
from ground.errors import InputError
from ground.plotting import load_matplotlib

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Strict(HTMLParser):
    """Raises where an element is not closed in order; collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(page: str) -> Strict:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert not parser.open
    assert page.startswith("<!DOCTYPE html>")
    for tag, attributes in parser.tags:
        assert tag not in ("script", "link", "iframe")
        assert (attributes.get("src") or "data:").startswith("data:")
        assert not attributes.get("href")
    return parser


RECORD = {
    "made_by": "a test",
    "synthetic": True,
    "inputs": [{"name": "a<b>.csv", "sha256": "ab"}],
    "settings": {"x": [1, 2]},
}


@given(st.text(), st.text())
@settings(max_examples=60, deadline=None)
def test_whatever_is_given_is_shown_and_nothing_of_it_is_markup(title: str, cell: str) -> None:
    page = report_page(title, cell, provenance=RECORD, tables=[Table(cell, (title, "n"), [(cell, 1.5)])], notes=[cell])
    tags = [t for t, _ in parsed(page).tags]
    assert tags.count("table") == 2 and tags.count("h1") == 1 and "b" not in tags
    page.encode("utf-8")


def test_a_page_holds_its_figures_tables_and_provenance(tmp_path: Path) -> None:
    plt = load_matplotlib()
    figure, axis = plt.subplots()
    axis.plot([1, 2], [3, 4])
    known = {"n": Identified(1.0, 0.1, 0.8, 1.2, True), "m": Identified(2.0, 0.0, 2.0, 2.0, True, "a paper")}
    write_page(
        tmp_path / "p.html",
        "T",
        "text",
        provenance=RECORD,
        tables=[parameter_table(known)],
        figures=[Figure(figure, "A <caption>")],
    )
    assert not plt.fignum_exists(figure.number)
    page = (tmp_path / "p.html").read_text()
    found = parsed(page)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in found.tags
    words = " ".join(found.text)
    assert all(w in words for w in ("A <caption>", "a<b>.csv", "sha256 ab", "SYNTHETIC", "a paper", "[1, 2]"))
    (source,) = [a["src"] for t, a in found.tags if t == "img"]
    kind, data = re.fullmatch(r"data:image/(svg\+xml|png);base64,(.*)", source or "").groups()  # type: ignore[union-attr]
    assert kind == "svg+xml" and ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")


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


def test_every_command_is_looked_at(inputs: dict[str, list[object]]) -> None:
    assert {c.name for c in app.registered_commands} == set(inputs)


@pytest.mark.plot
@pytest.mark.parametrize("command", [str(c.name) for c in app.registered_commands])
def test_every_command_writes_its_page_its_plot_and_one_json(
    inputs: dict[str, list[object]], command: str, tmp_path: Path
) -> None:
    page, picture, arguments = tmp_path / "p.html", tmp_path / "p.png", inputs[command]
    told = json.loads(run(command, *arguments, "--json", "--html", page, "--plot", picture))
    assert told["provenance"]["made_by"] == f"reram fit {command}"
    found = parsed(page.read_text(encoding="utf-8"))
    words = " ".join(found.text)
    assert sum(t == "img" for t, _ in found.tags) == 1
    assert "Provenance" in words and f"reram fit {command}" in words and told["provenance"]["made_at"] in words
    assert all(a.name in words for a in arguments if isinstance(a, Path))
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert ("SYNTHETIC" in words) is (command not in ("noise", "forming", "filament", "cmo"))


def test_a_page_without_a_figure_says_why_and_a_plot_is_refused(tmp_path: Path) -> None:
    page, arguments = tmp_path / "p.html", ("cmo", "--resistance", "5 kohm", "--engine", "table")
    assert f"written: {page}" in run(*arguments, "--html", page)
    found = parsed(page.read_text(encoding="utf-8"))
    assert "No figure: there is no tornado to draw" in " ".join(found.text)
    assert not any(t == "img" for t, _ in found.tags)
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
