"""Products of an array of the model's cells: wires exact for linear devices, what the cells bend on top to first order."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar.cell_table import CellTable
from compact_model.crossbar.linear import Crossbar, check_conductance
from compact_model.crossbar.wires import Wires

Floats = NDArray[np.float64]
_CHORD = 0.6  # of read_V: cells taken as linear from 0 V to there are closest to all of their curve
_BLOCK = 32  # columns of one task


@dataclass(frozen=True, eq=False)
class CellProduct:
    """Cells that show conductance_S (rows, columns) [S] at the table's read_V, in an array that is driven many times.

    Each cell is a linear device, its chord, and what it carries beyond. The linear array multiplies with its own matrix, transfer_S.
    The rest is taken at the cell voltages of the linear array and reaches the end of the bit line in the share in which a current
    from that cell does (by reciprocity: the voltage across it when all word lines are at 1 V). Cell voltages: a word line keeps the
    profile that it has when all are driven alike; a bit line keeps the form of its profile, and its height is the one for which the
    balance of currents, weighted by that form, holds (Galerkin).
    word, bit : node voltages with all word lines at 1 V.  Made by `of`.
    """

    table: CellTable
    conductance_S: Floats
    chord_S: Floats
    transfer_S: Floats
    word: Floats
    bit: Floats

    @classmethod
    def of(cls, table: CellTable, conductance_S: ArrayLike, wires: Wires | None = None, *, rtol: float = 1e-9) -> Self:
        """wires : None for perfect ones.  rtol : of transfer_S, as in `Crossbar.solve`, which says what else is raised.

        Raises InputError for conductances below 0 and shapes.
        """
        g = check_conductance(conductance_S, "CellProduct.conductance_S")
        at = _CHORD * table.read_V
        chord = table.current(g, at) / at
        if wires is None:
            return cls(table, g, chord, chord, np.ones_like(g), np.zeros_like(g))
        array = Crossbar(chord, wires)
        alike = array.forward(np.ones((1, g.shape[0])), voltages=True)
        assert alike.word_V is not None and alike.bit_V is not None
        word, bit = (np.nan_to_num(v[0]) for v in (alike.word_V, alike.bit_V))
        return cls(table, g, chord, array.transfer_S(rtol=rtol), word, bit)

    def currents(self, word_V: ArrayLike, *, threads: int | None = None) -> Floats:
        """Return the currents (vectors, columns) [A] of word line voltages (vectors, rows) [V], each at most read_V.

        threads : at most this many; the numbers do not depend on it.
        """
        from compact_model.crossbar import cell_lookup as kernel

        volts = np.atleast_2d(np.asarray(word_V, float))
        weight = self.bit * self.chord_S
        total = weight.sum(axis=0)
        rise = volts @ np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
        out = np.ascontiguousarray((volts @ self.transfer_S).T)
        cells = self.table.rows, self.table.read_V, self.conductance_S, self.chord_S, self.word, self.bit
        lanes = np.ascontiguousarray(volts.T), np.ascontiguousarray(rise.T)
        count = out.shape[0]
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            list(
                pool.map(
                    lambda k: kernel.add_bends(*cells, *lanes, k, min(k + _BLOCK, count), out), range(0, count, _BLOCK)
                )
            )
        return out.T
