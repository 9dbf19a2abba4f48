"""The solution of a crossbar: currents, voltages, power, and how far it can be off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """One row per input vector.

    left_A, right_A : current from the word terminals into the crossbar, (inputs, rows) [A].
    top_A, bottom_A : current out of the crossbar at the bit terminals, (inputs, columns) [A].
    source_power_W, device_power_W, wire_power_W : (inputs,) [W]; the first is the sum of the others.
    kcl_A : largest current missing at any node, (inputs,) [A].
    relative_error : bound of the error of the terminal currents relative to the largest current of their side, (inputs,).
    method : "relaxation" or "direct".  sweeps : of the relaxation, (inputs,), 0 if direct.
    contraction : bound of what one sweep leaves of the error (the relaxation's), NaN if not computed.
    word_V, bit_V : node voltages (inputs, rows, columns) [V], where asked for; NaN where nothing fixes them.
    """

    left_A: Floats
    right_A: Floats
    top_A: Floats
    bottom_A: Floats
    source_power_W: Floats
    device_power_W: Floats
    wire_power_W: Floats
    kcl_A: Floats
    relative_error: Floats
    method: str
    sweeps: NDArray[np.int64]
    contraction: float
    conductance_S: Floats | None = None
    word_V: Floats | None = None
    bit_V: Floats | None = None

    @property
    def transposed(self) -> Solution:
        """The same solution as the transposed crossbar has it: what flows into a word line flows out of a bit line there."""

        def turned(cells: Floats | None) -> Floats | None:
            return None if cells is None else np.ascontiguousarray(np.swapaxes(cells, -1, -2))

        return replace(
            self,
            left_A=-self.top_A,
            right_A=-self.bottom_A,
            top_A=-self.left_A,
            bottom_A=-self.right_A,
            conductance_S=turned(self.conductance_S),
            word_V=turned(self.bit_V),
            bit_V=turned(self.word_V),
        )

    @property
    def word_A(self) -> Floats:
        """Current into every word line [A], (inputs, rows)."""
        return self.left_A + self.right_A

    @property
    def bit_A(self) -> Floats:
        """Current out of every bit line [A], (inputs, columns): the result of the multiplication."""
        return self.top_A + self.bottom_A

    @property
    def device_V(self) -> Floats:
        """Voltage over every device [V], (inputs, rows, columns); needs voltages=True."""
        if self.word_V is None or self.bit_V is None:
            raise InputError("node voltages were not kept; ask for them with solve(..., voltages=True).")
        return self.word_V - self.bit_V

    @property
    def device_A(self) -> Floats:
        """Current through every device [A], (inputs, rows, columns); needs voltages=True and linear devices."""
        if self.conductance_S is None:
            raise InputError("device_A is known for linear devices only; apply the device law to device_V.")
        return self.device_V * self.conductance_S
