"""The wires that products in training see."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ground.spec import Spec
from ground.units import Quantity


class TrainWires(Spec):
    """Arrays that W is cut into, and their wires, as `evaluate_trained` reads them: every device with its reference beside it.

    segment_ohm : of a word or bit line, from device to device.  lines : word lines, and bit lines (two per output), at most.
    every : updates from one solution of the arrays to the next; 1 is exact after every update. In between every device keeps
    the part of its current that arrives, which changes slowly, while the currents themselves follow the weights.
    """

    segment_ohm: Annotated[float, Quantity("ohm", 1e-6, 1e4)]
    lines: Annotated[int, Field(ge=2, le=4096)] = 64
    every: Annotated[int, Field(ge=1, le=1_000_000)] = 100
