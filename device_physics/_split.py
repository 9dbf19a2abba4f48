"""Nodes of the temperature, split where it may jump: one copy per body on interfaces with a thermal boundary resistance.

The nodes of the continuous space keep their numbers; every further copy of a node comes after them, on the rank that owns it.
A body whose nodes have copies sees them through its own `view`, a matrix of zeros and ones from the split nodes to its own; the
operator is then the sum over views of view^T K view, plus the heat that crosses the interfaces. Needs dolfinx's PETSc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
import ufl
from numpy.typing import NDArray

from device_physics import _dolfinx as door
from device_physics.interfaces import Interfaces, Pair
from meshes.mesh import Mesh

PETSc = door.PETSc
Nodes = Union["WholeNodes", "SplitNodes"]
Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """What one group of bodies sees. cells : one flag per local cell.  matrix : (nodes of the space, split nodes)."""

    cells: NDArray[np.bool_]
    matrix: Any


class WholeNodes:
    """The nodes of a space as they are: one view, that of all bodies."""

    def __init__(self, domain: door.Domain, space: Any) -> None:
        self.views, self.owned, self.space = [View(np.ones(len(domain.region), bool), None)], door.owned(space), space

    def joined(self, parts: list[Any]) -> Any:
        """The matrix of all cells from that of the cells of every view, which is the same."""
        return parts[0]

    def with_crossing(self, parts: list[Any]) -> Any:
        """As `joined`: nothing resists."""
        return parts[0]

    def gathered(self, loads: list[Any]) -> Any:
        """The vector of all cells from that of the cells of every view, which is the same."""
        return loads[0]

    def seen(self, values: Array, view: View) -> Array:
        """The nodal values that a view sees."""
        return np.array(values)

    def destroy(self) -> None:
        """Nothing is kept."""


class SplitNodes:
    """The split nodes of a space.

    body : body of every region tag.  interfaces : which bodies touch, and with what resistance.
    views : the groups of bodies; those that have no copies share the first.  owned : number of split nodes of this rank.
    space : None, as the split nodes are those of no one space.
    """

    def __init__(self, domain: door.Domain, space: Any, body: Mapping[int, str], interfaces: Interfaces) -> None:
        resistance = interfaces.resistance
        self._domain, self._space, self._resistance, self.space = domain, space, resistance, None
        self._names = sorted(set(body.values()))
        self._body = np.array([self._names.index(body[t]) for t in domain.region])
        glued = {p for p in interfaces.touching if p not in resistance}
        present = self._present()
        copies = _copies(present, self._names, glued, resistance)  # (bodies, owned dofs): which copy a body uses
        size = door.owned(space)
        extra = np.cumsum(np.r_[0, np.maximum(copies.max(axis=0), 0)])
        self.owned = size + int(extra[-1])
        first = domain.comm.exscan(self.owned) or 0
        number = np.where(copies > 0, size + extra[:-1] + copies - 1, np.arange(size)) + first
        moved = [
            domain.max(float(np.any(row > 0))) > 0 for row in copies
        ]  # on any rank: all of them have the same views
        groups = [[i for i, m in enumerate(moved) if not m], *[[i] for i, m in enumerate(moved) if m]]
        self.views = [View(np.isin(self._body, g), self._selection(number[g[0]])) for g in groups if g]
        self._view_of = {
            self._names[i]: view for g, view in zip([g for g in groups if g], self.views, strict=True) for i in g
        }

    def _present(self) -> NDArray[np.bool_]:
        """Whether a body has cells at a node, (bodies, owned dofs): the middle-point rule leaves no shape function at zero."""
        inside = self._domain.by_region(dict.fromkeys(np.unique(self._domain.region).tolist(), 0.0))
        w = ufl.TestFunction(self._space)
        form = door.compile_form(inside * w * ufl.dx(metadata={"quadrature_degree": 1}))
        out = []
        for index in range(len(self._names)):
            inside.x.array[:] = self._body == index
            vector = door.vector(form)
            out.append(np.array(vector.array) != 0.0)
            door.release(vector)
        return np.array(out)

    def _selection(self, number: Index) -> Any:
        """The matrix (nodes of the space, split nodes) with a one in column `number` of every row."""
        rows = np.arange(len(number) + 1, dtype=PETSc.IntType)
        sizes = ((len(number), PETSc.DETERMINE), (self.owned, PETSc.DETERMINE))
        csr = (rows, number.astype(PETSc.IntType), np.ones(len(number)))
        matrix = PETSc.Mat().createAIJ(sizes, csr=csr, comm=self._space.mesh.comm)
        matrix.assemble()
        return matrix

    def joined(self, parts: list[Any]) -> Any:
        """The matrix on the split nodes from that of the cells of every view. Frees `parts`."""
        products = [part.PtAP(view.matrix) for view, part in zip(self.views, parts, strict=True)]
        door.release(*parts)
        return _total(products)

    def with_crossing(self, parts: list[Any]) -> Any:
        """The matrix on the split nodes of all cells and of the interfaces. Frees `parts`."""
        return _total([self.joined(parts), self._crossing()])

    def _crossing(self) -> Any:
        """The matrix of the heat across the interfaces: jump^T M jump / resistance, M the mass matrix of the faces."""
        products = []
        for pair, resistance in self._resistance.items():
            a, b = (self._view_of[name].matrix for name in sorted(pair))
            jump = a.copy()
            jump.axpy(-1.0, b, structure=PETSc.Mat.Structure.DIFFERENT_NONZERO_PATTERN)
            mass = self._faces(pair, 1.0 / resistance)
            products.append(mass.PtAP(jump))
            door.release(jump, mass)
        return _total(products)

    def _faces(self, pair: Pair, factor: float) -> Any:
        """Mass matrix of the faces between two bodies, times a factor."""
        domain, mesh = self._domain, self._domain.mesh
        tags = door.faces_between(domain, np.isin(self._body, [self._names.index(n) for n in pair]), self._body)
        weight = 2 * ufl.pi * ufl.SpatialCoordinate(mesh)[0] if domain.dim == 2 else 1.0
        u, w = ufl.TrialFunction(self._space), ufl.TestFunction(self._space)
        dS = ufl.Measure("dS", domain=mesh, subdomain_data=tags)
        return door.matrix(door.compile_form(ufl.avg(factor * weight * u) * ufl.avg(w) * dS(1)))

    def gathered(self, loads: list[Any]) -> Any:
        """The vector on the split nodes from that of the cells of every view. Frees `loads`."""
        total = self.views[0].matrix.createVecRight()
        total.set(0.0)
        for view, load in zip(self.views, loads, strict=True):
            view.matrix.multTransposeAdd(load, total, total)
            door.release(load)
        return total

    def seen(self, values: Array, view: View) -> Array:
        """The owned nodal values of the space that a view sees, from the owned values of the split nodes."""
        split, out = view.matrix.createVecs()
        split.array[:] = values
        view.matrix.mult(split, out)
        found = np.array(out.array)
        door.release(split, out)
        return found

    def destroy(self) -> None:
        """Free the matrices of the views."""
        door.release(*(view.matrix for view in self.views))


def nodes(domain: door.Domain, space: Any, mesh: Mesh, interfaces: Interfaces | None) -> Nodes:
    """The nodes of the temperature: those of the space, split where an interface resists."""
    if interfaces is None:
        return WholeNodes(domain, space)
    return SplitNodes(domain, space, {tag: interfaces.body[name] for name, tag in mesh.regions.items()}, interfaces)


def _total(matrices: list[Any]) -> Any:
    """The sum of matrices of any sparsity, in the first; frees the others."""
    total, *others = matrices
    for matrix in others:
        door.add_matrices(total, matrix)
    return total


def _copies(
    present: NDArray[np.bool_], names: list[str], glued: set[Pair], resistance: Mapping[Pair, float]
) -> NDArray[np.int64]:
    """Which copy of a node (0, 1, ...) each body uses, (bodies, nodes): bodies in contact at a node share one.

    Two bodies that meet with a resistance use different copies, unless a third one joins them there.
    """
    bits = np.left_shift(1, np.arange(len(names)))
    patterns, inverse = np.unique((present * bits[:, None]).sum(axis=0), return_inverse=True)
    table = np.zeros((len(names), len(patterns)), dtype=np.int64)
    for column, pattern in enumerate(patterns):
        here = [i for i in range(len(names)) if pattern >> i & 1]
        label = {i: i for i in here}
        for i in here:
            for j in here:
                pair = frozenset((names[i], names[j]))
                if i < j and pair in glued and label[i] != label[j]:
                    old = label[j]
                    label = {k: label[i] if v == old else v for k, v in label.items()}
        split = any(frozenset((names[i], names[j])) in resistance for i in here for j in here if i < j)
        order = list(dict.fromkeys(label[i] for i in here))
        for i in here if split else []:
            table[i, column] = order.index(label[i])
    return table[:, inverse.ravel()]
