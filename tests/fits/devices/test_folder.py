"""A folder of devices: one table whatever the number of processes, names from files or folders, failures listed, resumable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from device_physics.points import PointStore
from fits.cli import app
from fits.devices.device_population import DevicePopulation, spearman
from fits.devices.folder import read_folder
from fits.reading.measurement import Measurement
from fits.reading.readers import write_iv_csv
from ground.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
UP = np.linspace(0, 1.5, 76)


def cycles(lrs: float, hrs: float, v_set: float = 1.0, v_reset: float = 1.2, n: int = 2) -> Measurement:
    """Synthetic switching cycles, one run each."""
    volts = np.r_[UP, UP[::-1], -UP, -UP[::-1]]
    ones = np.ones(UP.size)
    g = np.r_[np.where(v_set - 1e-9 <= UP, 1 / lrs, 1 / hrs), ones / lrs]
    g = np.r_[g, np.where(v_reset - 1e-9 > UP, 1 / lrs, 1 / hrs), ones / hrs]
    run = np.repeat([f"Run{k + 2}" for k in range(n)], volts.size)
    return Measurement.from_arrays(np.tile(volts, n), np.tile(volts * g, n), run=run, synthetic=True)


def forming_sweep(v_form: float) -> Measurement:
    up = np.linspace(0, 4, 201)
    volts = np.r_[up, up[::-1]]
    formed = np.r_[up >= v_form - 1e-9, np.ones(up.size, bool)]
    amps = np.where(formed, np.minimum(volts / 3e3, 2e-4), 1e-12 * np.sinh(2 * volts))
    return Measurement.from_arrays(volts, amps, synthetic=True)


@pytest.fixture
def folder(tmp_path) -> Path:
    for k in range(4):
        (tmp_path / "data" / f"cell_{k}").mkdir(parents=True)
        write_iv_csv(tmp_path / "data" / f"cell_{k}" / "a_first.csv", forming_sweep(3.0 + 0.1 * k))
        write_iv_csv(
            tmp_path / "data" / f"cell_{k}" / "b_cycles.csv", cycles(1e4 * (k + 1), 2e5 * (k + 1), 0.9 + 0.02 * k)
        )
    return tmp_path / "data"


@pytest.fixture
def store(tmp_path) -> PointStore:
    return PointStore(tmp_path / "store")


def test_devices_are_gathered_over_their_files(folder, store):
    table = read_folder(folder, store=store)
    assert [d["device"] for d in table.devices] == [f"cell_{k}" for k in range(4)] and not table.failed
    for k, d in enumerate(table.devices):
        assert d["forming_V"] == pytest.approx(3.0 + 0.1 * k) and d["forming_A"] == pytest.approx(2e-4)
        assert d["lrs_ohm"] == pytest.approx(1e4 * (k + 1)) and d["ratio"] == pytest.approx(20)
        assert d["set_V"] == pytest.approx(0.9 + 0.02 * k) and d["reset_V"] == pytest.approx(-1.18)
        assert (d["n_set"], d["n_reset"], d["n_files"]) == (2, 2, 2)  # forming is no SET
    found = table.population
    assert found.statistics["lrs_ohm"].median == pytest.approx(2.5e4) and found.statistics["lrs_ohm"].n == 4
    assert found.correlations["lrs_ohm", "hrs_ohm"] == (pytest.approx(1.0), 4)
    assert table.synthetic and "4 devices, 20 sweeps in data, SYNTHETIC" in table.report()


def test_processes_give_the_same_table_and_a_second_run_reads_no_file(folder, store, monkeypatch):
    alone = read_folder(folder, store=store).to_dict()
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("fits.devices.one_file.read_devices", lambda *a, **k: pytest.fail("a stored file was read"))
    assert read_folder(folder, store=store, progress=lambda *p: seen.append(p)).to_dict() == alone
    assert seen == [(8, 8)]


def test_two_processes(folder, tmp_path):
    assert (
        read_folder(folder, store=PointStore(tmp_path / "one")).to_dict()
        == read_folder(folder, store=PointStore(tmp_path / "two"), workers=2).to_dict()
    )


def test_a_changed_file_or_option_is_extracted_again(folder, store):
    read_folder(folder, store=store)
    write_iv_csv(folder / "cell_0" / "b_cycles.csv", cycles(5e4, 1e6))
    assert read_folder(folder, store=store).devices[0]["lrs_ohm"] == pytest.approx(5e4)
    assert read_folder(folder, store=store, v_read_V=0.1).options["v_read_V"] == 0.1
    assert len(list((store.folder).glob("*.json"))) == 8 + 1 + 8


def test_failures_are_listed_and_the_rest_goes_on(folder, store):
    (folder / "broken.csv").write_text("voltage_V,current_A\n0,0\n0.1,open\n1,1\n")
    (folder / "flat.csv").write_text("voltage_V,current_A\n1,0\n1,0\n1,0\n")
    table = read_folder(folder, store=store)
    assert list(table.failed) == ["broken.csv"] and table.failed["broken.csv"].startswith("line 3, column 'current_A'")
    assert "the voltage stays at 1 V" in table.left_out["flat.csv"] and len(table.devices) == 5
    assert "failed: broken.csv: line 3" in table.report()


def test_the_name_of_a_device_from_its_file(folder, store):
    table = read_folder(folder, store=store, device_pattern=r"cell_(\d)", pattern="*_cycles.csv")
    assert [d["device"] for d in table.devices] == ["0", "1", "2", "3"]
    (folder / "other_cycles.csv").write_bytes((folder / "cell_0" / "b_cycles.csv").read_bytes())
    table = read_folder(folder, store=store, device_pattern=r"cell_(\d)", pattern="*_cycles.csv")
    assert "is not found in the path 'other_cycles.csv'" in table.failed["other_cycles.csv"]


def test_a_transistor_comes_off_the_forming_voltage(folder, store):
    from compact_model.transistor import Transistor

    unit = Transistor.from_on_resistance(800.0, 1.2)
    with_one = read_folder(folder, store=store, transistor=unit, gate_V=1.2).devices[0]
    assert 2.9 < with_one["forming_device_V"] <= with_one["forming_V"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "*.abc"}, r"holds no file \*\.abc; is this the folder of the data"),
        ({"pattern": "/etc/*"}, r"pattern='/etc/\*' is not allowed"),
        ({"device_pattern": "("}, r"device_pattern='\(' is not a regular expression"),
        ({"v_read_V": 200}, r"v_read_V=200 is not allowed"),
        ({"gate_V": 1.0}, r"transistor and gate_V belong together"),
        ({"workers": 0}, r"workers=0 is not allowed"),
        (
            {"voltage_column": "U"},
            r"none of its 8 files could be read\. The first, cell_0/a_first\.csv: .*no column 'U'",
        ),
    ],
)
def test_messages(folder, store, options, message):
    with pytest.raises(InputError, match=message):
        read_folder(folder, store=store, **options)


def test_no_folder(tmp_path, store):
    with pytest.raises(InputError, match="is not a folder; give the folder that holds the measured files"):
        read_folder(tmp_path / "none", store=store)


def test_the_command_writes_table_plot_and_json(folder, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("RERAM_CACHE", str(tmp_path / "cache"))
    (folder / "broken.csv").write_text("nothing")
    out, png = tmp_path / "out.nc", tmp_path / "cdf.png"
    done = CliRunner().invoke(
        app, ["folder", str(folder), "-o", str(out), "--plot", str(png), "--json", "--workers", "1"]
    )
    data = json.loads(done.stdout)
    assert done.exit_code == 0 and set(data["failed"]) == {"broken.csv"} and data["provenance"]["synthetic"]
    with xr.open_dataset(out, engine="h5netcdf") as table:
        assert table.device.values.tolist() == [f"cell_{k}" for k in range(4)] and table.lrs_ohm.attrs["units"] == "ohm"
        assert table.sizes["sweep"] == 20 and table.failed_file.values.tolist() == ["broken.csv"]
    assert png.read_bytes().startswith(b"\x89PNG")
    empty = tmp_path / "broken"
    empty.mkdir()
    (empty / "a.csv").write_text("nothing")
    failed = CliRunner().invoke(app, ["folder", str(empty), "--workers", "1"])
    assert failed.exit_code == 1 and isinstance(failed.exception, InputError)
    with pytest.raises(InputError, match=r"none of its 1 files could be read\. The first, a\.csv: line 1"):
        raise failed.exception


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    """kill -9 in the middle: finished files stay, the second run does the rest, and the table is that of an undisturbed run."""
    folder, cache = tmp_path / "many", tmp_path / "cache"
    folder.mkdir()
    for k in range(30):
        write_iv_csv(folder / f"cell_{k:02d}.csv", cycles(1e4 + k, 2e5, n=3))
    command = [
        sys.executable,
        "-m",
        "reram",
        "fit",
        "folder",
        str(folder),
        "--workers",
        "1",
        "-o",
        str(tmp_path / "o.nc"),
    ]
    run = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "RERAM_CACHE": str(cache)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 120
    while time.monotonic() < end and len(stored(cache)) < 3:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    before = stored(cache)
    assert 3 <= len(before) < 30 and not (tmp_path / "o.nc").exists()
    table = read_folder(folder, store=PointStore(cache / "folders"))
    after = stored(cache)
    assert len(after) == 30 and {n: after[n] for n in before} == before  # none was extracted again
    assert table.to_dict() == read_folder(folder, store=PointStore(tmp_path / "undisturbed")).to_dict()


def stored(cache: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (cache / "folders").glob("*.json") if not p.name.startswith(".")}


def test_the_real_sweeps_are_two_devices(sweeps_dir, store):
    table = read_folder(sweeps_dir, store=store, pattern="*.xlsx", device_pattern=r"(H\d+L?_[A-Z]\d\d)_")
    d04, m12 = table.devices
    assert (d04["device"], m12["device"]) == ("H24824_D04", "H16248L_M12")
    assert (d04["forming_V"], m12["forming_V"]) == (-2.03, -5.47)
    assert (d04["n_set"], d04["n_reset"], m12["n_set"], m12["n_reset"]) == (10, 1, 5, 6)
    assert list(table.failed) == ["data_H16248L_H16248L_M12_04_endurance_ratio.xlsx"]


def test_statistics_of_known_numbers():
    rng = np.random.default_rng(0)
    x = rng.lognormal(9, 0.3, 4000)
    p = DevicePopulation.of(
        {"a": x, "b": np.r_[np.nan, x[1:] ** 3], "c": np.full(4000, np.nan)}, dict.fromkeys("abc", "ohm")
    )
    s = p.statistics["a"]
    assert s.sigma_over_mean == pytest.approx(np.sqrt(np.expm1(0.09)), rel=0.05) and s.n == 4000
    assert s.quantiles[0] == pytest.approx(np.exp(9 - 0.3 * 1.645), rel=0.03) and "c" not in p.statistics
    assert p.correlations["a", "b"] == (pytest.approx(1.0), 3999) and set(p.correlations) == {("a", "b")}
    assert spearman(np.array([1.0, 2, 3]), np.array([2.0, 2, 2])) == (0.0, 3)
    assert spearman(np.array([1.0, 2, 2, 3]), np.array([4.0, 3, 3, 1]))[0] == pytest.approx(-1.0)
    json.dumps(p.to_dict(), allow_nan=False)
