"""What the text of the documentation quotes is what the command computes, and nothing that looks like a result stands there bare."""

from __future__ import annotations

from collections import Counter

import pytest

from ground.errors import InputError
from studies.numbers_page import (
    DOCS,
    LINK,
    PAGE,
    as_page,
    bare_numbers,
    computed,
    kept,
    known,
    pages,
    refilled,
    scoreboard,
)
from studies.quoted_numbers import Quoted, quoted

# What is put in or chosen: options, ambients, levels of confidence, versions, arXiv's number. No result stands here.
INPUTS = {
    "equations.md": ["2502.04524"],
    "guide.md": ["20 %", "95 %", "293.15 K", "5..95 %", "1 s", "0.35"],
    "install.md": ["24.04", "6 GB"],
    "physics.md": [
        *(
            "2502.04524",
            "1500 K",
            "95 %",
            "2 %",
            "5.8",
            "0.147 eV",
            "2.5 us",
            "0.2 %",
            "2 %",
            "2 %",
            "1 s",
            "0.35",
            "0.6",
        ),
    ],
    "tutorial.md": ["2 %"],
    "validation.md": ["2502.04524"],
    "howto/export.md": ["3.11", "3.12"],
    "howto/fit.md": ["95 %", "20 %"],
}


def test_the_page_holds_what_is_computed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert computed(page) == page, "run `make numbers`"
    assert kept(page).keys() == {q.name for q in quoted()}


def test_every_page_quotes_the_numbers_that_are_known() -> None:
    numbers = known()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert refilled(text, numbers) == text, f"{page.name}: run `make numbers`"


def test_every_number_is_quoted() -> None:
    quotes = {m[3] for page in pages() for m in LINK.finditer(page.read_text(encoding="utf-8"))}
    assert kept(PAGE.read_text(encoding="utf-8")).keys() <= quotes


def test_no_result_stands_bare_in_a_page() -> None:
    for page in pages():
        found = Counter(bare_numbers(page.read_text(encoding="utf-8")))
        new = found - Counter(INPUTS.get(page.relative_to(DOCS).as_posix(), []))
        assert not new, (
            f"{page.name}: {sorted(new)}: quote it (studies/numbers_page.py), or name it as an input in this test"
        )


def test_a_quotation_is_filled_and_a_bare_number_is_seen() -> None:
    numbers = {"numbers": {"x": "3 %"}, "validation": {"y": "0.5"}}
    text = 'within [9 %](numbers.md "x"),\n[1](../validation.md\n"y") of 2 [units](validation.md).'
    assert (
        refilled(text, numbers)
        == 'within [3 %](numbers.md "x"),\n[0.5](../validation.md\n"y") of 2 [units](validation.md).'
    )
    assert bare_numbers(f"{text} `0.1` 7 rows, x3.5, 4 times, 0.25\n\n```\n1 s\n```") == ["4 times", "0.25"]
    with pytest.raises(InputError, match=r"numbers\.md has no such number\. Did you mean 'x'"):
        refilled('[1](numbers.md "X")', numbers)


def test_numbers_that_are_slow_are_kept_until_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Quoted("quick", "a", lambda: "1"), Quoted("slow", "b", lambda: "2", slow=True)]
    monkeypatch.setattr("studies.numbers_page.quoted", lambda: rows)
    page = as_page({"quick": "0", "slow": "0"}, rows)
    assert kept(computed(page)) == {"quick": "1", "slow": "0"}
    assert kept(computed(page, ["slow"])) == {"quick": "0", "slow": "2"}
    assert kept(computed("", ["all"])) == {"quick": "1", "slow": "2"}
    with pytest.raises(InputError, match=r"not computed yet: slow; run `make numbers ARGS=slow`"):
        computed("")
    with pytest.raises(InputError, match="'quik' is not known. Did you mean 'quick'"):
        computed(page, ["quik"])


def test_the_scoreboard_is_read_without_its_uncertainty() -> None:
    readme = "| r_cf_nm | 2a | 11 | - | 10 % | off |\n| v | 2c | 3.17 | 3.1 ± 0.001 | 3 % | input |\n"
    assert scoreboard(readme) == {"r_cf_nm": "-", "v": "3.1"}
