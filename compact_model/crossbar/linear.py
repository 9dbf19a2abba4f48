"""A crossbar of linear devices: currents at its terminals for any number of inputs, forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar.chains import check_shorts
from compact_model.crossbar.linear_solver import LinearSolver
from compact_model.crossbar.solution import Solution
from compact_model.crossbar.terminals import Terminals
from compact_model.crossbar.wires import Wires
from ground.errors import InputError, NotConverged

Floats = NDArray[np.float64]
Method = Literal["auto", "relaxation", "direct"]
MOST_S = 1e6


@dataclass(frozen=True, eq=False)
class Crossbar:
    """Devices between word lines (rows, driven) and bit lines (columns, read).

    conductance_S : (rows, columns) [S]; 0 is no device.  wires : resistances of all segments and ends.
    The network is prepared once, at the first solve; that serves every input and both directions.
    """

    conductance_S: Floats
    wires: Wires = field(default_factory=Wires.uniform)

    def __post_init__(self) -> None:
        g = check_conductance(self.conductance_S)
        g.flags.writeable = False
        object.__setattr__(self, "conductance_S", g)
        object.__setattr__(self, "wires", self.wires.of(*g.shape))

    @property
    def shape(self) -> tuple[int, int]:
        return self.conductance_S.shape[0], self.conductance_S.shape[1]

    @cached_property
    def _solver(self) -> LinearSolver:
        return LinearSolver(self.wires, self.conductance_S, self.conductance_S)

    def forward(self, word_V: ArrayLike, **options: Any) -> Solution:
        """Solve for word line voltages (inputs, rows) [V], bit lines read at 0 V: `.bit_A` is the product."""
        return self.solve(word_V=word_V, **options)

    @cached_property
    def transposed(self) -> Crossbar:
        """Return the same network with bit lines as word lines: word terminals left and right are the bit terminals top and bottom."""
        w = self.wires
        return Crossbar(
            self.conductance_S.T,
            Wires(np.transpose(w.bit_ohm), np.transpose(w.word_ohm), w.top_ohm, w.right_ohm, w.bottom_ohm, w.left_ohm),
        )

    def backward(
        self, bit_V: ArrayLike, *, right_V: ArrayLike | None = None, top_V: ArrayLike | None = None, **options: Any
    ) -> Solution:
        """Solve for bit line voltages (inputs, columns) [V], word lines read at 0 V: `-.word_A` is the transposed product.

        Solved as the transposed crossbar: its certificate weighs the error of the lines that are read, and cannot see the
        rounding of voltages near a driver, where its weights are least.
        """
        terminals = Terminals.of(self.shape, 0.0, bit_V, right_V, top_V)
        check_shorts(self.wires, *terminals)
        try:
            return self.transposed._solve(terminals.transposed, **options).transposed
        except NotConverged as error:
            last = error.last_good
            raise NotConverged(str(error), last_good=last.transposed if last is not None else None) from None

    def transfer_S(self, **options: Any) -> Floats:
        """Return the matrix (rows, columns) [S] that the crossbar really multiplies with: bit_A = word_V @ transfer_S.

        Solved for unit voltages on the fewer lines; rtol is the bound of each such line relative to its largest entry.
        """
        rows, columns = self.shape
        if rows <= columns:
            return self.forward(np.eye(rows), **options).bit_A
        return -self.backward(np.eye(columns), **options).word_A.T

    def solve(
        self,
        word_V: ArrayLike = 0.0,
        bit_V: ArrayLike = 0.0,
        *,
        right_V: ArrayLike | None = None,
        top_V: ArrayLike | None = None,
        rtol: float = 1e-9,
        method: Method = "auto",
        voltages: bool = False,
        threads: int | None = None,
    ) -> Solution:
        """Solve for terminal voltages: numbers, one per line, or (inputs, lines) [V].

        word_V, bit_V : at the left and the bottom terminals.  right_V, top_V : at the others; like their opposites if None.
        rtol : bound of the error of the currents relative to the largest of their side.  voltages : keep all node voltages.
        method : "relaxation" (sweeps), "direct" (factorised), or "auto": the first unless it would take longer.
        threads : at most this many; the numbers do not depend on it.
        Raises InputError for shapes, values or shorts, NotConverged where rtol cannot be reached.
        """
        terminals = Terminals.of(self.shape, word_V, bit_V, right_V, top_V)
        check_shorts(self.wires, *terminals)
        return self._solve(terminals, rtol=rtol, method=method, voltages=voltages, threads=threads)

    def _solve(
        self,
        terminals: Terminals,
        *,
        rtol: float = 1e-9,
        method: Method = "auto",
        voltages: bool = False,
        threads: int | None = None,
    ) -> Solution:
        solution = self._solver.solve(terminals, rtol=rtol, method=method, voltages=voltages, threads=threads)
        return replace(solution, conductance_S=self.conductance_S)


def check_conductance(conductance_S: ArrayLike, name: str = "Crossbar.conductance_S") -> Floats:
    """Return a (rows, columns) copy, or raise InputError: 0 S or more, finite, siemens."""
    g = np.array(conductance_S, float)
    if g.ndim != 2 or not g.size:
        raise InputError(f"{name} has shape {g.shape}, which is not allowed: expected (rows, columns).")
    bad = np.argwhere(~((g >= 0) & (g <= MOST_S)))
    if len(bad):
        i, j = (int(k) for k in bad[0])
        raise InputError(
            f"{name}[{i}, {j}]={g[i, j]:g} is not allowed: expected 0 S (no device) to {MOST_S:g} S. "
            "A weight has a sign, a conductance has none: map weights first."
        )
    return g
