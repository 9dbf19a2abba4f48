"""The cell of the compact model as a device of a crossbar: hopping closed with the response table, alone or as 1T1R."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell import Cell
from compact_model.cell_dynamics import PreparedCells, prepare
from compact_model.cells import Cells
from compact_model.crossbar.laws import Point
from device_physics.dome_response import Response
from ground.errors import InputError, NotConverged

Floats = NDArray[np.float64]
WHY = {
    1: "the dome would conduct above the response table: a bias beyond thermal runaway, or hopping parameters of another device",
    2: "the dome would conduct below the response table: hopping parameters of another device",
    3: "the dome would be hotter than 1500 K, beyond which no constant of this model holds: too high a bias",
}


@dataclass(frozen=True, eq=False)
class HoppingCell:
    """Cells at fixed states, (rows, columns); a cell and its transistor are solved together.

    ready : the cells, with their transistors where gate_V counts.  trap_density_m3 : of each dome [1/m3].  area : current of each cell
    relative to that of its law, 0 for no cell.  gate_V : of each transistor [V], or None for the cells alone. The word node is the top
    electrode, the bit node the source line, bulk is at 0 V.  Made by `of_state` or `from_conductance`.
    """

    ready: PreparedCells
    trap_density_m3: Floats
    area: Floats
    gate_V: Floats | None = None
    _start: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_start", _middle(self.ready))

    @classmethod
    def of_state(
        cls, cells: Cell | Cells, x: ArrayLike, *, gate_V: ArrayLike | None = None, response: Response | None = None
    ) -> Self:
        """x : states (rows, columns), 0 (HRS) to 1 (LRS).  cells : one law for all, or a cell of its own for each.

        Raises InputError for states outside 0..1, shapes, and a gate voltage of cells without transistor.
        """
        state = np.asarray(x, float)
        if state.ndim != 2 or not np.all((state >= 0) & (state <= 1)):
            raise InputError(
                f"x of shape {state.shape} is not allowed: expected states (rows, columns) of 0 (HRS) to 1 (LRS)."
            )
        ready, gate = _prepared(cells, state.shape, gate_V, response)
        return cls(ready, ready.density_m3(state), np.ones(state.shape), gate)

    @classmethod
    def from_conductance(
        cls,
        cells: Cell | Cells,
        conductance_S: ArrayLike,
        *,
        read_V: float = 0.2,
        gate_V: ArrayLike | None = None,
        response: Response | None = None,
    ) -> Self:
        """Return cells that show these conductances (rows, columns) [S] at read_V: current of the cell, or 1T1R, over read_V.

        Between HRS and LRS the state follows; beyond them the curve of the nearer one is scaled, as a filament of another area would.
        Raises InputError for conductances below 0, shapes, and what a transistor at this gate cannot carry.
        """
        from compact_model.crossbar import cell_points as kernel
        from compact_model.crossbar.linear import check_conductance

        g = check_conductance(conductance_S, "HoppingCell.conductance_S")
        if not 1e-3 <= read_V <= 2.0:
            raise InputError(f"read_V={read_V!r} is not allowed: expected 0.001..2 V.")
        ready, gate = _prepared(cells, g.shape, gate_V, response)
        amperes = g * read_V
        volts = np.full(g.shape, read_V) if gate is None else read_V - _drop_V(ready.cells.cell, gate, amperes)
        if np.any((volts <= 1e-3 * read_V) & (g > 0)):
            i, j = (int(k) for k in np.argwhere((volts <= 1e-3 * read_V) & (g > 0))[0])
            raise InputError(
                f"HoppingCell.conductance_S[{i}, {j}]={g[i, j]:g} is not allowed: a transistor at a gate of {gate[i, j]:g} V carries "  # type: ignore[index]
                f"less at {read_V:g} V. Siemens expected; or a higher gate_V."
            )
        alone = prepare(replace(ready.cells, cell=ready.cells.cell.replace(transistor=None)), response=response)
        ends = np.stack([alone.cells.trap_density_hrs_m3.ravel(), alone.cells.trap_density_lrs_m3.ravel()], axis=1)
        ln_N, area = np.log(ends), np.empty(g.size)
        status, i = kernel.states(
            alone.rows, alone.tables, alone.table_of, volts.ravel(), amperes.ravel(), _middle(alone), ln_N, area
        )
        if status:
            raise InputError(f"read_V={read_V:g} is not allowed for cell {i}: {WHY[status]}.")
        return cls(ready, np.exp(ln_N[:, 0]).reshape(g.shape), area.reshape(g.shape), gate)

    @property
    def shape(self) -> tuple[int, int]:
        return self.trap_density_m3.shape[0], self.trap_density_m3.shape[1]

    def at(self, word_V: Floats, bit_V: Floats) -> Point:
        """Raises NotConverged where a cell has no solution at these voltages."""
        from compact_model.cell_balance import SCALE
        from compact_model.crossbar import cell_points as kernel

        area = self.area.ravel()
        rows = self.ready.rows.copy()
        rows[:, SCALE] = np.divide(
            rows[:, SCALE], area, out=np.zeros_like(area), where=area > 0
        )  # all currents over area
        gate = np.zeros(self.shape) if self.gate_V is None else self.gate_V
        word, bit, ln_N = np.ravel(word_V), np.ravel(bit_V), np.log(self.trap_density_m3).ravel()
        out = Point(*(np.empty(word.size) for _ in range(3)))
        ready = self.ready
        status, i = kernel.points(
            rows, ready.tables, ready.table_of, ln_N, area, self._start, word, bit, gate.ravel(), *out
        )
        if status:
            where = tuple(int(k) for k in np.unravel_index(i, self.shape))
            raise NotConverged(
                f"cell {where} has no solution at {word[i] - bit[i]:.4g} V: {WHY.get(status, 'no root found')}."
            )
        return Point(*(a.reshape(self.shape) for a in out))


def _prepared(
    cells: Cell | Cells, shape: tuple[int, ...], gate_V: ArrayLike | None, response: Response | None
) -> tuple[PreparedCells, Floats | None]:
    """Cells of this shape, without their transistors where there is no gate voltage."""
    many = Cells.of(cells, shape) if isinstance(cells, Cell) else cells
    if many.shape != shape:
        raise InputError(f"cells have shape {many.shape}, but {shape} of them are asked for.")
    if gate_V is None:
        return prepare(replace(many, cell=many.cell.replace(transistor=None)), response=response), None
    if many.cell.transistor is None:
        raise InputError("gate_V is given, but the cell has no transistor; leave gate_V out or give it one.")
    gate = np.array(np.broadcast_to(np.asarray(gate_V, float), shape))
    if np.isnan(gate).any():
        raise InputError("gate_V holds a value that is not a number; expected volts.")
    return prepare(many, response=response), gate


def _middle(ready: PreparedCells) -> Floats:
    """ln(sigma_dome) of each cell at which its search for a solution begins, (cells,): the middle of its table."""
    nodes = ready.tables[:, :, 0]
    return np.ascontiguousarray(0.5 * (nodes[:, 0] + nodes[:, -1])[ready.table_of])


def _drop_V(cell: Cell, gate_V: Floats, amperes: Floats) -> Floats:
    """Drain voltage [V] at which a transistor with its source at ground carries this current, inf where it never does."""
    from compact_model.cell_balance import K

    t = cell.transistor
    assert t is not None
    thermal = 2.0 * K * cell.ambient_K
    pinch = (gate_V - t.threshold_V) / t.slope
    forward = np.logaddexp(0.0, pinch / thermal) ** 2
    reverse = forward - amperes / (0.5 * t.slope * t.gain_A_per_V2 * thermal**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        drain = pinch - thermal * np.log(np.expm1(np.sqrt(reverse)))
    return np.where(reverse > 0, drain, np.inf)
