"""The coupled linear system of a Newton step, V and T in blocks, solved by GMRES with a multigrid cycle per block.

Block Gauss-Seidel: the potential first, then the temperature with the heat that its change brings. Needs dolfinx's PETSc.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics import _dolfinx as door
from device_physics._multigrid import Multigrid
from ground.errors import NotConverged

PETSc = door.PETSc
Blocks = list[list[Any]]


class BlockSystem:
    """The solver of [[VV, VT], [TV, TT]]; set up once, solved for many matrices.

    held : owned dofs that are prescribed, of V and of T.
    """

    def __init__(self, blocks: Blocks, space: Any, held: tuple[NDArray[np.int32], NDArray[np.int32]]) -> None:
        first = space.dofmap.index_map.local_range[0]
        self._held, self._blocks = held, blocks
        self._rows = [(dofs + first).astype(PETSc.IntType) for dofs in held]
        for row in blocks:
            for block in row:
                block.setOption(PETSc.Mat.Option.KEEP_NONZERO_PATTERN, True)
        self._nest = PETSc.Mat().createNest(blocks, comm=space.mesh.comm)
        self._nest.assemble()
        self._fields = self._nest.getNestISs()[0]
        self._multigrids = [Multigrid(space, dofs) for dofs in held]

    def solve(
        self, blocks: Blocks, right: list[Any], tolerance: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the update of (V, T) for residual vectors, zero on prescribed dofs; raises NotConverged.

        blocks : the matrices given at the start, assembled anew; their prescribed rows are replaced here.
        """
        for row, rows in enumerate(self._rows):
            blocks[row][row].zeroRowsColumns(rows, diag=1.0)
            blocks[row][1 - row].zeroRows(rows, diag=0.0)
            right[row].array[self._held[row]] = 0.0
        self._nest.assemble()
        solver = self._solver(tolerance)
        size = len(right[0].array)
        joined = PETSc.Vec().createMPI(
            (2 * size, PETSc.DETERMINE), comm=self._nest.comm
        )  # V then T on every rank, as the nest
        joined.array[:] = np.concatenate([v.array for v in right])
        update = joined.duplicate()
        solver.solve(joined, update)
        found, reason, count = np.array(update.array), solver.getConvergedReason(), solver.getIterationNumber()
        door.release(joined, update, solver)
        if reason <= 0:
            raise NotConverged(f"the coupled linear solver stopped after {count} iterations.")
        return found[:size], found[size:]

    def _solver(self, tolerance: float) -> Any:
        solver = PETSc.KSP().create(self._nest.comm)
        solver.setOperators(self._nest)
        solver.setType("fgmres")
        solver.setGMRESRestart(60)
        solver.setTolerances(rtol=tolerance, atol=0.0, max_it=200)
        pc = solver.getPC()
        pc.setType("fieldsplit")
        pc.setFieldSplitIS(("V", self._fields[0]), ("T", self._fields[1]))
        pc.setFieldSplitType(PETSc.PC.CompositeType.MULTIPLICATIVE)
        pc.setUp()
        for sub, multigrid in zip(pc.getFieldSplitSubKSP(), self._multigrids, strict=True):
            sub.setType("preonly")
            matrix = sub.getOperators()[0]
            multigrid.prepare(sub.getPC(), matrix)
        return solver

    def release(self) -> None:
        """Free the matrices."""
        door.release(self._nest, *self._multigrids, *(block for row in self._blocks for block in row))
