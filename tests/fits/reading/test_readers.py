"""read_iv: every way of writing the same table gives the same numbers; write_iv_csv gives them back bit for bit."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from fits.reading.measurement import Measurement
from fits.reading.readers import read_iv, write_iv_csv
from fits.sweeps.segments import segment
from ground.errors import InputError

VOLTS, AMPS = [0.0, 0.1, 0.2, 0.1], [0.0, 1.25e-6, 2.5e-6, -1.5e-9]


def table(header: str, pattern: str, *, comma: bool = False) -> str:
    rows = [pattern.format(v=v, i=i, mv=1e3 * v, ua=1e6 * i) for v, i in zip(VOLTS, AMPS, strict=True)]
    text = "\n".join([header, *rows]) + "\n"
    return text.replace(".", ",") if comma else text


FORMS = {
    "plain": table("voltage_V,current_A", "{v},{i}").encode(),
    "reversed order": table("Current (A),Voltage (V)", "{i},{v}").encode(),
    "prefixed units": table("V [mV],I(uA)", "{mv},{ua}").encode(),
    "tabs": table("V\tI", "{v}\t{i}").encode(),
    "spaces": table("voltage_V   current_A", "{v}  {i}").encode(),
    "wide header, narrow cells": table("Voltage (V)  Current (A)", "{v} {i}").encode(),
    "single spaces": table("V I", "{v} {i}").encode(),
    "BOM": b"\xef\xbb\xbf" + table("voltage_V,current_A", "{v},{i}").encode(),
    "UTF-16": table("voltage_V\tcurrent_A", "{v}\t{i}").encode("utf-16"),
    "UTF-16 without BOM": table("voltage_V,current_A", "{v},{i}").encode("utf-16-le"),
    "UTF-16 big-endian": table("voltage_V,current_A", "{v},{i}").encode("utf-16-be"),
    "decimal comma": table("Spannung;V;I", "x;{v};{i}", comma=True).encode(),
    "Windows line ends": table("voltage_V,current_A", "{v},{i}").replace("\n", "\r\n").encode(),
    "Windows-1252 micro": table("V (mV),I (µA)", "{mv},{ua}").encode("cp1252"),
    "quotes": table('"Voltage, (V)","I"', '"{v}","{i}"').replace("Voltage, (V)", "Voltage (V)").encode(),
    "preamble": ("Instrument,X\nDate,today\n\n" + table("voltage_V,current_A", "{v},{i}")).encode(),
    "trailing delimiter": table("voltage_V,current_A", "{v},{i},").encode(),
    "comments between": table("voltage_V,current_A", "{v},{i}\n# a remark").encode(),
    "no newline at the end": table("voltage_V,current_A", "{v},{i}").rstrip().encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_same_numbers_from_every_form(tmp_path, name):
    path = tmp_path / "iv.csv"
    path.write_bytes(FORMS[name])
    m = read_iv(path)
    assert np.allclose(m.voltage, VOLTS, rtol=1e-12, atol=0) and np.allclose(m.current, AMPS, rtol=1e-12, atol=0)
    assert m.sha256 == hashlib.sha256(FORMS[name]).hexdigest() and m.source == "iv.csv"
    assert (m.synthetic, m.device, m.ambient_K, m.runs) == (False, "", 293.15, ("Run1",))


def test_explicit_delimiter_and_columns(tmp_path):
    path = tmp_path / "iv.txt"
    path.write_text("probe|meter|other\n0|0|9\n0.5|1e-6|9\n")
    m = read_iv(path, delimiter="|", voltage_column="probe", current_column="meter")
    assert m.voltage.tolist() == [0, 0.5] and m.current.tolist() == [0, 1e-6]


def test_comment_lines_set_the_attributes(tmp_path):
    path = tmp_path / "cell_Run7.csv"
    path.write_text(
        "# synthetic: true\n# ambient_K: 353.15\n# device: cell 7\n# compliance_A: 1e-4\n# free text\n"
        "t (ms),V,I\n0,0,0\n,0.1,1e-6\n2,0.2,2e-6\n"
    )
    m = read_iv(path)
    assert (m.synthetic, m.ambient_K, m.device, m.compliance_A, m.runs) == (True, 353.15, "cell 7", 1e-4, ("Run7",))
    assert m.time[2] == 2e-3 and np.isnan(m.time[1])
    assert read_iv(path, ambient_K=400.0).ambient_K == 400.0


def test_run_column(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_text("run,V,I\nA,0,0\nA,1,1e-6\nB,0,0\n")
    assert read_iv(path).runs == ("A", "B")


@pytest.mark.parametrize("labelled", [False, True])
def test_written_file_comes_back_bit_for_bit(tmp_path, rng_data, labelled):
    m = segment(rng_data) if labelled else rng_data
    write_iv_csv(tmp_path / "out.csv", m)
    back = read_iv(tmp_path / "out.csv")
    for name in (
        "voltage_V",
        "current_A",
        "time_s",
        "run",
        "branch",
        "cycle",
        "in_compliance",
        "glitch",
        "offset_current_A",
    ):
        assert np.array_equal(
            m.dataset[name].values, back.dataset[name].values, equal_nan=name in ("time_s", "offset_current_A")
        ), name
    assert (back.device, back.ambient_K, back.synthetic) == (m.device, m.ambient_K, True)
    assert np.array_equal(back.compliance_A, m.compliance_A, equal_nan=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_writing_into_a_missing_folder(tmp_path, rng_data):
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        write_iv_csv(tmp_path / "none" / "out.csv", rng_data)


@pytest.fixture
def rng_data() -> Measurement:
    rng = np.random.default_rng(5)
    volts = np.r_[np.linspace(0, 1, 21), np.linspace(1, 0, 21)]
    amps = np.minimum(volts * 1e-4 * np.pi, 2e-4) + rng.normal(0, 1e-12, 42)
    time = np.r_[np.nan, np.arange(83) / 3]
    return Measurement.from_arrays(
        np.r_[volts, -volts],
        np.r_[amps, -amps],
        time,
        synthetic=True,
        device="cell, 7",
        run=["up, run"] * 42 + ["down"] * 42,
        ambient_K=310.5,
    )
