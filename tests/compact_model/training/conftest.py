"""Training needs torch and numba; without them its tests are skipped, with the reason."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MISSING = [name for name in ("torch", "numba") if importlib.util.find_spec(name) is None]
# the live half of the aihwkit tests runs where aihwkit and torch are, numba or not
collect_ignore = [p.name for p in HERE.glob("test_*.py") if MISSING and p.name != "test_aihwkit_tiles.py"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
