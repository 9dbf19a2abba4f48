"""The material table: every constant with unit, range and source, and laws of k and sigma against closed solutions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.laws import LORENZ_W_ohm_per_K2
from device_physics.materials import Material, lookup, material_table
from ground.errors import InputError
from ground.spec import quantities

MATERIALS = sorted(material_table())
T0 = 293.15


@pytest.mark.parametrize("name", MATERIALS)
def test_every_constant_of_the_table_has_source_status_and_a_range_that_holds_it(name: str) -> None:
    material, doors = material_table()[name], quantities(Material)
    full = {
        "electrical_conductivity": "electrical_conductivity_S_per_m",
        "thermal_conductivity": "thermal_conductivity_W_per_mK",
    }
    given = {n for n in material.model_fields_set if n != "sources"}
    assert given == set(full.values()), "a constant without a source"
    assert set(material.sources) == set(full)
    for field, source in material.sources.items():
        assert source.status in ("published", "substituted")
        assert len(source.source) > 10 or source.status == "published"
        low, high = (doors[field].check(end) for end in source.range)
        assert low <= getattr(material, full[field]) <= high


def test_a_user_adds_a_material_in_the_device_file(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text("""
[materials.TaOx]
electrical_conductivity = "300 S/cm"
thermal_conductivity = "1.5 W/m/K"
thermal_exponent = -0.5
[materials.TaOx.sources.electrical_conductivity]
status = "published"
source = "a paper"
range = ["100 S/cm", "900 S/cm"]
[filament]
material = "TaOx"
""")
    device = Device.from_toml(tmp_path / "d.toml")
    assert device.electrical_conductivities()["filament"] == pytest.approx(3e4)
    assert not device.is_linear
    assert device.materials["TaOx"].sources["electrical_conductivity"].range == ("100 S/cm", "900 S/cm")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"material='TiM' is not known. Did you mean 'TiN'.* \[materials.TiM\]"):
        lookup(material_table(), "TiM")


def _slab(material: dict[str, Any]) -> Device:
    """60 nm of one material between two faces at ambient: the problem of one dimension."""
    layers = [{"name": n, "material": "X", "thickness": "20 nm"} for n in ("lower", "middle", "upper")]
    return Device.from_tables(
        {
            "stack": {"layers": layers},
            "materials": {"X": material},
            "filament": {"shape": "none"},
            "mesh": {"domain": "axisymmetric", "size_max": "5 nm"},
        }
    )


@pytest.mark.fem
@pytest.mark.parametrize("exponent", [-1.0, 1.0])
def test_k_of_temperature_gives_the_temperature_of_kirchhoffs_transform(exponent: float) -> None:
    """With k = k0 (T / T0)^n the transform u = int k dT / k0 obeys the linear law: u = sigma V^2 / (8 k0) in the middle."""
    sigma, k0, bias = 3700.0, 4.0, 1.0
    device = _slab(
        {"electrical_conductivity_S_per_m": sigma, "thermal_conductivity_W_per_mK": k0, "thermal_exponent": exponent}
    )
    u = sigma * bias**2 / (8 * k0)
    expected = T0 * math.exp(u / T0) if exponent == -1.0 else math.sqrt(T0**2 + 2 * T0 * u)
    assert solve(device, bias).fields.T.max() == pytest.approx(expected, rel=1e-4)


@pytest.mark.fem
def test_a_wiedemann_franz_metal_obeys_kohlrausch() -> None:
    """Where carriers alone conduct heat, T_max^2 = T0^2 + V^2 / (4 L), whatever the shape and the conductivity."""
    metal = {
        "electrical_conductivity_S_per_m": 1e6,
        "thermal_conductivity_W_per_mK": 1e-3,
        "resistance_coefficient_per_K": 2e-3,
        "wiedemann_franz": True,
    }
    bias = 0.1
    expected = math.sqrt(T0**2 + bias**2 / (4 * LORENZ_W_ohm_per_K2))
    assert solve(_slab(metal), bias).fields.T.max() == pytest.approx(expected, rel=1e-3)
