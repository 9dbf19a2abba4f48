"""The nodal matrix, factorised: for the networks on which an iteration would take longer, and as an independent check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from compact_model.crossbar.dissection import dissection
from compact_model.crossbar.wires import Wires

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Nodal:
    """Kirchhoff's law for every node: matrix @ free_V = coupling @ terminal_V - injected.

    Nodes joined by perfect wires are one. member : number of the node of word cells, bit cells and terminals (in this order),
    first the free ones, then those that a terminal holds, -1 where nothing fixes the voltage.
    """

    shape: tuple[int, int]
    matrix: sp.csc_matrix
    coupling: sp.csr_matrix
    member: NDArray[np.int64]
    free: int

    @classmethod
    def of(cls, wires: Wires, to_bit: Floats, to_word: Floats) -> Nodal:
        """wires : spelt out (Wires.of).  to_bit, to_word : see Network."""
        rows, columns = to_bit.shape
        cells = rows * columns
        ends = rows + rows + columns + columns
        total = 2 * cells + ends
        a, b, ohm = _edges(wires, rows, columns)
        perfect = ohm == 0.0
        merged = sp.coo_matrix((np.ones(perfect.sum()), (a[perfect], b[perfect])), (total, total))
        count, group = connected_components(merged, directed=False)
        wired = ~perfect & np.isfinite(ohm)
        word, bit = group[:cells], group[cells : 2 * cells]
        used = ((to_bit > 0) | (to_word > 0)).ravel()
        touching = sp.coo_matrix(
            (
                np.ones(wired.sum() + used.sum()),
                (np.r_[group[a[wired]], word[used]], np.r_[group[b[wired]], bit[used]]),
            ),
            (count, count),
        )
        _, island = connected_components(touching, directed=False)
        terminals = group[2 * cells :]
        anchored = np.zeros(island.max() + 1, bool)
        anchored[island[terminals]] = True
        fixed = np.zeros(count, bool)
        fixed[terminals] = True
        free = anchored[island] & ~fixed
        number = np.full(count, -1)
        number[free] = np.arange(free.sum())
        number[fixed] = free.sum() + np.arange(fixed.sum())
        g = 1.0 / ohm[wired]
        p, q, s, t = number[group[a[wired]]], number[group[b[wired]]], number[word], number[bit]
        gw, gb = to_bit.ravel(), to_word.ravel()
        i = np.r_[p, q, p, q, s, t, s, t]
        j = np.r_[p, q, q, p, s, t, t, s]
        v = np.r_[g, g, -g, -g, gw, gb, -gb, -gw]
        keep = (i >= 0) & (i < free.sum()) & (j >= 0)
        size = int(free.sum() + fixed.sum())
        whole = sp.coo_matrix((v[keep], (i[keep], j[keep])), (int(free.sum()), size)).tocsr()
        n = int(free.sum())
        return cls((rows, columns), whole[:, :n].tocsc(), -whole[:, n:], number[group], n)

    @cached_property
    def factor(self) -> Callable[[Floats], Floats]:
        """Return what solves matrix @ v = rhs.

        SuperLU, with the order of `dissection`: measured at 784 x 256 and 1024 x 480 it factorises in half the time of CHOLMOD
        (with this order; with its own CHOLMOD takes another 1.5 times), and a general order costs SuperLU several times as much.
        """
        if self.free == 0:
            return lambda rhs: rhs
        order = self.order()
        matrix = self.matrix[order][:, order].tocsc()
        lu = splu(matrix, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

        def solve(rhs: Floats) -> Floats:
            out = np.empty_like(rhs)
            out[order] = lu.solve(rhs[order])
            return out

        return solve

    def order(self) -> NDArray[np.int64]:
        """Return the order in which the free nodes are eliminated; joined ones come with the first of them."""
        member = self.member[dissection(*self.shape)]
        _, first = np.unique(member, return_index=True)
        order = member[np.sort(first)]
        return np.asarray(order[(order >= 0) & (order < self.free)])

    def solve(self, ends: tuple[Floats, ...], source: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return (word, bit, word_reach, bit_reach): node voltages (rows, columns, lanes) [V] and the bounds of their error.

        ends : left, right (rows, lanes), top, bottom (columns, lanes) [V].  source : (rows, columns) current of the
        devices at 0 V [A].  The inverse of such a matrix has no negative entry, so the error is at most matrix^-1 |residual|.
        """
        left, right, top, bottom = ends
        rhs = self._right_hand_side(np.concatenate([left, right, top, bottom]), source)
        solve = self.factor
        v = solve(rhs)
        v += solve(rhs - self.matrix @ v)
        residual = rhs - self.matrix @ v
        bound = np.abs(solve(np.abs(residual)))
        held = self._held(np.concatenate([left, right, top, bottom]))
        word, bit = self._cells(np.concatenate([v, held]))
        far = self._cells(np.concatenate([bound, np.zeros_like(held)]))
        return word, bit, far[0], far[1]

    def _held(self, terminal_V: Floats) -> Floats:
        """Voltage of the nodes that a terminal holds, in their order."""
        out = np.zeros((self.coupling.shape[1], terminal_V.shape[1]))
        out[self.member[2 * self.shape[0] * self.shape[1] :] - self.free] = terminal_V
        return out

    def _right_hand_side(self, terminal_V: Floats, source: Floats) -> Floats:
        rhs = self.coupling @ self._held(terminal_V)
        if source.size:
            cells = source.size
            for node, sign in ((self.member[:cells], -1.0), (self.member[cells : 2 * cells], 1.0)):
                here = (node >= 0) & (node < self.free)
                np.add.at(rhs, node[here], sign * source.ravel()[here, None])
        return np.asarray(rhs)

    def _cells(self, values: Floats) -> tuple[Floats, Floats]:
        rows, columns = self.shape
        padded = np.concatenate([values, np.zeros((1, values.shape[1]))])  # -1: nothing fixes it
        cells = padded[self.member[: 2 * rows * columns]].reshape(2, rows, columns, -1)
        return cells[0], cells[1]

    def floating(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which (word, bit) nodes have no voltage, because nothing connects them to a terminal."""
        rows, columns = self.shape
        loose = (self.member[: 2 * rows * columns] < 0).reshape(2, rows, columns)
        return loose[0], loose[1]


def _edges(wires: Wires, rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Every segment as (node, node, ohm); nodes: word cells, bit cells, then left, right, top and bottom terminals."""
    word = np.arange(rows * columns).reshape(rows, columns)
    bit = word + rows * columns
    first = 2 * rows * columns
    left, right = first + np.arange(rows), first + rows + np.arange(rows)
    top, bottom = first + 2 * rows + np.arange(columns), first + 2 * rows + columns + np.arange(columns)
    pieces = [
        (word[:, :-1], word[:, 1:], wires.word_ohm),
        (bit[:-1], bit[1:], wires.bit_ohm),
        (left, word[:, 0], wires.left_ohm),
        (word[:, -1], right, wires.right_ohm),
        (top, bit[0], wires.top_ohm),
        (bit[-1], bottom, wires.bottom_ohm),
    ]
    a, b, ohm = (np.concatenate([np.ravel(p[k]) for p in pieces]) for k in range(3))
    return a, b, ohm
