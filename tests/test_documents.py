"""What the documents show runs: the ten lines of README, and the notebooks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.fem
def test_the_ten_lines_of_readme_run(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert code is not None
    assert len(code[1].strip().splitlines()) <= 12
    given = "from pathlib import Path\nfrom fits.hopping.synthetic import write_synthetic_sweeps\n"
    given += "files = write_synthetic_sweeps(Path('.'))\n"
    done = subprocess.run(
        [sys.executable, "-c", given + code[1]], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert 35_200 < float(done.stdout.splitlines()[0]) < 35_600
    assert (tmp_path / "cell_07.json").exists()


def test_the_device_file_of_readme_is_read(tmp_path: Path) -> None:
    from device_physics.device import Device

    text = re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert text is not None
    (tmp_path / "d.toml").write_text(text[1])
    assert Device.from_toml(tmp_path / "d.toml").electrical_conductivities()["CMO"] == pytest.approx(3700.0)


def _notebook(path: Path) -> object:
    """The notebook as a test case, marked by what it imports."""
    text = path.read_text(encoding="utf-8")
    marks = [
        mark
        for word, mark in (("(Needs dolfinx", pytest.mark.fem), ("import torch", pytest.mark.training))
        if word in text
    ]
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.plot
@pytest.mark.parametrize("notebook", [_notebook(p) for p in NOTEBOOKS])
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    env = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(notebook)], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr


def test_notebooks_are_short_and_hold_no_output() -> None:
    assert len(NOTEBOOKS) >= 8
    for notebook in NOTEBOOKS:
        text = notebook.read_text(encoding="utf-8")
        assert text.startswith("# %% [markdown]\n# # "), notebook.name
        assert len(text.splitlines()) <= 80, notebook.name


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="sphinx is not installed (pip install -e '.[docs]')")
    pytest.importorskip("myst_parser", reason="myst-parser is not installed (pip install -e '.[docs]')")
    pytest.importorskip("furo", reason="furo is not installed (pip install -e '.[docs]')")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), str(ROOT / "docs"), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "fit_hopping" in (tmp_path / "html" / "_generated" / "api_fits.html").read_text(encoding="utf-8")
    if find_spec("latex2mathml"):  # formulas are then drawn offline
        equations = (tmp_path / "html" / "equations.html").read_text(encoding="utf-8")
        assert equations.count("<math") > 20 and "/mathjax" not in equations


def test_every_source_that_the_documents_name_is_there() -> None:
    """`compact_model/cell.py` in a page is a file; what stands in backticks after `in` need not be."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if "_generated" in page.parts:
            continue
        for name in re.findall(
            r"`((?:ground|meshes|device_physics|compact_model|fits|studies)/[\w/]+\.py)`", page.read_text("utf-8")
        ):
            assert (ROOT / name).is_file(), f"{page.name}: {name}"


def test_every_file_a_document_links_to_is_there() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!http)([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
