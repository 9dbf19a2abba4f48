"""Shared by all tests: a cache folder of their own, and skips with a reason where a library or the shared data is absent."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["RERAM_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def _fem_reason() -> str:
    """Why the FEM cannot run here, or an empty text. A child process looks, so that a crash is a reason and not a crash."""
    done = subprocess.run(
        [sys.executable, "-c", "import device_physics._dolfinx, gmsh"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any("fem" in item.keywords for item in items) and (reason := _fem_reason()):
        for item in items:
            if "fem" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"no FEM here: {reason}"))
    for name, library in (("plot", "pyvista"), ("aihwkit", "aihwkit"), ("training", "torch")):
        if importlib.util.find_spec(library) is None:
            for item in items:
                if item.get_closest_marker(name):  # a keyword may also be the name of a folder
                    item.add_marker(pytest.mark.skip(reason=f"{library} is not installed"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured data beside the project, or a skip."""
    folder = Path(os.environ.get("RERAM_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "iv").is_dir():
        pytest.skip(f"no measured data in {folder} (set RERAM_SHARED)")
    return folder
