"""Whatever the bytes, read_iv gives a Measurement or an InputError, and a file cut anywhere is told from a whole one."""

from __future__ import annotations

import io

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fits.devices.population_fit import read_parameters
from fits.reading.layout import Layout
from fits.reading.measurement import Measurement
from fits.reading.readers import read_devices, read_iv, write_iv_csv
from fits.reading.state_readers import read_retention, read_states
from fits.reading.transistor_data import read_transistor
from ground.errors import InputError

FUZZ = settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELL = st.one_of(
    st.floats(width=32).map(repr),
    st.integers(-9999, 9999).map(str),
    st.sampled_from(["", "nan", "#REF", "1,5", '"', "1e999", "0x10", "٣", "1_0", "V", "\t", "true"]),
)


def read_or_refuse(path, data: bytes) -> Measurement | None:
    path.write_bytes(data)
    try:
        return read_iv(path)
    except InputError as error:
        assert str(path) in str(error)
        return None


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path, data):
    read_or_refuse(tmp_path / "a.csv", data)
    read_or_refuse(tmp_path / "a.xlsx", data)


@FUZZ
@given(st.text(max_size=200))
def test_any_text_below_a_header(tmp_path, text):
    read_or_refuse(tmp_path / "a.csv", ("voltage_V,current_A\n0,0\n" + text).encode("utf-8", "surrogatepass"))
    read_or_refuse(tmp_path / "a.csv", text.encode("utf-16", "surrogatepass"))


@FUZZ
@given(
    st.lists(st.lists(CELL, max_size=4), max_size=8),
    st.sampled_from([",", ";", "\t", " "]),
    st.sampled_from(["voltage_V{d}current_A", "V{d}I{d}t", "t{d}I (uA){d}V [mV]{d}run", "branch{d}V{d}I{d}cycle"]),
)
def test_any_cells(tmp_path, rows, delimiter, header):
    lines = [header.format(d=delimiter), *(delimiter.join(row) for row in rows)]
    m = read_or_refuse(tmp_path / "a.csv", "\n".join(lines).encode())
    if m is not None:
        assert np.isfinite(m.voltage).all() and np.isfinite(m.current).all() and len(m) <= len(rows)


def written(tmp_path) -> bytes:
    volts = np.linspace(0, 1.23456789, 12)
    write_iv_csv(tmp_path / "whole.csv", Measurement.from_arrays(volts, volts**3 * 1.23456e-6, volts * 7))
    return (tmp_path / "whole.csv").read_bytes()


def test_a_written_file_cut_anywhere_is_refused(tmp_path):
    data = written(tmp_path)
    assert read_or_refuse(tmp_path / "cut.csv", data) is not None
    assert [n for n in range(len(data)) if read_or_refuse(tmp_path / "cut.csv", data[:n]) is not None] == []


def test_a_foreign_file_cut_anywhere_is_refused_or_lacks_only_its_end(tmp_path):
    data = b"time_s,voltage_V,current_A,note\n0,0,0,a\n1,0.125,1.5e-06,b\n2,0.25,3.5e-06,c\n"
    (tmp_path / "whole.csv").write_bytes(data)
    whole = read_iv(tmp_path / "whole.csv")
    kept = 0
    for n in range(len(data)):
        cut = read_or_refuse(tmp_path / "cut.csv", data[:n])
        if cut is not None:
            kept += 1
            assert np.array_equal(cut.voltage, whole.voltage[: len(cut)])
            assert np.array_equal(cut.current, whole.current[: len(cut)])
    assert 0 < kept < 15  # whole lines only


@FUZZ
@given(st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_a_damaged_workbook_is_refused_or_read(tmp_path, position, byte, cut):
    data = bytearray(WORKBOOK)
    position %= len(data)
    data[position] = byte
    read_or_refuse(tmp_path / "a.xlsx", bytes(data[:position] if cut else data))


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Run1"
    for row in [("Time", "AI", "AV"), (0.0, 0.0, 0.0), (0.1, 1e-6, 0.1), (0.2, 2e-6, 0.2)]:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


WORKBOOK = _workbook()


def test_the_undamaged_workbook_is_read(tmp_path):
    assert read_or_refuse(tmp_path / "a.xlsx", WORKBOOK).voltage == pytest.approx([0, 0.1, 0.2])


@FUZZ
@given(
    st.binary(max_size=200),
    st.sampled_from(
        [
            "lrs_ohm,hrs_ohm,cycle\n",
            "time_s,conductance_S\n",
            "VG,VD,ID\n",
            "n_states,sp_skew,gamma,gamma_up_down\n",
            "",
        ]
    ),
)
def test_any_bytes_in_the_other_readers(tmp_path, data, header):
    for name, read in (
        ("a.csv", read_states),
        ("a.csv", read_retention),
        ("a.csv", read_transistor),
        ("a.csv", read_parameters),
        ("a.json", read_parameters),
        ("a.toml", Layout.from_file),
    ):
        path = tmp_path / name
        path.write_bytes(header.encode() + data)
        try:
            read(path)
        except InputError as error:
            assert str(path) in str(error)


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["voltage", "current", "time", "device", "cycle"]), st.integers(-1, 5) | st.text(max_size=3)
    ),
    st.booleans(),
    st.sampled_from([None, "tab", "comma", ";", "xx", ""]),
    st.text(alphabet="0123456789.,;\t\n-eV", max_size=60),
)
def test_any_layout_on_any_table(tmp_path, columns, header, delimiter, text):
    (tmp_path / "a.csv").write_text(text)
    try:
        layout = Layout(columns=columns, header=header, delimiter=delimiter)
        for m in read_devices(tmp_path / "a.csv", layout=layout):
            assert np.isfinite(m.voltage).all()
    except InputError:
        pass
