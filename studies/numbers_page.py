"""The results that the text of the documentation quotes: `python -m studies.numbers_page [NAME...]` writes them anew.

Without names every number that takes seconds is computed anew, and the others stay; NAMES, or `all`, computes those. They are kept in
docs/numbers.md. A page quotes one as a link with the number's name for a title, [0.31](numbers.md "drop_digital"), or, if it stands in
the scoreboard, [0.313](validation.md "mvm_rmse_1s_exact_ir_drop"); the command fills in the number itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from ground.errors import InputError, nearest
from ground.files import write_text
from studies.quoted_numbers import Quoted, quoted

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, README = DOCS / "numbers.md", DOCS.parent / "README.md"
LINK = re.compile(r'\[([^\[\]]+)\]\((?:\.\./)?(numbers|validation)\.md\s+"(\w+)"\)')
_RESULT = re.compile(
    r"(?<![\w.])[\d.,]*\d(?:\.\d+|\s?(?:%|times\b|fold\b|[mnu]?s\b|K\b|eV\b|MB\b|GB\b|minutes?\b|seconds?\b|hours?\b))"
)
_HEAD = """# Numbers in these pages

Results that the text quotes, as `make numbers` computes them (`make numbers ARGS=all` those marked *slow*, too, which takes some
ten minutes, dolfinx and torch; `ARGS=NAME` one of them). A test fails where a page says anything else. Published numbers and ours are
in [Validation](validation.md), times in [Performance](performance.md).

| name | number | what |
|---|---|---|
"""


def kept(page: str) -> dict[str, str]:
    """Return name -> number of the page."""
    return {name: shown for name, shown in re.findall(r"^\| (\w+) \| ([^|]+) \| ", page, re.M) if name != "name"}


def scoreboard(readme: str) -> dict[str, str]:
    """Return name -> ours of README's scoreboard, without its uncertainty."""
    rows = re.findall(r"^\| (\w+) \|[^|]*\|[^|]*\| ([^|]+) \|", readme, re.M)
    return {name: ours.split(" ±")[0] for name, ours in rows}


def refilled(text: str, known: Mapping[str, Mapping[str, str]]) -> str:
    """Return a page with every number that it quotes as it is known: page ("numbers", "validation") -> name -> number.

    Raises InputError for a name that is not known.
    """

    def number(link: re.Match[str]) -> str:
        page, name = link[2], link[3]
        if name not in known[page]:
            raise InputError(f"{link[0]}: {page}.md has no such number. {nearest(name, known[page])}")
        return link[0].replace(f"[{link[1]}]", f"[{known[page][name]}]", 1)

    return LINK.sub(number, text)


def as_page(numbers: Mapping[str, str], rows: Collection[Quoted]) -> str:
    """Return the page of these numbers. Raises InputError where one is missing."""
    missing = [q.name for q in rows if q.name not in numbers]
    if missing:
        raise InputError(f"not computed yet: {', '.join(missing)}; run `make numbers ARGS={missing[0]}`.")
    return _HEAD + "".join(
        f"| {q.name} | {numbers[q.name]} | {q.what}{' *(slow)*' if q.slow else ''} |\n" for q in rows
    )


def computed(page: str, names: Collection[str] = ()) -> str:
    """Return the page with these numbers anew (none: the quick ones). Raises InputError for a name that is not known."""
    rows = quoted()
    for name in names:
        if name not in ("all", *(q.name for q in rows)):
            raise InputError(f"{name!r} is not known. {nearest(name, ['all', *(q.name for q in rows)])}")
    wanted = [q for q in rows if (q.name in names or "all" in names if names else not q.slow)]
    return as_page({**kept(page), **{q.name: q.shown() for q in wanted}}, rows)


def bare_numbers(text: str) -> list[str]:
    """Return what in the prose of a page looks like a result and is no quotation: decimals, and numbers with %, times or units."""
    prose = LINK.sub("", re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$", "", text, flags=re.DOTALL))
    return [" ".join(m[0].split()) for m in _RESULT.finditer(prose)]


def pages() -> list[Path]:
    """Return the pages that are written by hand."""
    return [p for folder in (DOCS, DOCS / "howto") for p in sorted(folder.glob("*.md")) if p != PAGE]


def known() -> dict[str, dict[str, str]]:
    """Return what the two pages that are quoted hold."""
    return {
        "numbers": kept(PAGE.read_text(encoding="utf-8")),
        "validation": scoreboard(README.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    write_text(PAGE, computed(PAGE.read_text(encoding="utf-8") if PAGE.is_file() else "", sys.argv[1:]))
    for path in pages():
        write_text(path, refilled(path.read_text(encoding="utf-8"), known()))
