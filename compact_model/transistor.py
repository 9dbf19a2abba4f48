"""The series NMOS of a 1T1R cell: one smooth expression from cut-off to saturation (EKV form, long channel)."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

from ground.errors import InputError
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

    @classmethod
    def from_on_and_saturation(
        cls, r_ds_ohm: float, saturation_A: float, gate_V: float = 1.2, *, drain_V: float = 3.0, slope: float = 1.2
    ) -> Self:
        """Return the transistor with this triode resistance [ohm] and this current [A] at drain_V, both at `gate_V`.

        Raises InputError where no threshold from 0 V to the gate gives both.
        """
        from scipy.optimize import brentq

        def gap(threshold_V: float) -> float:
            t = cls.from_on_resistance(r_ds_ohm, gate_V, threshold_V=threshold_V, slope=slope)
            return float(t.current(gate_V, drain_V, 0.0)) / saturation_A - 1.0

        ends = (0.0, min(gate_V - 0.05, 3.0))
        if not gap(ends[0]) > 0 > gap(ends[1]):
            least, most = ((gap(v) + 1.0) * saturation_A for v in reversed(ends))
            raise InputError(
                f"saturation_A={saturation_A:g} is not allowed with r_ds_ohm={r_ds_ohm:g} at a gate of {gate_V:g} V: a threshold "
                f"of {ends[0]:g}..{ends[1]:g} V gives {least:.3g}..{most:.3g} A. mA or uA instead of A?"
            )
        return cls.from_on_resistance(r_ds_ohm, gate_V, threshold_V=float(brentq(gap, *ends)), slope=slope)

    @classmethod
    def fit(cls, gate_V: ArrayLike, drain_V: ArrayLike, current_A: ArrayLike, *, ambient_K: float = 293.15) -> Self:
        """Fit threshold, gain and slope factor to a measured output characteristic (source at ground), arrays of one shape.

        Least squares of the current relative to 1 % of its largest value plus itself. Raises InputError for fewer than 6 points
        or a single gate voltage, which cannot tell threshold from gain.
        """
        from scipy.optimize import least_squares

        gate, drain, measured = (
            a.ravel() for a in np.broadcast_arrays(*(np.asarray(v, float) for v in (gate_V, drain_V, current_A)))
        )
        if gate.size < 6 or np.ptp(gate) < 0.05:
            raise InputError(
                f"Transistor.fit: {gate.size} points at gates of {gate.min():g}..{gate.max():g} V are not enough: expected 6 or more, "
                "at two gates at least (one gate cannot tell the threshold from the gain)."
            )
        scale = np.abs(measured) + 0.01 * np.abs(measured).max()

        def at(p: Array) -> Any:
            return cls(threshold_V=p[0], gain_A_per_V2=np.exp(p[1]), slope=p[2])

        found = least_squares(
            lambda p: (at(p).current(gate, drain, 0.0, ambient_K) - measured) / scale,
            [0.6, np.log(2e-3), 1.2],
            bounds=([0.0, np.log(1e-6), 1.0], [3.0, 0.0, 3.0]),
            x_scale=[0.1, 0.3, 0.1],
        )
        return at(np.clip(found.x, [0.0, np.log(1.001e-6), 1.0], [3.0, -1e-9, 3.0]))

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
            slope = self.end_conductance(gate, np.where(forward, drain, source), ambient_K) + conductance
            step = device + surplus / slope
            if np.all(np.abs(step - device) <= 1e-13 + 1e-12 * size):
                break
            device = np.where((step > low) & (step < high), step, 0.5 * (low + high))
        return np.sign(bias) * device

    def end_conductance(self, gate_V: Array, end_V: Array, ambient_K: float) -> Array:
        """Conductance [S] seen at the end (drain or source) that is at end_V: minus dI/dV_end in magnitude."""
        thermal = BOLTZMANN * ambient_K / ELEMENTARY_CHARGE
        x = ((gate_V - self.threshold_V) / self.slope - end_V) / (2 * thermal)
        smooth = np.logaddexp(0.0, x)
        return np.asarray(2 * self.slope * self.gain_A_per_V2 * thermal * smooth * -np.expm1(-smooth))
