"""Sphinx configuration: `make docs` builds the pages into docs/_build, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from generated_pages import write_pages  # noqa: E402

from ground import provenance  # noqa: E402

project = "cmo-reram"
author = "The cmo-reram developers"
release = provenance.version()
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "cmo-reram"
html_copy_source = False
exclude_patterns = ["_build"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "dolfinx", "ufl", "petsc4py", "mpi4py", "gmsh", "pyvista"]

write_pages(HERE / "_generated")


def _plain_bars(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: |V| is an absolute value there, and a star multiplies."""
    lines[:] = [line.replace("|", "\\|").replace("*", "\\*") if "``" not in line else line for line in lines]


def setup(app: Any) -> None:
    """Connect what docstrings need."""
    app.connect("autodoc-process-docstring", _plain_bars)
