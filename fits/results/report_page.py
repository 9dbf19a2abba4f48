"""One HTML page per fit: text, tables, figures and provenance in one file that opens offline, on a phone too."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground.files import write_text
from ground.plotting import load_matplotlib

_SVG_MAX = 1_500_000  # bytes; beyond it a figure goes in as PNG

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; font-size: .8rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: right; } th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; } figure { margin: 1rem 0; } figcaption { font-size: .85rem; color: #555; }
.note { border-left: .3rem solid #b35c00; padding: .3rem .8rem; background: #fff6ea; }
"""


@dataclass(frozen=True)
class Table:
    """title, header (columns) and rows of values; numbers are shown with four digits."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Figure:
    """A matplotlib figure with its caption."""

    figure: Any
    caption: str


def report_page(
    title: str,
    report: str,
    *,
    provenance: Mapping[str, Any],
    tables: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return the page as valid HTML; everything given is escaped, nothing is fetched from elsewhere.

    report : the text report.  notes : what the reader must not miss, shown first.  provenance : inputs, settings, version.
    """
    marked = [*notes, *(["Made from SYNTHETIC data."] if provenance.get("synthetic") else [])]
    parts = [f"<h1>{_text(title)}</h1>"]
    parts += [f'<p class="note">{_text(note)}</p>' for note in marked]
    parts += [f"<h2>Report</h2>\n<pre>{_text(report)}</pre>"]
    parts += [_figure(f) for f in figures]
    parts += [_table(t) for t in tables]
    parts += [_provenance(provenance)]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def write_page(path: str | Path, title: str, report: str, **parts: Any) -> None:
    """Write the page whole or not at all; arguments as `report_page`. Figures are closed.

    Raises InputError where the file cannot be written.
    """
    write_text(path, report_page(title, report, **parts))
    for figure in parts.get("figures", ()):
        load_matplotlib().close(figure.figure)


def parameter_table(parameters: Mapping[str, Any], title: str = "Parameters") -> Table:
    """Return the table of fitted parameters (`Identified` by name)."""
    rows = [
        (
            n,
            p.value,
            p.stderr,
            p.low,
            p.high,
            "fixed" if p.source != "fit" else "yes" if p.identified else "NO",
            p.source,
        )
        for n, p in parameters.items()
    ]
    return Table(
        title, ("parameter", "value", "standard error", "95 % low", "95 % high", "seen by the data", "source"), rows
    )


def _text(value: Any) -> str:
    """Escape; characters that no HTML may hold become the replacement mark."""
    allowed = "".join(c if c in "\n\t" or _printable(ord(c)) else "\ufffd" for c in str(value))
    return html.escape(allowed)


def _printable(code: int) -> bool:
    """Whether HTML may hold the character: no control, no half of a pair, no noncharacter."""
    control = code < 32 or 0x7F <= code <= 0x9F
    return not control and not 0xD800 <= code <= 0xDFFF and not 0xFDD0 <= code <= 0xFDEF and code & 0xFFFE != 0xFFFE


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_text(h)}</th>' for h in table.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{_text(_shown(v))}</td>" for v in row) + "</tr>" for row in table.rows)
    return (
        f'<h2>{_text(table.title)}</h2>\n<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figure(figure: Figure) -> str:
    kind, data = _drawn(figure.figure)
    coded = base64.b64encode(data).decode()
    return (
        f'<figure><img src="data:image/{kind};base64,{coded}" alt="{_text(figure.caption)}">\n'
        f"<figcaption>{_text(figure.caption)}</figcaption></figure>"
    )


def _drawn(figure: Any) -> tuple[str, bytes]:
    """Draw as SVG (sharp at any size), or as PNG where that would be too big."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    if stream.tell() <= _SVG_MAX:
        return "svg+xml", stream.getvalue()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    return "png", stream.getvalue()


def _provenance(record: Mapping[str, Any]) -> str:
    rows = [(k, v) for k, v in record.items() if k not in ("inputs", "settings")]
    rows += [(f"input {i['name']}", f"sha256 {i['sha256']}") for i in record.get("inputs", ())]
    rows += [
        (f"setting {k}", json.dumps(v) if not isinstance(v, str) else v) for k, v in record.get("settings", {}).items()
    ]
    return _table(Table("Provenance", ("what", "value"), rows))
