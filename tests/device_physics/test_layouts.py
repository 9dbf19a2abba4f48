"""Layer orders, filaments and domes of any kind: what physics says about them, and what a device file may not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.response_table import response
from ground.errors import InputError
from meshes.build import build_mesh
from meshes.msh import write_msh

COARSE = {"rim_size": "0.5 nm", "growth": 0.4}
PLANE = {"domain": "axisymmetric"}
CORE = [("t0", "TiN", 20), ("HfOx", "HfOx", 4), ("CMO", "CMO", 20), ("t1", "TiN", 20)]
WRAPPED = [("s0", "SiO2", 40), ("w0", "W", 20), *CORE, ("w1", "W", 20), ("s1", "SiO2", 40)]


def rows(layers: list[tuple[str, str, int]]) -> list[dict[str, str]]:
    return [{"name": n, "material": m, "thickness": f"{t} nm"} for n, m, t in layers]


@pytest.mark.fem
@pytest.mark.parametrize("mesh", [PLANE, COARSE], ids=["plane", "box"])
def test_upside_down_it_is_the_same_device(mesh: dict[str, object]) -> None:
    cone = {"shape": "cone", "radius": "11 nm", "radius_far": "8 nm"}
    up, down = (
        solve(Device.from_tables({"mesh": mesh, "filament": cone, "stack": {"layers": rows(layers)}}), 0.2)
        for layers in (CORE, CORE[::-1])
    )
    tolerance = 1e-3 if mesh is PLANE else 5e-3
    assert down.resistance_ohm == pytest.approx(up.resistance_ohm, rel=tolerance)
    assert down.r_th_K_per_W == pytest.approx(up.r_th_K_per_W, rel=tolerance)
    assert down.dome.E_mean_V_per_m == pytest.approx(up.dome.E_mean_V_per_m, rel=tolerance)


@pytest.mark.fem
@pytest.mark.parametrize("mesh", [PLANE, COARSE], ids=["plane", "box"])
def test_outer_oxides_carry_heat_and_no_current(mesh: dict[str, object]) -> None:
    bare = solve(Device.from_tables({"mesh": mesh, "stack": {"layers": rows(WRAPPED[1:-1])}}), 0.2)
    device = Device.from_tables({"mesh": mesh, "stack": {"layers": rows(WRAPPED), "contacts": ["w0", "w1"]}})
    wrapped = solve(device, 0.2)
    assert wrapped.resistance_ohm == pytest.approx(bare.resistance_ohm, rel=2e-3)
    assert wrapped.r_th_K_per_W > 1.2 * bare.r_th_K_per_W
    b = wrapped.balances
    assert max(b.current, b.power, b.heat) < 1e-6
    assert b.surface_flux < 0.05
    f = wrapped.fields
    assert np.ptp(f.V[f.points[:, 2] < 40e-9 - 1e-12]) < 1e-6  # beyond the contacts the potential is flat
    assert f.V[f.points[:, 2] > 144e-9 + 1e-12] == pytest.approx(0.2, rel=1e-6)
    assert f.T[f.points[:, 2] < 1e-12] == pytest.approx(293.15)
    assert f.T[np.abs(f.points[:, 2] - 40e-9) < 1e-12].max() > 293.2


@pytest.mark.fem
def test_two_distant_filaments_conduct_like_two_devices() -> None:
    box = {**COARSE, "domain": "full"}
    filaments = [{"x": "-45 nm"}, {"x": "45 nm", "radius": "8 nm", "dome": {"radius": "9 nm"}}]
    two = solve(Device.from_tables({"mesh": box, "filaments": filaments}), 0.2)
    one = solve(Device.from_tables({"mesh": COARSE}), 0.2)
    other = solve(Device.from_tables({"mesh": COARSE, "filament": {"radius": "8 nm"}, "dome": {"radius": "9 nm"}}), 0.2)
    apart = one.conductance_S + other.conductance_S
    assert (
        0.97 * apart < two.conductance_S < 1.002 * apart
    )  # they share the electrodes and so hinder one another a little
    assert list(two.domes) == ["dome_1", "dome_2"]
    assert two.domes["dome_1"].E_mean_V_per_m == pytest.approx(one.dome.E_mean_V_per_m, rel=0.02)
    assert two.domes["dome_2"].E_mean_V_per_m == pytest.approx(other.dome.E_mean_V_per_m, rel=0.02)
    assert two.domes["dome_1"].T_mean_K > one.dome.T_mean_K  # each is heated by the other as well
    low, high = sorted(d.T_mean_K for d in two.domes.values())
    assert low < two.dome.T_mean_K < high
    assert two.dome.T_max_K == pytest.approx(max(d.T_max_K for d in two.domes.values()))
    assert set(two.to_dict()["domes"]) == {"dome_1", "dome_2"}


@pytest.mark.fem
def test_off_centre_changes_little_until_the_wall_is_near() -> None:
    found = [
        solve(Device.from_tables({"mesh": {**COARSE, "domain": "full"}, "filament": {"x": f"{x} nm"}}), 0.2)
        for x in (0, 30, 75)
    ]
    assert found[1].resistance_ohm == pytest.approx(found[0].resistance_ohm, rel=2e-3)
    assert found[2].resistance_ohm > found[0].resistance_ohm
    assert found[2].dome.T_mean_K > found[0].dome.T_mean_K


@pytest.mark.fem
def test_without_a_dome_the_current_is_that_of_a_dome_of_the_same_material() -> None:
    none, plain = (solve(Device.from_tables({"mesh": PLANE, "dome": d}), 0.2) for d in ({"shape": "none"}, {}))
    assert none.resistance_ohm == pytest.approx(plain.resistance_ohm, rel=2e-4)
    assert none.dome.T_max_K is None
    assert none.to_dict()["r_th_K_per_W"] is None


@pytest.mark.fem
def test_a_mesh_from_outside_lies_beside_its_device_file(tmp_path: Path) -> None:
    own = Device.from_tables({"mesh": {**PLANE, "rim_size": "0.2 nm"}})
    write_msh(build_mesh(own.stack, own.mesh), tmp_path / "cell.msh")
    (tmp_path / "d.toml").write_text('[mesh]\ndomain = "axisymmetric"\nfile = "cell.msh"\n')
    given = solve(Device.from_toml(tmp_path / "d.toml"), 0.2)
    assert given.resistance_ohm == pytest.approx(solve(own, 0.2).resistance_ohm, rel=1e-8)


TWICE = "[[filaments]]\nx = '-12 nm'\n[[filaments]]\nx = '12 nm'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[filament]\n[[filaments]]\n", r"\[filament\] and \[\[filaments\]\] are both given"),
        ("filaments = 3\n", r"filaments=3 is not allowed: expected sections \[\[filaments\]\]"),
        (TWICE + "[mesh]\ndomain='full'\n[dome]\nradius='13 nm'\n", r"regions 'dome_1' and 'dome_2' overlap"),
        (TWICE, r"MeshOptions.domain='quarter' is not allowed: 'filament_1' stands off-centre at \(-1.2e-08, 0\) m"),
        ("[dome]\nradius = '25 nm'\n", r"Dome.radius_m=2.5e-08 is not allowed: expected less than 2e-08 m"),
        ("[filament]\nradius = '120 nm'\n", r"Filament.radius_m=1.2e-07 is not allowed: .* wider than the box"),
        ("[filament]\nshape = 'cylindre'\n", r"Filament.shape='cylindre' is not allowed"),
        ("[dome]\nshape = 'ball'\n", r"Dome.shape='ball' is not allowed"),
        ("[mesh]\nfile = 'none.msh'\nfile_unit = 'inch'\n", r"MeshOptions.file_unit='inch' is not allowed"),
        ("[mesh]\ndome_divisions = 1\n", r"MeshOptions.dome_divisions=1 is not allowed: expected 2..200"),
    ],
)  # fmt: skip
def test_bad_device_files_are_refused_in_one_screen(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        Device.from_toml(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_an_insulating_contact_is_refused_with_the_names_of_the_electrodes() -> None:
    with pytest.raises(
        InputError, match=r"layer 's0' of SiO2, 1e-09 S/m; a contact needs at least 1 S/m. .* contacts = \['w0', 'w1'\]"
    ):
        Device.from_tables({"stack": {"layers": rows(WRAPPED)}})


@pytest.mark.parametrize("tables", [{"dome": {"shape": "none"}}, {"filament": {"shape": "none"}}, {
    "mesh": {"domain": "full"}, "filaments": [{"x": "-30 nm"}, {"x": "30 nm"}]}])  # fmt: skip
def test_a_response_table_needs_one_plain_filament(tables: dict[str, object]) -> None:
    with pytest.raises(
        InputError, match="response: the table is over one cylindrical filament with a dome; this stack has"
    ):
        response(Device.from_tables(tables))
