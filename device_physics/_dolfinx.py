"""The one door to dolfinx, PETSc and MPI: it hides what differs between dolfinx 0.5 and 0.10.

Everything else in the project sees spaces, matrices and numpy arrays with the same behaviour on every release.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics._form_cache import patiently
from ground.errors import MissingLibrary

with contextlib.suppress(ImportError):
    import h5py  # noqa: F401  two HDF5 libraries live in one process only when h5py's own is loaded before dolfinx's
try:
    import dolfinx
    import dolfinx.fem.petsc
    import dolfinx.io
    import dolfinx.mesh
    import dolfinx.plot
    import ufl
    from mpi4py import MPI
    from petsc4py import PETSc
except Exception as error:  # a numpy of the wrong major version raises ValueError, a missing MPI raises RuntimeError
    raise MissingLibrary(
        f"the FEM needs dolfinx, which cannot be loaded ({type(error).__name__}: {error}). On Debian/Ubuntu: `make setup` "
        "(installs python3-dolfinx and a virtual environment that sees it); elsewhere: `conda env create -f environment.yml`. "
        "Fits, arrays and training work without it, from the shipped response table."
    ) from None

fem: Any = dolfinx.fem
Array = NDArray[np.float64]


class Domain:
    """A mesh distributed over the MPI ranks, with one region tag per cell: tetrahedra, or axisymmetric triangles (r, z).

    points : (n, dim).  cells : (m, dim + 1).  region : (m,) tags. All three are taken from rank 0.
    """

    def __init__(self, points: Array, cells: NDArray[np.int64], region: NDArray[np.int32]) -> None:
        self.comm = MPI.COMM_WORLD
        root = self.comm.rank == 0
        corners = np.ascontiguousarray(cells if root else np.empty((0, cells.shape[1])), dtype=np.int64)
        nodes = np.ascontiguousarray(points if root else np.empty((0, points.shape[1])), dtype=np.float64)
        self.mesh = _create_mesh(self.comm, corners, nodes, points.shape[1])
        topology = self.mesh.topology
        self.dim: int = topology.dim
        for dim in (self.dim - 1, self.dim):  # facets to find boundary dofs by, cells to find the dome's
            topology.create_connectivity(dim, self.dim)
        tags = self.comm.bcast(region, root=0)
        self.region: NDArray[np.int32] = np.asarray(tags)[np.asarray(topology.original_cell_index)]
        self.cells: int = topology.index_map(self.dim).size_global

    def space(self, degree: int) -> Any:
        """Continuous Lagrange space of that degree, or piecewise constants for degree 0."""
        return lagrange(self.mesh, degree)

    def by_region(self, values: dict[int, float]) -> Any:
        """Piecewise-constant function with the value of each region tag."""
        function = fem.Function(self.space(0))
        function.x.array[:] = np.vectorize(values.__getitem__, otypes=[float])(self.region)
        return function

    def boundary_dofs(self, space: Any, where: Callable[[Array], NDArray[np.bool_]]) -> NDArray[np.int32]:
        """Owned local dofs of `space` on the boundary faces where `where(x)` holds; x is (3, n)."""
        facets = dolfinx.mesh.locate_entities_boundary(self.mesh, self.dim - 1, where)
        dofs = fem.locate_dofs_topological(space, self.dim - 1, facets)
        return np.asarray(dofs[dofs < owned(space)], dtype=np.int32)

    def dofs_where(self, space: Any, where: Callable[[Array], NDArray[np.bool_]]) -> NDArray[np.int32]:
        """Owned local dofs of `space` at points where `where(x)` holds, inside as well; x is (3, n)."""
        dofs = fem.locate_dofs_geometrical(space, where)
        return np.asarray(dofs[dofs < owned(space)], dtype=np.int32)

    def sum(self, value: float) -> float:
        """Sum over the MPI ranks."""
        return float(self.comm.allreduce(value, op=MPI.SUM))

    def max(self, value: float) -> float:
        """Maximum over the MPI ranks."""
        return float(self.comm.allreduce(value, op=MPI.MAX))

    @property
    def size(self) -> int:
        """Number of MPI ranks."""
        return int(self.comm.size)


def lagrange(mesh: Any, degree: int) -> Any:
    """Continuous Lagrange space of that degree on a mesh of dolfinx, or piecewise constants for degree 0."""
    family = ("Lagrange", degree) if degree else ("DG", 0)
    make = fem.functionspace if hasattr(fem, "functionspace") else fem.FunctionSpace
    with _silent_compiler():
        return make(mesh, family)


def constant(domain: Domain, value: float) -> Any:
    """A number that forms hold by reference: change its `.value` between solves."""
    return fem.Constant(domain.mesh, PETSc.ScalarType(value))


def cell_tags(domain: Domain, tags: NDArray[np.integer[Any]]) -> Any:
    """Mesh tags of all local cells, for measures over parts of the mesh."""
    cells = np.arange(len(tags), dtype=np.int32)
    return dolfinx.mesh.meshtags(domain.mesh, domain.dim, cells, tags.astype(np.int32))


def faces_between(domain: Domain, chosen: NDArray[np.bool_], body: NDArray[np.integer[Any]]) -> Any:
    """Mesh tags (1) of the faces between two different bodies, both of them chosen; one flag and one body per local cell."""
    topology, dim = domain.mesh.topology, domain.dim
    topology.create_connectivity(dim - 1, dim)
    cells = topology.connectivity(dim - 1, dim)
    offsets = np.asarray(cells.offsets)
    inner = np.flatnonzero(np.diff(offsets) == 2)
    pairs = np.asarray(cells.array)[offsets[inner][:, None] + np.arange(2)]
    found = inner[chosen[pairs].all(axis=1) & (body[pairs[:, 0]] != body[pairs[:, 1]])].astype(np.int32)
    return dolfinx.mesh.meshtags(domain.mesh, dim - 1, found, np.ones(len(found), np.int32))


def add_matrix(target: Any, form: Any) -> None:
    """Add a compiled bilinear form to an assembled matrix whose sparsity holds it."""
    fem.petsc.assemble_matrix(target, form)
    target.assemble()


def add_matrices(target: Any, other: Any) -> None:
    """Add a matrix of any sparsity to another, and free it."""
    target.axpy(1.0, other, structure=PETSc.Mat.Structure.DIFFERENT_NONZERO_PATTERN)
    release(other)


def copy_matrix(source: Any, target: Any) -> None:
    """Copy the values of a matrix into another of the same sparsity."""
    source.copy(target, structure=PETSc.Mat.Structure.SAME_NONZERO_PATTERN)


def _create_mesh(comm: Any, cells: Any, nodes: Array, gdim: int) -> Any:
    shape = {3: "tetrahedron", 2: "triangle"}[gdim]
    if hasattr(ufl, "VectorElement"):  # before 0.8
        element = ufl.Mesh(ufl.VectorElement("Lagrange", shape, 1))
    else:
        import basix.ufl

        element = ufl.Mesh(basix.ufl.element("Lagrange", shape, 1, shape=(gdim,)))
    names = inspect.signature(dolfinx.mesh.create_mesh).parameters
    keyword = "domain" if "domain" in names else "e"  # 0.10 changed the order as well, so pass by name
    with _silent_compiler():
        return dolfinx.mesh.create_mesh(comm, cells=cells, x=nodes, **{keyword: element})


def version() -> str:
    """Version of dolfinx."""
    return str(dolfinx.__version__)


def owned(space: Any) -> int:
    """Number of dofs this rank owns."""
    return int(space.dofmap.index_map.size_local * space.dofmap.index_map_bs)


def global_size(space: Any) -> int:
    """Number of dofs over all ranks."""
    return int(space.dofmap.index_map.size_global * space.dofmap.index_map_bs)


def compile_form(expression: Any) -> Any:
    """Compile a UFL form (kept in dolfinx's own cache between runs)."""
    options = {"cffi_extra_compile_args": ["-O2"]}
    name = "jit_options" if "jit_options" in inspect.signature(fem.form).parameters else "jit_params"
    with _silent_compiler():
        return patiently(lambda: fem.form(expression, **{name: options}))


@contextlib.contextmanager
def _silent_compiler() -> Iterator[None]:
    """The form compiler logs its compiler lines to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def scalar(domain: Domain, form: Any) -> float:
    """Value of a compiled functional over all ranks."""
    return domain.sum(fem.assemble_scalar(form))


def matrix(form: Any) -> Any:
    """Assembled PETSc matrix of a compiled bilinear form, without boundary conditions."""
    assembled = fem.petsc.assemble_matrix(form)
    assembled.assemble()
    return assembled


def refill(target: Any, form: Any) -> Any:
    """Assemble a compiled bilinear form anew into a matrix of its sparsity, and return that."""
    target.zeroEntries()
    add_matrix(target, form)
    return target


def vector(form: Any) -> Any:
    """Assembled PETSc vector of a compiled linear form, ghosts summed."""
    assembled = fem.petsc.assemble_vector(form)
    assembled.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
    return assembled


def release(*things: Any) -> None:
    """Free PETSc objects at once: petsc4py leaves that to a collection that does not come by itself."""
    for thing in things:
        thing.destroy()


def assign(function: Any, values: Any) -> None:
    """Copy a PETSc vector, or the array of its owned values, into a dolfinx function, ghosts included."""
    own = getattr(values, "array", values)
    function.x.array[: len(own)] = own
    function.x.scatter_forward()


def dofs_of_cells(space: Any, domain: Domain, chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Owned dofs of the chosen cells (one flag per local cell)."""
    cells = np.flatnonzero(chosen).astype(np.int32)
    dofs = np.asarray(fem.locate_dofs_topological(space, domain.dim, cells), dtype=np.int32)
    return dofs[dofs < owned(space)]


def coordinates(space: Any) -> Array:
    """Coordinates of this rank's dofs, (n, 3)."""
    return np.asarray(space.tabulate_dof_coordinates())


def plot_cells(space: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """VTK connectivity (m, nodes per cell), VTK cell types (m,) and points (n, 3) of this rank's part of a space."""
    make = getattr(dolfinx.plot, "vtk_mesh", None) or dolfinx.plot.create_vtk_mesh
    topology, types, points = make(space)
    flat = np.asarray(topology, dtype=np.int64)
    return flat.reshape(len(types), -1)[:, 1:], np.asarray(types, dtype=np.int64), np.asarray(points, dtype=np.float64)


def is_first_rank() -> bool:
    """True on the one MPI rank that prints and writes what all of them have."""
    return bool(MPI.COMM_WORLD.rank == 0)


def check_vtx(path: Any) -> None:
    """Raise MissingLibrary where this dolfinx cannot write VTX."""
    if not hasattr(dolfinx.io, "VTXWriter"):
        raise MissingLibrary(
            f"{path}: dolfinx {version()} here was built without ADIOS2, which writes VTX. The VTU file (--vtu FILE.vtu) has the "
            "same V and T and more, and opens in ParaView as well."
        )


def write_vtx(space: Any, nodal: dict[str, Array], path: Any) -> None:
    """Write nodal values by name as one VTX folder; all ranks together, where `check_vtx` passes."""
    functions = []
    for name, values in nodal.items():
        function = fem.Function(space, name=name)
        function.x.array[:] = values
        functions.append(function)
    with dolfinx.io.VTXWriter(space.mesh.comm, str(path), functions) as writer:
        writer.write(0.0)
    space.mesh.comm.barrier()
