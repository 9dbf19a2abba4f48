"""The chain behind a result, walked back through the records of files: what made each, from what, and whether that is still so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.provenance import version
from ground.record import Record, Wanted
from ground.records import read_record
from ground.trace_search import Finder, Found

SHOWN = "shown above"
_DEEPEST = 40


@dataclass(frozen=True)
class Traced:
    """One file of the chain. record : None where nothing says what made it.  note : why it was not looked into further.

    itself : False where the record beside the file belongs to another content of it.
    """

    path: Path
    sha256: str
    record: Record | None
    links: tuple[Link, ...] = ()
    note: str = ""
    itself: bool = True

    def walk(self) -> Iterator[Traced]:
        """This file, and every one behind it."""
        yield self
        for link in self.links:
            if link.origin is not None:
                yield from link.origin.walk()

    def broken(self) -> list[str]:
        """Return what no longer matches, in words; empty where every link does, or could not be looked for."""
        out = []
        for file in self.walk():
            if not file.itself:
                out.append(f"{file.path.name} is not the file that the record beside it was written for")
            specifications = {} if file.record is None else file.record.specifications()
            out += [
                f"the {n} in the record of {file.path.name} does not have its hash {h}"
                for n, (h, ok) in specifications.items()
                if ok is False
            ]
            for link in file.links:
                if link.found.status == "changed":
                    out.append(f"{link.wanted.name} ({link.wanted.role}) has changed since {file.path.name} was made")
        return list(dict.fromkeys(out))

    def missing(self) -> list[str]:
        """Return names of inputs that were not found or cannot be read."""
        lost = [x.wanted.name for f in self.walk() for x in f.links if x.found.status in ("not found", "unreadable")]
        return list(dict.fromkeys(lost))

    def to_dict(self) -> dict[str, Any]:
        """Return the chain as JSON-like values."""
        out: dict[str, Any] = {"file": str(self.path), "sha256": self.sha256, "record": None}
        if self.record is not None:
            r = self.record
            out["record"] = {
                "made_by": r.made_by,
                "cmo_reram": r.version,
                "other_version": r.version != version(),
                "made_at": r.made_at,
                "libraries": dict(r.libraries),
                "synthetic": r.synthetic,
                "itself": self.itself,
            }
            out["specifications"] = [{"name": n, "hash": h, "matches": ok} for n, (h, ok) in r.specifications().items()]
        out["inputs"] = [link.to_dict() for link in self.links]
        return {**out, "note": self.note} if self.note else out


@dataclass(frozen=True)
class Link:
    """One input of a file. wanted : as recorded.  found : as it is now.  origin : the input itself, traced further."""

    wanted: Wanted
    found: Found
    origin: Traced | None

    def to_dict(self) -> dict[str, Any]:
        """Return the link as JSON-like values."""
        w, f = self.wanted, self.found
        out: dict[str, Any] = {"name": w.name, "role": w.role, "sha256": w.sha256, "status": f.status}
        out |= {
            "found": None if f.path is None else str(f.path),
            "sha256_now": f.sha256,
            "shipped": w.shipped is not None,
        }
        return {**out, "origin": None if self.origin is None else self.origin.to_dict()}


def trace(path: str | Path, look_in: Sequence[str | Path] = ()) -> Traced:
    """Return the chain behind a file of this project.

    look_in : folders to search beside those that lie near.
    Raises InputError where `path` is no file that can be read, its record is damaged, or a folder of look_in is none.
    """
    path = Path(path)
    folders = [Path(f) for f in look_in]
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"--look-in={str(folder)!r} is not allowed: there is no such folder.")
    if path.is_dir():
        summary = path / "summary.json"
        hint = f" Its summary is {summary}." if summary.is_file() else " Give one of the files in it."
        raise InputError(f"{path}: is a folder; a file has a chain.{hint}")
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    if not path.is_file():
        raise InputError(f"{path}: is no file on a disk, so there is nothing to trace.")
    record, walker = read_record(path), _Walker(Finder(folders))
    return walker.traced(path, walker.finder.hash_of(path), record, ())


class _Walker:
    """Goes down the chain; a file that was shown already is named, not walked again."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder
        self._done: set[Path] = set()
        self._grown: set[Path] = set()  # those of them with a record

    def traced(self, path: Path, sha256: str, record: Record | None, above: tuple[Path, ...]) -> Traced:
        here = path.resolve()
        self._done.add(here)
        if record is None:
            return Traced(path, sha256, None)
        self._grown.add(here)
        own = record.about in (None, sha256)
        links = tuple(self._link(w, path, (*above, here)) for w in record.inputs)
        return Traced(path, sha256, record, links, itself=own)

    def _link(self, wanted: Wanted, namer: Path, above: tuple[Path, ...]) -> Link:
        found = self.finder.find(wanted, namer.parent)
        if found.path is None or found.sha256 is None:
            return Link(wanted, found, None)
        return Link(wanted, found, self._origin(found.path, found.sha256, above))

    def _origin(self, path: Path, sha256: str, above: tuple[Path, ...]) -> Traced:
        here = path.resolve()
        if here in above:
            return Traced(path, sha256, None, note="stands above already: the records run in a circle")
        if here in self._done:
            return Traced(path, sha256, None, note=SHOWN if here in self._grown else "")
        if len(above) >= _DEEPEST:
            return Traced(path, sha256, None, note=f"not looked into: {_DEEPEST} files deep")
        try:
            record = read_record(path)
        except InputError as error:
            return Traced(path, sha256, None, note=f"cannot be looked into: {error}")
        return self.traced(path, sha256, record, above)
