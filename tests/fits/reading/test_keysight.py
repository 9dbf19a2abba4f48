"""EasyEXPERT csv in both layouts: channels, records as runs, devices, compliance; cut and damaged files say where.

The fixtures are synthetic; their layout is that of exported files in public repositories.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fits.reading.readers import read_devices, read_iv
from fits.reading.transistor_data import read_transistor
from fits.sweeps.segments import segment
from ground.errors import InputError

FILES = Path(__file__).parents[1] / "files"
RECORDS = (FILES / "easyexpert_records.csv").read_text()


def test_records_are_runs_of_the_swept_channel():
    m = read_iv(FILES / "easyexpert_records.csv")
    assert m.runs == ("Run1", "Run2") and m.device == "R4C5" and m.synthetic
    assert np.isnan(m.compliance_A)  # 0.5 mA in one record, 100 mA in the other
    assert m.run("Run1").voltage.tolist() == [0, 0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 0]
    assert m.run("Run2").current.tolist() == [0, -1e-5, -2e-5, 0]
    assert set(segment(m.run("Run1")).branches) == {"forward +", "return +"}


def test_single_file_layout():
    m = read_iv(FILES / "easyexpert_single.csv", ambient_K=300.0)
    assert m.device == "SYNTHETIC_cell_07" and m.voltage.tolist() == [0, 0.05, 0.1, 0.15] and m.ambient_K == 300.0
    assert m.current.tolist() == [1e-13, 5e-7, 1e-6, 1.5e-6]


def test_another_channel_is_had_by_name():
    m = read_iv(FILES / "easyexpert_records.csv", current_column="I2")
    assert m.run("Run2").current.tolist() == [0, 1e-5, 2e-5, 0]


def test_utf16_is_read_the_same(tmp_path):
    (tmp_path / "a.csv").write_text(RECORDS, encoding="utf-16")
    assert np.array_equal(read_iv(tmp_path / "a.csv").current, read_iv(FILES / "easyexpert_records.csv").current)


def test_a_second_sweep_source_makes_runs_and_targets_make_devices(tmp_path):
    text = RECORDS.replace("Dimension1, 8, 8, 8\nDimension2, 1, 1, 1", "Dimension1, 4, 4, 4\nDimension2, 2, 2, 2")
    second = text.replace("TestTarget, R4C5", "TestTarget, R4C6", 1)
    (tmp_path / "a.csv").write_text(second)
    first, other = read_devices(tmp_path / "a.csv")
    assert (first.device, other.device) == ("R4C6", "R4C5") and first.runs == ("Run1", "Run2")
    assert first.run("Run2").voltage.tolist() == [0.3, 0.2, 0.1, 0]
    with pytest.raises(InputError, match=r"holds 2 devices \(R4C6, R4C5, \.\.\.\); name one with device="):
        read_iv(tmp_path / "a.csv")
    assert read_iv(tmp_path / "a.csv", device="R4C5").runs == ("Run3",)
    with pytest.raises(InputError, match=r"there is no device 'R4C7'\. Did you mean"):
        read_iv(tmp_path / "a.csv", device="R4C7")


def test_a_sweep_that_was_stopped_ends_where_its_numbers_end(tmp_path):
    text = RECORDS.replace(
        "DataValue, 0.1, 1E-05, -1E-05\nDataValue, 0, 1E-12, -1E-12", "DataValue, , , \nDataValue, , , "
    )
    (tmp_path / "a.csv").write_text(text)
    assert len(read_iv(tmp_path / "a.csv").run("Run1")) == 6


CUT = RECORDS.index("DataValue, 0.2, 2E-05")
MESSAGES = {
    "settings only": (RECORDS[: RECORDS.index("DataName")], r"no line DataName; was the file cut off before its data"),
    "no data": (RECORDS[: RECORDS.index("DataValue")], r"line 22: DataName and no DataValue below it"),
    "cut between rows": (RECORDS[:CUT], r"line 27: the record says 8 points .* and 5 follow; the file was cut off"),
    "data first": ("PrimitiveTest, I/V\nDataValue, 1, 2\n", r"line 2: DataValue before any DataName; is the beginning"),
    "dimension": (RECORDS.replace("Dimension1, 8", "Dimension1, x"), r"says Dimension1, 'x'; expected a whole number"),
    "cut in a row": (
        RECORDS.replace("DataValue, 0.2, 2E-06, -2E-06", "DataValue, 0.2"),
        r"line 25, column 'I1': found 1 values, expected 3; the file was cut off in this line",
    ),
    "text": (
        RECORDS.replace("2E-06, -2E-06", "NaN, 1"),
        r"line 25, column 'I1': found 'NaN', expected a finite number",
    ),
    "two channels": (
        RECORDS.replace("Channel.Func, VAR1", "Channel.Func, CONST"),
        r"line 22: I1, I2 can each be the current and no channel is marked VAR1; say which with current_column=",
    ),
    "no current": (
        RECORDS.replace("I1", "X1").replace("I2", "X2").replace("IName", "QName"),
        r"no current column among",
    ),
    "quote": ('SetupTitle, a\nDataName, V1, I1\nDataValue, "1, 2\n', r"line 3"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(tmp_path, name):
    text, message = MESSAGES[name]
    path = tmp_path / "iv.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_iv(path)
    assert str(path) in str(caught.value)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(RECORDS)), st.text(max_size=12), st.booleans())
def test_any_damage_is_refused_or_read(tmp_path, position, inserted, cut):
    text = RECORDS[:position] + inserted + ("" if cut else RECORDS[position:])
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (read_devices, read_transistor):
        try:
            read(path)
        except InputError as error:
            assert str(path) in str(error)
