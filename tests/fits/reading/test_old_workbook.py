"""KITE workbooks (.xls): sheets Data and AppendN are runs, Settings gives the compliance; without xlrd it says what to install."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fits.reading.readers import read_iv
from fits.reading.transistor_data import read_transistor
from ground.errors import InputError, MissingLibrary

ROWS = [("Time", "AI", "AV"), (0.0, 0.0, 0.0), (0.1, 1e-6, 0.1), (0.2, 2e-6, 0.2)]
SETTINGS = [
    ("Test Name", "set#1@1"),
    ("Name", "BV", "AV"),
    ("Operation Mode", "Common", "Voltage Linear Sweep"),
    ("Compliance", "0.105", "0.0005"),
]


def book(sheets) -> bytes:
    xlwt = pytest.importorskip("xlwt", reason="xlwt makes the workbooks of these tests")
    made = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = made.add_sheet(name)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if value is not None:
                    sheet.write(i, j, value)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_runs_of_kite_in_their_order(tmp_path):
    pytest.importorskip("xlrd")
    path = tmp_path / "set.xls"
    path.write_bytes(book({"Append10": ROWS, "Data": ROWS, "Calc": [], "Settings": SETTINGS, "Append2": ROWS[:3]}))
    m = read_iv(path)
    assert m.runs == ("Data", "Append2", "Append10") and len(m) == 8 and m.compliance_A == 5e-4
    assert m.run("Data").current.tolist() == [0, 1e-6, 2e-6] and m.run("Append2").time.tolist() == [0, 0.1]
    assert len(read_iv(path, sheet="Append2")) == 2


def test_the_suffix_does_not_decide(tmp_path):
    pytest.importorskip("xlrd")
    (tmp_path / "set.xlsx").write_bytes(book({"Data": ROWS}))
    assert read_iv(tmp_path / "set.xlsx").voltage.tolist() == [0, 0.1, 0.2]


def test_output_characteristics_of_a_workbook(tmp_path):
    pytest.importorskip("xlrd")
    header = ("DrainI(1)", "DrainV(1)", "GateV(1)", "DrainI(2)", "DrainV(2)", "GateV(2)")
    rows = [
        header,
        (0.0, 0.0, 0.8, 0.0, 0.0, 1.2),
        (1e-5, 0.1, 0.8, 2e-5, 0.1, 1.2),
        (None, None, None, 3e-5, 0.2, 1.2),
    ]
    (tmp_path / "t.xls").write_bytes(book({"Data": rows}))
    data = read_transistor(tmp_path / "t.xls")
    assert data.gate_V.tolist() == [0.8, 0.8, 1.2, 1.2, 1.2] and data.drain_A.tolist() == [0, 1e-5, 0, 2e-5, 3e-5]
    (tmp_path / "iv.xls").write_bytes(book({"Data": ROWS}))
    with pytest.raises(InputError, match=r"sheet 'Data' has no columns GateV, DrainV, DrainI"):
        read_transistor(tmp_path / "iv.xls")
    (tmp_path / "half.xls").write_bytes(book({"Data": [header[:2], (0.0, 0.0)]}))
    with pytest.raises(InputError, match=r"sheet 'Data': group 1 has no column GateV\(1\)"):
        read_transistor(tmp_path / "half.xls")


def test_faults_are_named(tmp_path):
    pytest.importorskip("xlrd")
    path = tmp_path / "a.xls"
    for sheets, message in (
        ({"Data": []}, r"sheet 'Data': is empty; expected a header"),
        ({"Data": ROWS[:1]}, r"sheet 'Data': has a header and no numbers"),
        ({"Data": [*ROWS, (0.3, "#REF", 0.3)]}, r"sheet 'Data', cell B5 \(AI\): found '#REF', expected a number"),
        ({"Calc": ROWS}, r"no sheet is named Run1, .* \(Clarius\) or Data, .* \(KITE\); found 'Calc'"),
    ):
        path.write_bytes(book(sheets))
        with pytest.raises(InputError, match=message):
            read_iv(path)
    path.write_bytes(book({"Data": ROWS})[:3000])
    with pytest.raises(InputError, match=r"a\.xls: the workbook cannot be opened: .*Was the file cut off"):
        read_iv(path)


def test_without_xlrd(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlrd", None)
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(MissingLibrary, match=r"a\.xls: .*takes xlrd, which is not installed.*cmo-reram\[xls\]"):
        read_iv(tmp_path / "a.xls")


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8), st.booleans())
def test_any_damage_is_refused_or_read(tmp_path, position, junk, cut):
    pytest.importorskip("xlrd")
    data = bytearray(book({"Data": ROWS, "Settings": SETTINGS}))
    position %= len(data)
    data[position : position + len(junk)] = junk
    (tmp_path / "a.xls").write_bytes(bytes(data[:position] if cut else data))
    try:
        read_iv(tmp_path / "a.xls")
    except InputError as error:
        assert "a.xls" in str(error)
