"""What one identical pulse does to a physical cell, as a map of its state; and the soft-bounds device that map amounts to.

The map is computed by `cell_dynamics`, pulse by pulse, on a grid of states, so thousands of pulses on an array cost no more than
a few. There are published pulses at 2.5 us only: at other widths nothing measured stands behind a map.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell import Cell
from compact_model.cell_dynamics import PreparedCells, prepare
from compact_model.cells import Cells
from compact_model.open_loop import OpenLoopTrace, open_loop_directions
from compact_model.pulsed_device import PulsedDevices
from compact_model.streams import normals
from compact_model.waveform import EDGE_s, Waveform
from device_physics.dome_response import Response
from ground.errors import InputError
from ground.paper import paper
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
# States at which a map is computed: close where the dome begins to conduct better than the rest of the CMO, which bends the rates.
STATES = np.concatenate([np.geomspace(2e-3, 0.08, 10), np.linspace(0.09, 0.3, 22), np.linspace(0.32, 0.999, 18)])
DATA_WIDTH_s = 2.5e-6  # the only width with published data


class Pulse(Spec):
    """One write pulse. voltage_V > 0 raises the conductance (8-wise SET), < 0 lowers it."""

    voltage_V: Annotated[float, Quantity("V", -10.0, 10.0)]
    gate_V: Annotated[float, Quantity("V", 0.0, 10.0)]
    width_s: Annotated[float, Quantity("s", 1e-9, 10.0)] = DATA_WIDTH_s
    edge_s: Annotated[float, Quantity("s", 1e-12, 1.0)] = EDGE_s

    @classmethod
    def published(cls) -> tuple[Pulse, Pulse]:
        """Return the open-loop SET and RESET pulses of arXiv:2502.04524."""
        p = paper()["open_loop"]
        return (
            cls(voltage_V=p["v_set_V"], gate_V=p["v_gate_set_V"], width_s=p["pulse_width_s"]),
            cls(voltage_V=p["v_reset_V"], gate_V=p["v_gate_reset_V"], width_s=p["pulse_width_s"]),
        )

    def waveform(self) -> Waveform:
        return Waveform.pulses(self.voltage_V, self.gate_V, width_s=self.width_s, edge_s=self.edge_s, pause_s=0.0)


@dataclass(frozen=True, eq=False)
class PulseMap:
    """x (states,) and x_after (states, *cells): what one pulse makes of a state, without noise.

    direction : +1 up, -1 down.  exponent : of the window on that side.  Between states the travel y of `cell_dynamics` is
    interpolated (its logarithm, piecewise cubic): it is smooth up to the ends, where the step itself is not.
    """

    x: Array
    x_after: Array
    direction: int
    exponent: float

    def step(self, x: ArrayLike) -> Array:
        """Change of the state [1] by one pulse, of the cells' shape; towards the end it moves to, and never past it."""
        shape = self.x_after.shape[1:]
        state = np.broadcast_to(np.asarray(x, float), shape).ravel()
        inside = np.clip(state, self.x[0], self.x[-1])
        k = np.clip(np.searchsorted(self.x, inside, side="right") - 1, 0, self.x.size - 2)
        c, s = self._ln_travel[:, k, np.arange(state.size)], inside - self.x[k]
        travel = np.exp(((c[0] * s + c[1]) * s + c[2]) * s + c[3])
        w = 1.0 - state if self.direction > 0 else state
        return np.asarray(self.direction * (w - _window_after(w, travel, self.exponent))).reshape(shape)

    @cached_property
    def _ln_travel(self) -> Array:
        """Cubics (4, pieces, cells) of ln y over the states."""
        from scipy.interpolate import PchipInterpolator

        after = self.x_after.reshape(self.x.size, -1)
        w = np.broadcast_to((1.0 - self.x if self.direction > 0 else self.x)[:, None], after.shape)
        left = (1.0 - after if self.direction > 0 else after) / w
        g = self.exponent
        with np.errstate(divide="ignore", over="ignore"):
            travel = -np.log(left) if abs(g - 1.0) < 1e-9 else (left ** (1.0 - g) - 1.0) / ((g - 1.0) * w ** (g - 1.0))
        return np.asarray(PchipInterpolator(self.x, np.log(np.clip(travel, 1e-300, 1e300)), axis=0).c)


