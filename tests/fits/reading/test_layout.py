"""Mapping files: other names, units, no header; and every file of the 1T1R array and of the pulse response through them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fits.reading.layout import Layout
from fits.reading.pulse_readers import read_pulses
from fits.reading.readers import read_devices, read_iv
from fits.reading.state_readers import read_retention, read_states
from fits.sweeps.labelled_table import iv_table
from fits.sweeps.resistance_states import states
from fits.sweeps.segments import segment
from ground.errors import InputError

FILES = Path(__file__).parents[1] / "files"
GERMAN = "Nr;Spannung;Strom\n1;0,0;0,0\n2;0,1;1,5\n3;0,2;3,0\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def iv_dir() -> Path:
    shared = Path(os.environ.get("RERAM_SHARED") or Path(__file__).resolve().parents[3].parent / "shared")
    folder = shared / "data" / "iv"
    if not folder.is_dir():
        pytest.skip(f"measured data are not at {folder}; set RERAM_SHARED to the folder that holds data/iv")
    return folder


def test_names_and_units_from_a_file(tmp_path):
    layout = write(
        tmp_path / "m.toml",
        'ambient_K = 350.0\ndevice = "cell_3"\nsynthetic = true\n[columns]\nvoltage = "Spannung"\n'
        'current = {column = "Strom", unit = "uA"}\n',
    )
    m = read_iv(write(tmp_path / "a.csv", GERMAN), layout=layout)
    assert m.voltage.tolist() == [0, 0.1, 0.2] and m.current == pytest.approx([0, 1.5e-6, 3e-6], rel=1e-15)
    assert m.ambient_K == 350.0 and m.device == "cell_3" and m.synthetic


def test_columns_by_number_without_a_header(tmp_path):
    layout = Layout(columns={"voltage": {"column": 3, "unit": "mV"}, "current": 2, "device": 1}, header=False)
    path = write(tmp_path / "a.tsv", "a\t1e-6\t100\nb\t2e-6\t100\na\t2e-6\t200\n")
    first, second = read_devices(path, layout=layout)
    assert first.device == "a" and first.voltage.tolist() == [0.1, 0.2] and first.current.tolist() == [1e-6, 2e-6]
    assert second.device == "b" and len(second) == 1


def test_a_layout_is_for_workbooks_and_easyexpert_too():
    m = read_iv(FILES / "easyexpert_single.csv", layout=Layout(columns={"voltage": "V1", "current": "I2"}))
    assert m.current[1] == -5e-7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[columns]\nvolt = "V"\n', r"m\.toml: Layout\.columns\.volt is not known\. Did you mean 'voltage'"),
        ("[columns]\nvoltage = 0\n", r"Layout\.columns\.voltage=0 is not allowed: columns are counted from 1"),
        ("header = false\n", r"Layout\.columns is missing: a table without a header needs the numbers"),
        ('header = false\n[columns]\nvoltage = "V"\n', r"header = false, so there are no names; give the number"),
        ("colums = 3\n", r"Layout\.colums is not known"),
    ],
)
def test_a_wrong_layout(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        Layout.from_file(write(tmp_path / "m.toml", text))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"voltage": 7, "current": 2}, r"line 1: the layout takes voltage from column 7, and there are 3"),
        ({"voltage": "U", "current": 2}, r"line 1: there is no column 'U' for voltage"),
        ({"voltage": {"column": 2, "unit": "A"}, "current": 3}, r"has the unit 'A', which is not one of voltage"),
    ],
)
def test_a_layout_that_does_not_fit(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        read_iv(write(tmp_path / "a.csv", GERMAN), layout=Layout(columns=columns))


def test_read_multivolt_is_1024_devices(iv_dir):
    found = read_devices(iv_dir / "array_1t1r" / "read_multivolt.tsv", layout=FILES / "array_read_multivolt.toml")
    assert len(found) == 1024 and {len(m) for m in found} == {36} and len({m.device for m in found}) == 1024
    first = segment(found[0])
    assert first.device == "18433" and first.branches == ("forward +",)
    assert first.offset_current[0] == pytest.approx(-1.9e-6, rel=0.05)  # the offset that SOURCE.txt speaks of
    r = states(first.subtract_offset(), 0.2).sweeps[0]
    assert r.r_before_ohm > 1e3 and r.r_after_ohm is None and r.kind == "none"
    table = iv_table(found[:3])
    assert (
        table.sizes["point"] == 108 and table.voltage_V.attrs["units"] == "V" and table.current_A.attrs["units"] == "A"
    )
    assert len(np.unique(table.device)) == 3 and set(table.coords) >= {
        "cycle",
        "branch",
        "device",
        "ambient_K",
        "source",
    }


def test_cycled_and_resting_cells_of_the_array(iv_dir):
    folder = iv_dir / "array_1t1r"
    cycled = read_states(folder / "100cyc.tsv", layout=FILES / "array_cycles.toml")
    assert cycled.sizes["reading"] == 2048 and len(np.unique(cycled.device)) == 1024
    assert (
        set(cycled.cycle.values) == {25, 50} and float(np.median(cycled.lrs_ohm)) < float(np.median(cycled.hrs_ohm)) / 5
    )
    endured = read_states(folder / "1us_endurance.tsv", layout=FILES / "array_cycles.toml")
    assert endured.sizes["reading"] == 10050 and int(endured.cycle[-1]) == 1_005_000
    rest = read_retention(folder / "ret1.csv", layout=FILES / "array_retention.toml")
    assert rest.sizes["reading"] == 10000 and float(rest.time_s[-1]) == pytest.approx(466.7, abs=0.1)
    assert (rest.device == "16984").all() and rest.current_A.attrs["units"] == "A"
    assert float(rest.conductance_S.min()) > 86e-6 and float(rest.conductance_S.max()) < 100e-6


def test_the_voltage_column_of_the_resting_cell_is_not_the_cells(iv_dir):
    """SOURCE.txt infers V/I = R for it; the rows say V/I = 560 ohm, a sense resistor. The reader says so at once."""
    layout = Layout.from_file(FILES / "array_retention.toml")
    whole = layout.replace(columns={**layout.columns, "voltage": {"column": 6, "unit": "V"}})
    with pytest.raises(
        InputError, match=r"line 1: conductance says 9\.4446e-05 S and current / voltage says 0\.0017857 S"
    ):
        read_retention(iv_dir / "array_1t1r" / "ret1.csv", layout=whole)


def test_gong_is_a_normalised_pulse_trace(iv_dir):
    trace = read_pulses(iv_dir / "pulse_response" / "gong_et_al.csv")
    assert trace.sizes["pulse"] == 2000 and trace.attrs["normalised"] and "conductance_S" not in trace
    assert (trace.direction[:1000] == 1).all() and (trace.direction[1000:] == -1).all()
    assert trace.response.attrs["units"] == "1" and float(trace.response[0]) == -0.84444


def test_without_a_layout_the_array_says_what_to_do(iv_dir):
    with pytest.raises(
        InputError, match=r"no header above them; write one .*or say what the columns are in a layout file"
    ):
        read_iv(iv_dir / "array_1t1r" / "read_multivolt.tsv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lrs_ohm,hrs_ohm\n1e4,0\n", r"line 2, column 'hrs_ohm': found 0; expected a resistance above 0"),
        ("lrs_ohm\n1e4\n", r"no hrs column among 'lrs_ohm'"),
        ("lrs_ohm,hrs_ohm\n1e4,nan\n", r"line 2, column 'hrs_ohm': found 'nan', expected a finite number"),
    ],
)
def test_states_messages(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_states(write(tmp_path / "a.csv", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "time_s,I (A),V (V),G (uS)\n0,1e-6,0.1,20\n",
            r"line 2: conductance says 2e-05 S and current / voltage says 1e-05 S",
        ),
        ("time_s,I (A)\n0,1e-6\n", r"no conductance column"),
        ("I (A),V (V)\n0,1e-6\n", r"no time column"),
    ],
)
def test_retention_messages(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_retention(write(tmp_path / "a.csv", text))
