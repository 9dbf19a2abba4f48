"""The fields of a solve as plain arrays: joined on the first of the MPI ranks, so that one file holds the whole box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.solution import Array, Fields
from meshes.mesh import Mesh

Views = list[tuple[NDArray[np.bool_], Array]]


def whole_fields(
    domain: Any, space: Any, mesh: Mesh, *, V: Array, T: Views, size: Any, E: Any, J: Any, power: Any
) -> Fields:
    """Return the fields of all ranks on rank 0, and empty ones on the others. All ranks have to call it together.

    domain, space : of the door to dolfinx.  V : nodal values [V] of this rank, ghosts included.
    T : for every group of bodies that sees a temperature of its own, its cells and the owned nodal values [K]; usually one. Nodes
    between two of them come twice in the result, so that a jump stays one.
    size, E, J, power : PETSc vectors of the integrals over each cell of 1, |grad V|, |J| and the power density; freed here.
    """
    from device_physics import _dolfinx as door

    cells, types, points = door.plot_cells(space)
    if domain.dim == 2:  # (r, z, 0): drawn as the half-section y = 0
        points = points[:, [0, 2, 1]]
    owned, count = door.owned(space), len(cells)
    volume, *integrals = (np.array(v.array[:count]) for v in (size, E, J, power))
    door.release(size, E, J, power)
    numbers = np.asarray(space.dofmap.index_map.local_to_global(np.arange(len(points), dtype=np.int32)), dtype=np.int64)
    of_cells = {"cells": numbers[cells], "cell_types": types, "region": domain.region[:count]}
    of_cells |= {name: i / volume for name, i in zip(("E_mean", "J_mean", "power"), integrals, strict=True)}
    parts = []
    for inside, values in T:
        own = {name: array[inside[:count]] for name, array in of_cells.items()}
        parts.append(_joined(domain, own | {"points": points[:owned], "V": V[:owned], "T": values}))
    shown = door.fem.Function(space)
    door.assign(shown, T[0][1])
    return Fields(
        **_side_by_side(parts),
        regions=mesh.regions,
        copies=mesh.symmetry,
        nodal=(space, {"V [V]": V, "T [K]": np.array(shown.x.array)}),
    )


def _joined(domain: Any, mine: dict[str, Any]) -> dict[str, Any]:
    """Concatenate the arrays of all ranks on rank 0; empty ones on the others."""
    parts = domain.comm.gather(mine, root=0) or [{name: array[:0] for name, array in mine.items()}]
    return {name: np.concatenate([part[name] for part in parts]) for name in mine}


def _side_by_side(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Join meshes that share no nodes, and drop the nodes that no cell uses."""
    first = np.cumsum([0, *(len(part["points"]) for part in parts)])
    for offset, part in zip(first, parts, strict=False):
        part["cells"] = part["cells"] + offset
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    used, cells = np.unique(whole["cells"], return_inverse=True)
    nodal = {name: whole[name][used] for name in ("points", "V", "T")}
    return whole | nodal | {"cells": cells.reshape(whole["cells"].shape)}
