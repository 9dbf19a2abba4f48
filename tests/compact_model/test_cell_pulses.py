"""Pulses on the physical cell: maps, the open-loop protocol, the soft-bounds device computed from it, program-verify."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.cell_dynamics import simulate
from compact_model.cell_program import VoltageRamp, program_cells
from compact_model.cell_pulses import Pulse, pulse_map, pulsed_cells, soft_bounds
from compact_model.cells import CellSpread
from compact_model.published_cell import published_cell
from ground.errors import InputError

CELL = published_cell()
PULSED = pulsed_cells(CellSpread(ln_density_lrs=0.1, barrier_eV=0.01).sample(CELL, (2, 3), 0), step_noise=0.3)


def test_a_map_is_the_pulse_it_stands_for() -> None:
    up, down = Pulse.published()
    ready = PULSED.ready
    for x in (0.013, 0.11, 0.47, 0.83, 0.97):
        for pulse, moves in ((up, PULSED.up), (down, PULSED.down)):
            direct = ready.run(pulse.waveform(), x).x_end
            assert moves.step(x) == pytest.approx(direct - x, rel=0.05, abs=2e-4)


def test_the_conductance_table_is_that_of_the_cell() -> None:
    for x in (0.0, 0.05, 0.6, 1.0):
        assert PULSED.conductance_S(x) == pytest.approx(PULSED.ready.conductance_S(x), rel=2e-3)


def test_a_wider_and_a_higher_pulse_do_more() -> None:
    down = Pulse.published()[1]
    steps = [float(simulate(CELL, down.replace(width_s=w).waveform(), 0.9).x_end) for w in (6e-8, 1e-6, 2.5e-6, 1e-4)]
    assert np.all(np.diff(steps) < 0)
    higher = [float(simulate(CELL, down.replace(voltage_V=v).waveform(), 0.9).x_end) for v in (-1.1, -1.3, -1.5)]
    assert np.all(np.diff(higher) < 0)


def test_the_gate_controls_the_set_and_hardly_the_reset() -> None:
    up, down = Pulse.published()
    set_ = [float(simulate(CELL, up.replace(gate_V=g, voltage_V=1.5).waveform(), 0.3).x_end) - 0.3 for g in (1.0, 1.4)]
    reset = [0.9 - float(simulate(CELL, down.replace(gate_V=g).waveform(), 0.9).x_end) for g in (2.8, 3.3)]
    assert set_[1] / set_[0] > 3 * reset[1] / reset[0] > 0


def test_the_open_loop_moves_between_the_bounds_of_the_cell() -> None:
    trace = PULSED.open_loop(seed=1, pulses_per_batch=60, alternating_pulses=40)
    low, high = PULSED.conductance_S(0.0), PULSED.conductance_S(1.0)
    assert np.all((trace.g_S >= low * (1 - 1e-9)) & (trace.g_S <= high * (1 + 1e-9)))
    assert trace.g_S.shape == (4 * 60 + 40 + 1, 2, 3)
    alone = pulsed_cells(PULSED.cells[1, 2], step_noise=0.3).open_loop(
        seed=1, pulses_per_batch=60, alternating_pulses=40
    )
    assert np.array_equal(alone.g_S, trace.g_S[:, 1, 2])


def test_a_cell_that_is_a_soft_bounds_device_is_found_to_be_one() -> None:
    """Without heat and field the step is k t w^g, so the exponent of the window must come back, with hardly any residual."""
    from compact_model.cell_pulses import _power_law

    w = np.linspace(0.01, 0.99, 80)
    dg, gamma, residual = _power_law(w, 3e-6 * w**1.7)
    assert (dg, gamma) == (pytest.approx(3e-6, rel=1e-6), pytest.approx(1.7, abs=1e-6))
    assert residual < 1e-8


def test_soft_bounds_of_the_cell_and_their_residual() -> None:
    found = soft_bounds(PULSED)
    assert found.devices.shape == (2, 3)
    assert found.devices.g_max_S == pytest.approx(PULSED.conductance_S(1.0))
    assert np.all(found.residual_down < 0.05)  # RESET is a power law of the window to a few per cent
    assert np.all(found.residual_up > 0.1)  # SET is not: heating drives it, which no soft-bounds device knows
    stronger = soft_bounds(pulsed_cells(PULSED.cells, down=Pulse.published()[1].replace(voltage_V=-1.2)))
    assert np.all(stronger.devices.dg_down_S < found.devices.dg_down_S)


def test_program_and_verify_on_the_cell() -> None:
    """Identical pulses of -1.3 V hardly reset a nearly depleted dome, so an overshoot below 20 uS stays; rising ones go on."""
    identical, rising = (
        program_cells(PULSED, 20e-6, 0.02, seed=0, max_pulses=400, incremental=i)
        for i in (None, VoltageRamp(step_V=0.1, last_V=1.6))
    )
    assert rising.result.converged_fraction >= max(identical.result.converged_fraction, 0.8)
    for done in (identical, rising):
        r = done.result
        assert np.all(np.abs(r.deviation_S[r.converged]) <= 0.02 * 20e-6)
        assert r.g_S == pytest.approx(PULSED.conductance_S(done.x))
        assert np.all(r.pulses >= 1) and np.all(r.pulses[~r.converged] == 400)


def test_wrong_uses_are_explained() -> None:
    up, down = Pulse.published()
    with pytest.raises(InputError, match=r"pulses of -1.3 V \(up\) and 1.35 V \(down\) are not allowed: .*8-wise"):
        pulsed_cells(CELL, down, up)
    with pytest.raises(InputError, match=r"targets_S is not allowed: expected siemens above 0. uS instead of S\?"):
        program_cells(PULSED, 20.0, 0.02, seed=0)
    with pytest.raises(InputError, match=r"VoltageRamp\(step_V=0, last_V=1.6\) is not allowed"):
        program_cells(PULSED, 2e-5, 0.02, seed=0, incremental=VoltageRamp(step_V=0.0))
    with pytest.raises(InputError, match=r"max_pulses=0 is not allowed"):
        program_cells(PULSED, 2e-5, 0.02, seed=0, max_pulses=0)
    assert pulse_map(PULSED.ready, up, states=np.linspace(0.1, 0.9, 5)).x_after.shape == (5, 2, 3)
