"""HTML pages that are one file: sections, tables that sort, figures and provenance; open offline, on a phone too.

    build_page("Run 7", [Section("Fit", [Text("It went well."), Table("", ["name", "value"], [["R", 1.3e4]])])])

Everything given is escaped, `Raw` alone is not; a page fetches nothing, and its Content-Security-Policy says so to the browser.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from ground.files import write_text
from ground.images import drawn, encoded
from ground.page_parts import (
    Badge,
    Facts,
    Figure,
    Grid,
    Heading,
    Link,
    Note,
    Part,
    Preformatted,
    Raw,
    Section,
    Table,
    Text,
)
from ground.plotting import load_matplotlib

__all__ = [
    "Badge",
    "Facts",
    "Figure",
    "Grid",
    "Heading",
    "Link",
    "Note",
    "Part",
    "Preformatted",
    "Raw",
    "Section",
    "Table",
    "Text",
    "anchor",
    "build_page",
    "escape",
    "provenance_table",
    "report_sections",
    "save_page",
    "section_anchors",
    "write_page",
]

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def build_page(title: str, sections: Sequence[Section], *, subtitle: str = "", notes: Sequence[str] = ()) -> str:
    """Return the page as valid HTML.

    subtitle : one line under the title.  notes : what the reader must not miss, shown first. Two sections or more get contents.
    Raises InputError for a picture that cannot be read or is none.
    """
    anchors = section_anchors(sections)
    raw = [p for s in sections for p in s.parts if isinstance(p, Raw)]
    style = "\n".join(dict.fromkeys([_asset("page.css"), *(r.style for r in raw if r.style)]))
    script = "\n".join(dict.fromkeys([_asset("page.js"), *(r.script for r in raw if r.script)]))
    listed = len(sections) > 1
    top = [f"<h1>{escape(title)}</h1>", *([f"<p>{escape(subtitle)}</p>"] if subtitle else [])]
    links = "\n".join(
        f'<li><a href="#{a}">{escape(s.title)}</a></li>' for s, a in zip(sections, anchors, strict=True) if s.title
    )
    contents = [f'<nav aria-label="Contents"><ul>\n{links}\n</ul></nav>'] if listed else []
    body = [_part(Note(n)) for n in notes]
    for section, anchor in zip(sections, anchors, strict=True):
        inside = "\n".join(_part(p) for p in section.parts)
        body.append(f'<section id="{anchor}">\n<h2>{escape(section.title)}</h2>\n{inside}\n</section>')
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>",
            f'<div class="page{" listed" if listed else ""}">\n<header>',
            *top,
            "</header>",
            *contents,
            "<main>",
            *body,
            f"</main>\n</div>\n<script>\n{script}</script>\n</body>\n</html>\n",
        ]
    )


def save_page(path: str | Path, title: str, sections: Sequence[Section], **options: Any) -> None:
    """Write `build_page` whole or not at all, and close its matplotlib figures. Raises InputError where it cannot be written."""
    write_text(path, build_page(title, sections, **options))
    for part in (p for s in sections for p in s.parts):
        for figure in part.figures if isinstance(part, Grid) else [part]:
            if isinstance(figure, Figure) and hasattr(figure.figure, "savefig"):
                load_matplotlib().close(figure.figure)


def report_sections(
    report: str,
    *,
    provenance: Mapping[str, Any],
    tables: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
) -> list[Section]:
    """Return the sections of one result: its text report, figures, tables and provenance."""
    parts: list[tuple[str, Sequence[Part]]] = [
        ("Report", [Preformatted(report)]),
        ("Figures" if len(figures) > 1 else "Figure", figures),
    ]
    sections = [Section(name, list(p)) for name, p in parts if p]
    return [
        *sections,
        *(Section(t.title, [Table("", t.header, t.rows)]) for t in [*tables, provenance_table(provenance)]),
    ]


def write_page(
    path: str | Path, title: str, report: str, *, notes: Sequence[str] = (), provenance: Mapping[str, Any], **parts: Any
) -> None:
    """Write the page of one result, arguments as `report_sections`; synthetic data are named first. Figures are closed."""
    marked = [*notes, *(["Made from SYNTHETIC data."] if provenance.get("synthetic") else [])]
    save_page(path, title, report_sections(report, provenance=provenance, **parts), notes=marked)


def provenance_table(record: Mapping[str, Any], title: str = "Provenance") -> Table:
    """Return a record of `ground.provenance` as a table; of hashes and settings every one."""
    rows = [(k, v) for k, v in record.items() if k not in ("inputs", "settings")]
    rows += [(f"input {i['name']}", f"sha256 {i['sha256']}") for i in record.get("inputs", ())]
    rows += [
        (f"setting {k}", json.dumps(v) if not isinstance(v, str) else v) for k, v in record.get("settings", {}).items()
    ]
    return Table(title, ("what", "value"), rows)


def section_anchors(sections: Iterable[Section]) -> list[str]:
    """Return the id of each section: its title in small letters, numbered where two would be alike."""
    taken: list[str] = []
    for section in sections:
        name, number = anchor(section.title), 2
        while name in taken:
            name, number = f"{anchor(section.title)}-{number}", number + 1
        taken.append(name)
    return taken


def anchor(title: str) -> str:
    """Return the id of the first section with this title."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def escape(value: Any) -> str:
    """Return the text of a value for HTML; characters that no HTML may hold become the replacement mark."""
    allowed = "".join(c if c in "\n\t" or _printable(ord(c)) else "\ufffd" for c in str(value))
    return html.escape(allowed)


