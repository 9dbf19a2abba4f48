"""The door to gmsh: opened for one mesh and closed again, with a message that says how to install it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ground.errors import MissingLibrary

KINDS = {2: 2, 3: 4}  # dimension -> gmsh's number of three-node triangles and four-node tetrahedra


@contextmanager
def gmsh_session() -> Iterator[Any]:
    """Give gmsh with an empty, silent session. Raises MissingLibrary where it cannot be loaded."""
    try:
        import gmsh
    except (ImportError, OSError) as error:
        raise MissingLibrary(
            f"gmsh cannot be loaded ({error}). It makes the meshes; install it with "
            "`pip install 'cmo-reram[fem]'`, and on Debian/Ubuntu `apt-get install libglu1-mesa libxft2 "
            "libxcursor1 libxinerama1`. `reram doctor` shows what else is missing."
        ) from None
    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        yield gmsh
    finally:
        gmsh.finalize()


def nodes_and_cells(
    gmsh: Any, dimension: int, entities: dict[str, list[int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
    """Return points (n, 3), simplices (m, dimension + 1) and their region (m,), numbered from 1 in the order of `entities`.

    entities : region name -> tags of the geometric entities of that dimension that make it up.
    """
    tags, points, _ = gmsh.model.mesh.getNodes()
    number = np.full(int(tags.max(initial=0)) + 1, -1, dtype=np.int64)
    number[tags.astype(np.int64)] = np.arange(len(tags))
    kind = KINDS[dimension]
    cells, region = [np.empty((0, dimension + 1), np.int64)], [np.empty(0, np.int32)]
    for i, chosen in enumerate(entities.values(), 1):
        for tag in chosen:
            _, nodes = gmsh.model.mesh.getElementsByType(kind, tag)
            found = number[nodes.astype(np.int64)].reshape(-1, dimension + 1)
            cells.append(found)
            region.append(np.full(len(found), i, np.int32))
    return points.reshape(-1, 3), np.concatenate(cells), np.concatenate(region)
