"""The measured Keithley sweeps: all files read and segmented, equal in both formats, and as their authors evaluated them.

The authors' own evaluation stands in the formula columns of the workbooks: ILRS, IHRS at 0.2 V, VSET, VRESET, VFORM.
"""

from __future__ import annotations

import math
import re

import numpy as np
import openpyxl
import pytest

from fits.reading.readers import read_iv
from fits.sweeps.forming_voltage import forming
from fits.sweeps.iv_summary import iv_summary
from fits.sweeps.low_field import low_field_conductance
from fits.sweeps.resistance_states import states
from fits.sweeps.segments import segment
from ground.errors import InputError

SUMMARY = "data_H16248L_H16248L_M12_04_endurance_ratio.xlsx"


def csv_files(folder):
    files = sorted((folder / "csv").glob("*.csv"))
    assert len(files) == 25
    return files


def workbooks(folder):
    files = [f for f in sorted(folder.glob("*.xlsx")) if f.name != SUMMARY]
    assert len(files) == 8
    return files


def authors(path, run):
    """The first row of the formula columns of a run: name -> number."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    header, first = book[run].iter_rows(max_row=2, values_only=True)
    book.close()
    return {h: v for h, v in zip(header, first, strict=False) if isinstance(v, float)}


def test_every_csv_is_read_and_segmented(sweeps_dir):
    for path in csv_files(sweeps_dir):
        m = segment(read_iv(path))
        raw = np.loadtxt(path, delimiter=",", skiprows=1)
        assert np.array_equal(np.column_stack([m.time, m.voltage, m.current]), raw), path.name
        assert m.runs == (re.search(r"Run\d+", path.name)[0],) and (m.cycle == 1).all()
        assert not m.synthetic and np.isfinite(m.offset_current).all() and m.glitch.sum() <= 1
        if "Leakage" in path.name:
            assert m.branches == ("return -", "forward +", "return +", "forward -")
            continue
        way = "-" if m.voltage.min() < 0 else "+"
        half = len(m) // 2
        assert m.branches == (f"forward {way}", f"return {way}")
        assert (m.branch_names[:half] == f"forward {way}").all() and (m.branch_names[half:] == f"return {way}").all()
        assert m.in_compliance.any() == ("set_" in path.name.replace("reset_", "") or "forming" in path.name), path.name
        if m.in_compliance.any():
            assert m.compliance_A == pytest.approx(5e-4, rel=1e-3)


def test_workbooks_equal_the_csv_copies(sweeps_dir):
    texts = {p.stem: read_iv(p) for p in csv_files(sweeps_dir)}
    for path in workbooks(sweeps_dir):
        book = read_iv(path)
        stem = path.stem.replace("data_H16248L_", "")
        for run in book.runs:
            m, text = book.run(run), texts.pop(f"{stem}_{run}")
            assert np.array_equal(m.voltage, text.voltage)
            assert np.allclose(m.current, text.current, rtol=1e-6, atol=0) and np.allclose(
                m.time, text.time, rtol=1e-12
            )
    assert not texts


def test_settings_of_the_workbooks(sweeps_dir):
    limits = {p.name: read_iv(p).compliance_A for p in workbooks(sweeps_dir)}
    assert limits["H24824_D04_01_Electroforming.xlsx"] == 5e-4
    assert limits["data_H16248L_H16248L_M12_01_Electroforming.xlsx"] == 5e-4
    assert limits["data_H16248L_H16248L_M12_02_reset.xlsx"] == 0.1
    assert limits["data_H16248L_H16248L_M12_00_Leakage.xlsx"] == 0.01


def test_the_summary_workbook_is_refused(sweeps_dir):
    with pytest.raises(InputError, match=r"no sheet is named Run1.*found '2-wire-resistor'.*summary of a cycling test"):
        read_iv(sweeps_dir / SUMMARY)


@pytest.mark.parametrize(
    ("name", "v_V"), [("H16248L_M12_01_Electroforming_Run8.csv", 5.47), ("H24824_D04_01_Electroforming_Run4.csv", 2.03)]
)
def test_forming_voltage(sweeps_dir, name, v_V):
    found = forming(read_iv(sweeps_dir / "csv" / name), r_series_ohm=800.0)
    assert found.v_forming_V == -v_V and found.v_forming_magnitude_V == v_V and found.instrument_definition_V == v_V
    assert found.in_compliance and found.i_forming_A == pytest.approx(-5e-4, rel=1e-3)
    assert found.v_forming_device_V == pytest.approx(-v_V + 0.4, abs=1e-3)
    assert abs(found.i_before_A) < 5e-6


def test_no_forming_in_reset_and_leakage(sweeps_dir):
    for path in csv_files(sweeps_dir):
        if "reset" in path.name or "Leakage" in path.name:
            with pytest.raises(InputError, match="no forming found"):
                forming(read_iv(path))


def test_states_are_those_of_the_authors(sweeps_dir):
    checked = 0
    for path in workbooks(sweeps_dir):
        if "Leakage" in path.name or "forming" in path.name:
            continue
        kind = "reset" if "reset" in path.name else "set"
        for sweep in states(read_iv(path)).sweeps:
            theirs = authors(path, sweep.run)
            r = {sweep.state_before: sweep.r_before_ohm, sweep.state_after: sweep.r_after_ohm}
            assert sweep.kind == kind and r.keys() == {"LRS", "HRS"}
            assert r["LRS"] == pytest.approx(0.2 / theirs["ILRS"], rel=1e-7)
            assert r["HRS"] == pytest.approx(0.2 / theirs["IHRS"], rel=1e-7)
            v_switch = theirs["VRESET"] if kind == "reset" else -theirs["VSET"]
            assert sweep.v_switch_V == pytest.approx(v_switch, abs=1e-6), (path.name, sweep.run)
            checked += 1
    assert checked == 22


def test_population_of_cycled_M12(sweeps_dir):
    names = [f"data_H16248L_H16248L_M12_04_endurance_{k}.xlsx" for k in ("set", "reset")]
    data = iv_summary([read_iv(sweeps_dir / n) for n in names])
    p = data["population"]
    assert p["lrs_ohm"]["n"] == p["hrs_ohm"]["n"] == 10 and p["set_V"]["n"] == p["reset_V"]["n"] == 5
    assert p["lrs_ohm"]["mean"] == pytest.approx(1588, rel=1e-3) and p["hrs_ohm"]["mean"] == pytest.approx(
        2.76e5, rel=2e-3
    )
    assert p["set_V"]["mean"] == pytest.approx(-1.162, abs=1e-3) and p["reset_V"]["mean"] == pytest.approx(
        1.022, abs=1e-3
    )
    assert not data["synthetic"] and len(data["files"]) == 2


def test_low_field_agrees_with_the_read_and_across_polarity(sweeps_dir):
    """The LRS left by SET run N (return -) is the one found by RESET run N (forward +): the same conductance."""
    set_, reset = (
        low_field_conductance(read_iv(sweeps_dir / f"data_H16248L_H16248L_M12_04_endurance_{k}.xlsx"))
        for k in ("set", "reset")
    )
    for run in ("Run6", "Run7", "Run8", "Run9", "Run10"):
        left, found = set_[run, "return -"], reset[run, "forward +"]
        assert left.conductance_S == pytest.approx(found.conductance_S, rel=0.02)
        assert found.conductance_stderr_S < 0.005 * found.conductance_S and found.n_points == 21


def test_leakage_has_no_state(sweeps_dir):
    m = read_iv(sweeps_dir / "csv" / "H16248L_M12_00_Leakage_Run10.csv")
    with pytest.raises(InputError, match=r"reads no state of .*Leakage_Run10\.csv: .*not above twice the"):
        states(m)
    rows = low_field_conductance(m).rows
    assert len(rows) == 4 and all(abs(r.conductance_S) < 1e-12 for r in rows)
    assert math.isnan(segment(m).compliance_A)


def test_pristine_resistance_of_the_forming_sweep_is_not_invented(sweeps_dir):
    sweep = states(read_iv(sweeps_dir / "csv" / "H16248L_M12_01_Electroforming_Run8.csv")).sweeps[0]
    assert sweep.r_before_ohm is None and sweep.kind == "set" and sweep.r_after_ohm == pytest.approx(843.5, rel=1e-3)