def _printable(code: int) -> bool:
    """Whether HTML may hold the character: no control, no half of a pair, no noncharacter."""
    control = code < 32 or 0x7F <= code <= 0x9F
    return not control and not 0xD800 <= code <= 0xDFFF and not 0xFDD0 <= code <= 0xFDEF and code & 0xFFFE != 0xFFFE


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _part(part: Part) -> str:
    match part:
        case Text(text):
            return f"<p>{escape(text)}</p>"
        case Heading(text):
            return f"<h3>{escape(text)}</h3>"
        case Preformatted(text):
            return f'<pre tabindex="0">{escape(text)}</pre>'
        case Note(text):
            return f'<p class="note">{escape(text)}</p>'
        case Facts(facts):
            return f'<dl class="facts">{"".join(_fact(*fact) for fact in facts)}</dl>'
        case Figure():
            return _figure(part)
        case Grid(figures):
            return '<div class="grid">' + "\n".join(_figure(f) for f in figures) + "</div>"
        case Raw(text):
            return text
    return _table(part)


def _fact(name: str, value: str, remark: str) -> str:
    small = f"<small>{escape(remark)}</small>" if remark else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>"


def _figure(figure: Figure) -> str:
    return (
        f'<figure><img src="{encoded(*drawn(figure.figure))}" alt="{escape(figure.caption)}">\n'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col"><button type="button">{escape(h)}</button></th>' for h in table.header)
    rows = "\n".join("<tr>" + "".join(_cell(v) for v in row) + "</tr>" for row in table.rows)
    name = escape(table.title)
    box = (
        f'<div class="wide" role="region" aria-label="{name or "Table"}" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )
    if table.folded:
        return f"<details><summary>{name or 'Table'}, {len(table.rows)} rows</summary>\n{box}</details>"
    return f"<h3>{name}</h3>\n{box}" if name else box


def _cell(value: Any) -> str:
    match value:
        case None:
            return "<td>-</td>"
        case Badge(text, kind):
            return f'<td><span class="badge {escape(kind)}">{escape(text)}</span></td>'
        case Link(text, section):
            return f'<td><a href="#{anchor(section)}">{escape(text)}</a></td>'
        case bool():
            return f"<td>{'yes' if value else 'no'}</td>"
        case Integral():
            return f'<td class="number" data-number="{int(value)}">{int(value)}</td>'
        case Real():
            return f'<td class="number" data-number="{float(value)!r}">{float(value):.4g}</td>'
    return f"<td>{escape(value)}</td>"
