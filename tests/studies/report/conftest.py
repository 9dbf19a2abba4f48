"""One made run folder for all tests of the report, and its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_run import make_run

from studies.report.page import write_report


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with nearly every kind of file, and its report.html. Not to be changed."""
    pytest.importorskip("pyvista")
    folder = make_run(tmp_path_factory.mktemp("report") / "made <run>")
    write_report(folder)
    return folder
