"""The files of a run sorted by kind, and what could not be read of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ground.errors import InputError, MissingLibrary
from ground.page import Figure, Heading, Note, Part
from studies.report.kinds import kind_of
from studies.report.run_folder import LeftOut, RunFile

# What a file that is damaged, or of a kind it only seems to be, can raise while it is shown.
_DAMAGED = (InputError, MissingLibrary, KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Item:
    """A file with its kind and what was read of it."""

    file: RunFile
    kind: str
    data: Any = None

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def stem(self) -> str:
        """Name without its ending: "a/array" of "a/array.png"."""
        return str(PurePosixPath(self.name).with_suffix(""))


@dataclass
class Shelf:
    """items : every file that is shown.  left_out : files that are only counted.  notes : of files that could not be read, or are
    left out.  used : names of files that have found their place."""

    items: list[Item]
    left_out: Sequence[LeftOut] = ()
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, files: Sequence[RunFile], left_out: Sequence[LeftOut] = ()) -> Shelf:
        """Sort the files; a damaged one is kept, as unknown and with a note."""
        shelf = cls([], left_out)
        if left_out:
            few = ", ".join(f"{group.like} ({group.count:,})" for group in left_out[:5])
            more = " and others" if len(left_out) > 5 else ""
            count = sum(group.count for group in left_out)
            shelf.notes.append(f"{count:,} of {count + len(files):,} files are counted and not shown: {few}{more}")
        for file in files:
            try:
                kind, data = kind_of(file)
            except InputError as error:
                kind, data = "", None
                shelf.notes.append(f"{file.name} could not be read: {error}")
            shelf.items.append(Item(file, kind, data))
        return shelf

    def all(self, *kinds: str) -> list[Item]:
        """Return the items of some kinds."""
        return [i for i in self.items if i.kind in kinds]

    @property
    def is_known(self) -> bool:
        """Whether a report could show anything of it."""
        return any(i.kind for i in self.items)

    def pictures(self, item: Item, *names: str) -> list[Item]:
        """Return the pictures beside an item with its stem or one of some other names, once."""
        parent = PurePosixPath(item.name).parent
        stems = {item.stem, *(str(parent / n) for n in names)}
        found = [i for i in self.all("picture") if i.stem in stems and i.name not in self.used]
        self.used.update(i.name for i in found)
        return found

    def claim(self, item: Item, ending: str) -> None:
        """Say that the file beside an item with its stem and this ending is shown with it."""
        self.used.add(item.stem + ending)

    def texts(self, item: Item) -> list[str]:
        """Return the texts beside an item with its stem: reports as they were printed."""
        found = [i.data for i in self.all("text") if i.stem == item.stem]
        return ["\n".join(x for x in text.splitlines() if not x.startswith("# provenance:")) for text in found]

    def figures(self, item: Item, caption: str, *names: str) -> list[Part]:
        """Return the pictures beside an item as parts of a page."""
        return [part for p in self.pictures(item, *names) for part in shown(p, picture(caption))]


def picture(caption: str) -> Callable[[Item], list[Part]]:
    """Return what shows a picture with a caption; a damaged one raises InputError."""

    def build(item: Item) -> list[Part]:
        from ground.images import drawn

        kind, data = drawn(item.file.path)
        if kind == "png" and not data.rstrip(b"\0").endswith(b"IEND\xaeB`\x82"):
            raise InputError("the picture is cut short")
        return [Figure(data, f"{caption} ({item.name})")]

    return build


def shown(item: Item, build: Callable[[Item], list[Part]]) -> list[Part]:
    """Return what is shown of an item, or a note that says why it is not."""
    try:
        return build(item)
    except _DAMAGED as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return [Note(f"{item.name} could not be shown: {reason}")]


def each(items: Sequence[Item], build: Callable[[Item], list[Part]]) -> list[Part]:
    """Return what is shown of several items, with the name of each above it where there are more than one."""
    head = len(items) > 1
    return [part for i in items for part in [*([Heading(i.name)] if head else []), *shown(i, build)]]


def drawing(draw: Callable[[Path], None]) -> bytes:
    """Return the PNG that `draw` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return path.read_bytes()
