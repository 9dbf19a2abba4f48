"""The series NMOS of a 1T1R cell: one smooth expression from cut-off to saturation (EKV form, long channel)."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_NEWTON = 60


class Transistor(Spec):
    """NMOS, bulk at ground. Source: Enz, Krummenacher and Vittoz, Analog Integr. Circ. Sig. Process. 8, 83 (1995).

    threshold_V : threshold voltage.  gain_A_per_V2 : beta = mu Cox W/L.  slope : sub-threshold slope factor n.
    """

    threshold_V: Annotated[float, Quantity("V", 0.0, 3.0)] = 0.6
    gain_A_per_V2: Annotated[float, Quantity("A/V^2", 1e-6, 1.0)]
    slope: Annotated[float, Quantity("", 1.0, 3.0)] = 1.2

    @classmethod
    def from_on_resistance(
        cls, r_ds_ohm: float = 800.0, gate_V: float = 1.2, *, threshold_V: float = 0.6, slope: float = 1.2
    ) -> Self:
        """Return the transistor whose triode resistance at `gate_V` is `r_ds_ohm` (defaults: arXiv:2502.04524, section 4.3).

        Threshold and slope are assumed: the paper does not give them.
        """
        unit = cls(threshold_V=threshold_V, gain_A_per_V2=1e-3, slope=slope)
        step = 1e-4
        conductance = float(unit.current(gate_V, step, 0.0)) / step
        return unit.replace(gain_A_per_V2=1e-3 / (conductance * r_ds_ohm))

    def current(self, gate_V: ArrayLike, drain_V: ArrayLike, source_V: ArrayLike, ambient_K: float = 293.15) -> Array:
        """Drain current [A] for terminal voltages to bulk [V], broadcast; antisymmetric in drain and source."""
        thermal = BOLTZMANN * ambient_K / ELEMENTARY_CHARGE
        pinch_off = (np.asarray(gate_V, float) - self.threshold_V) / self.slope
        forward = np.logaddexp(0.0, (pinch_off - np.asarray(source_V, float)) / (2 * thermal)) ** 2
        reverse = np.logaddexp(0.0, (pinch_off - np.asarray(drain_V, float)) / (2 * thermal)) ** 2
        return np.asarray(2 * self.slope * self.gain_A_per_V2 * thermal**2 * (forward - reverse))

    def divide(
        self, bias_V: ArrayLike, gate_V: ArrayLike, conductance_S: ArrayLike, ambient_K: float = 293.15
    ) -> Array:
        """Return the voltage across a device of this conductance [S] in series with the transistor, signed like the bias [V].

        Positive bias: device at the bias, transistor source at ground. Negative bias: the driven end of the transistor is
        lifted to |bias| and the device is at ground, as on a chip without negative supplies. Broadcasts.
        """
        bias, gate, conductance = np.broadcast_arrays(*(np.asarray(x, float) for x in (bias_V, gate_V, conductance_S)))
        size, forward = np.abs(bias), bias > 0
        low, high = np.zeros_like(size), size.copy()
        device = 0.5 * size
        for _ in range(_NEWTON):  # Newton, kept inside a bracket that shrinks at every step
            drain, source = np.where(forward, size - device, size), np.where(forward, 0.0, device)
            surplus = self.current(gate, drain, source, ambient_K) - conductance * device
            low, high = np.where(surplus > 0, device, low), np.where(surplus > 0, high, device)
            slope = self._slope(gate, np.where(forward, drain, source), ambient_K) + conductance
            step = device + surplus / slope
            if np.all(np.abs(step - device) <= 1e-13 + 1e-12 * size):
                break
            device = np.where((step > low) & (step < high), step, 0.5 * (low + high))
        return np.sign(bias) * device

    def _slope(self, gate_V: Array, end_V: Array, ambient_K: float) -> Array:
        """Conductance [S] seen at the end (drain or source) that is at end_V: minus dI/dV_end in magnitude."""
        thermal = BOLTZMANN * ambient_K / ELEMENTARY_CHARGE
        x = ((gate_V - self.threshold_V) / self.slope - end_V) / (2 * thermal)
        smooth = np.logaddexp(0.0, x)
        return np.asarray(2 * self.slope * self.gain_A_per_V2 * thermal * smooth * -np.expm1(-smooth))
