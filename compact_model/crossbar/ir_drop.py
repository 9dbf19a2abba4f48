"""The usual shortcut for IR drop, as aihwkit takes it, and where it is safe: its error against the exact network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar.linear import Crossbar
from ground.errors import InputError

Floats = NDArray[np.float64]


def aihwkit_product(
    weights: ArrayLike, inputs: ArrayLike, segment_ohm: float, g_scale_S: float, *, sense: str = "bottom"
) -> Floats:
    """Return inputs @ weights with the IR drop of aihwkit's C++ tile, (vectors, columns).

    weights : (rows, columns), signed, a weight of 1 being a conductance g_scale_S [S] of a differential pair whose other device
    is off.  inputs : (vectors, rows), 1 being the full read voltage.  segment_ohm : of the bit lines; word lines are perfect.
    sense : the row at which the amplifier sits, "bottom" (last) or "top" (first, as in aihwkit).

    With a = n R g sum |w| |x| of a column: y = sum w x - c sum w x (1 - (1 - j/n)^2), c = a (0.5 - 0.2 a + 0.05 a^2), j rows
    from the amplifier. Made for 0 < a < 1 or so and for inputs coded in time (a device that is off does not feel the drop);
    of the drop with inputs coded as voltages it takes the share mean |x|.
    Source: aihwkit 1.1.0, rpu_forward_backward_pass.cpp, applyIrDrop.
    """
    w, x = np.asarray(weights, float), np.atleast_2d(np.asarray(inputs, float))
    if w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise InputError(
            f"inputs has shape {x.shape}, which does not fit weights of shape {w.shape}: expected (vectors, rows)."
        )
    if not 0 <= segment_ohm < np.inf or not 0 <= g_scale_S < np.inf:
        raise InputError(
            f"segment_ohm={segment_ohm!r}, g_scale_S={g_scale_S!r} are not allowed: expected 0 or more, finite."
        )
    if sense not in ("bottom", "top"):
        raise InputError(f"sense={sense!r} is not allowed: expected 'bottom' or 'top'.")
    rows = w.shape[0]
    order = np.arange(rows) if sense == "top" else np.arange(rows)[::-1]
    a = rows * segment_ohm * g_scale_S * (np.abs(x) @ np.abs(w))
    c = a * (a * (0.05 * a - 0.2) + 0.5)
    far = 1.0 - (1.0 - order / rows) ** 2
    return x @ w - c * ((x * far) @ w)


@dataclass(frozen=True, eq=False)
class ShortcutError:
    """Currents (inputs, columns) [A] without wires, by the shortcut, and exact."""

    ideal_A: Floats
    shortcut_A: Floats
    exact_A: Floats

    @property
    def scale_A(self) -> float:
        """Root mean square of the ideal currents [A], to which all errors are relative."""
        return float(np.sqrt(np.mean(self.ideal_A**2)))

    @property
    def map(self) -> Floats:
        """Error of the shortcut by input and column, (shortcut - exact)/scale."""
        return (self.shortcut_A - self.exact_A) / self.scale_A

    @property
    def of_shortcut(self) -> float:
        """Root mean square error of the shortcut."""
        return float(np.sqrt(np.mean(self.map**2)))

    @property
    def of_ideal(self) -> float:
        """Root mean square error if the wires were not counted at all: a shortcut that is no better is of no use."""
        return float(np.sqrt(np.mean(((self.ideal_A - self.exact_A) / self.scale_A) ** 2)))


def shortcut_error(crossbar: Crossbar, word_V: ArrayLike, **options: Any) -> ShortcutError:
    """Hold aihwkit's shortcut against the exact solution of this crossbar for inputs (inputs, rows) [V].

    The shortcut knows one resistance: the mean of the bit line segments. Full read voltage: the largest |word_V|.
    """
    volts = np.atleast_2d(np.asarray(word_V, float))
    exact = crossbar.forward(volts, **options).bit_A
    full, segments = float(np.abs(volts).max(initial=0.0)), np.asarray(crossbar.wires.bit_ohm)
    if full == 0.0 or not np.isfinite(segments).all():
        raise InputError("the shortcut needs at least one voltage other than 0 V, and bit lines that are whole.")
    ohm = float(segments.mean()) if segments.size else float(np.asarray(crossbar.wires.bottom_ohm).mean())
    g = crossbar.conductance_S
    scale = float(g.max()) or 1.0
    shortcut = full * scale * aihwkit_product(g / scale, volts / full, ohm, scale)
    return ShortcutError(volts @ g, shortcut, exact)
