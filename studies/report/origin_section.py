"""Where it all comes from and what else is there: exports, further pictures, the chain of provenance, every file with its hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ground.errors import InputError
from ground.page import Badge, Heading, Note, Part, Preformatted, Section, Table, Text
from ground.trace import Link, Traced, trace
from studies.report.amounts import file_size
from studies.report.shelf import Item, Shelf, picture, shown

_STATUS = {"matches": "good", "changed": "off", "not found": ""}
_LINKS_MAX = 400
_TEXT_MAX = 20_000  # characters


def exports(shelf: Shelf) -> list[Section]:
    """Return the section of what other programs read."""
    items = shelf.all("export")
    rows = [(i.name, file_size(i.file.size), i.file.path.suffix.lstrip(".")) for i in items]
    return [Section("Exports", [Table("", ("file", "size", "format"), rows)])] if rows else []


def pictures(shelf: Shelf) -> list[Section]:
    """Return the section of pictures that belong to nothing else on the page."""
    left = [i for i in shelf.all("picture") if i.name not in shelf.used]
    parts = [part for i in left for part in shown(i, picture("Picture"))]
    return [Section("Further pictures", parts)] if parts else []


def texts(shelf: Shelf) -> list[Section]:
    """Return the section of texts that belong to nothing else on the page."""
    shown_already = {i.stem for i in shelf.all("hopping fit")}
    left = [i for i in shelf.all("text") if i.stem not in shown_already]
    parts = [part for i in left for part in (Heading(i.name), Preformatted(i.data[:_TEXT_MAX]))]
    return [Section("Texts", parts)] if parts else []


def provenance(shelf: Shelf) -> list[Section]:
    """Return the section of provenance: what made each file, from what, and whether that is still so."""
    made: list[Any] = []
    links: list[Any] = []
    notes: list[Part] = []
    for item in shelf.items:
        try:
            chain = trace(item.file.path)
        except InputError as error:
            if not any(n.startswith(item.name) for n in shelf.notes):
                notes.append(Note(f"{item.name}: its record could not be read: {error}"))
            continue
        if chain.record is None:
            continue
        r = chain.record
        made.append(
            (
                item.name,
                r.made_by,
                r.version,
                r.made_at,
                Badge("SYNTHETIC", "off") if r.synthetic else "",
                chain.sha256[:16],
            )
        )
        links += list(_links(item, chain))
    if not made and not notes:
        return []
    parts: list[Part] = [
        Text(
            "From data to result: what made each file, and from what. The command reram trace FILE follows a chain through other folders."
        ),
        *notes,
        Table("Made by", ("file", "made by", "version", "when (UTC)", "data", "sha256 begins"), made, folded=True),
    ]
    if links:
        parts.append(
            Table("Made from", ("file", "input", "sha256 as recorded", "now"), links[:_LINKS_MAX], folded=True)
        )
    return [Section("Provenance", parts)]


def _links(item: Item, chain: Traced) -> Iterator[tuple[Any, ...]]:
    for link in chain.links:
        yield item.name, link.wanted.name, link.wanted.sha256[:16], _status(link)


def _status(link: Link) -> Badge:
    status = str(link.found.status)
    return Badge(status, _STATUS.get(status, ""))


def files(shelf: Shelf) -> list[Section]:
    """Return the section of all files: kind, size and hash."""
    rows = [(i.name, i.kind or "not known", i.file.size, i.file.sha256) for i in shelf.items]
    rows += [(group.like, f"{group.count:,} files, counted only", group.size, "") for group in shelf.left_out]
    return [Section("Files", [Table("", ("file", "shown as", "size [B]", "sha256"), rows)])]
