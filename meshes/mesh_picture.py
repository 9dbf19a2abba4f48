"""The mesh on the plane through the first filament, whole and at the filament, as a PNG. Needs matplotlib, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ground.files import atomic
from ground.plotting import load_matplotlib, matplotlib_part
from meshes.mesh import Mesh

Array = NDArray[np.float64]
_COLOURS = ("#b8c4d6", "#fbe8a6", "#bfe3c8", "#d3bfe0", "#f7c6a3", "#f4a7a0", "#a8dadc", "#e5e5e5")
_OFF_nm = 1e-4  # the plane stands this far off the plane of symmetry, which is a face of cells


def draw_mesh(mesh: Mesh, path: str | Path) -> None:
    """Draw the cells that the plane through the first filament cuts, coloured by region. Raises InputError as `atomic` does."""
    plt = load_matplotlib()
    x, pieces = section(mesh)
    corners = np.concatenate(list(pieces.values())).reshape(-1, 2)
    low, high = np.nanmin(corners, axis=0), np.nanmax(corners, axis=0)
    channel = [p.reshape(-1, 2) for n, p in pieces.items() if n.split("_")[0] in ("filament", "dome")][:2]
    windows = [(low[0], high[0], low[1], high[1])]
    if channel:
        own = np.concatenate(channel)
        (left, bottom), (right, top) = np.nanmin(own, axis=0), np.nanmax(own, axis=0)
        reach = 0.8 * max(right - x, top - bottom)
        windows.append(
            (
                max(low[0], left - reach),
                min(high[0], right + reach),
                max(0.0, bottom - reach),
                min(high[1], top + reach),
            )
        )
    wide = [(w[1] - w[0]) / (w[3] - w[2]) for w in windows]  # of panels that are equally high
    size = (13.0, min(6.0, 11.0 / sum(wide)) + 1.2)
    figure, axes = plt.subplots(1, len(windows), figsize=size, width_ratios=wide, squeeze=False, layout="constrained")
    for axis, window in zip(axes[0], windows, strict=True):
        _draw(axis, pieces, window)
    axes[0, 0].legend(
        handles=_legend(pieces), ncols=8, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), frameon=False
    )
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=140)
    plt.close(figure)


def section(mesh: Mesh) -> tuple[float, dict[str, Array]]:
    """Return x of the first filament [nm], and by region the polygons (n, 4, 2) of x, z [nm] that the plane cuts out of its cells.

    A triangle's last corner is NaN. The cells of an axisymmetric mesh are such polygons themselves.
    """
    points = 1e9 * mesh.points
    if mesh.dimension == 2:
        corners = np.concatenate([points[mesh.cells], np.full((len(mesh.cells), 1, 2), np.nan)], axis=1)
        return 0.0, {n: corners[mesh.region == t] for n, t in mesh.regions.items()}
    name = next((n for n in mesh.regions if n.split("_")[0] == "filament"), None)
    own = points[mesh.cells[mesh.region == mesh.regions[name]]].reshape(-1, 3) if name else points
    middle = np.zeros(3) if mesh.symmetry == 4 else 0.5 * (own.min(axis=0) + own.max(axis=0))
    return float(middle[0]), {
        n: _cut(points[mesh.cells[mesh.region == t]], middle[1] + _OFF_nm) for n, t in mesh.regions.items()
    }


def _cut(tetrahedra: Array, y: float) -> Array:
    """Return the polygons (n, 4, 2) in which the plane cuts tetrahedra (m, 4, 3)."""
    height = tetrahedra[:, :, 1] - y
    kept = (height.min(axis=1) < 0) & (height.max(axis=1) > 0)
    corners, height = tetrahedra[kept], height[kept]
    found = np.full((len(corners), 6, 2), np.nan)
    for k, (a, b) in enumerate([(i, j) for i in range(4) for j in range(i + 1, 4)]):
        crossed = height[:, a] * height[:, b] < 0
        share = (height[crossed, a] / (height[crossed, a] - height[crossed, b]))[:, None]
        ends = corners[crossed][:, [a, b]][:, :, [0, 2]]
        found[crossed, k] = ends[:, 0] + share * (ends[:, 1] - ends[:, 0])
    around = found - np.nanmean(found, axis=1, keepdims=True)
    order = np.argsort(np.arctan2(around[..., 1], around[..., 0]), axis=1)  # NaN comes last
    return np.asarray(np.take_along_axis(found, order[:, :4, None], axis=1))


def _draw(axis: Any, pieces: dict[str, Array], window: tuple[float, float, float, float]) -> None:
    for polygons, colour in zip(pieces.values(), _COLOURS * 8, strict=False):
        outlines = [p[~np.isnan(p[:, 0])] for p in polygons]
        axis.add_collection(
            matplotlib_part("collections").PolyCollection(
                outlines, facecolors=colour, edgecolors="#333", linewidths=0.25
            )
        )
    axis.set(xlim=window[:2], ylim=window[2:], aspect="equal", xlabel="x [nm]", ylabel="z [nm]")


def _legend(pieces: dict[str, Array]) -> list[Any]:
    patch = matplotlib_part("patches").Patch
    return [patch(color=c, label=n.replace("_", " ")) for n, c in zip(pieces, _COLOURS * 8, strict=False)]
