"""The mesh study: the order it observes is the one that is there, and its error bars hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.mesh_study import MeshStudy, extrapolate, mesh_study
from ground.errors import InputError

PLANE = {"mesh": {"domain": "axisymmetric"}}


@settings(deadline=None)
@given(
    st.floats(0.3, 5.0), st.floats(1.0, 1e3), st.floats(0.1, 100.0), st.floats(1.3, 3.0), st.floats(1.3, 3.0), st.booleans()
)  # fmt: skip
def test_a_power_of_the_size_is_extrapolated_exactly(
    order: float, limit: float, slope: float, first: float, second: float, falling: bool
) -> None:
    sizes = [1.0, 1.0 / first, 1.0 / first / second]
    slope = -slope if falling else slope
    values = [limit + slope * h**order for h in sizes]
    found = extrapolate(sizes, values, 0.0, values[0])
    assert found.order == pytest.approx(order, abs=1e-3)
    assert found.value == pytest.approx(limit, abs=1e-4 * abs(slope))
    assert found.error >= abs(found.value - values[-1])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0, 2.0, 1.5], "do not move one way"),
        ([1.0, 2.0, 2.0], "do not move one way"),
        ([1.0, 2.0, 3.0], "no order observed between 0.1 and 8"),
    ],
)
def test_what_does_not_converge_has_no_order_and_a_wide_error(values: list[float], reason: str) -> None:
    found = extrapolate([4.0, 2.0, 1.0], values, 0.25, 1.0)
    assert found.order is None
    assert reason in found.reason
    assert found.value == values[-1]
    assert found.error == max(values) - min(values) + 0.25


@pytest.fixture(scope="module")
def study() -> MeshStudy:
    return mesh_study(Device.from_tables(PLANE))


@pytest.mark.fem
def test_the_published_cell_converges_with_the_order_of_its_rim(study: MeshStudy) -> None:
    resistance = study.extrapolated["resistance_ohm"]
    assert resistance.order == pytest.approx(0.9, abs=0.25)
    assert abs(resistance.value - 35_402) < resistance.error < 35
    assert resistance.own_error < 1e-3
    assert set(study.extrapolated) == {"resistance_ohm", "dT_per_W", "dT_K", "E_per_V"}
    assert [r.rim_size_m for r in study.rows] == pytest.approx([4e-11, 2e-11, 1e-11, 5e-12])
    assert all(a.cells < b.cells for a, b in zip(study.rows, study.rows[1:], strict=False))
    assert study.finer_bulk.cells > study.rows[0].cells


@pytest.mark.fem
def test_the_error_bar_covers_a_much_finer_mesh(study: MeshStudy) -> None:
    fine = Device.from_tables({"mesh": {"domain": "axisymmetric", "growth": 0.1, "dome_divisions": 48}})
    better = mesh_study(fine, rim_sizes_m=[4e-12, 2e-12, 1e-12])
    for name, found in study.extrapolated.items():
        assert abs(found.value - better.extrapolated[name].value) < found.error
        assert better.extrapolated[name].error < found.error


@pytest.mark.fem
def test_a_self_consistent_device_is_studied_at_its_bias() -> None:
    """Hopping conducts better where the field is high: the rim is less singular than that of a constant conductivity."""
    law = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm"}
    mesh = {"domain": "axisymmetric", "growth": 0.5, "dome_divisions": 10}
    device = Device.from_tables({"mesh": mesh, "materials": {"CMO": {"hopping": law}}})
    found = mesh_study(device, -0.5, [1.6e-10, 8e-11, 4e-11]).extrapolated
    assert 1.5 < found["resistance_ohm"].order < 2.5
    fine = solve(device.replace(mesh=device.mesh.replace(rim_size_m=1e-11, growth=0.2, dome_divisions=24.0)), -0.5)
    for name, value in (("resistance_ohm", fine.resistance_ohm), ("dT_K", fine.dome.T_mean_K - 293.15)):
        assert abs(found[name].value - value) < found[name].error < 1e-3 * value, name


@pytest.mark.fem
@pytest.mark.slow
def test_box_and_plane_extrapolate_to_the_same_values(study: MeshStudy) -> None:
    box = mesh_study(None, rim_sizes_m=[6e-10, 3e-10, 1.5e-10])
    for name, found in box.extrapolated.items():
        other = study.extrapolated[name]
        apart = abs(found.value - other.value)
        assert apart < found.error + other.error + 1e-3 * other.value  # square and disc differ by that
        assert apart < 2.5e-3 * other.value
    assert 1e-3 < box.extrapolated["resistance_ohm"].own_error < 3e-3


@pytest.mark.fem
def test_without_a_dome_only_the_resistance_is_studied() -> None:
    study = mesh_study(Device.from_tables({**PLANE, "dome": {"shape": "none"}}), rim_sizes_m=[8e-11, 4e-11, 2e-11])
    assert set(study.extrapolated) == {"resistance_ohm"}
    assert " - " in study.report()


@pytest.mark.fem
def test_the_report_and_the_file_say_the_same(study: MeshStudy) -> None:
    text, data = study.report(), json.loads(json.dumps(study.to_dict()))
    assert "observed order" in text
    assert "error of the device's own mesh 0.03%" in text
    assert data["extrapolated"]["resistance_ohm"]["order"] == study.extrapolated["resistance_ohm"].order
    assert data["provenance"]["made_by"] == "reram mesh study"


@pytest.mark.parametrize(
    ("tables", "arguments", "message"),
    [
        ({}, {"rim_sizes_m": [1e-10, 5e-11]}, "expected at least three edge lengths, each smaller"),
        ({}, {"rim_sizes_m": [1e-10, 2e-10, 5e-11]}, "expected at least three edge lengths, each smaller"),
        ({}, {"bias_V": 0.0}, "mesh study: bias_V=0 is not allowed"),
        ({"mesh": {"file": "a.msh"}}, {}, "mesh study: mesh.file='a.msh' cannot be refined"),
        ({"filament": {"shape": "none"}}, {}, "mesh study: the device has no filament"),
    ],
)
def test_what_cannot_be_studied_is_refused(
    tables: dict[str, object], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        mesh_study(Device.from_tables(tables), **arguments)  # type: ignore[arg-type]


def _reram(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reram", "mesh", *map(str, arguments)]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, env=dict(os.environ))


@pytest.mark.fem
def test_one_command_does_the_study(tmp_path: Path) -> None:
    device = tmp_path / "d.toml"
    device.write_text('[mesh]\ndomain = "axisymmetric"\n')
    rims = [part for size in ("0.08 nm", "0.04 nm", "0.02 nm") for part in ("--rim", size)]
    done = _reram("study", device, *rims, "--json", "-o", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "out.json").read_text())
    assert len(json.loads(done.stdout)["rows"]) == 3
    assert "half-section" in _reram(device, "-o", tmp_path / "cell.msh").stdout
    assert (tmp_path / "cell.msh").read_text().startswith("$MeshFormat")
    assert json.loads(_reram(device, "--json").stdout)["symmetry"] == 1


def test_help_of_both_commands() -> None:
    assert "mesh study" in _reram("--help").stdout
    assert "--rim" in _reram("study", "--help").stdout
    assert "--rim='1' is not allowed: carries no unit" in _reram("study", "--rim", "1").stderr
