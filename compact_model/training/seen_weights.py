"""Weights as they arrive through wires with a resistance, by exact IR drop."""

from __future__ import annotations

import numpy as np

from compact_model.crossbar import Crossbar, Wires
from compact_model.training.bank import DeviceBank, Single
from compact_model.training.wires import TrainWires

_RTOL = 1e-6  # of a line of the solution, relative to its largest entry: float32 holds no more


class SeenWeights:
    """The weights of an array (rows, columns) as they arrive at the ends of its lines: gain times weight plus offset.

    Inputs are on word lines; backwards, errors are on bit lines, a reference with the other sign, and by reciprocity the same
    matrix, transposed, arrives.
    gain_offset (2, rows, columns) and solved_at, the number of the update before the last solution, belong to a checkpoint.
    """

    def __init__(self, wires: TrainWires, rows: int, columns: int) -> None:
        self.wires = wires
        self.gain_offset, self.solved_at = np.zeros((2, rows, columns), np.float32), np.full(1, -1, np.int64)

    def forget(self) -> None:
        """Solve again before the next product."""
        self.solved_at[0] = -1

    def is_due(self, update: int) -> bool:
        """Return whether the arrays are to be solved before the products that come after so many updates."""
        return self.solved_at[0] < 0 or update - self.solved_at[0] >= self.wires.every

    def solve(self, bank: DeviceBank, update: int) -> None:
        """Solve the arrays as the devices stand now."""
        rows, columns = bank.shape
        g_S, lines, ohm = bank.g_S, self.wires.lines, Wires.uniform(self.wires.segment_ohm)
        wide = lines // 2
        for i in range(0, rows, wide):
            for j in range(0, columns, lines):
                part = np.s_[i : i + wide, j : j + lines]
                device, reference = g_S[part], bank.reference_S[part]
                both = np.stack([device.T, reference.T], axis=2).reshape(device.shape[1], -1)
                arriving = Crossbar(both, ohm).transfer_S(rtol=_RTOL)
                gain = np.divide(arriving[:, 0::2].T, device, out=np.ones_like(device), where=device > 0.0)
                self.gain_offset[0][part] = gain
                self.gain_offset[1][part] = (gain * reference - arriving[:, 1::2].T) / bank.unit_S
        self.solved_at[0] = update

    def of(self, weights: Single) -> Single:
        """Return what arrives of weights (rows, columns)."""
        return weights * self.gain_offset[0] + self.gain_offset[1]
