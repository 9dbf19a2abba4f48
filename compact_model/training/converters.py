"""What stands around an array: DAC and ADC, their bounds, and the noise of a read."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from ground.spec import GrownSpec
from ground.units import Quantity

Bits = Annotated[float, Quantity("", 1.0, 24.0)]
Positive = Annotated[float, Quantity("", 1e-6, 1e6)]


class Converters(GrownSpec):
    """Input scaled to its largest value (`scale_input`), rounded to dac_bits in -1..1; output plus noise, rounded to adc_bits
    in -bound..bound; where an output reaches the bound, the vector is repeated at half the input (`repeat_clipped`).

    noise : standard deviation of one output in units of weight times full input.  ideal : none of all this.
    device_noise : of one device at full input. Devices know nothing of each other, so an output gets device_noise times the norm of
    its input besides; a column of A, read alone, gets it once.
    verify_noise : of one device read by itself, as verified pulses do. 0.17 uS, one second after a pulse in the middle of the window,
    by the paper's law of read noise, over half the paper's window of 80 uS.
    The defaults are aihwkit's (2^7 and 2^9 levels less two, bound 12, noise 0.06): the paper does not state its own for training.
    """

    added: ClassVar[tuple[str, ...]] = ("verify_noise", "device_noise")

    dac_bits: Bits = 7.0
    adc_bits: Bits = 9.0
    bound: Positive = 12.0
    noise: Annotated[float, Quantity("", 0.0, 100.0)] = 0.06
    scale_input: bool = True
    repeat_clipped: bool = True
    ideal: bool = False
    verify_noise: Annotated[float, Quantity("", 0.0, 100.0)] = 0.0043
    device_noise: Annotated[float, Quantity("", 0.0, 100.0)] = 0.0

    def reaching(self, reach: float) -> Converters:
        """Return the same converters with their output multiplied by `reach`, in digital: for weights of -reach to reach."""
        return self.replace(
            **{name: reach * getattr(self, name) for name in ("noise", "bound", "verify_noise", "device_noise")}
        )

    @property
    def column_noise(self) -> float:
        """Return the standard deviation of an output when one line alone has full input."""
        return math.hypot(self.noise, self.device_noise)

    @property
    def dac_step(self) -> float:
        """Return the step of the DAC, for inputs in -1..1."""
        return 2.0 / (2.0**self.dac_bits - 2.0)

    @property
    def adc_step(self) -> float:
        """Return the step of the ADC."""
        return 2.0 * self.bound / (2.0**self.adc_bits - 2.0)
