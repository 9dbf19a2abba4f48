"""Multigrid for a symmetric operator on a continuous space: from degree 2 to degree 1 by interpolation, BoomerAMG below.

A cycle sweeps forward (Gauss-Seidel) on the way down and backward on the way up: it is symmetric, as CG needs, at the cost of
two sweeps. Needs dolfinx's PETSc.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics import _dolfinx as door

PETSc = door.PETSc
# Jumping coefficients in 3D. On degree 2 itself coarsening has to be aggressive, or the hierarchy outweighs the matrix.
_DEGREE_1 = {"strong_threshold": 0.25, "coarsen_type": "PMIS", "agg_nl": 0}
_ANY_DEGREE = {"strong_threshold": 0.5, "coarsen_type": "HMIS", "agg_nl": 1}
_ALWAYS = {"interp_type": "ext+i", "P_max": 4, "relax_type_all": "symmetric-SOR/Jacobi"}


class Multigrid:
    """The multigrid of one space (or none) and its prescribed dofs (owned, local), for matrices with unit rows and columns there."""

    def __init__(self, space: Any, held: NDArray[np.int32]) -> None:
        self._up = _interpolation(space, held) if space is not None and _is_quadratic(space) else None
        self._coarse: Any = None

    def prepare(self, preconditioner: Any, matrix: Any) -> None:
        """Make it the preconditioner of a solver of `matrix`."""
        if self._up is None:
            _boomeramg(preconditioner, _ANY_DEGREE)
            return
        if self._coarse is not None:
            self._coarse.destroy()
        self._coarse = matrix.PtAP(self._up)
        preconditioner.setType("mg")
        preconditioner.setMGLevels(2)
        preconditioner.setMGInterpolation(1, self._up)
        below = preconditioner.getMGCoarseSolve()
        below.setType("preonly")
        below.setOperators(self._coarse)
        _boomeramg(below.getPC(), _DEGREE_1)
        down, up = preconditioner.getMGSmootherDown(1), preconditioner.getMGSmootherUp(1)
        for smoother, direction in ((down, "forward"), (up, "backward")):
            smoother.setType("richardson")
            smoother.setTolerances(max_it=1)
            smoother.setNormType(PETSc.KSP.NormType.NONE)
            smoother.setOperators(matrix)
            smoother.getPC().setType("sor")
            _with_options(smoother, {f"pc_sor_local_{direction}": ""})

    def refresh(self, matrix: Any) -> None:
        """Follow new values of the matrix on the coarse level, too; without it only the sweeps on the fine one do."""
        if self._coarse is not None:
            matrix.PtAP(self._up, result=self._coarse)

    def destroy(self) -> None:
        """Free what is kept."""
        for thing in (self._up, self._coarse):
            if thing is not None:
                thing.destroy()


def _boomeramg(preconditioner: Any, chosen: dict[str, Any]) -> None:
    preconditioner.setType("hypre")
    preconditioner.setHYPREType("boomeramg")
    _with_options(preconditioner, {f"pc_hypre_boomeramg_{n}": v for n, v in {**_ALWAYS, **chosen}.items()})


def _with_options(thing: Any, chosen: dict[str, Any]) -> None:
    """Set a PETSc object's options, which have no functions, and leave no trace in the process-wide table of options."""
    prefix, options = "reram_", PETSc.Options()
    thing.setOptionsPrefix(prefix)
    for name, value in chosen.items():
        options[prefix + name] = value
    thing.setFromOptions()
    for name in chosen:
        options.delValue(prefix + name)


def _is_quadratic(space: Any) -> bool:
    corners = space.mesh.topology.dim + 1
    return int(space.dofmap.dof_layout.num_dofs) == corners * (corners + 1) // 2


def _local_dofs(space: Any) -> NDArray[np.int32]:
    """Dofs of every local cell, (cells, dofs of a cell); an adjacency list before dolfinx 0.7."""
    dofs = space.dofmap.list
    return np.asarray(getattr(dofs, "array", dofs)).reshape(-1, space.dofmap.dof_layout.num_dofs)


def _interpolation(fine: Any, held: NDArray[np.int32]) -> Any:
    """Distributed matrix from degree 1 to degree 2: vertices carry over, midpoints are the mean of their ends.

    Nothing is interpolated to a prescribed midpoint nor from a prescribed vertex but to itself: the coarse matrix then has unit
    rows and columns on prescribed vertices.
    """
    coarse = door.lagrange(fine.mesh, 1)
    corners = fine.mesh.topology.dim + 1
    at, on = fine.dofmap.dof_layout, coarse.dofmap.dof_layout
    cells, below = _local_dofs(fine), _local_dofs(coarse)
    own, all_of_them = door.owned(fine), door.owned(fine) + fine.dofmap.index_map.num_ghosts
    ends = np.zeros((all_of_them, 2), np.int32)  # local coarse dofs; twice the same at a vertex
    vertex = {at.entity_dofs(0, v)[0]: on.entity_dofs(0, v)[0] for v in range(corners)}
    for above, beneath in vertex.items():
        ends[cells[:, above]] = below[:, [beneath]]
    for edge in range(corners * (corners - 1) // 2):
        (middle,) = at.entity_dofs(1, edge)
        ends[cells[:, middle]] = below[:, [vertex[d] for d in at.entity_closure_dofs(1, edge) if d != middle]]

    flags = door.fem.Function(fine)
    flags.x.array[held] = 1.0
    flags.x.scatter_forward()
    fixed = flags.x.array > 0.5
    is_vertex = ends[:, 0] == ends[:, 1]
    fixed_below = np.zeros(coarse.dofmap.index_map.size_local + coarse.dofmap.index_map.num_ghosts, bool)
    fixed_below[ends[fixed & is_vertex, 0]] = True

    ends, fixed, is_vertex = ends[:own], fixed[:own], is_vertex[:own]
    kept = ~fixed[:, None] & ~fixed_below[ends]
    kept[is_vertex] = [True, False]
    columns = np.asarray(coarse.dofmap.index_map.local_to_global(ends[kept].astype(np.int32)))
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    weights = np.where(is_vertex, 1.0, 0.5).repeat(kept.sum(axis=1))
    csr = (starts.astype(PETSc.IntType), columns.astype(PETSc.IntType), weights)
    size = ((own, PETSc.DETERMINE), (door.owned(coarse), PETSc.DETERMINE))
    matrix = PETSc.Mat().createAIJ(size, csr=csr, comm=fine.mesh.comm)
    matrix.assemble()
    return matrix
