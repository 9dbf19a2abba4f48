"""Mixed precision: the gradient is summed in digital, and only what is due goes to the devices of W, as single pulses.

Without a fast array it shows what the devices that hold the weights allow by themselves, to tell it from what A adds.
Source: Nandakumar et al., Front. Neurosci. 14, 406 (2020), where pulses are given without a look at the device.
"""

from __future__ import annotations

from typing import ClassVar

from compact_model.training.algorithm import Algorithm, Memory, Rate, Threshold, Verify


class MixedPrecision(Algorithm):
    """chi <- chi - lr d x^T / (threshold * granularity); trunc(chi) pulses on W, which are taken off chi.

    verify : see `Verify`; floor(|chi| + 1 - verify) pulses then.
    """

    code: ClassVar[int] = 5
    name: ClassVar[str] = "mp"
    lr: Rate = 1.0
    threshold: Threshold = 1.0
    verify: Verify = None

    @property
    def memory(self) -> Memory:
        """Return what `Algorithm.memory` does."""
        return Memory.of(0.0, self.verify)
