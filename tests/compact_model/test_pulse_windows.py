"""From pulse voltages to steps: maps over amplitude and width, and the factors of the published windows."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.cell import Cell
from compact_model.cell_dynamics import simulate
from compact_model.cell_pulses import Pulse
from compact_model.pulse_windows import published_windows, pulse_effect
from ground.errors import InputError

CELL = Cell.published()
WIDTHS = [6e-8, 1e-6, 2.5e-6, 1e-4]


def test_the_map_grows_with_amplitude_and_width_and_says_where_data_are() -> None:
    effect = pulse_effect(CELL, [-1.1, -1.3, -1.5], WIDTHS, 0.8, gate_V=3.3)
    assert np.all(np.diff(effect.change_S, axis=0) < 0) and np.all(np.diff(effect.change_S, axis=1) < 0)
    assert np.all(effect.energy_J > 0) and np.all(np.diff(effect.energy_J, axis=1) > 0)
    assert effect.measured.tolist() == [False, False, True, False]
    direct = simulate(CELL, Pulse(voltage_V=-1.3, gate_V=3.3, width_s=1e-6).waveform(), 0.8)
    assert effect.energy_J[1, 1] == pytest.approx(float(direct.energy_J), rel=1e-6)


def test_windows_are_steps_of_the_cell() -> None:
    low, middle, high = published_windows(CELL)
    assert (middle.up_factor, middle.down_factor) == (1.0, 1.0)  # it is programmed with the open-loop pulses
    assert low.up_factor == 1.0 and low.down_factor > 2.0  # -1.5 V instead of -1.3 V
    assert high.down_factor == 1.0 and high.up_factor > 1.5  # 1.5 V instead of 1.35 V
    assert (low.high_S, middle.low_S, high.high_S) == (3e-5, 3e-5, 9e-5)


def test_no_pulse_is_no_map() -> None:
    with pytest.raises(InputError, match="voltages_V is not allowed: a pulse of 0 V is no pulse"):
        pulse_effect(CELL, [0.0], WIDTHS, 0.5, gate_V=3.3)
    with pytest.raises(InputError, match="x0=1.5 is not allowed|x=1.5"):
        pulse_effect(CELL, [1.0], WIDTHS, 1.5, gate_V=3.3)
