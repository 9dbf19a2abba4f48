"""Sphinx configuration: `make docs` builds the pages into docs/_build, with warnings as errors."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from generated_pages import write_pages  # noqa: E402

from ground import provenance  # noqa: E402

project = "cmo-reram"
author = "The cmo-reram developers"
project_copyright = author
release = provenance.version()
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "cmo-reram"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_math_renderer = (
    "mathml" if find_spec("latex2mathml") else "mathjax"
)  # MathJax comes from the network, MathML does not
exclude_patterns = ["_build"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "dolfinx", "ufl", "petsc4py", "mpi4py", "gmsh", "pyvista"]

write_pages(HERE / "_generated")


def _plain_bars(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: |V| is an absolute value there, and a star multiplies."""
    lines[:] = [line.replace("|", "\\|").replace("*", "\\*") if "``" not in line else line for line in lines]


def _inline_formula(page: Any, node: Any) -> None:
    """Write a formula as MathML, which browsers draw without help."""
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    page.body.append(convert(node.astext()))
    raise SkipNode


def _displayed_formula(page: Any, node: Any) -> None:
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    page.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def setup(app: Any) -> None:
    """Connect what docstrings and formulas need."""
    app.connect("autodoc-process-docstring", _plain_bars)
    app.add_html_math_renderer("mathml", (_inline_formula, None), (_displayed_formula, None))
