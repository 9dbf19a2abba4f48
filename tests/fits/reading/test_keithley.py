"""Clarius workbooks: runs in order, formula columns left alone, compliance from Settings, faults named by cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from fits.reading.readers import read_iv
from ground.errors import InputError

HEADER = ("Time", "AI", "AV", "I", "ID", "VFORM")
ROWS = [
    (0.1, 1e-12, 0, 1e-12, "#REF", 5.47),
    (0.2, -2e-6, -0.00999999977648258, 2e-6, 1e-6),
    (None, -4e-6, -0.0199999995529652, 4e-6, 2e-6),
]
SETTINGS = [
    ("=====",),
    ("Run2",),
    ("=====",),
    ("Name", "BV", "AV"),
    ("Operation Mode", "Common", "Voltage Linear Sweep"),
    ("Compliance", "0.105", "0.0005"),
    ("=====",),
    ("Run10",),
    ("Compliance", "N/A", "N/A"),
]


def workbook(path: Path, sheets: dict[str, list[tuple]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_runs_in_order_of_number_with_programmed_voltages(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx",
        {"Run10": [HEADER, *ROWS], "Calc": [], "Settings": SETTINGS, "Run2": [HEADER, *ROWS[:2], (None,) * 6]},
    )
    m = read_iv(path, ambient_K=350.0)
    assert m.runs == ("Run2", "Run10") and len(m) == 5
    assert m.voltage.tolist() == [0.0, -0.01, 0.0, -0.01, -0.02]  # single precision undone
    assert m.current.tolist() == [1e-12, -2e-6, 1e-12, -2e-6, -4e-6] and m.time[:4].tolist() == [0.1, 0.2, 0.1, 0.2]
    assert (
        np.isnan(m.time[4])
        and np.isnan(m.compliance_A)
        and m.ambient_K == 350.0
        and m.source == "a.xlsx"
        and len(m.sha256) == 64
    )
    assert read_iv(path, sheet="Run2").compliance_A == 0.0005
    assert np.isnan(read_iv(path, sheet="Run10").compliance_A)


def test_double_precision_voltages_are_kept_and_columns_can_be_chosen(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", {"Run1": [("AV", "AI", "BV", "BI"), (0.1, 1e-6, 0.3, 7e-6), (1 / 3, 2e-6, 0.4, "8e-6")]}
    )
    assert read_iv(path).voltage.tolist() == [0.1, 1 / 3] and np.isnan(read_iv(path).time).all()
    m = read_iv(path, voltage_column="BV", current_column="BI")
    assert m.voltage.tolist() == [0.3, 0.4] and m.current.tolist() == [7e-6, 8e-6]


def test_another_sheet_name(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"my sweep": [("V (mV)", "I (uA)"), (100, 1), (200, 2)]})
    m = read_iv(path, sheet="my sweep")
    assert np.allclose(m.voltage, [0.1, 0.2]) and np.allclose(m.current, [1e-6, 2e-6]) and m.runs == ("my sweep",)


def row(voltage: object, current: object) -> list[tuple]:
    return [HEADER, ROWS[0], (0.2, current, voltage)]


SHEETS = {
    "no run": (
        {"summary": [(1,)], "Calc": []},
        r"no sheet is named Run1, Run2, \.\.\. \(Clarius\) or .*; found 'summary', 'Calc'.*summary of a cycling",
    ),
    "empty sheet": ({"Run1": []}, r"sheet 'Run1': is empty; expected a header Time, AI, AV"),
    "header only": ({"Run1": [HEADER]}, r"sheet 'Run1': has a header and no numbers; was the sweep stopped"),
    "no current": ({"Run1": [("Time", "AV"), (0, 0)]}, r"sheet 'Run1', row 1: no current column among 'Time', 'AV'"),
    "text": (
        {"Run1": row("#REF", 1e-6)},
        r"cell C3 \(AV\): found '#REF', expected a number; '#REF' and other text stand in",
    ),
    "truth": ({"Run1": row(0.1, True)}, r"cell B3 \(AI\): found 'True', expected a number"),
    "empty cell": ({"Run1": row(0.1, None)}, r"cell B3 \(AI\): is empty, expected a number; delete the row"),
    "not finite": ({"Run1": row(0.1, "nan")}, r"cell B3 \(AI\): found 'nan', expected a finite number; delete the row"),
    "too large": ({"Run1": row(1e40, 0.0)}, r"a\.xlsx: voltage_V\[1\]=1e\+40 is not allowed"),
    "far column": ({"Run1": [("x",) * 27 + ("AI", "AV"), ("x",) * 27 + ("y", 0)]}, r"cell AB2 \(AI\): found 'y'"),
}


@pytest.mark.parametrize("name", SHEETS)
def test_message(tmp_path, name):
    sheets, message = SHEETS[name]
    path = workbook(tmp_path / "a.xlsx", sheets)
    with pytest.raises(InputError, match=message) as caught:
        read_iv(path)
    assert str(path) in str(caught.value)


def test_unknown_sheet_wrong_option_and_files_that_are_no_workbook(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"Run1": [HEADER, *ROWS]})
    with pytest.raises(InputError, match=r"there is no sheet 'run1'\. Did you mean 'Run1'"):
        read_iv(path, sheet="run1")
    with pytest.raises(InputError, match=r"delimiter=';' is for text tables, and this is a workbook"):
        read_iv(path, delimiter=";")
    whole = path.read_bytes()
    for data, message in (
        (b"", r"is empty; expected a workbook"),
        (b"V,I\n0,0\n", r"is not a workbook, whatever its name says"),
        (whole[: len(whole) // 2], r"the workbook cannot be opened: .*cut off while copying"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_iv(path)
