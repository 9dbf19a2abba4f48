"""The device file: an empty one is the published cell, a wrong one says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_physics.device import Device
from device_physics.materials import Material, lookup, material_table, with_overrides
from ground.errors import InputError


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "device.toml"
    path.write_text(text)
    return path


def test_an_empty_file_is_the_published_post_forming_device(tmp_path: Path) -> None:
    device = Device.from_toml(_file(tmp_path, ""))
    sigma = device.electrical_conductivities()
    assert sigma["CMO"] == sigma["dome"] == pytest.approx(500.0)
    assert device.stack.filament.radius_m == 11e-9
    assert device == Device.of()
    assert "CF.electrical_conductivity" in device.substituted()
    assert "CMO.electrical_conductivity" not in device.substituted()


def test_every_section_is_read(tmp_path: Path) -> None:
    device = Device.from_toml(
        _file(
            tmp_path,
            """
[stack]
width = "150 nm"
ambient = "20 degC"
[materials.CMO]
electrical_conductivity = "37 S/cm"
[materials.Ru]
electrical_conductivity = "1e7 S/m"
thermal_conductivity = "100 W/m/K"
[filament]
radius = "9 nm"
material = "Ru"
[dome]
radius = "12 nm"
electrical_conductivity = "1 S/cm"
[mesh]
domain = "full"
rim_size = "0.5 nm"
[solver]
degree = 1
""",
        )
    )
    assert device.stack.width_m == pytest.approx(150e-9)
    assert device.stack.ambient_K == pytest.approx(293.15)
    assert device.electrical_conductivities() == pytest.approx(
        {"bottom_TiN": 1e6, "HfOx": 1e-4, "CMO": 3700.0, "top_TiN": 1e6, "filament": 1e7, "dome": 100.0}
    )
    assert device.thermal_conductivities()["filament"] == 100.0
    assert device.materials["CMO"].sources["electrical_conductivity"].status == "user"
    assert device.materials["CMO"].sources["thermal_conductivity"].status == "published"
    assert device.mesh.domain == "full"
    assert device.solver.degree == 1


def test_layers_of_ones_own(tmp_path: Path) -> None:
    device = Device.from_toml(
        _file(
            tmp_path,
            """
[stack]
layers = [{name = "be", material = "W", thickness = "30 nm"}, {name = "HfOx", material = "HfOx", thickness = "5 nm"},
          {name = "CMO", material = "CMO", thickness = "25 nm"}, {name = "te", material = "TiN", thickness = "20 nm"}]
""",
        )
    )
    assert device.electrical_conductivities()["be"] == pytest.approx(1.8e7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[stak]\n", r"section \[stak\] is not known. Did you mean 'stack'\?"),
        ("stack = 3\n", r"stack=3 is not allowed: expected a section \[stack\]"),
        ('[stack]\npreset = "TiN/CMO"\n', r"stack.preset='TiN/CMO' is not known. Did you mean 'TiN/HfOx/CMO/TiN'"),
        (
            "[filament]\nradius = 11\n",
            r"Filament.radius=11 is not allowed: it carries no unit. Write radius = \"11 nm\"",
        ),
        ("[filament]\nradius_m = 11.0\n", r"Did you mean 1.1e-08 \(you gave nm\)"),
        ('[filament]\nradius = "-3 nm"\n', r"Filament.radius_m='-3 nm' is not allowed: expected 1e-10..1e-05 m"),
        ('[filament]\nradius = "11 S"\n', r"has the unit 'siemens', which is not one of 'm'"),
        (
            '[filament]\nradius = "eleven nm"\n',
            r"Filament.radius_m='eleven nm' is not allowed: cannot be read as a quantity",
        ),
        ('[filament]\nradius = "11"\n', r"Filament.radius_m='11' is not allowed: carries no unit"),
        ("[filament]\nradius = true\n", r"Filament.radius_m=True is not allowed: expected a number"),
        ('[filament]\nradius = "11 nm"\nradius_m = 1e-8\n', r"Filament.radius_m is given twice"),
        ('[filament]\nradus = "11 nm"\n', r"Filament.radus is not known. Did you mean 'radius'"),
        ('[filament]\nmaterial = "Cf"\n', r"material of 'filament'='Cf' is not known. Did you mean 'CF'"),
        ("[materials]\nCMO = 5\n", r"materials.CMO=5 is not allowed: expected a table"),
        (
            '[materials.CMO]\nelectrical_conductivity = "0 S/m"\n',
            r"Material.electrical_conductivity_S_per_m='0 S/m' is not allowed",
        ),
        ('[materials.Ru]\nelectrical_conductivity = "1 S/m"\n', r"Material.thermal_conductivity_W_per_mK is missing"),
        ('[mesh]\ndomain = "half"\n', r"MeshOptions.domain='half' is not allowed"),
        ("[mesh]\ngrowth = 9\n", r"MeshOptions.growth=9 is not allowed: expected 0.05..2"),
        ("[solver]\ndegree = 3\n", r"SolverOptions.degree=3 is not allowed"),
        ("[solver]\ntolerance = 1\n", r"SolverOptions.tolerance=1 is not allowed: expected 1e-14..0.0001"),
        ('[dome]\nradius = "11 nm\nmaterial = 3', r"is not valid TOML"),
    ],
)
def test_every_mistake_names_file_field_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        Device.from_toml(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    _file(tmp_path, "")
    with pytest.raises(InputError, match=r"there is no such file. Did you mean 'device.toml'"):
        Device.from_toml(tmp_path / "devise.toml")
    with pytest.raises(InputError, match="is a folder"):
        Device.from_toml(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        Device.from_toml(tmp_path / "binary.toml")


def test_the_shipped_table_states_every_source() -> None:
    for name, material in material_table().items():
        assert set(material.sources) == {"electrical_conductivity", "thermal_conductivity"}, name
        assert all(
            s.source and s.status in ("published", "substituted") and s.range for s in material.sources.values()
        ), name


def test_overrides_leave_the_shipped_table_alone() -> None:
    changed = with_overrides({"CMO": {"electrical_conductivity_S_per_m": 700.0}})
    assert lookup(changed, "CMO").electrical_conductivity_S_per_m == 700.0
    assert lookup(material_table(), "CMO").electrical_conductivity_S_per_m == pytest.approx(500.0)
    assert isinstance(lookup(changed, "CMO"), Material)


def test_the_content_hash_follows_content() -> None:
    assert Device.of().content_hash() == Device.from_tables({}).content_hash()
    assert Device.of().content_hash() != Device.from_tables({"filament": {"radius": "10 nm"}}).content_hash()
