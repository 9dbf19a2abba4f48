"""Tests whose libraries are missing are not collected; laws, devices, kernels and files need no torch."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# What a file needs; one that is not named needs torch (networks, and the products of a tile) and numba.
# The live half of the aihwkit tests runs where aihwkit and torch are, numba or not.
NEEDS = {
    "test_aihwkit_tiles.py": ("torch",),
    "test_bank.py": (),
    "test_download.py": (),
    "test_idx.py": (),
    "test_lanes.py": ("numba",),
    "test_transfer_laws.py": (),
}
MISSING = {name for name in ("torch", "numba") if importlib.util.find_spec(name) is None}
collect_ignore = [p.name for p in HERE.glob("test_*.py") if MISSING & set(NEEDS.get(p.name, ("torch", "numba")))]

CLUSTERS = '''"""SYNTHETIC clusters in 16 dimensions."""
import numpy as np
def data():
    rng = np.random.default_rng(0)
    centre, y = rng.uniform(0, 1, (4, 16)), rng.integers(0, 4, 600)
    x = np.clip(centre[y] + 0.15 * rng.standard_normal((600, 16)), 0, 1)
    return x[:480], y[:480], x[480:], y[480:]
'''


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    if "torch" not in MISSING:
        import torch

        torch.set_num_threads(1)


@pytest.fixture
def clusters(tmp_path):
    """A file whose task is small and quickly learned."""
    path = tmp_path / "clusters.py"
    path.write_text(CLUSTERS)
    return path
