"""Sweeps: every field of the device file, resumable, with reasons for what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_physics import sweeps
from device_physics.points import PointStore
from device_physics.sweep_file import read_sweep
from device_physics.sweeps import save_sweep, sweep
from ground.errors import InputError, NotConverged

COARSE = {"mesh": {"rim_size": "1 nm", "growth": 0.8}}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    vary = {"filament.radius": ["9 nm", "11 nm"], "materials.CMO.electrical_conductivity": ["5 S/cm", "37 S/cm"]}
    return sweep(COARSE, [-1.0, 0.2], vary, store=PointStore(tmp_path_factory.mktemp("points")))


@pytest.mark.fem
def test_the_table_is_labelled(table: Any) -> None:
    assert table["current_A"].dims == ("filament.radius", "materials.CMO.electrical_conductivity", "bias_V")
    assert table["current_A"].attrs["units"] == "A"
    one = table.sel({"filament.radius": "11 nm", "materials.CMO.electrical_conductivity": "5 S/cm", "bias_V": 0.2})
    assert float(one["conductance_S"]) == pytest.approx(1 / 35_400, rel=0.03)


@pytest.mark.fem
def test_physics_of_the_sweep(table: Any) -> None:
    assert np.all(table["current_A"].sel(bias_V=0.2) > 0)
    assert np.all(table["current_A"].sel(bias_V=-1.0) < 0)
    assert np.all(table["conductance_S"].diff("filament.radius") > 0)
    rise = table["T_mean_K"] - 293.15
    assert np.allclose(rise.sel(bias_V=-1.0) / rise.sel(bias_V=0.2), 25.0)
    assert float(table["balance_heat"].max()) < 1e-6


@pytest.mark.fem
def test_it_is_written_and_read(table: Any, tmp_path: Path) -> None:
    import xarray as xr

    save_sweep(table, tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as again:
        assert np.allclose(again["current_A"], table["current_A"])
        assert "provenance" in again.attrs


def test_a_failed_point_keeps_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: Any, bias: float) -> Any:
        raise NotConverged("the linear solver stopped")

    monkeypatch.setattr(sweeps, "solve", fail)
    failed = sweep(COARSE, [0.1, 0.2], {}, store=PointStore(tmp_path))
    assert np.all(np.isnan(failed["current_A"]))
    assert set(failed["failure"].values.ravel()) == {"the linear solver stopped"}


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({"filament.radius": ["9 nm", "900 nm"]}, r"Filament.radius_m=9e-07 is not allowed"),
        ({"filment.radius": ["9 nm"]}, r"the field 'filment.radius' is not known.* Did you mean 'filament'"),
        ({"radius": ["9 nm"]}, r"the field 'radius' is not known"),
        ({"filament.radus": ["9 nm"]}, r"Filament.radus is not known"),
    ],
)
def test_bad_fields_are_refused_before_anything_is_solved(
    vary: dict[str, list[str]], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "solve", None)
    with pytest.raises(InputError, match=message):
        sweep(COARSE, [0.2], vary)


def test_bad_biases_are_refused() -> None:
    with pytest.raises(InputError, match="bias_V=nan is not allowed"):
        sweep(COARSE, [0.2, float("nan")])


def _write(folder: Path, text: str) -> Path:
    (folder / "s.toml").write_text(text)
    return folder / "s.toml"


def test_the_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text('[filament]\nradius = "10 nm"\n')
    path = _write(
        tmp_path,
        'device = "device.toml"\nvolts = {from = -1.0, to = 1.0, count = 5}\n[vary]\nfilament.radius = ["9 nm"]\n',
    )
    device, volts, vary = read_sweep(path)
    assert device == {"filament": {"radius": "10 nm"}}
    assert volts == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert vary == {"filament.radius": ["9 nm"]}
    assert read_sweep(_write(tmp_path, ""))[1] == [0.2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("volt = [1.0]\n", r"'volt' is not known in a sweep file. Did you mean 'volts'"),
        ('volts = "1 V"\n', r"volts='1 V' is not allowed: expected a list of numbers"),
        ("volts = []\n", r"volts=\[\] is not allowed"),
        ('[vary]\nfilament.radius = "9 nm"\n', r"vary.filament.radius='9 nm' is not allowed: expected a list"),
        ('device = "none.toml"\n', r"none.toml: there is no such file"),
    ],
)
def test_mistakes_in_the_sweep_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_sweep(_write(tmp_path, text))


def test_a_damaged_point_is_computed_again(tmp_path: Path) -> None:
    store = PointStore(tmp_path)
    assert store.get_or_compute({"a": 1}, lambda: {"x": 1.0}) == {"x": 1.0}
    assert store.get_or_compute({"a": 1}, lambda: {"x": 2.0}) == {"x": 1.0}
    next(iter(tmp_path.glob("*.json"))).write_text('{"key": {"a"')
    assert store.get_or_compute({"a": 1}, lambda: {"x": 2.0}) == {"x": 2.0}
