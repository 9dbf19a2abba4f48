"""What made a file: command, versions, time, inputs with their hashes, and the settings used."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ground.files import file_hash

SHIPPED = Path(__file__).resolve().parent.parent  # the packages stand side by side in it
FEM = ("dolfinx", "petsc4py", "gmsh")
_NUMERICAL = ("numpy", "scipy", "numba", "lmfit", "torch")
_DISTRIBUTION = {"dolfinx": "fenics-dolfinx"}
_FAR = 3  # folders upwards: an input farther away is known by name and hash alone


@dataclass(frozen=True)
class Source:
    """An input of a result. path : the file.  role : what it is to the result, such as "measured data"."""

    path: str | Path
    role: str = "input"


def version() -> str:
    """Return the installed version of cmo-reram, or "unknown" where it is run without being installed."""
    return _version("cmo-reram") or "unknown"


def provenance(
    made_by: str,
    *,
    files: Iterable[str | Path | Source] = (),
    near: str | Path | None = None,
    libraries: Iterable[str] = (),
    synthetic: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Return the record that goes into every result file.

    made_by : command or function.  files : inputs read, stored by name, role, size and SHA-256.  near : the file that will hold
    the record; inputs that lie near it are stored with their path from there.  settings : JSON-like values.
    libraries : what computed beside the numerical libraries loaded now, as in other processes.
    synthetic : True where any input was synthetic; it is inherited by everything made from it.
    """
    return {
        "made_by": made_by,
        "cmo_reram": version(),
        "python": platform.python_version(),
        "libraries": _versions(libraries),
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": [_input(f, near) for f in files],
        "synthetic": synthetic,
        "settings": settings,
    }


def with_inputs(
    record: Mapping[str, Any], files: Iterable[str | Path | Source], near: str | Path | None = None
) -> dict[str, Any]:
    """Return the record with further inputs: a command adds the files that it read for what a function computed."""
    return {**record, "inputs": [*record.get("inputs", ()), *(_input(f, near) for f in files)]}


def sources(role: str, *paths: str | Path | None) -> list[Source]:
    """Return files of one role as inputs; None stands for one that was not given."""
    return [Source(p, role) for p in paths if p is not None]


def shipped(name: str, role: str) -> Source:
    """Return a file that comes with the package, such as "ground/paper.toml", as an input."""
    return Source(SHIPPED / name, role)


def published() -> list[Source]:
    """Return the published numbers as an input."""
    return [shipped("ground/paper.toml", "published numbers")]


def response_table(file: str | Path | None = None) -> list[Source]:
    """Return a response table as an input: the given file, else the shipped one."""
    return [
        shipped("device_physics/response_default.nc", "response table")
        if file is None
        else Source(file, "response table")
    ]


def _input(given: str | Path | Source, near: str | Path | None) -> dict[str, Any]:
    from ground.records import content_of

    source = given if isinstance(given, Source) else Source(given)
    path = Path(source.path)
    out: dict[str, Any] = {
        "name": path.name,
        "role": source.role,
        "sha256": file_hash(path),
        "bytes": path.stat().st_size,
    }
    content = content_of(path)
    if content is not None:
        out["content"] = content
    own = _own_name(path)
    if own is not None:
        out["shipped"] = own
    elif near is not None:
        way = Path(os.path.relpath(path.resolve(), Path(near).resolve().parent))
        if way.parts.count("..") <= _FAR:
            out["path"] = way.as_posix()
    return out


def _own_name(path: Path) -> str | None:
    """Return "package/file" for a file of this installation."""
    folder = path.resolve().parent
    inside = folder.parent == SHIPPED and (folder / "__init__.py").is_file()
    return f"{folder.name}/{path.name}" if inside else None


def _versions(more: Iterable[str]) -> dict[str, str]:
    names = sorted({*(n for n in _NUMERICAL if n in sys.modules), *more})
    found = {n: _version(_DISTRIBUTION.get(n, n)) or getattr(sys.modules.get(n), "__version__", None) for n in names}
    return {n: str(v) for n, v in found.items() if v}


@cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
