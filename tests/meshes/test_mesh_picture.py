"""The picture of the mesh: the polygons that the plane cuts out of the cells tile the cross-section, region by region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_run import HALF, HEIGHT, LAYERS, made_mesh

from meshes.mesh_picture import draw_mesh, section

pytestmark = pytest.mark.plot


def areas(polygons: np.ndarray) -> np.ndarray:
    """Areas of the polygons, of which a triangle's last corner is NaN."""
    p = np.where(np.isnan(polygons), polygons[:, 2:3], polygons)
    x, z = p[..., 0], p[..., 1]
    return np.asarray(0.5 * np.abs((x * np.roll(z, -1, axis=1) - np.roll(x, -1, axis=1) * z).sum(axis=1)))


@pytest.mark.parametrize("full", [False, True])
def test_the_polygons_tile_the_cross_section(full: bool) -> None:
    x, pieces = section(made_mesh(full=full))
    wide = HALF * (2 if full else 1)
    exact = {n: wide * (high - low) for n, (low, high) in LAYERS.items()}
    channel = {"filament": 4 * 11 * (2 if full else 1), "dome": 11 * 11 * (2 if full else 1)}
    exact |= channel | {"HfOx": exact["HfOx"] - channel["filament"], "CMO": exact["CMO"] - channel["dome"]}
    assert {n: float(areas(p).sum()) for n, p in pieces.items()} == pytest.approx(exact, rel=1e-6)
    assert sum(exact.values()) == pytest.approx(wide * HEIGHT) and x == pytest.approx(0.0)


def test_the_picture_is_written_whole_and_shows_every_region(tmp_path: Path) -> None:
    from ground.plotting import load_matplotlib

    draw_mesh(made_mesh(), tmp_path / "m.png")
    image = load_matplotlib().imread(tmp_path / "m.png")
    colours = {tuple(np.round(255 * c).astype(int)) for c in image[::3, ::3, :3].reshape(-1, 3)}
    for wanted in ("b8c4d6", "fbe8a6", "bfe3c8", "d3bfe0", "f7c6a3", "f4a7a0"):
        assert tuple(int(wanted[i : i + 2], 16) for i in (0, 2, 4)) in colours
    assert [p.name for p in tmp_path.iterdir()] == ["m.png"]
