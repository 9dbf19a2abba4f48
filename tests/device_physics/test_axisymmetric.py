"""The axisymmetric twin: the same forms in (r, z) give the numbers of the 3D box at a fraction of the cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.electrothermal import ElectrothermalProblem, solve
from device_physics.solution import Solution
from meshes.build import build_mesh

pytestmark = pytest.mark.fem
PLANE = {"mesh": {"domain": "axisymmetric"}}


@pytest.fixture(scope="module")
def plane() -> Solution:
    return solve(Device.from_tables(PLANE), 0.2)


def test_it_agrees_with_the_box_on_the_published_device(plane: Solution) -> None:
    box = solve(None, 0.2)
    assert plane.resistance_ohm == pytest.approx(box.resistance_ohm, rel=2e-3)
    assert plane.r_th_K_per_W == pytest.approx(box.r_th_K_per_W, rel=5e-3)
    assert plane.dome.E_mean_V_per_m == pytest.approx(box.dome.E_mean_V_per_m, rel=5e-3)
    assert plane.dofs < box.dofs / 5


@pytest.mark.parametrize(
    "tables",
    [
        {"dome": {"radius": "13 nm", "electrical_conductivity": "0.1 S/cm"}},
        {"filament": {"shape": "cone", "radius": "11 nm", "radius_far": "6 nm"}},
        {"materials": {"CMO": {"electrical_conductivity": "37 S/cm"}}, "stack": {"width": "120 nm"}},
    ],
    ids=["depleted", "cone", "set, narrow"],
)
def test_it_agrees_on_other_devices(tables: dict[str, object]) -> None:
    box = solve(Device.from_tables({**tables, "mesh": {"rim_size": "0.1 nm"}}), 0.2)
    found = solve(Device.from_tables({**tables, **PLANE}), 0.2)
    assert found.resistance_ohm == pytest.approx(box.resistance_ohm, rel=5e-3)
    assert found.r_th_K_per_W == pytest.approx(box.r_th_K_per_W, rel=1e-2)
    assert found.dome.E_mean_V_per_m == pytest.approx(box.dome.E_mean_V_per_m, rel=1e-2)


def test_the_balances_close(plane: Solution) -> None:
    b = plane.balances
    assert max(b.current, b.power, b.heat) < 1e-6
    assert b.surface_flux < 0.02


def test_the_finest_rim_gives_the_extrapolated_resistance() -> None:
    fine = Device.from_tables({"mesh": {"domain": "axisymmetric", "rim_size": "0.001 nm", "growth": 0.15}})
    assert solve(fine, 0.2).resistance_ohm == pytest.approx(35_402, rel=1e-4)


def test_without_a_filament_it_is_a_stack_of_resistors() -> None:
    device = Device.from_tables({**PLANE, "filament": {"shape": "none"}})
    sigma = device.electrical_conductivities()
    series = sum(la.thickness_m / sigma[la.name] for la in device.stack.layers) / device.stack.width_m**2
    found = solve(device, 0.2)
    assert found.resistance_ohm == pytest.approx(series, rel=1e-6)
    assert found.dome.T_mean_K is found.dome.E_mean_V_per_m is found.r_th_K_per_W is None
    assert found.domes == {}


def test_a_spherical_field_is_integrated_with_its_weight() -> None:
    """The dome's volume, field and rise are sums over cells of their volumes of revolution."""
    device = Device.from_tables(PLANE)
    mesh = build_mesh(device.stack, device.mesh)
    problem = ElectrothermalProblem(mesh, device.thermal_conductivities())
    unit = problem.unit(device.electrical_conductivities())
    fields = problem.fields(1.0, 293.15)
    corners = fields.points[fields.cells[:, :3]][..., [0, 2]]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    volume = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) * math.pi * corners[..., 0].mean(axis=1)
    inside = fields.region == mesh.regions["dome"]
    assert volume[inside].sum() == pytest.approx(mesh.region_volume_m3("dome"), rel=1e-12)
    assert volume @ fields.power == pytest.approx(unit.conductance_S, rel=1e-9)
    assert volume[inside] @ fields.E_mean[inside] / volume[inside].sum() == pytest.approx(unit.E_per_V, rel=1e-9)
    assert np.all(fields.points[:, 1] == 0.0)
