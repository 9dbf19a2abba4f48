"""The page: valid, self-contained, escaped; sections, contents, tables and pictures of every kind."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import parsed

from ground.errors import InputError
from ground.page import (
    Badge,
    Facts,
    Figure,
    Grid,
    Link,
    Note,
    Preformatted,
    Raw,
    Section,
    Table,
    Text,
    build_page,
    save_page,
    section_anchors,
    write_page,
)
from ground.plotting import load_matplotlib

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>'
RECORD = {
    "made_by": "a test",
    "synthetic": True,
    "inputs": [{"name": "a<b>.csv", "sha256": "ab"}],
    "settings": {"x": [1, 2]},
}


@given(st.text(), st.text())
@settings(max_examples=60, deadline=None)
def test_whatever_is_given_is_shown_and_nothing_of_it_is_markup(title: str, cell: str) -> None:
    parts = [
        Text(cell),
        Preformatted(cell),
        Note(cell),
        Facts([(title, cell, cell)]),
        Table(cell, (title, "n"), [(cell, 1.5), (Badge(cell, cell), Link(cell, title))]),
        Figure(PNG, cell),
    ]
    page = build_page(title, [Section(title, parts), Section(title, [])], subtitle=cell, notes=[cell])
    found = parsed(page)
    assert found.count("table") == found.count("h1") == found.count("img") == 1 and not found.count("b")
    assert found.count("script") == found.count("style") == 1
    page.encode("utf-8")


def test_a_page_of_one_result_holds_its_figures_tables_and_provenance(tmp_path: Path) -> None:
    plt = load_matplotlib()
    figure, axis = plt.subplots()
    axis.plot([1, 2], [3, 4])
    write_page(
        tmp_path / "p.html",
        "T",
        "text",
        provenance=RECORD,
        tables=[Table("Parameters", ("name", "value"), [("n", 1.0), ("m", None)])],
        figures=[Figure(figure, "A <caption>")],
    )
    assert not plt.fignum_exists(figure.number)
    found = parsed((tmp_path / "p.html").read_text())
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in found.tags
    assert all(w in found.words for w in ("A <caption>", "a<b>.csv", "sha256 ab", "SYNTHETIC", "Parameters", "[1, 2]"))
    (source,) = found.values("img", "src")
    kind, data = re.fullmatch(r"data:image/(svg\+xml|png);base64,(.*)", source).groups()  # type: ignore[union-attr]
    assert kind == "svg+xml" and ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")


def test_sections_are_listed_and_their_anchors_differ() -> None:
    sections = [Section(t, []) for t in ("The fit", "The fit", "µ ρ", "Ω", "the FIT 2")]
    assert section_anchors(sections) == ["the-fit", "the-fit-2", "section", "section-2", "the-fit-2-2"]
    found = parsed(build_page("T", sections))
    assert found.values("a", "href") == [f"#{a}" for a in section_anchors(sections)]
    assert not parsed(build_page("T", sections[:1])).count("nav")


def test_numbers_carry_their_full_value_for_sorting() -> None:
    rows = [(1.23456789, np.float64(2.5), np.int64(7), True, None, "1e3")]
    found = parsed(build_page("T", [Section("S", [Table("", "abcdef", rows)])]))
    assert found.values("td", "data-number") == ["1.23456789", "2.5", "7"]
    assert [w for w in found.text if w.strip()][-6:] == ["1.235", "2.5", "7", "yes", "-", "1e3"]
    assert found.count("button") == 6


@pytest.mark.parametrize("data", [PNG, SVG, b"\xff\xd8\xff\xe0 a photograph", b"<svg>"])
def test_pictures_come_from_bytes_and_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(data)
    found = parsed(build_page("T", [Section("S", [Grid([Figure(data, "a"), Figure(tmp_path / "p", "b")])])]))
    first, second = found.values("img", "src")
    assert first == second and base64.b64decode(first.partition(",")[2]) == data


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"p\.png: is not a picture that a page can show: expected PNG, JPEG or SVG"):
        build_page("T", [Section("S", [Figure(tmp_path / "p.png", "")])])
    with pytest.raises(InputError, match="a picture given as bytes: is not a picture"):
        build_page("T", [Section("S", [Figure(b"<html><svg>", "")])])
    with pytest.raises(InputError, match=r"none\.png: the picture cannot be read: No such file"):
        build_page("T", [Section("S", [Figure(tmp_path / "none.png", "")])])


def test_a_page_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    save_page(page, "T", [Section("S", [Raw("<em>own</em>")])])
    before = page.read_text()
    with pytest.raises(InputError, match="is not a picture"):
        save_page(page, "T", [Section("S", [Figure(b"", "")])])
    assert (
        page.read_text() == before and "<em>own</em>" in before and [p.name for p in tmp_path.iterdir()] == ["p.html"]
    )
