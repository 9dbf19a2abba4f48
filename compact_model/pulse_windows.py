"""From pulse voltages to steps: maps over amplitude and width, and what a window's own voltages do to its steps.

Published pulses are 2.5 us wide. What a map says at other widths follows from the ion law alone; no measurement stands behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell import Cell
from compact_model.cell_dynamics import prepare
from compact_model.cell_pulses import DATA_WIDTH_s, Pulse
from compact_model.cells import Cells
from compact_model.program_verify import PulseWindow
from device_physics.dome_response import Response
from ground.errors import InputError
from ground.paper import paper

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PulseEffect:
    """Change of the conductance [S] by one pulse, (voltages, widths), from a state x; energy_J (voltages, widths) of the pulse.

    measured : (widths,), whether published pulses have this width.
    """

    voltage_V: Array
    width_s: Array
    x: float
    change_S: Array
    energy_J: Array
    measured: NDArray[np.bool_]


def pulse_effect(
    cell: Cell, voltages_V: ArrayLike, widths_s: ArrayLike, x: float, *, gate_V: float, response: Response | None = None
) -> PulseEffect:
    """Return the map of one pulse over amplitude [V] and width [s] (60 ns to 100 us and beyond), from state x.

    Raises InputError for a voltage of 0 or a state outside 0..1.
    """
    volts, widths = np.atleast_1d(np.asarray(voltages_V, float)), np.atleast_1d(np.asarray(widths_s, float))
    if np.any(volts == 0):
        raise InputError("voltages_V is not allowed: a pulse of 0 V is no pulse.")
    cells = prepare(Cells.of(cell, (volts.size,)), response=response)
    before = cells.conductance_S(x)
    change, energy = np.empty((volts.size, widths.size)), np.empty((volts.size, widths.size))
    for k, width in enumerate(widths):
        edge = min(1e-9, 0.1 * float(width))
        waves = [Pulse(voltage_V=float(v), gate_V=gate_V, width_s=float(width), edge_s=edge).waveform() for v in volts]
        trace = cells.run(waves, x, wave_of=np.arange(volts.size))
        change[:, k], energy[:, k] = cells.conductance_S(trace.x_end) - before, trace.energy_J
    return PulseEffect(volts, widths, float(x), change, energy, np.isclose(widths, DATA_WIDTH_s))


def published_windows(cell: Cell, *, response: Response | None = None) -> tuple[PulseWindow, ...]:
    """Return the published programming windows with step factors computed from the cell, not from any outcome.

    A factor is the cell's mean step at the window's voltage over that at the open-loop voltage, in the middle of the window (taken as
    a share of the whole range, 0..100 uS of the paper and g_min..g_max of the cell).
    """
    numbers, (up, down) = paper()["program_verify"], Pulse.published()
    ready = prepare(cell, response=response)
    low, high = float(ready.conductance_S(0.0)), float(ready.conductance_S(1.0))
    top = paper()["mvm"]["g_max_for_ir_drop_uS"]
    grid = np.linspace(0.0, 1.0, 101)
    g = prepare(Cells.of(cell, (grid.size,)), response=response).conductance_S(grid)

    def step(pulse: Pulse, x: float) -> float:
        return abs(float(ready.run(pulse.waveform(), x, tolerance=1e-7).x_end) - x)

    out = []
    for window in numbers["windows"]:
        first, last = window["g_uS"]
        x = float(np.interp(low + (high - low) * 0.5 * (first + last) / top, g, grid))
        other_up = up.replace(voltage_V=window["v_set_V"], gate_V=numbers["v_gate_set_V"])
        other_down = down.replace(voltage_V=window["v_reset_V"], gate_V=numbers["v_gate_reset_V"])
        factors = step(other_up, x) / step(up, x), step(other_down, x) / step(down, x)
        edge = 0.0 if first == numbers["g_target_uS"][0] else first / 1e6
        out.append(PulseWindow(low_S=edge, high_S=last / 1e6, up_factor=factors[0], down_factor=factors[1]))
    return tuple(out)