def _window_after(w: Array, travel: Array, g: float) -> Array:
    """Distance to the end after a travel: dw/dy = -w^g solved exactly (as `cell_step.moved`)."""
    if abs(g - 1.0) < 1e-9:
        return np.asarray(w * np.exp(-travel))
    base = 1.0 + (g - 1.0) * np.minimum(travel, 1e200) * np.maximum(w, 1e-300) ** (g - 1.0)
    return (
        np.asarray(w * np.maximum(base, 0.0) ** (-1.0 / (g - 1.0)))
        if g > 1.0
        else np.asarray(w * np.maximum(base, 0.0) ** (1.0 / (1.0 - g)))
    )


def pulse_map(ready: PreparedCells, pulse: Pulse, *, states: Array = STATES) -> PulseMap:
    """Return what one pulse makes of every state of every cell."""
    after = [ready.run(pulse.waveform(), float(v)).x_end for v in states]
    ions, up = ready.cells.cell.ions, pulse.voltage_V > 0
    return PulseMap(states, np.stack(after), 1 if up else -1, ions.exponent_set if up else ions.exponent_reset)


@dataclass(frozen=True, eq=False)
class PulsedCells:
    """Cells that are pulsed with one SET and one RESET pulse. Made by `pulsed_cells`."""

    ready: PreparedCells
    up: PulseMap
    down: PulseMap
    up_pulse: Pulse
    down_pulse: Pulse
    step_noise: float
    read_x: Array
    read_g_S: Array

    @property
    def cells(self) -> Cells:
        return self.ready.cells

    def conductance_S(self, x: ArrayLike) -> Array:
        """Conductance [S] at the read voltage of each cell at its state, from a table over the state."""
        return _along(self.read_x, np.log(self.read_g_S), np.asarray(x, float), np.exp)

    def pulse(self, x: ArrayLike, direction: ArrayLike, xi: ArrayLike) -> Array:
        """State after one pulse: the mean step times (1 + step_noise xi), kept inside 0..1."""
        up = np.asarray(direction) > 0
        step = np.where(up, self.up.step(x), self.down.step(x))
        return np.asarray(np.clip(np.asarray(x) + step * (1.0 + self.step_noise * np.asarray(xi)), 0.0, 1.0))

    def open_loop(self, *, seed: int, x0: ArrayLike = 0.0, **protocol: int) -> OpenLoopTrace:
        """Run the published open-loop protocol on the cells; protocol : as in `run_open_loop`."""
        direction, alternating = open_loop_directions(**protocol)
        x = np.broadcast_to(np.asarray(x0, float), self.cells.shape).copy()
        trace = np.empty((direction.size + 1, *self.cells.shape))
        trace[0] = self.conductance_S(x)
        for start in range(0, direction.size, 64):
            xi = normals(seed, "cell pulse", self.cells.device_id, first=start, count=64)
            for k in range(start, min(start + 64, direction.size)):
                x = self.pulse(x, direction[k], xi[k - start])
                trace[k + 1] = self.conductance_S(x)
        return OpenLoopTrace(trace, direction, alternating)


def pulsed_cells(
    cells: Cells | Cell,
    up: Pulse | None = None,
    down: Pulse | None = None,
    *,
    step_noise: float = 0.0,
    read_V: float = 0.2,
    response: Response | None = None,
) -> PulsedCells:
    """Return cells with the maps of a SET and a RESET pulse (default: the published ones). step_noise : relative, per step.

    Raises InputError where the polarities are exchanged.
    """
    standard = Pulse.published()
    up, down = up or standard[0], down or standard[1]
    if up.voltage_V <= 0 or down.voltage_V >= 0:
        raise InputError(
            f"pulses of {up.voltage_V:g} V (up) and {down.voltage_V:g} V (down) are not allowed: the cell sets at positive and "
            "resets at negative bias (8-wise)."
        )
    ready = prepare(cells, response=response)
    x = np.concatenate([[0.0], np.geomspace(2e-3, 0.3, 50), np.linspace(0.32, 1.0, 35)])
    g = np.stack([ready.conductance_S(v, read_V=read_V) for v in x])
    return PulsedCells(ready, pulse_map(ready, up), pulse_map(ready, down), up, down, step_noise, x, g)


