"""`iv` and `forming`: one JSON object on stdout, results in a file, errors as InputError, a light import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fits.cli import app
from fits.reading.readers import read_iv, write_iv_csv
from fits.sweeps.iv_summary import iv_report, iv_summary
from ground.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path, switching) -> Path:
    write_iv_csv(tmp_path / "cell.csv", switching)
    return tmp_path / "cell.csv"


def run(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_import_is_light_and_prints_nothing():
    heavy = ("xarray", "scipy", "openpyxl", "pandas", "numpy", "lmfit", "matplotlib")
    code = f"import sys, fits.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" and done.stderr == ""


@pytest.mark.parametrize("command", ["iv", "forming"])
def test_help(command):
    result = run(command, "--help")
    assert result.exit_code == 0 and "--json" in result.stdout


def test_iv_json_is_one_object(file, tmp_path):
    result = run("iv", file, "--json", "-o", tmp_path / "out.json", "--v-read", 0.3)
    data = json.loads(result.stdout)
    assert data == json.loads((tmp_path / "out.json").read_text())
    assert data["v_read_V"] == 0.3 and data["synthetic"] is True and data["provenance"]["synthetic"] is True
    assert (
        data["files"][0]["source"] == "cell.csv"
        and data["provenance"]["inputs"][0]["sha256"] == data["files"][0]["sha256"]
    )
    assert [s["kind"] for s in data["files"][0]["states"]["sweeps"]] == ["set", "reset"]
    assert data["population"]["ratio_of_means"] == pytest.approx(20)
    assert data["files"][0]["low_field"]["rows"][0]["resistance_ohm"] == pytest.approx(2e5)


def test_iv_text(file, tmp_path, switching):
    second = tmp_path / "second.csv"
    write_iv_csv(second, switching.replace(device="other"))
    result = run("iv", file, second, "--ambient-K", 350)
    assert (
        result.exit_code == 0
        and "all 2 files" in result.stdout
        and "350 K" in result.stdout
        and "HRS/LRS" in result.stdout
    )


def test_forming_json(file):
    result = run("forming", file, "--json", "--r-series", 800)
    data = json.loads(result.stdout)
    assert data["v_forming_V"] == pytest.approx(1.0) and data["v_forming_magnitude_V"] == pytest.approx(1.0)
    assert data["i_forming_A"] == pytest.approx(1e-4) and data["v_forming_device_V"] == pytest.approx(1.0 - 0.08)
    assert "V_forming = 1 V" in run("forming", file, "--run", "Run1").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iv", "none.csv"), "there is no such file"),
        (("iv", "FILE", "FILE"), r"cell\.csv is given twice \(same content\)"),
        (("iv", "FILE", "--v-read", 200), r"v_read_V=200.0 is not allowed.*Did you mean 0.2 .you gave mV"),
        (("iv", "FILE", "--sheet", "Run1"), "is for workbooks"),
        (("iv", "FILE", "-o", "/none/out.json"), "the folder /none does not exist"),
        (("forming", "FILE", "--run", "Run7"), "run 'Run7' is not in"),
        (("forming", "FILE", "--r-series", -5), "r_series_ohm=-5.0 is not allowed"),
    ],
)
def test_errors_are_raised_for_the_door(file, arguments, message):
    result = run(*(file if a == "FILE" else a for a in arguments))
    assert isinstance(result.exception, InputError) and result.exception.exit_code == 2
    with pytest.raises(InputError, match=message):
        raise result.exception
    assert result.stdout == ""


def test_summary_keeps_a_file_that_has_no_states_with_its_reason(switching, file):
    low = switching.select(abs(switching.voltage) <= 0.1)
    data = iv_summary([low, read_iv(file)])
    assert data["files"][0]["states"] is None and "covers 0..0.1 V" in data["files"][0]["left_out"][0]
    assert data["population"]["lrs_ohm"]["n"] == 2
    assert "left out: v_read_V=0.2" in iv_report([low, read_iv(file)])
    json.dumps(data, allow_nan=False)


def test_summary_of_nothing(switching):
    with pytest.raises(InputError, match="there is no measurement to summarise"):
        iv_summary([])
    with pytest.raises(InputError, match=r"leaves no branch to fit.*reads no state"):
        iv_summary([switching], v_read_V=9.0, v_max_V=0.001)
