"""What a page is made of: texts, facts, tables, figures, and the sections that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A title inside a section."""

    text: str


@dataclass(frozen=True)
class Preformatted:
    """A report as it is printed."""

    text: str


@dataclass(frozen=True)
class Note:
    """What the reader must not miss."""

    text: str


@dataclass(frozen=True)
class Facts:
    """The few numbers of a section, large: (name, value with its unit, remark) each."""

    facts: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Badge:
    """A word on a coloured ground, for a table's cell. kind : "good", "off" or ""."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Link:
    """A link to a section of the same page by its title, for a table's cell."""

    text: str
    section: str


@dataclass(frozen=True)
class Table:
    """title, header (columns) and rows of values (also Badge and Link); numbers are shown with four digits and sort as numbers.

    folded : only the title is seen until it is clicked.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture with its caption. figure : a matplotlib figure, the path of a PNG, JPEG or SVG file, or such a file's bytes."""

    figure: Any
    caption: str


@dataclass(frozen=True)
class Grid:
    """Figures side by side where the page is wide enough."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Raw:
    """HTML that goes in as it stands: only ever from our own code, with everything in it escaped by `escape`.

    style, script : what it needs, which a page with several such parts holds once.
    """

    html: str
    style: str = ""
    script: str = ""


Part = Text | Heading | Preformatted | Note | Facts | Table | Figure | Grid | Raw


@dataclass(frozen=True)
class Section:
    """A section with its title, which stands in the contents."""

    title: str
    parts: Sequence[Part]
