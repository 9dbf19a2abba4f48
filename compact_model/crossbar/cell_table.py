"""The curve of the model's cell as a table over its conductance: what a product of very many cells can afford."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell import Cell
from compact_model.cell_dynamics import prepare
from compact_model.cells import Cells
from compact_model.crossbar.cell_law import WHY
from ground.errors import InputError, NotConverged

Floats = NDArray[np.float64]
TOLERANCE = 5e-5  # of the current, relative
_NODES = 64  # intervals of each of the three ranges
_VOLTS = 12
_LOWEST = 1e-4  # of read_V: where a kink is taken to stand that is not above 0 V


@dataclass(frozen=True, eq=False)
class CellTable:
    """Current of a cell without transistor, odd in V, for |V| <= read_V, by its conductance at read_V.

    Where the dome becomes as conducting as the CMO around it, the curve has a kink: below it I/(g V) is a polynomial of (V/kink)^2,
    above it one of the share of the way from the kink to read_V.
    rows : one for each node from HRS to LRS: ln g [ln S], kink [V], coefficients; linear in between. Beyond the two states the curve
    of the nearer one is scaled, as in `HoppingCell.from_conductance`.  error : largest relative deviation of a current from the exact
    law, at nodes and half way between them.
    """

    read_V: float
    rows: Floats
    error: float = np.nan

    @classmethod
    def of(cls, cell: Cell, read_V: float) -> Self:
        """Tabulate a cell, or raise NotConverged where a current would be off by more than TOLERANCE.

        Raises InputError where the cell has no solution at read_V.
        """
        from compact_model.crossbar.cell_lookup import ABOVE, BELOW

        law = _Curves(cell.replace(transistor=None))
        ln_N = _nodes(law.hrs, law.lrs, law.state_of_kink(read_V), law.state_of_kink(_LOWEST * read_V))
        kink, ln_g = law.kink_V(ln_N, read_V), np.log(law.shown(ln_N, read_V))
        s = np.sin(0.5 * np.pi * (np.arange(_VOLTS) + 0.5) / _VOLTS)
        t = s**2
        volts = np.hstack([kink * s, kink + (read_V - kink) * t])
        exact = law.shown(ln_N, volts) / np.exp(ln_g)
        fits = [np.linalg.pinv(np.vander(x, n, increasing=True)) for x, n in ((s**2, BELOW), (t, ABOVE))]
        below, above = exact[:, :_VOLTS] @ fits[0].T, exact[:, _VOLTS:] @ fits[1].T
        rows = np.ascontiguousarray(np.hstack([ln_g, kink, below, above])[::2])
        found = cls(read_V, rows).current(np.exp(ln_g), volts)
        error = float(np.abs(found / (np.exp(ln_g) * exact * volts) - 1.0).max())
        if not error <= TOLERANCE:
            raise NotConverged(
                f"the cell's curve up to {read_V:g} V does not fit a table: a current is off by {error:.1e}. Likely cause: a cell close "
                "to thermal runaway there; read at a lower voltage, or with ir_drop='exact', which needs no table."
            )
        return cls(read_V, rows, error)

    @classmethod
    def kept(cls, cell: Cell, read_V: float) -> CellTable:
        """Return the table of a cell, made once in a process; raises as `of`."""
        return _kept(cell.model_dump_json(), read_V)

    def current(self, conductance_S: ArrayLike, volts: ArrayLike) -> Floats:
        """Return the current [A] of cells with these conductances at read_V at these voltages [V]; shapes broadcast."""
        from compact_model.crossbar import cell_lookup as kernel

        g, v = (np.array(a, float) for a in np.broadcast_arrays(conductance_S, volts))
        out = np.empty(g.size)
        kernel.currents(self.rows, self.read_V, g.ravel(), v.ravel(), out)
        return out.reshape(g.shape)


class _Curves:
    """A cell without transistor at any state. ln_N : of the trap density, volts : above 0 V; they broadcast."""

    def __init__(self, cell: Cell) -> None:
        from compact_model.cell_balance import KINK

        ready = prepare(Cells.of(cell, (1, 1)))
        densities = ready.cells.trap_density_hrs_m3, ready.cells.trap_density_lrs_m3
        self.hrs, self.lrs = (float(np.log(n[0, 0])) for n in densities)
        self.row, self.table = ready.rows[0], ready.tables[ready.table_of[0]]
        self.rest = float(self.row[KINK])

    def _at(self, ln_N: Floats, volts: Floats | float) -> tuple[Floats, Floats]:
        """Return the current [A] and ln(sigma_dome)."""
        from compact_model.crossbar import cell_lookup as kernel

        n, v = (np.array(a) for a in np.broadcast_arrays(ln_N, volts))
        start, current, u = 0.5 * (self.table[0, 0] + self.table[-1, 0]), np.empty(n.shape), np.empty(n.shape)
        status, i = kernel.law(self.row, self.table, n.ravel(), v.ravel(), start, current.ravel(), u.ravel())
        if status:
            raise InputError(f"read_V={v.max():g} is not allowed for this cell: at {v.flat[i]:.4g} V {WHY[status]}.")
        return current, u

    def shown(self, ln_N: Floats, volts: Floats | float) -> Floats:
        """Return current over voltage [S]."""
        return self._at(ln_N, volts)[0] / volts

    def state_of_kink(self, volts: float) -> float:
        """Return ln N of the state whose kink is at this voltage, or that of the nearer end."""
        return float(_turn(lambda n: self._at(n, volts)[1] >= self.rest, self.hrs, self.lrs))

    def kink_V(self, ln_N: Floats, read_V: float) -> Floats:
        """Return the voltage of the kink of each state, within _LOWEST..1 of read_V."""
        ends = np.full_like(ln_N, _LOWEST * read_V), np.full_like(ln_N, read_V)
        return _turn(lambda v: self._at(ln_N, v)[1] >= self.rest, *ends)


def _turn(beyond: Callable[[Floats], NDArray[np.bool_]], low: ArrayLike, high: ArrayLike) -> Floats:
    """Return where `beyond` becomes true, by halving; `high` where it never does."""
    for _ in range(45):
        middle = 0.5 * (np.asarray(low) + np.asarray(high))
        over = beyond(middle)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray(high)


def _nodes(hrs: float, lrs: float, first: float, last: float) -> Floats:
    """Return ln N of the nodes and half way between them, (nodes, 1): before, within and after the states that have a kink.

    Within, they crowd towards the last, as the kink goes to 0 V there like a square root.
    """
    share = np.linspace(0.0, 1.0, 2 * _NODES + 1)
    parts = [(hrs, first, share), (first, last, 1.0 - (1.0 - share) ** 2), (last, lrs, share)]
    ranges = [low + (high - low) * at for low, high, at in parts if high - low > 1e-9]
    return np.concatenate([ranges[0][:1], *(r[1:] for r in ranges)])[:, None]


@lru_cache(maxsize=32)
def _kept(cell_json: str, read_V: float) -> CellTable:
    return CellTable.of(Cell.model_validate_json(cell_json), read_V)