def _along(x: Array, values: Array, at: Array, back: object) -> Array:
    """Interpolate tables (states, *cells) at one state per cell."""
    shape = values.shape[1:]
    flat, state = values.reshape(x.size, -1), np.broadcast_to(at, shape).ravel()
    k = np.clip(np.searchsorted(x, state, side="right") - 1, 0, x.size - 2)
    part, column = (state - x[k]) / (x[k + 1] - x[k]), np.arange(state.size)
    return np.asarray(back((1.0 - part) * flat[k, column] + part * flat[k + 1, column])).reshape(shape)  # type: ignore[operator]


@dataclass(frozen=True, eq=False)
class SoftBounds:
    """The soft-bounds device nearest to physical cells, and how near it is.

    devices : one per cell.  residual_up, residual_down : rms of the cell's step minus the device's, over the largest step, over
    the states between the bounds (0: the cell is a soft-bounds device).
    """

    devices: PulsedDevices
    residual_up: Array
    residual_down: Array


def soft_bounds(pulsed: PulsedCells) -> SoftBounds:
    """Return step sizes, exponents and bounds of the cells under their two pulses: computed from the cell, not copied.

    Bounds are those of the state. Steps are fitted to dG w^gamma in log w over the middle of the window (w of 0.02..0.98).
    """
    n = 60
    shape, count = pulsed.cells.shape, pulsed.cells.size
    g_min, g_max = pulsed.conductance_S(0.0).ravel(), pulsed.conductance_S(1.0).ravel()
    x = np.linspace(0.0, 1.0, n + 2)[1:-1]
    g = np.stack([pulsed.conductance_S(v).ravel() for v in x])
    found: dict[str, tuple[Array, Array, Array]] = {}
    w_all = (g_max - g) / (g_max - g_min)
    for name, moves in (("up", pulsed.up), ("down", pulsed.down)):
        after = np.stack([pulsed.conductance_S(v + moves.step(v)).ravel() for v in x])
        size, w = np.abs(after - g), w_all if name == "up" else 1.0 - w_all
        dg, gamma, residual = (np.empty(count) for _ in range(3))
        for i in range(count):
            dg[i], gamma[i], residual[i] = _power_law(w[:, i], size[:, i])
        found[name] = dg, gamma, residual
    noise = np.full(count, pulsed.step_noise)
    devices = PulsedDevices(
        g_max,
        g_min,
        found["up"][0],
        found["down"][0],
        found["up"][1],
        found["down"][1],
        noise,
        pulsed.cells.device_id.ravel(),
    )
    return SoftBounds(
        devices.reshape(*shape) if shape else devices[0], found["up"][2].reshape(shape), found["down"][2].reshape(shape)
    )


def _power_law(w: Array, size: Array) -> tuple[float, float, float]:
    """dG and gamma of size = dG w^gamma by least squares in the size itself, and the residual over the largest size."""
    from scipy.optimize import least_squares

    inside = (w > 0.02) & (w < 0.98)
    w, size = w[inside], size[inside]
    top = float(size.max())
    start = np.polyfit(np.log(w), np.log(np.maximum(size, 1e-9 * top)), 1)
    fit = least_squares(
        lambda p: np.exp(p[0]) * w ** p[1] - size / top,
        [np.clip(start[1] - np.log(top), -5, 5), np.clip(start[0], 0.01, 8.0)],
        bounds=([-12.0, 1e-3], [12.0, 10.0]),
    )
    return float(np.exp(fit.x[0]) * top), float(fit.x[1]), float(np.sqrt(np.mean(fit.fun**2)))
