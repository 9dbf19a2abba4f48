"""Cycles of many cells, and the array whose clock runs from forming to the last read."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.array import Array
from compact_model.cell_dynamics import prepare
from compact_model.cells import CellSpread
from compact_model.cycle import CycleProtocol, quasi_static_cycle
from compact_model.cycling import cycle_cells
from compact_model.model import CompactModel
from compact_model.published_cell import _LRS_SLOPE, published_cell, published_spread
from ground.errors import InputError

CELL, SPREAD = published_cell(), published_spread()
CELLS = SPREAD.sample(CELL, (8, 4), seed=0)
COARSE = CycleProtocol(step_V=0.1)


@pytest.fixture(scope="module")
def array() -> Array:
    return Array.from_model(CompactModel.published(), (4, 4), 3)


def test_without_spread_a_cycle_is_the_single_cell() -> None:
    even = cycle_cells(CellSpread().sample(CELL, (3,), 0), 1, seed=0, x0=0.0)
    alone = quasi_static_cycle(CELL, x0=0.0)
    assert even.x_end == pytest.approx(alone.x[-1], rel=1e-9)
    assert even.current_A[0, 1] == pytest.approx(alone.current_A, rel=1e-9)
    assert even.bias_V == pytest.approx(alone.bias_V)
    assert float(np.ptp(even.r_hrs_ohm)) == 0.0


def test_slope_of_the_lrs_in_the_trap_density_is_the_one_used() -> None:
    eps = 0.1
    low, high = (
        prepare(CELL.replace(hopping=CELL.hopping.replace(trap_density_lrs_m3=5e25 * float(np.exp(s))))).conductance_S(
            1.0
        )
        for s in (-eps, eps)
    )
    assert float(np.log(high / low)) / (2 * eps) == pytest.approx(_LRS_SLOPE, abs=0.02)


def test_cycles_spread_and_repeat() -> None:
    result = cycle_cells(CELLS, 5, seed=0, spread=SPREAD, protocol=COARSE)
    s = result.summary()
    assert s["r_lrs_sigma_over_mean"] == pytest.approx(0.25, rel=0.25)
    assert s["r_lrs_ohm"] == pytest.approx(18e3, rel=0.15)
    assert s["hrs_over_lrs"] == pytest.approx(15, rel=0.3)
    assert result.current_A.shape == (5, 8, 4, result.bias_V.size)
    between_cells = result.r_lrs_ohm.mean(0).std()
    between_cycles = result.r_lrs_ohm.std(0).mean()
    assert between_cells > 0.5 * between_cycles > 0
    again = cycle_cells(CELLS[2:3], 5, seed=0, spread=SPREAD, protocol=COARSE)
    assert np.array_equal(again.r_hrs_ohm, result.r_hrs_ohm[:, 2:3])


def test_more_cycles_go_on_where_the_last_ended(array: Array) -> None:
    once = array.cycle(4, COARSE)
    twice = array.cycle(2, COARSE).cycle(2, COARSE)
    assert twice.half_cycles == once.half_cycles == 9
    assert twice.cycling is not None and once.cycling is not None
    assert twice.cycling.r_lrs_ohm == pytest.approx(once.cycling.r_lrs_ohm[2:], rel=0.05)


def test_a_whole_life(array: Array) -> None:
    formed = array.form()
    assert formed.forming is not None and formed.forming.formed.all()
    assert formed.g_S == pytest.approx(28.2e-6, rel=0.01)
    reset = formed.first_negative_sweep()
    assert reset.g_S == pytest.approx(197e-6, rel=0.01)
    cycled = reset.cycle(2, COARSE)
    assert cycled.cycling is not None
    assert cycled.g_S == pytest.approx(1.0 / cycled.cycling.r_hrs_ohm[-1])
    programmed = cycled.program(np.full((4, 4), 50e-6), 0.02)
    later = programmed.wait("1 h")
    assert later.clock_s == 3600.0
    assert 0 < np.abs(later.read() - programmed.g_S).mean() < 3e-6
    assert later.forming is formed.forming and later.writes == 4


def test_what_was_not_formed_stays_dark(array: Array) -> None:
    from compact_model.forming import Forming

    assert array.cells is not None and array.cells.cell.transistor is not None
    short = Forming.published(array.cells.cell.transistor).replace(v_stop_V=3.38)
    half = array.form(short)
    dead = ~half.forming.formed  # type: ignore[union-attr]
    assert 0 < dead.sum() < 16
    programmed = half.program(50e-6, 0.02)
    assert np.all(programmed.g_S[dead] == 0.0) and not programmed.programming.converged[dead].any()  # type: ignore[union-attr]
    assert np.all(programmed.g_S[~dead] > 40e-6)
    assert np.all(programmed.pulse(1).wait(10).g_S[dead] == 0.0)


def test_wrong_uses_are_explained(array: Array) -> None:
    with pytest.raises(InputError, match="Array.form: the array is formed or written already"):
        array.form().form()
    with pytest.raises(InputError, match="Array.first_negative_sweep: the array is not formed yet"):
        array.first_negative_sweep()
    with pytest.raises(
        InputError, match=r"Array.cycle: this array has no physical cells; make it with Array.from_model"
    ):
        Array.from_population(CompactModel.published().population, 2, 0).cycle()
    with pytest.raises(InputError, match=r"cycles=0 is not allowed: expected 1..10000"):
        array.cycle(0)
    with pytest.raises(InputError, match=r"seconds='1 V' is not allowed: it has the unit"):
        array.wait("1 V")
