"""Transport, transistor, cell and cycle: limits, balances, monotony, bounds, and every message."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_model.cell import Cell, Ions
from compact_model.cycle import CycleProtocol, quasi_static_cycle, write_cycle_csv
from compact_model.transistor import Transistor
from compact_model.transport import Hopping, Transport
from device_physics.dome_response import DomeResponse, Response
from device_physics.laws import hopping_conductivity, hopping_current_density
from ground.errors import InputError

HOPPING = Hopping(
    trap_density_lrs_m3=5e25,
    trap_density_hrs_m3=1.2e24,
    barrier_lrs_eV=0.065,
    barrier_hrs_eV=0.08,
    hop_distance_m=2.67e-9,
    attempt_Hz=1e13,
)


@pytest.fixture(scope="module")
def dome() -> DomeResponse:
    return Response.default().at_radius(11e-9)


@pytest.fixture(scope="module")
def transport(dome: DomeResponse) -> Transport:
    return Transport(dome, HOPPING, Transistor.from_on_resistance())


def test_the_operating_point_satisfies_the_law_and_the_network(transport: Transport, dome: DomeResponse) -> None:
    V, N = np.array([0.05, 0.2, 0.9, -1.0]), np.array([5e25, 1e25, 1.2e24, 5e25])
    p = transport.at(V, N)
    law = (
        np.pi
        * 11e-9**2
        * hopping_current_density(
            p.E_V_per_m,
            p.T_K,
            trap_density_m3=N,
            hop_distance_m=2.67e-9,
            attempt_Hz=1e13,
            barrier_eV=HOPPING.barrier_eV(N),
        )
    )
    assert np.abs(p.current_A) == pytest.approx(law, rel=1e-8)
    rest = np.maximum(p.sigma_dome_S_per_m, transport.sigma_rest_S_per_m(293.15))
    values = dome(p.sigma_dome_S_per_m, rest)
    assert p.current_A == pytest.approx(V * values.conductance_S, rel=1e-9)
    assert pytest.approx(values.dT_per_W * V * p.current_A, rel=1e-6) == p.T_K - 293.15


def test_current_is_odd_and_zero_at_zero(transport: Transport) -> None:
    p = transport.at([-0.7, 0.0, 0.7], 5e25)
    assert p.current_A[0] == pytest.approx(-p.current_A[2], rel=1e-9)
    assert p.current_A[1] == 0.0
    assert p.T_K[1] == pytest.approx(293.15, abs=0.01)


def test_current_rises_with_bias_density_and_ambient(transport: Transport) -> None:
    assert np.all(np.diff(transport.at(np.linspace(0.01, 1.2, 60), 1.2e24).current_A) > 0)
    assert np.all(np.diff(transport.at(0.2, np.geomspace(1.2e24, 5e25, 30)).current_A) > 0)
    low, high = (float(transport.at(0.05, 5e25, ambient_K=t).current_A) for t in (260.0, 330.0))
    assert high > low


def test_low_field_lrs_has_the_conductivity_of_the_law(transport: Transport, dome: DomeResponse) -> None:
    sigma = transport.sigma_rest_S_per_m(293.15)
    values = dome(sigma, sigma)
    law = hopping_conductivity(293.15, trap_density_m3=5e25, hop_distance_m=2.67e-9, attempt_Hz=1e13, barrier_eV=0.065)
    assert float(values.conductance_S) == pytest.approx(float(np.pi * 11e-9**2 * law * values.E_per_V), rel=1e-4)


def test_vectorised_is_the_same_as_one_by_one(transport: Transport) -> None:
    V, N = np.linspace(-1, 1, 9), np.geomspace(1.2e24, 5e25, 9)
    together = transport.at(V, N, gate_V=1.4).current_A
    alone = [float(transport.at(v, n, gate_V=1.4).current_A) for v, n in zip(V, N, strict=True)]
    assert together == pytest.approx(alone, rel=1e-7)


def test_the_transistor_shares_the_bias_and_limits_the_current(transport: Transport) -> None:
    t = Transistor.from_on_resistance()
    p = transport.at(1.3, 5e25, gate_V=1.1)
    drop = 1.3 - float(p.cell_V)
    assert float(p.current_A) == pytest.approx(float(t.current(1.1, drop, 0.0)), rel=1e-6)
    saturation = float(t.current(1.1, 3.0, 0.0))
    assert float(transport.at(2.0, 5e25, gate_V=1.1).current_A) < 1.001 * saturation
    closed = transport.at(1.0, 5e25, gate_V=0.0)
    assert float(closed.current_A) < 1e-7


def test_a_gate_without_a_transistor_is_refused(dome: DomeResponse) -> None:
    with pytest.raises(InputError, match="gate_V is given, but the cell has no transistor"):
        Transport(dome, HOPPING).at(0.2, 5e25, gate_V=1.0)


def test_beyond_the_table_it_says_so(dome: DomeResponse) -> None:
    with pytest.raises(InputError, match=r"the dome would conduct above the response table .* thermal runaway"):
        Transport(dome, HOPPING.replace(attempt_Hz=1e15)).at(0.2, 5e25)
    with pytest.raises(InputError, match=r"bias_V=3, .* the dome would be at 18\d\d K; expected at most 1500 K"):
        Transport(dome, HOPPING).at(3.0, 5e25)
    with pytest.raises(InputError, match=r"the dome would conduct below the response table"):
        Transport(dome, HOPPING.replace(hop_distance_m=1e-10)).at(0.2, 5e25)


def test_states_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"Hopping.trap_density_hrs_m3=5e\+26 is not allowed: .* the two states are exchanged"
    ):
        HOPPING.replace(trap_density_hrs_m3=5e26)


def test_on_resistance_of_the_published_transistor() -> None:
    t = Transistor.from_on_resistance(800.0, 1.2)
    assert 1e-3 / float(t.current(1.2, 1e-3, 0.0)) == pytest.approx(800.0, rel=2e-3)


@given(st.floats(0.0, 3.3), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_the_transistor_is_passive_and_antisymmetric(gate: float, drain: float, source: float) -> None:
    t = Transistor.from_on_resistance()
    forward = float(t.current(gate, drain, source))
    assert float(t.current(gate, source, drain)) == pytest.approx(-forward, abs=1e-18)
    assert forward * (drain - source) >= 0


@settings(max_examples=60)
@given(st.floats(-3.0, 3.0), st.floats(0.0, 3.3), st.floats(1e-9, 1e-2))
def test_the_divider_balances(bias: float, gate: float, conductance: float) -> None:
    t = Transistor.from_on_resistance()
    device = float(t.divide(bias, gate, conductance))
    assert abs(device) <= abs(bias)
    drain, source = (bias - device, 0.0) if bias > 0 else (-bias, -device)
    assert float(t.current(gate, drain, source)) == pytest.approx(conductance * abs(device), rel=1e-5, abs=1e-12)


def test_ion_rate_limits() -> None:
    ions = Ions()
    assert float(ions.rate_per_s(0.0, 400.0, 1.0)) == 0.0
    assert float(ions.rate_per_s(1e8, 500.0, 1.0)) > 1e3 * float(ions.rate_per_s(1e8, 350.0, 1.0))


def test_the_window_stops_the_state_at_its_ends() -> None:
    cell = Cell(hopping=HOPPING)
    assert float(cell.dx_dt(1.0, 1, 1e8, 600.0)) == 0.0
    assert float(cell.dx_dt(0.0, -1, 1e8, 600.0)) == 0.0
    assert float(cell.dx_dt(0.5, 1, 1e8, 600.0)) > 0 > float(cell.dx_dt(0.5, -1, 1e8, 600.0))
    assert float(cell.dx_dt(0.5, 0, 1e8, 600.0)) == 0.0


@pytest.fixture(scope="module")
def cell() -> Cell:
    return Cell(hopping=HOPPING, transistor=Transistor.from_on_resistance())


def test_a_cycle_sets_and_resets_within_the_published_voltages(
    cell: Cell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cycle = quasi_static_cycle(cell)
    assert np.all((cycle.x >= 0) & (cycle.x <= 1))
    assert cycle.bias_V[np.argmax(cycle.x > 0.5)] == pytest.approx(1.2, abs=0.15)
    assert cycle.x[-1] < 0.2
    positive = cycle.bias_V > 0.02
    assert np.all(np.diff(cycle.x[: np.argmin(positive)]) >= -1e-6)  # SET only fills
    assert np.all(cycle.current_A * cycle.bias_V >= 0)
    assert float(cycle.current_A.max()) < float(cell.transistor.current(1.1, 1.3, 0.0)) if cell.transistor else True
    path = tmp_path_factory.mktemp("cycle") / "c.csv"
    write_cycle_csv(cycle, path, synthetic=True)
    lines = path.read_text().splitlines()
    assert "SYNTHETIC" in lines[0]
    assert lines[1] == "time_s,bias_V,cell_V,current_A,x,T_K,E_V_per_m"
    assert len(lines) == 2 + len(cycle.x)


def test_a_read_sweep_changes_nothing(cell: Cell) -> None:
    gentle = CycleProtocol(v_set_V=0.2, v_reset_V=-0.2)
    assert quasi_static_cycle(cell, gentle, x0=0.5).x == pytest.approx(0.5, abs=1e-3)


def test_a_slower_ramp_sets_at_a_lower_voltage(cell: Cell) -> None:
    fast, slow = (quasi_static_cycle(cell, CycleProtocol(ramp_V_per_s=r, v_reset_V=-0.02)) for r in (10.0, 0.1))
    assert slow.bias_V[np.argmax(slow.x > 0.5)] < fast.bias_V[np.argmax(fast.x > 0.5)]


def test_a_state_outside_is_refused(cell: Cell) -> None:
    with pytest.raises(InputError, match=r"x0=1.5 is not allowed: expected 0 \(HRS\) to 1 \(LRS\)"):
        quasi_static_cycle(cell, x0=1.5)
