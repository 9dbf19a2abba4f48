"""The response table: shipped, right where the FEM says so, silent nowhere outside its range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.dome_response import Response
from device_physics.points import PointStore
from device_physics.response_table import default_device, response
from ground.errors import InputError, MissingLibrary


@pytest.fixture(scope="module")
def table() -> Response:
    return Response.default()


def test_the_shipped_table_says_what_made_it(table: Response) -> None:
    record = table.provenance
    assert record["made_by"] == "reram response"
    assert record["settings"]["device_hash"] == default_device().content_hash(), (
        "the default device changed: make response"
    )
    assert table.conductance_S.shape == (len(table.r_cf_m), len(table.sigma_cmo_S_per_m), len(table.sigma_dome_S_per_m))


def test_everything_is_positive_and_conductance_rises_with_both_conductivities(table: Response) -> None:
    for name in ("conductance_S", "E_per_V", "dT_per_W"):
        assert np.all(getattr(table, name) > 0)
    assert np.all(np.diff(table.conductance_S, axis=1) > 0)
    assert np.all(np.diff(table.conductance_S, axis=2) > 0)
    assert np.all(np.diff(table.conductance_S, axis=0) > 0)  # and with the filament radius
    assert np.all(np.diff(table.E_per_V, axis=2) < 0)  # a better dome takes less of the voltage


def test_the_table_is_exact_at_its_points(table: Response) -> None:
    dome = table.at_radius(table.r_cf_m[3])
    values = dome(table.sigma_dome_S_per_m[None, :], table.sigma_cmo_S_per_m[:, None])
    assert values.conductance_S == pytest.approx(table.conductance_S[3], rel=1e-9)
    assert values.E_per_V == pytest.approx(table.E_per_V[3], rel=1e-9)
    assert values.dT_per_W == pytest.approx(table.dT_per_W[3], rel=1e-9)


def test_the_conductivity_for_a_conductance_is_the_inverse(table: Response) -> None:
    dome = table.at_radius(11e-9)
    sigma = np.geomspace(1.0, 5e4, 7)
    held = dome(sigma, 3700.0)
    assert dome.conductivity_for(held.conductance_S, 3700.0) == pytest.approx(sigma, rel=1e-9)
    sigma = np.geomspace(150.0, 5e4, 7)
    assert dome.conductivity_for(dome(sigma, sigma).conductance_S) == pytest.approx(sigma, rel=1e-9)


@pytest.mark.fem
@pytest.mark.parametrize(
    ("r_cf", "sigma_cmo", "sigma_dome"), [("10 nm", 2500.0, 60.0), ("11 nm", 500.0, 500.0), ("8.3 nm", 5e3, 5e3)]
)
def test_between_its_points_it_agrees_with_the_fem(
    table: Response, r_cf: str, sigma_cmo: float, sigma_dome: float
) -> None:
    """Points that are not in the table, solved in 3D on their own meshes."""
    from device_physics.electrothermal import ElectrothermalProblem
    from meshes.build import build_mesh

    radius = float(r_cf.split()[0])
    dome = {"radius": f"{radius * 13 / 11} nm"}
    # finer than the default, which is 0.8 % off for a depleted dome: rounder by 14 divisions, and sharper at the rim
    finer = {"dome_divisions": 14, "rim_size": "0.08 nm"}
    device = Device.from_tables({"filament": {"radius": r_cf}, "dome": dome, "mesh": finer})
    problem = ElectrothermalProblem(build_mesh(device.stack, device.mesh), device.thermal_conductivities())
    exact = problem.unit({**device.electrical_conductivities(), "CMO": sigma_cmo, "dome": sigma_dome})
    ours = table.at_radius(radius * 1e-9)(sigma_dome, sigma_cmo)
    assert float(ours.conductance_S) == pytest.approx(exact.conductance_S, rel=5e-3)
    assert float(ours.E_per_V) == pytest.approx(exact.E_per_V, rel=1e-2)
    assert float(ours.dT_per_W) == pytest.approx(exact.dT_per_W, rel=1e-2)


def test_it_refuses_to_extrapolate(table: Response) -> None:
    with pytest.raises(
        InputError,
        match=r"r_cf_m=3e-09 is not allowed: the response table covers 5e-09..1.6e-08 m and is not extrapolated",
    ):
        table.at_radius(3e-9)
    dome = table.at_radius(11e-9)
    with pytest.raises(
        InputError, match=r"sigma_dome_S_per_m=0.01 is not allowed: the response table covers 0.3162..1e\+05 S/m"
    ):
        dome(0.01, 3700.0)
    with pytest.raises(InputError, match=r"sigma_cmo_S_per_m=1e\+06 is not allowed"):
        dome(10.0, 1e6)
    with pytest.raises(
        InputError, match=r"conductance_S=1..1 S is not allowed: at r_CF = 11 nm .* a series resistance"
    ):
        dome.conductivity_for(1.0)


def test_saved_and_read_back_it_is_the_same(table: Response, tmp_path: Path) -> None:
    table.save(tmp_path / "t.nc")
    again = Response.load(tmp_path / "t.nc")
    assert np.array_equal(again.conductance_S, table.conductance_S)
    assert again.provenance == table.provenance
    assert [p.name for p in tmp_path.iterdir()] == ["t.nc"]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such response table"):
        Response.load(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("not a table")
    with pytest.raises(InputError, match="is not a response table of this project, or is damaged"):
        Response.load(tmp_path / "text.nc")


def test_a_missing_shipped_table_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("device_physics.dome_response.files", lambda package: tmp_path)
    with pytest.raises(MissingLibrary, match="reram response -o device_physics/response_default.nc"):
        Response.default()


def test_bad_axes_are_refused_before_anything_is_solved() -> None:
    with pytest.raises(InputError, match=r"r_cf_m=\[1e-08\] is not allowed: expected at least four increasing values"):
        response(None, r_cf_m=[1e-8])
    with pytest.raises(InputError, match=r"sigma_dome_S_per_m=.* is not allowed: expected at least four increasing"):
        response(None, sigma_dome_S_per_m=[1.0, 3.0, 2.0, 4.0])


@pytest.mark.fem
def test_finished_points_are_never_solved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from device_physics import response_table

    device = Device.from_tables({"mesh": {"rim_size": "1 nm", "growth": 0.8}})
    axes = {
        "r_cf_m": (8e-9, 9e-9, 10e-9, 11e-9),
        "sigma_cmo_S_per_m": (1e3, 2e3, 3e3, 4e3),
        "sigma_dome_S_per_m": (10.0, 20.0, 30.0, 40.0),
    }
    seen: list[tuple[int, int]] = []

    def stop_at_20(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        response(device, **axes, store=PointStore(tmp_path), progress=stop_at_20)
    assert seen[-1] == (20, 64)
    assert len(list(tmp_path.glob("*.json"))) == 20
    times = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.json")}
    whole = response(device, **axes, store=PointStore(tmp_path))
    assert {p: p.stat().st_mtime_ns for p in times} == times
    monkeypatch.setattr(response_table, "ElectrothermalProblem", None)  # a third run solves nothing at all
    again = response(device, **axes, store=PointStore(tmp_path))
    assert np.array_equal(again.conductance_S, whole.conductance_S)
