"""Thermal boundary resistance at named interfaces: jumps, limits, balances, a thin film in its place, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.points import PointStore
from device_physics.sweeps import save_sweep, sweep
from ground.errors import InputError

pytestmark = pytest.mark.fem
AXISYMMETRIC = {"domain": "axisymmetric", "rim_size": "0.2 nm"}
HOPPING = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm", "attempt_Hz": 9.2e12}


def device(interfaces: dict[str, str], **tables: Any) -> Device:
    resistances = {name: {"thermal_boundary_resistance": text} for name, text in interfaces.items()}
    return Device.from_tables({"mesh": AXISYMMETRIC, **tables, "interfaces": resistances})


def film(name: str, nm: float, sigma: float, k: float) -> tuple[dict[str, Any], dict[str, Any]]:
    layer = {"name": name, "material": f"m_{name}", "thickness": f"{nm} nm"}
    return layer, {f"m_{name}": {"electrical_conductivity": f"{sigma} S/m", "thermal_conductivity_W_per_mK": k}}


def test_a_stack_of_films_has_the_jumps_of_the_series_circuit() -> None:
    """No filament: one dimension, solved exactly by the heat that crosses every plane."""
    parts = [
        film("low", 10, 1e5, 5.0),
        film("oxide", 5, 20.0, 0.7),
        film("cmo", 20, 300.0, 3.0),
        film("high", 10, 1e5, 5.0),
    ]
    R = {"low/oxide": 2e-9, "oxide/cmo": 6e-9, "cmo/high": 3e-9}
    tables = {
        "stack": {"layers": [layer for layer, _ in parts]},
        "materials": {name: row for _, table in parts for name, row in table.items()},
        "filament": {"shape": "none", "layer": "oxide"},
        "dome": {"shape": "none"},
        "mesh": {"domain": "axisymmetric"},
    }
    s = solve(device({n: f"{r} m^2 K/W" for n, r in R.items()}, **tables), 0.5)

    d = np.array([10e-9, 5e-9, 20e-9, 10e-9])
    sigma, k = np.array([1e5, 20.0, 300.0, 1e5]), np.array([5.0, 0.7, 3.0, 5.0])
    J = 0.5 / (d / sigma).sum()
    q = J**2 / sigma  # heat made per volume
    made = np.r_[0.0, np.cumsum(q * d)]  # below every plane
    jump = np.r_[0.0, list(R.values())]  # just below every film
    rise_if_none_left_below = -(jump * made[:-1]) - (made[:-1] * d / k + q * d**2 / (2 * k))
    flux_at_bottom = rise_if_none_left_below.sum() / (jump + d / k).sum()  # upwards heat flux density there, below zero
    flux = flux_at_bottom + made
    jumps = -flux[1:-1] * np.array(list(R.values()))

    z, T = s.fields.points[:, 2], s.fields.T
    for height, expected in zip(np.cumsum(d)[:-1], jumps, strict=True):
        there = np.unique(np.round(T[np.abs(z - height) < 1e-14], 6))
        assert len(there) == 2
        assert there[1] - there[0] == pytest.approx(abs(expected), rel=1e-5)
    assert s.balances.heat < 1e-9


def test_a_vanishing_resistance_changes_nothing_and_a_huge_one_cuts_the_path() -> None:
    plain = solve(device({}), -1.0)
    small = solve(device({"HfOx/CMO": "1e-12 m^2 K/W", "filament/CMO": "1e-12 m^2 K/W"}), -1.0)
    assert plain.dome.T_mean_K is not None
    assert small.dome.T_mean_K == pytest.approx(plain.dome.T_mean_K, rel=2e-5)
    assert small.current_A == pytest.approx(plain.current_A, rel=1e-12)
    cut = {"HfOx/CMO": "1e-5 m^2 K/W", "filament/CMO": "1e-5 m^2 K/W"}
    alone = solve(device(cut), -1.0)
    thick = solve(
        device(
            cut,
            materials={"HfOx": {"thermal_conductivity_W_per_mK": 0.1}, "CF": {"thermal_conductivity_W_per_mK": 0.1}},
        ),
        -1.0,
    )
    assert alone.dome.T_mean_K > plain.dome.T_mean_K + 10
    assert thick.dome.T_mean_K == pytest.approx(alone.dome.T_mean_K, rel=1e-3)  # what lies below no longer matters
    assert max(alone.balances.heat, small.balances.heat) < 1e-9


@pytest.mark.parametrize(
    "mesh", [AXISYMMETRIC, {"domain": "quarter", "rim_size": "1 nm"}], ids=["axisymmetric", "quarter"]
)
def test_a_thin_film_of_the_same_resistance_does_the_same(mesh: dict[str, Any]) -> None:
    """0.1 nm of k = d/R between CMO and electrode, conducting like the electrode: another way to the same physics."""
    R, nm = 2e-8, 0.1
    layers = [
        {"name": "bottom_TiN", "material": "TiN", "thickness": "20 nm"},
        {"name": "HfOx", "material": "HfOx", "thickness": "4 nm"},
        {"name": "CMO", "material": "CMO", "thickness": "20 nm"},
        {"name": "film", "material": "film", "thickness": f"{nm} nm"},
        {"name": "top_TiN", "material": "TiN", "thickness": "20 nm"},
    ]
    row = {"electrical_conductivity": "1e6 S/m", "thermal_conductivity_W_per_mK": nm * 1e-9 / R}
    instead = solve(Device.from_tables({"mesh": mesh, "stack": {"layers": layers}, "materials": {"film": row}}), 0.5)
    ours = solve(device({"CMO/top_TiN": f"{R} m^2 K/W"}, mesh=mesh), 0.5)
    plain = solve(device({}, mesh=mesh), 0.5)
    assert ours.r_th_K_per_W == pytest.approx(instead.r_th_K_per_W, rel=3e-3)
    assert ours.r_th_K_per_W > 1.1 * plain.r_th_K_per_W


def test_the_self_consistent_device_has_them_too() -> None:
    """A law that hardly varies gives the linear answer; hopping balances and gets hotter."""
    weak = {"CMO": {"resistance_coefficient_per_K": 1e-9}, "TiN": {"resistance_coefficient_per_K": 1e-9}}
    names = {"HfOx/CMO": "3e-9 m^2 K/W", "filament/CMO": "3e-9 m^2 K/W", "CMO/top_TiN": "5e-9 m^2 K/W"}
    linear, varying = solve(device(names), -1.0), solve(device(names, materials=weak), -1.0)
    assert varying.current_A == pytest.approx(linear.current_A, rel=1e-6)
    assert varying.dome.T_mean_K == pytest.approx(linear.dome.T_mean_K, rel=1e-6)
    assert varying.dome.T_max_K == pytest.approx(linear.dome.T_max_K, rel=1e-6)
    hopping = {"CMO": {"hopping": HOPPING}}
    with_them, without = (solve(device(n, materials=hopping), -0.8) for n in (names, {}))
    assert with_them.dome.T_mean_K > without.dome.T_mean_K + 5
    assert max(with_them.balances.heat, with_them.balances.power, with_them.balances.current) < 1e-6
    near = solve(device({"HfOx/CMO": "1e-12 m^2 K/W"}, materials=hopping), -0.8)
    assert near.current_A == pytest.approx(without.current_A, rel=1e-4)


@pytest.mark.parametrize(
    ("interfaces", "message"),
    [
        ({"HfOx/CM0": "1e-9 m^2 K/W"}, r"interfaces.'HfOx/CM0' is no interface of this stack.*HfOx/CMO"),
        ({"bottom_TiN/CMO": "1e-9 m^2 K/W"}, r"is no interface of this stack.*Interfaces here:.*bottom_TiN/HfOx"),
        ({"HfOx/CMO": "1e-9 m^2 K/W", "CMO/HfOx": "1e-9 m^2 K/W"}, r"'CMO/HfOx' is given twice"),
        ({"HfOx/CMO": "-1e-9 m^2 K/W"}, r"thermal_boundary_resistance.*expected 1e-12..0.0001"),
        ({"HfOx/CMO": "3 nm"}, r"has the unit 'nanometer'"),
    ],
)
def test_what_is_no_interface_is_refused(interfaces: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        device(interfaces)


def test_a_bare_number_is_refused_with_an_example() -> None:
    with pytest.raises(InputError, match=r'interfaces.HfOx/CMO=3e-09 is not allowed.*\[interfaces."HfOx/CMO"\]'):
        Device.from_tables({"interfaces": {"HfOx/CMO": 3e-9}})


def test_devices_without_interfaces_keep_their_hash() -> None:
    assert "interfaces" not in Device.of(None).model_dump()
    assert device({"HfOx/CMO": "1e-9 m^2 K/W"}).content_hash() != device({}).content_hash()


def test_a_sweep_over_a_resistance_can_be_saved(tmp_path: Path) -> None:
    name = "interfaces.HfOx/CMO.thermal_boundary_resistance"
    tables = {"mesh": AXISYMMETRIC, "interfaces": {"HfOx/CMO": {"thermal_boundary_resistance": "1e-9 m^2 K/W"}}}
    table = sweep(tables, [-1.0], {name: ["1e-9 m^2 K/W", "1e-8 m^2 K/W"]}, store=PointStore(tmp_path))
    save_sweep(table, tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as stored:
        (dim,) = set(stored["T_mean_K"].dims) - {"bias_V"}
        assert stored[dim].attrs["field"] == name
        low, high = stored["T_mean_K"].values[:, 0]
        assert high > low + 1.0
