"""What the documents show runs: the ten lines of README, and the notebooks."""

from __future__ import annotations

import re
import subprocess
import sys
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


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(notebook)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_every_file_a_document_links_to_is_there() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
