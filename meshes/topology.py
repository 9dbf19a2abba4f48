"""Faces of a mesh from its cells alone: what each separates, and whether the cells make one sound body."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Faces:
    """Every face once. corners : (k, d) point numbers, ascending.  cells : (k, 2) its cells, -1 for the outside.

    crowded : corners of the faces that more than two cells share; a sound mesh has none.
    """

    corners: Index
    cells: Index
    crowded: Index


def all_faces(cells: Index) -> Faces:
    """Return the faces of simplices (m, d + 1)."""
    size = cells.shape[1]
    every = np.sort(np.concatenate([cells[:, list(c)] for c in combinations(range(size), size - 1)]), axis=1)
    owner = np.tile(np.arange(len(cells)), size)
    order = np.lexsort(every.T[::-1])
    every, owner = every[order], owner[order]
    first = np.flatnonzero(np.r_[True, np.any(every[1:] != every[:-1], axis=1)])
    count = np.diff(np.r_[first, len(every)])
    other = np.where(count > 1, owner[np.minimum(first + 1, len(owner) - 1)], -1)
    return Faces(every[first], np.stack([owner[first], other], axis=1), every[first[count > 2]])


def tagged_faces(
    points: NDArray[np.float64], cells: Index, region: NDArray[np.int32], regions: dict[str, int], domain: str
) -> tuple[Index, NDArray[np.int32], dict[str, int]]:
    """Return (corners, tag, name -> tag) of the faces between two regions ("CMO/dome") and on the outside.

    The outside is "bottom" and "top" by the last coordinate, "symmetry" or "axis" on mirror planes and axis, else "side".
    """
    faces = all_faces(cells)
    a = region[faces.cells[:, 0]]
    outside = faces.cells[:, 1] < 0
    b = np.where(outside, 0, region[faces.cells[:, 1]])
    chosen = a != b
    corners, low, high, outside = faces.corners[chosen], *np.sort([a[chosen], b[chosen]], axis=0), outside[chosen]
    name_of = {tag: name for name, tag in regions.items()}
    names = np.empty(len(corners), dtype=object)
    for i, j in np.unique(np.stack([low, high], 1)[~outside], axis=0):
        names[(low == i) & (high == j)] = "/".join(sorted((name_of[i], name_of[j])))
    names[outside] = _outer_names(points[corners[outside]], points, domain)
    faces_by_name: dict[str, int] = {name: i for i, name in enumerate(dict.fromkeys(names), 1)}
    return corners, np.array([faces_by_name[n] for n in names], np.int32), faces_by_name


def _outer_names(corners: NDArray[np.float64], points: NDArray[np.float64], domain: str) -> NDArray[np.object_]:
    """Name outer faces (k, d, dim) by the plane that all their corners lie on."""
    low, high = points.min(axis=0), points.max(axis=0)
    slack = 1e-6 * float((high - low).max())
    names = np.full(len(corners), "side", dtype=object)
    if domain == "quarter":
        names[np.any(np.all(np.abs(corners[..., :2]) < slack, axis=1), axis=1)] = "symmetry"
    if domain == "axisymmetric":
        names[np.all(np.abs(corners[..., 0]) < slack, axis=1)] = "axis"
    names[np.all(corners[..., -1] < low[-1] + slack, axis=1)] = "bottom"
    names[np.all(corners[..., -1] > high[-1] - slack, axis=1)] = "top"
    return names
