"""A symmetric positive matrix with some dofs prescribed, and CG with multigrid for it. Needs dolfinx's PETSc."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics import _dolfinx as door
from device_physics._multigrid import Multigrid
from ground.errors import NotConverged

PETSc = door.PETSc
Array = NDArray[np.float64]
MAX_ITERATIONS = 500


class Operator:
    """Solves A u = f for u given on some dofs; the rows of those are kept, so that `reaction` is the consistent flux there.

    matrix : A without conditions. It stays the caller's, but its prescribed rows and columns are replaced here.
    space : what it is discretised on; None where it is not one space, which leaves multigrid less to work with.
    dofs : owned dofs that are prescribed.  tolerance : of the residual, relative to the right-hand side.
    """

    def __init__(self, matrix: Any, space: Any, dofs: NDArray[np.int32], tolerance: float) -> None:
        self.matrix, self.dofs, self.tolerance = matrix, dofs, tolerance
        first, last = matrix.getOwnershipRange()
        self._numbers = (dofs + first).astype(PETSc.IntType)
        self._own = np.arange(first, last, dtype=PETSc.IntType)
        self.multigrid = Multigrid(space, dofs)
        self._rows: Any = self._prescribe()
        self.solver = PETSc.KSP().create(matrix.comm)
        self.solver.setOperators(matrix)
        self.solver.setType("cg")
        self.solver.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        self.multigrid.prepare(self.solver.getPC(), matrix)

    def _prescribe(self) -> Any:
        """Replace the prescribed rows and columns, and return the rows as they were."""
        sets = [PETSc.IS().createGeneral(n, comm=self.matrix.comm) for n in (self._numbers, self._own)]
        rows = self.matrix.createSubMatrix(*sets)
        door.release(*sets)
        self.matrix.setOption(PETSc.Mat.Option.KEEP_NONZERO_PATTERN, True)
        self.matrix.zeroRowsColumns(self._numbers, diag=1.0)
        return rows

    def renew(self) -> None:
        """Follow the matrix, which has been assembled anew."""
        door.release(self._rows)
        self._rows = self._prescribe()
        self.multigrid.refresh(self.matrix)

    def solve(self, values: Array, load: Any = None) -> Any:
        """Return the PETSc vector u with u = `values` on the prescribed dofs (in their order) and A u = load elsewhere.

        Raises NotConverged where CG stops before its tolerance.
        """
        solution, right = self.matrix.createVecs()
        given = self._rows.createVecLeft()
        given.array[:] = values
        self._rows.multTranspose(given, right)
        right.scale(-1.0)
        if load is not None:
            right.axpy(1.0, load)
        right.array[self.dofs] = values
        solution.array[self.dofs] = values
        self._run(right, solution, self.tolerance, guessed=True)
        door.release(given, right)
        return solution

    def correction(self, residual: Any, tolerance: float) -> Array:
        """Return d with A d = residual, and d = 0 on the prescribed dofs, to a tolerance of its own; raises NotConverged."""
        solution, right = self.matrix.createVecs()
        residual.copy(right)
        right.array[self.dofs] = 0.0
        self._run(right, solution, tolerance)
        found = np.array(solution.array)
        door.release(solution, right)
        return found

    def _run(self, right: Any, solution: Any, tolerance: float, guessed: bool = False) -> None:
        self.solver.setTolerances(rtol=tolerance, atol=0.0, max_it=MAX_ITERATIONS)
        self.solver.setInitialGuessNonzero(guessed)
        self.solver.solve(right, solution)
        if self.solver.getConvergedReason() <= 0:
            raise NotConverged(
                f"the linear solver stopped after {self.solver.getIterationNumber()} iterations at a residual of "
                f"{self.solver.getResidualNorm():.3g}. Likely cause: conductivities that differ by more than "
                "about 1e14, or a very distorted mesh; try solver.tolerance = 1e-8 or a finer mesh."
            )

    def reaction(self, solution: Any, load: Any = None) -> Array:
        """Consistent flux into the body at every prescribed dof: (A u - load) there."""
        product = self._rows.createVecLeft()
        self._rows.mult(solution, product)
        flux = np.array(product.array)
        door.release(product)
        return flux if load is None else flux - load.array[self.dofs]

    def destroy(self) -> None:
        """Free all but the matrix: petsc4py leaves that to a collection that does not come by itself."""
        door.release(self.solver, self._rows, self.multigrid)
