"""What a series resistor or the series transistor takes off the applied voltage, from the current measured through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compact_model.transistor import Transistor
from fits.reading.fields import SERIES_RESISTANCE, checked
from ground.errors import InputError
from ground.units import Quantity

FloatArray = npt.NDArray[np.float64]
GATE = Quantity("V", -5.0, 20.0)


@dataclass(frozen=True)
class SeriesDrop:
    """What stands in series with the device. r_ohm : a resistor.  transistor, gate_V : a transistor at this gate voltage."""

    r_ohm: float = 0.0
    transistor: Transistor | None = None
    gate_V: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "r_ohm", checked("r_series_ohm", self.r_ohm, SERIES_RESISTANCE))
        if (self.transistor is None) != (self.gate_V is None):
            raise InputError(
                f"transistor and gate_V belong together, and gate_V={self.gate_V!r}; give both (--transistor, --gate) or none."
            )
        if self.gate_V is not None:
            object.__setattr__(self, "gate_V", checked("gate_V", self.gate_V, GATE))

    def device_V(self, bias_V: npt.ArrayLike, current_A: npt.ArrayLike, ambient_K: float = 293.15) -> FloatArray:
        """Return the voltage left for the device [V], signed like the bias, same shape; NaN where nothing can be told.

        Positive bias: the transistor's source is at ground. Negative bias: its driven end is at |bias| and the device at
        ground, as in `Transistor.divide`. A current at which the transistor saturates says nothing about its drop: NaN.
        """
        bias, current = np.broadcast_arrays(np.asarray(bias_V, float), np.asarray(current_A, float))
        rest = bias - self.r_ohm * current
        if self.transistor is None or self.gate_V is None:
            return np.array(rest)
        return np.array(rest - np.sign(bias) * self._transistor_V(bias, np.abs(current), ambient_K))

    def _transistor_V(self, bias: FloatArray, amps: FloatArray, ambient_K: float) -> FloatArray:
        """Invert the EKV law for the voltage between drain and source: it is a difference of two known functions."""
        assert self.transistor is not None and self.gate_V is not None
        t, gate = self.transistor, self.gate_V
        saturated = t.current(gate, 1e3, 0.0, ambient_K)  # the forward term alone
        pinch_off = (gate - t.threshold_V) / t.slope
        thermal2 = _twice_thermal(ambient_K)
        scale = 0.5 * t.slope * t.gain_A_per_V2 * thermal2**2
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            drain = pinch_off - thermal2 * _inverse(np.sqrt((saturated - amps) / scale))
            top = np.abs(bias)
            source = pinch_off - thermal2 * _inverse(
                np.sqrt(np.logaddexp(0.0, (pinch_off - top) / thermal2) ** 2 + amps / scale)
            )
        out = np.where(bias > 0, drain, top - source)
        return np.where(amps == 0, 0.0, np.where(np.isfinite(out), out, np.nan))


def _twice_thermal(ambient_K: float) -> float:
    from compact_model.transistor import BOLTZMANN, ELEMENTARY_CHARGE

    return float(2 * BOLTZMANN * ambient_K / ELEMENTARY_CHARGE)


def _inverse(y: FloatArray) -> FloatArray:
    """Return x of y = ln(1 + e^x)."""
    return np.asarray(y + np.log(-np.expm1(-y)))
