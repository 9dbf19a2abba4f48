"""The cell in motion: bounds, balances, limits in closed form, independence of steps, company and threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compact_model.cell import Cell, Ions
from compact_model.cell_balance import KINK
from compact_model.cell_dynamics import prepare, simulate
from compact_model.cell_step import moved
from compact_model.cells import Cells, CellSpread
from compact_model.published_cell import published_cell
from compact_model.transistor import Transistor
from compact_model.transport import Hopping
from compact_model.waveform import Waveform
from ground.errors import InputError

HOPPING = Hopping(
    trap_density_lrs_m3=5e25,
    trap_density_hrs_m3=1.2e24,
    barrier_lrs_eV=0.065,
    barrier_hrs_eV=0.080,
    hop_distance_m=2.67e-9,
    attempt_Hz=1e13,
)
CELL = Cell(hopping=HOPPING, transistor=Transistor.from_on_resistance())
SPREAD = CellSpread(radius_share=0.05, ln_density_lrs=0.1, ln_density_hrs=0.1, barrier_eV=0.02)
CYCLE = Waveform.sweep([1.3, -1.5], [1.1, 3.3])


def test_an_operating_point_is_that_of_the_transport() -> None:
    rng = np.random.default_rng(0)
    ready, transport = prepare(Cells.of(CELL, (60,))), CELL.transport()
    bias, x = rng.uniform(-1.4, 1.3, 60), rng.uniform(0, 1, 60)
    gate = np.where(bias > 0, 1.1, 3.3)
    ours, theirs = (
        ready.points(ready.density_m3(x), bias, gate),
        transport.at(bias, CELL.trap_density_m3(x), gate_V=gate),
    )
    for name in ("cell_V", "current_A", "E_V_per_m", "T_K", "sigma_dome_S_per_m"):
        sign = np.sign(bias) if name == "E_V_per_m" and np.any(theirs.E_V_per_m < 0) else 1.0
        assert ours[name] * sign == pytest.approx(getattr(theirs, name), rel=2e-6)


def test_cells_of_other_radii_and_densities_are_those_of_the_transport() -> None:
    cells = SPREAD.sample(CELL, (5,), seed=3)
    current = prepare(cells).points(cells.trap_density_lrs_m3, -0.6, 3.3)["current_A"]
    for i in range(5):
        h = HOPPING.replace(trap_density_lrs_m3=float(cells.trap_density_lrs_m3[i]))
        alone = CELL.replace(hopping=h, filament_radius_m=float(cells.filament_radius_m[i])).transport()
        at_end = alone.at(-0.6, float(cells.trap_density_lrs_m3[i]), gate_V=3.3)
        assert current[i] == pytest.approx(float(at_end.current_A), rel=2e-6)


def test_barriers_so_high_that_two_solutions_exist_give_the_cold_one() -> None:
    hot = CELL.replace(
        hopping=HOPPING.replace(barrier_lrs_eV=0.3, barrier_hrs_eV=0.32, attempt_Hz=1e16, hop_distance_m=5e-9),
        transistor=None,
    )
    transport = hot.transport()
    bias = np.linspace(0.1, 0.4, 12)
    want = transport.at(bias, HOPPING.trap_density_lrs_m3)
    got = prepare(Cells.of(hot, (12,))).points(HOPPING.trap_density_lrs_m3, bias)
    assert got["current_A"] == pytest.approx(want.current_A, rel=1e-5)


def test_line_resistance_takes_its_share() -> None:
    bare, wired = (prepare(CELL, line_ohm=r).points(5e25, -0.8, 3.3) for r in (0.0, 2000.0))
    drop = 0.8 - abs(float(wired["cell_V"]))
    transistor = abs(
        float(CELL.transistor.current(3.3, 0.8 - 2000.0 * abs(float(wired["current_A"])), abs(float(wired["cell_V"]))))
    )
    assert transistor == pytest.approx(abs(float(wired["current_A"])), rel=1e-6)
    assert drop > 2000.0 * abs(float(wired["current_A"]))
    assert abs(float(wired["current_A"])) < abs(float(bare["current_A"]))


def test_at_a_small_constant_bias_the_state_relaxes_exponentially() -> None:
    """With one rate for all states (no heat, hardly any field dependence) the law is w = exp(-k t)."""
    warm = CELL.replace(
        ambient_K=293.15, transistor=None, ions=Ions(attempt_Hz=1e9, barrier_set_eV=0.3, exponent_set=1.0)
    )
    bias, t = 0.01, np.linspace(0.0, 200.0, 9)
    trace = simulate(warm, Waveform(np.array([0.0, 0.0, 200.0]), np.array([0.0, bias, bias]), np.zeros(3), t))
    k = [float(warm.ions.rate_per_s(e, T, 0.3)) for e, T in zip(trace.E_V_per_m[1:], trace.T_K[1:], strict=True)]
    mean = np.concatenate([[0.0], np.cumsum(np.convolve(k, [0.5, 0.5], "valid") * np.diff(t)[1:])])
    assert 1 - trace.x[1:] == pytest.approx((1 - trace.x[1]) * np.exp(-mean), rel=0.03)


@pytest.mark.parametrize("g", [0.5, 1.0, 2.0, 3.0])
def test_the_window_is_solved_exactly(g: float) -> None:
    x = 0.3
    for _ in range(20_000):
        x += 1e-4 * max(1.0 - x, 0.0) ** g
    assert moved(0.3, 2.0, g, True) == pytest.approx(min(x, 1.0), abs=2e-4)
    assert moved(0.7, 2.0, g, False) == pytest.approx(1.0 - moved(0.3, 2.0, g, True), abs=1e-12)


def test_rates_of_the_kernel_are_those_of_the_cell() -> None:
    t = np.array([0.0, 1e-7])
    wave = Waveform(np.array([0.0, 0.0, 1e-6]), np.array([0.0, -0.9, -0.9]), np.full(3, 3.3), t)
    trace = simulate(CELL, wave, 0.8)
    rate = float(CELL.dx_dt(0.8, -1, trace.E_V_per_m[1], trace.T_K[1]))
    assert trace.x[1] - 0.8 == pytest.approx(rate * 1e-7, rel=1e-3)


@pytest.mark.parametrize("bias,gate,x0", [(1.35, 1.4, 0.1), (-1.3, 3.3, 0.9), (1.35, 1.4, 0.0), (-1.5, 3.3, 1.0)])
@pytest.mark.parametrize("width_s", [6e-8, 2.5e-6, 1e-4])
def test_charge_and_energy_do_not_depend_on_the_steps(bias: float, gate: float, x0: float, width_s: float) -> None:
    wave = Waveform.pulses(bias, gate, width_s=width_s)
    coarse, fine = (simulate(CELL, wave, x0, tolerance=tol) for tol in (1e-4, 1e-7))
    assert float(coarse.charge_C) == pytest.approx(float(fine.charge_C), rel=1e-3)
    assert float(coarse.energy_J) == pytest.approx(float(fine.energy_J), rel=1e-3)
    assert float(coarse.x_end) == pytest.approx(float(fine.x_end), abs=1e-4)
    assert int(fine.steps) >= int(coarse.steps)


def test_charge_and_energy_are_those_of_the_trace() -> None:
    wave = Waveform.pulses([1.35, -1.3], [1.4, 3.3], samples=2000)
    trace = simulate(CELL, wave, 0.2)
    mean = 0.5 * (trace.current_A[1:] + trace.current_A[:-1])
    assert float(trace.charge_C) == pytest.approx(float(np.sum(mean * np.diff(trace.time_s))), rel=2e-3)
    assert np.all(trace.current_A * trace.bias_V >= 0)
    assert float(trace.energy_J) > 0


def test_the_order_in_the_tolerance_is_that_of_the_method() -> None:
    wave = Waveform.pulses([-1.3], [3.3], width_s=1e-5)
    exact = float(simulate(CELL, wave, 1.0, tolerance=1e-9).x_end)
    errors = [abs(float(simulate(CELL, wave, 1.0, tolerance=tol).x_end) - exact) for tol in (1e-2, 1e-4, 1e-6)]
    assert errors[0] > 10 * errors[2]
    assert errors[1] < 1e-4


def test_the_kink_of_the_response_costs_no_accuracy() -> None:
    """Where the dome begins to conduct like its surroundings the rate has a kink, which two half steps do not see."""
    cell = published_cell()
    exact, usual = (simulate(cell, CYCLE, 0.05, tolerance=tol) for tol in (1e-9, 1e-4))
    bias, gate = CYCLE.at(exact.time_s)
    ready = prepare(Cells.of(cell, bias.shape))
    sigma = ready.points(exact.trap_density_m3, bias, gate)["sigma_dome_S_per_m"][np.abs(bias) > 0.1]
    kink = np.exp(ready.rows[0, KINK])
    assert sigma.min() < kink < sigma.max()  # it is passed
    assert np.abs(usual.current_A - exact.current_A).max() < 2e-5 * np.abs(exact.current_A).max()
    assert np.abs(usual.x - exact.x).max() < 5e-5


def test_a_cell_that_stands_still_costs_one_solution_per_point() -> None:
    wave = Waveform.sweep([1.3, -1.5], [1.1, 3.3], step_V=0.01)
    still = prepare(published_cell()).run(wave, 0.05, rate_factor=0.0)
    assert np.all(still.x == 0.05)
    assert int(still.steps) <= wave.sample_s.size // 2 + 30  # a step has two solutions


@settings(max_examples=40, deadline=None)
@example([(0.0, 0.0, 0.0078125), (0.015625, 0.0, 0.0078125)], 0.0, 0.0, 0.0)  # a state of 1e-16 that once went back
@given(
    st.lists(st.tuples(st.floats(-1.6, 1.6), st.floats(0.0, 3.3), st.floats(1e-9, 1e-2)), min_size=1, max_size=6),
    st.floats(0.0, 1.0),
    st.floats(0.0, 4.0),
    st.floats(0.0, 4.0),
)
def test_no_waveform_drives_the_state_out_of_its_bounds(
    corners: list[tuple[float, float, float]], x0: float, g_set: float, g_reset: float
) -> None:
    cell = CELL.replace(ions=Ions(exponent_set=g_set, exponent_reset=g_reset))
    time = np.concatenate([[0.0], np.cumsum([c[2] for c in corners])])
    bias, gate = np.array([0.0, *(c[0] for c in corners)]), np.array([0.0, *(c[1] for c in corners)])
    trace = simulate(cell, Waveform(time, bias, gate, np.linspace(0.0, time[-1], 50)), x0)
    assert np.all((trace.x >= 0) & (trace.x <= 1))
    if np.all(bias >= 0):
        assert np.all(np.diff(trace.x) >= 0)
    if np.all(bias <= 0):
        assert np.all(np.diff(trace.x) <= 0)
    assert 0.0 <= float(trace.x_end) <= 1.0
    assert float(trace.energy_J) >= 0.0


def test_a_cell_alone_is_the_cell_in_the_array_to_the_last_digit() -> None:
    import numba

    cells = SPREAD.sample(CELL, (6, 5), seed=1)
    together = prepare(cells).run(CYCLE, 0.1)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        tiled = prepare(cells[2:4, 1:]).run(CYCLE, 0.1)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(tiled.x, together.x[2:4, 1:])
    assert np.array_equal(tiled.current_A, together.current_A[2:4, 1:])
    alone = prepare(cells[3, 2]).run(CYCLE, 0.1)
    assert np.array_equal(alone.x, together.x[3, 2])
    assert float(alone.charge_C) == together.charge_C[3, 2]


def test_a_read_changes_nothing_and_a_pulse_of_a_nanosecond_hardly() -> None:
    read = simulate(CELL, Waveform.pulses(0.2, 3.3, width_s=300e-6), 0.5)
    assert float(read.x_end) == pytest.approx(0.5, abs=1e-6)
    shorter, longer = (simulate(CELL, Waveform.pulses(-1.3, 3.3, width_s=w, edge_s=1e-10), 1.0) for w in (1e-9, 1e-6))
    assert float(longer.x_end) < float(shorter.x_end) <= 1.0


def test_density_and_state_tell_the_same() -> None:
    trace = simulate(CELL, CYCLE, 0.0)
    assert trace.trap_density_m3 == pytest.approx(CELL.trap_density_m3(trace.x), rel=1e-12)


@pytest.mark.parametrize(
    "change,words",
    [
        ({"x0": -0.1}, r"x0=-0.1 is not allowed: expected 0 \(HRS\) to 1 \(LRS\)"),
        ({"tolerance": 1.0}, r"tolerance=1.0 is not allowed: expected 1e-9..0.1"),
        ({"line_ohm": -1.0}, r"line_ohm=-1.0 is not allowed: expected 0..1e6 ohm"),
    ],
)
def test_what_is_not_allowed(change: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        simulate(CELL, CYCLE, **change)  # type: ignore[arg-type]


def test_a_cell_that_cannot_go_on_says_why() -> None:
    bare = CELL.replace(transistor=None)
    with pytest.raises(InputError, match=r"cell 0 \(1 of 1\): .* the dome would be hotter than 1500 K"):
        simulate(bare, Waveform.sweep([3.0], [0.0]), 1.0)
    with pytest.raises(InputError, match=r"filament_radius_m=.* the response table covers"):
        prepare(CellSpread(radius_share=0.9).sample(CELL, (50,), 0))
    with pytest.raises(InputError, match=r"its LRS would conduct above the response table"):
        prepare(CELL.replace(hopping=HOPPING.replace(attempt_Hz=1e16)))


@pytest.mark.parametrize(
    "make,words",
    [
        (
            lambda: Waveform(np.array([0.0, 1.0]), np.zeros(3), np.zeros(2), np.zeros(0)),
            "expected the same number of each",
        ),
        (lambda: Waveform(np.array([1.0, 0.0]), np.zeros(2), np.zeros(2), np.zeros(0)), "time must not run backwards"),
        (lambda: Waveform(np.array([0.0, 1.0]), np.full(2, 1300.0), np.zeros(2), np.zeros(0)), "mV instead of V"),
        (lambda: Waveform(np.array([0.0, np.nan]), np.zeros(2), np.zeros(2), np.zeros(0)), "expected finite numbers"),
        (lambda: Waveform.pulses(1.0, 1.0, width_s=1e-10), "ns instead of s"),
        (lambda: Waveform.sweep([0.0], [1.0]), "peaks other than 0"),
        (lambda: Cells(CELL, np.arange(2), *(np.ones(1) for _ in range(5))), "one value per cell"),
    ],
)
def test_waveforms_and_cells_are_checked(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]


def test_a_piece_has_one_polarity() -> None:
    t, b, g = Waveform(np.array([0.0, 1.0]), np.array([-1.0, 3.0]), np.array([0.0, 4.0]), np.zeros(0)).corners()
    assert t.tolist() == [0.0, 0.25, 1.0]
    assert b.tolist() == [-1.0, 0.0, 3.0]
    assert g.tolist() == [0.0, 1.0, 4.0]
