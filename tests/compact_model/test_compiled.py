"""Kernels on disk: a change in another file, in a constant or in the options is seen; nothing else makes a kernel anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compact_model import cell_instant, cell_kernel, compiled

ROOT = Path(__file__).resolve().parents[2]
LAW = """
from compact_model.compiled import njit
OFFSET = {offset}
@njit(cache=True)
def law(x):
    return {factor} * x + OFFSET
"""
CALLER = """
from compact_model.compiled import njit
from kernels.law import law
@njit(cache=True)
def twice(x):
    return law(law(x))
"""
ASK = "from kernels.caller import twice; print(twice(1.0), sum(twice.stats.cache_hits.values()))"


def _answer(folder: Path, factor: float, offset: float, **environment: str) -> tuple[float, int]:
    """What `twice(1)` is in a fresh process, and how often it was found on disk."""
    (folder / "kernels").mkdir(exist_ok=True)
    (folder / "kernels" / "__init__.py").touch()
    (folder / "kernels" / "law.py").write_text(LAW.format(factor=factor, offset=offset))
    (folder / "kernels" / "caller.py").write_text(CALLER)
    given = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**given, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_a_change_in_the_file_of_what_a_kernel_calls_is_seen(tmp_path: Path) -> None:
    assert _answer(tmp_path, 2.0, 0.5) == (5.5, 0)
    assert _answer(tmp_path, 2.0, 0.5) == (5.5, 1)  # kept on disk
    assert _answer(tmp_path, 3.0, 0.5) == (11.0, 0)  # numba alone answers 5.5
    kept = sorted((tmp_path / "kernels" / "__pycache__" / "kernels").iterdir())
    assert [len(list(k.iterdir())) for k in kept] == [1, 1]  # the former kernels are gone


def test_an_installation_that_cannot_be_written_keeps_its_kernels_in_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(compiled._SETTINGS, "CACHE_DIR", "")
    monkeypatch.setenv("RERAM_CACHE", str(tmp_path / "cache"))
    blocked = tmp_path / "blocked"
    blocked.touch()  # a file where a folder would have to be, which stops even the superuser
    monkeypatch.setattr(compiled, "_beside", lambda function: blocked)
    kernel = compiled.njit(cache=True)(_plain)
    assert kernel(2.0) == 3.0
    assert list((tmp_path / "cache" / "kernels").rglob("*.nbc"))
    monkeypatch.setattr(compiled, "cache_dir", lambda: blocked)
    assert compiled.njit(cache=True)(_plain)(2.0) == 3.0  # nowhere to write: compiled for this process
    assert compiled._SETTINGS.CACHE_DIR == ""


def _plain(x: float) -> float:
    return x + CONSTANT


CONSTANT = 1.0


def test_the_name_of_a_kernel_depends_on_constants_options_and_callees(monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiled.made_of(_plain)
    assert compiled.made_of(_plain) == first
    assert compiled.made_of(_plain, {"fastmath": True}) != first
    monkeypatch.setitem(globals(), "CONSTANT", 2.0)
    assert compiled.made_of(_plain) != first
    before = compiled.made_of(cell_kernel.run_cell.py_func)
    monkeypatch.setattr(cell_kernel.step, "made_of", "other")
    assert compiled.made_of(cell_kernel.run_cell.py_func) != before
    before = compiled.made_of(cell_instant.operate.py_func)
    monkeypatch.setitem(cell_instant.operate.py_func.__globals__, "T_MAX_K", 1.0)
    assert compiled.made_of(cell_instant.operate.py_func) != before


def test_a_kernel_has_the_same_name_in_every_process() -> None:
    """Texts hash differently in every process, and a set of them, such as {"nnan", "nsz"}, then has another order."""
    ask = (
        "from compact_model.compiled import made_of; print(made_of(lambda x: x, {'fastmath': {'nnan', 'nsz', 'arcp'}}))"
    )
    names = set()
    for seed in ("1", "2", "3", "4"):
        given = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", ask], env=given, capture_output=True, text=True, check=True)
        names.add(done.stdout)
    assert len(names) == 1


def test_every_kernel_of_the_house_goes_through_this_door() -> None:
    rooms = [p for p in (ROOT / "compact_model").rglob("*.py") if p.name != "compiled.py"]
    assert not [str(p) for p in rooms if "from numba import njit" in p.read_text(encoding="utf-8")]
