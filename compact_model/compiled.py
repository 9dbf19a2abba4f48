"""The door to numba: kernels compiled once and kept on disk, until anything they are made of changes.

numba keeps a kernel until the file it stands in changes; what it calls in other files, the constants it took from them and its own
options may change unseen. Here each kernel is kept in a folder named by all of that, so a change anywhere is another folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numba
import numpy as np
from numba import prange

from ground.files import cache_dir

_SETTINGS: Any = numba.config

__all__ = ["made_of", "njit", "prange"]


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function as `numba.njit` does. With cache=True it is kept beside its source; in an installation that cannot be
    written, in the cache folder (`RERAM_CACHE`); where NUMBA_CACHE_DIR is set, there; where nothing can be written, nowhere.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        key = made_of(function, options)
        with _kept_at(_folder(function, key) if options.get("cache") else None) as place:
            kernel = numba.njit(**{**options, "cache": place is not None})(function)
        kernel.made_of = key
        return kernel

    return compiled


def made_of(function: Callable[..., Any], options: dict[str, Any] | None = None) -> str:
    """Return 16 hex digits that depend on a kernel's source file, its options, the kernels it calls and the constants it uses."""
    # A set of texts, such as fastmath={"nnan", "nsz"}, has another order in every process.
    said = sorted((name, sorted(v) if isinstance(v, set) else v) for name, v in (options or {}).items())
    parts = [_source(function.__code__.co_filename), repr(said).encode()]
    ours = function.__module__.split(".")[0]
    for name in sorted(set(_names(function.__code__))):
        if name in function.__globals__:
            parts += [name.encode(), _content(function.__globals__[name], ours)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _content(value: Any, ours: str) -> bytes:
    """What a global of a kernel may change by; of what belongs to other packages only its name."""
    if hasattr(value, "made_of"):
        return str(value.made_of).encode()
    if isinstance(value, np.ndarray):
        return repr((value.dtype, value.shape)).encode() + value.tobytes()
    if value is None or isinstance(value, (bool, int, float, complex, str, tuple, np.generic)):
        return repr(value).encode()
    home = value if isinstance(value, ModuleType) else sys.modules.get(str(getattr(value, "__module__", "")))
    if home and home.__name__.split(".")[0] == ours and home.__file__:
        return _source(home.__file__)
    return str(getattr(value, "__qualname__", "")).encode()


def _source(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _folder(function: Callable[..., Any], key: str) -> Path | None:
    """Make and return the folder of a kernel, and remove those of its former states; None where nothing can be written."""
    own = f"{function.__module__}.{function.__qualname__}"
    places = [Path(_SETTINGS.CACHE_DIR)] if _SETTINGS.CACHE_DIR else [_beside(function), None]
    for place in places:
        try:
            folder = (place or cache_dir() / "kernels") / own / key
            if not folder.is_dir():
                shutil.rmtree(folder.parent, ignore_errors=True)
                folder.mkdir(parents=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def _beside(function: Callable[..., Any]) -> Path:
    return Path(function.__code__.co_filename).parent / "__pycache__" / "kernels"


@contextmanager
def _kept_at(folder: Path | None) -> Iterator[Path | None]:
    """numba chooses a kernel's folder when the kernel is declared; only then is its setting ours."""
    before = _SETTINGS.CACHE_DIR
    _SETTINGS.CACHE_DIR = str(folder or before)
    try:
        yield folder
    finally:
        _SETTINGS.CACHE_DIR = before
