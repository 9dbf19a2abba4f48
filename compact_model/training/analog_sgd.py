"""Plain analog SGD: every coincidence of two pulse trains is one pulse on the device that also computes.

Source: Gokmen and Vlasov, Front. Neurosci. 10, 333 (2016).
"""

from __future__ import annotations

from typing import ClassVar

from compact_model.training.algorithm import Algorithm


class AnalogSGD(Algorithm):
    """W <- W - lr d x^T, in expectation, as device pulses on W itself."""

    code: ClassVar[int] = 0
    name: ClassVar[str] = "sgd"
