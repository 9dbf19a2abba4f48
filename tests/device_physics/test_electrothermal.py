"""The solved cell: balances, symmetry, scaling, and the fields that go to files."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.electrothermal import ElectrothermalProblem, solve
from device_physics.solution import Solution
from ground.errors import InputError, NotConverged
from meshes.build import build_mesh

pytestmark = pytest.mark.fem
COARSE = {"mesh": {"rim_size": "0.6 nm", "growth": 0.4}}


@pytest.fixture(scope="module")
def published() -> Solution:
    return solve(None, 0.2)


def test_the_balances_close(published: Solution) -> None:
    b = published.balances
    assert max(b.current, b.power, b.heat) < 1e-6
    assert b.surface_flux < 0.05  # the flux through the coarse electrode is only a check of the mesh


def test_current_power_and_resistance_agree(published: Solution) -> None:
    assert published.power_W == pytest.approx(published.bias_V * published.current_A, rel=1e-12)
    assert published.resistance_ohm == pytest.approx(published.bias_V / published.current_A, rel=1e-12)
    assert published.dome.T_mean_K - 293.15 == pytest.approx(published.r_th_K_per_W * published.power_W, rel=1e-9)
    assert published.dome.T_max_K > published.dome.T_mean_K > 293.15


def test_quarter_and_full_box_agree() -> None:
    quarter, full = (
        solve(Device.from_tables({"mesh": {"rim_size": "0.3 nm", "domain": d}}), 0.2) for d in ("quarter", "full")
    )
    assert full.resistance_ohm == pytest.approx(quarter.resistance_ohm, rel=5e-4)
    assert full.r_th_K_per_W == pytest.approx(quarter.r_th_K_per_W, rel=5e-4)
    assert full.dome.E_mean_V_per_m == pytest.approx(quarter.dome.E_mean_V_per_m, rel=5e-4)


def test_the_bias_scales_as_it_must() -> None:
    device = Device.from_tables(COARSE)
    one, minus_two, none = (solve(device, v) for v in (1.0, -2.0, 0.0))
    assert minus_two.current_A == pytest.approx(-2 * one.current_A, rel=1e-12)
    assert minus_two.dome.T_mean_K - 293.15 == pytest.approx(4 * (one.dome.T_mean_K - 293.15), rel=1e-9)
    assert minus_two.dome.E_mean_V_per_m == pytest.approx(2 * one.dome.E_mean_V_per_m, rel=1e-12)
    assert none.current_A == 0.0
    assert none.dome.T_mean_K == 293.15


def test_conductance_scales_with_all_conductivities() -> None:
    device = Device.from_tables(COARSE)
    problem = ElectrothermalProblem(build_mesh(device.stack, device.mesh), device.thermal_conductivities())
    sigma = device.electrical_conductivities()
    plain, tenfold = problem.unit(sigma), problem.unit({r: 10 * s for r, s in sigma.items()})
    assert tenfold.conductance_S == pytest.approx(10 * plain.conductance_S, rel=1e-9)
    assert tenfold.dT_per_W == pytest.approx(plain.dT_per_W, rel=1e-8)
    assert tenfold.E_per_V == pytest.approx(plain.E_per_V, rel=1e-9)


def test_a_depleted_dome_takes_the_voltage() -> None:
    lrs = solve(Device.from_tables({**COARSE, "dome": {"radius": "13 nm"}}), 0.2)
    hrs = solve(
        Device.from_tables({**COARSE, "dome": {"radius": "13 nm", "electrical_conductivity": "0.05 S/cm"}}), 0.2
    )
    assert hrs.resistance_ohm > 10 * lrs.resistance_ohm
    assert hrs.dome.E_mean_V_per_m > 1.2 * lrs.dome.E_mean_V_per_m


def test_fields_respect_bounds_and_boundary_values(published: Solution) -> None:
    f = published.fields
    z = f.points[:, 2]
    assert f.V[z < 1e-12] == pytest.approx(0.0, abs=1e-12)
    assert f.V[z > 64e-9 - 1e-12] == pytest.approx(0.2, rel=1e-12)
    assert f.T[z < 1e-12] == pytest.approx(293.15)
    assert f.T.min() > 293.15 - 1e-9
    assert -1e-3 < f.V.min() <= f.V.max() < 0.2 + 1e-3
    volume = np.abs(build_mesh(Device.of().stack, Device.of().mesh).volumes_m3()).sum()
    assert len(f.cells) == published.cells
    assert volume == pytest.approx(0.25 * 200e-9**2 * 64e-9)


def test_the_cell_powers_add_up(published: Solution) -> None:
    f = published.fields
    a, b, c, d = (f.points[f.cells[:, i]] for i in range(4))
    volume = np.abs(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a)) / 6
    assert 4 * float(volume @ f.power) == pytest.approx(published.power_W, rel=1e-9)


@pytest.mark.parametrize("bias", [float("nan"), float("inf"), 200.0])
def test_a_senseless_bias_is_refused(bias: float) -> None:
    with pytest.raises(InputError, match=r"bias_V=.* is not allowed: expected a finite number within -20..20 V"):
        solve(None, bias)


def test_an_unreachable_tolerance_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    from device_physics import _operator

    monkeypatch.setattr(_operator, "MAX_ITERATIONS", 2)
    with pytest.raises(NotConverged, match=r"the linear solver stopped after 2 iterations"):
        solve(Device.from_tables(COARSE), 0.2)


def test_the_result_says_what_made_it(published: Solution) -> None:
    record = published.to_dict()
    assert record["provenance"]["settings"]["substituted"]
    assert record["dome"] == asdict(published.dome)
    assert "fields" not in record
