import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compact_model.cli import array_app, export_app, model_app, parse_shape
from compact_model.model import CompactModel
from compact_model.programming_statistics import program_statistics
from ground.errors import InputError, NotConverged

V1 = str(Path(__file__).parent / "data" / "model_v1.json")
QUICK = ["program", "--shape", "2x3", "--levels", "4", "--acceptance", "0.02"]


def call(app, *arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(app, *arguments):
    result = call(app, *arguments)
    assert isinstance(result.exception, InputError) and result.stdout == ""
    return str(result.exception)


def test_program_prints_one_json_object_with_the_promised_keys():
    result = call(array_app, *QUICK, "--seed", 5, "--json")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    line = record["sigma_uS_vs_target"]
    assert {"c0", "c1", "c0_stderr", "c1_stderr"} == set(line)
    assert record["shape"] == [2, 3] and record["acceptance"] == 0.02 and record["seed"] == 5
    assert record["converged_fraction"] == 1.0 and record["provenance"]["synthetic"] is False
    direct = program_statistics(CompactModel.published().population, (2, 3), 4, 0.02, seed=5)
    assert record["mean_pulses"] == direct.result.mean_pulses and line["c1"] == direct.sigma_line.c1


def test_program_in_words_and_into_a_file(tmp_path):
    out = tmp_path / "out.json"
    result = call(array_app, *QUICK, "--model", V1, "-o", out)
    assert result.exit_code == 0 and "SYNTHETIC model" in result.stdout and "pulses per level" in result.stdout
    record = json.loads(out.read_text())
    assert record["provenance"]["synthetic"] is True and record["provenance"]["inputs"][0]["name"] == "model_v1.json"
    assert record["model"] == "fixture of version 1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shape", "8by4"], "shape='8by4' is not allowed: expected rows x columns, such as 8x4"),
        (["--shape", "0x4"], "shape='0x4' is not allowed"),
        (["--shape", "9999x9999"], "expected at most 1000000 devices"),
        (["--acceptance", "0"], "acceptance=0.0 is not allowed: expected 1e-06..0.5"),
        (["--acceptance", "2"], "acceptance=2.0 is not allowed: .*It is a fraction: 2 % is 0.02"),
        (["--acceptance", "nan"], "acceptance=nan is not allowed"),
        (["--levels", "1"], "levels=1 is not allowed: expected 2..4096"),
        (["--seed", "-1"], "seed=-1 is not allowed: expected a whole number of 0 or more"),
        (["--max-pulses", "0"], "max_pulses=0 is not allowed"),
        (["--model", "missing.json"], "missing.json: there is no such model file"),
        (["--shape", "2x2", "--levels", "2", "-o", "nowhere/out.json"], "the folder nowhere does not exist"),
    ],
)
def test_bad_input_is_named(arguments, words):
    assert re.search(words, refused(array_app, "program", *arguments))


def test_nothing_converged_is_no_number():
    result = call(array_app, *QUICK, "--max-pulses", 1)
    assert isinstance(result.exception, NotConverged) and result.exception.exit_code == 3


def test_show_model(tmp_path):
    words = call(model_app, "show", V1)
    assert words.exit_code == 0 and "n_states        22 ± 4.25" in words.stdout and "[SYNTHETIC]" in words.stdout
    data = json.loads(call(model_app, "show", V1, "--json").stdout)
    assert data.pop("content_hash") == CompactModel.load(V1).content_hash and data == json.loads(Path(V1).read_text())
    assert "there is no such model file" in refused(model_app, "show", tmp_path / "x.json")


def test_export_aihwkit(tmp_path):
    file, config = tmp_path / "device.py", tmp_path / "device.json"
    result = call(export_app, "aihwkit", V1, "-o", file, "--json-config", config)
    assert result.exit_code == 0 and "symmetry point at weight -0.22" in result.stdout and "note:" in result.stdout
    names = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    data = json.loads(config.read_text())
    assert {**names["DEVICE"], "class": "PowStepDevice"} == data["device"] and data["model"]["synthetic"] is True
    again = json.loads(call(export_app, "aihwkit", V1, "-o", file, "--json").stdout)
    for record in (data, again):
        assert record["provenance"].pop("made_at")  # the next second may have begun
    assert again == data
    assert "does not exist" in refused(export_app, "aihwkit", V1, "-o", tmp_path / "no" / "device.py")


def test_shapes():
    assert parse_shape("8x4") == (8, 4) and parse_shape(" 64 x 64 ") == (64, 64)


def test_importing_the_commands_is_quick_and_light():
    code = (
        "import sys, compact_model.cli; "
        "print([m for m in ('scipy', 'pint', 'xarray', 'matplotlib', 'torch') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert result.stdout.strip() == "[]"


def test_calibrate_writes_a_model_with_its_errors(tmp_path):
    file = tmp_path / "cell.json"
    result = call(
        model_app,
        "calibrate",
        "-o",
        file,
        "--target",
        "step_up@0.6=0.045±0.2",
        "--target",
        "step_down@0.6=0.045+-0.2",
        "--json",
    )
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert set(record["constants"]) == {"barrier_set_eV", "barrier_reset_eV"} and record["undetermined"] == []
    cell = CompactModel.load(file).cell
    assert cell.ions.barrier_set_eV == pytest.approx(record["constants"]["barrier_set_eV"]["value"])
    assert "target='r_hrs=1' is not allowed: expected kind=value±relative error" in refused(
        model_app, "calibrate", "-o", file, "--target", "r_hrs=1"
    )


@pytest.mark.parametrize(
    ("arguments", "keys", "words"),
    [
        (["form", "--shape", "2x2"], {"yield", "v_reram_V", "v_1t1r_V", "inputs"}, "V_forming, 1T1R"),
        (["cycle", "--shape", "2x1", "--cycles", "1", "--step-mv", "100"], {"r_lrs_ohm", "hrs_over_lrs"}, "HRS/LRS"),
        (["program", "--shape", "2x2", "--levels", "2", "--acceptance", "0.02"], {"mean_pulses"}, "pulses per level"),
        (["pulse", "--shape", "2x2"], {"n_states", "sp_skew", "nsr", "device"}, "n_states"),
        (["pulse", "--shape", "2x1", "--physical"], {"n_states", "device"}, "n_states"),
        (["relax", "--shape", "2x4", "--levels", "3", "--times", "1 s, 1 h"], {"mean_shift_uS", "overlap"}, "3600 s"),
    ],
)
def test_every_verb_of_an_array_prints_writes_and_draws(arguments, keys, words, tmp_path):
    import xarray as xr

    file, picture = tmp_path / "out.nc", tmp_path / "out.png"
    spoken = call(array_app, *arguments, "--seed", 2)
    assert spoken.exit_code == 0 and words in spoken.stdout
    result = call(array_app, *arguments, "--seed", 2, "-o", file, "--plot", picture, "--json")
    assert result.exit_code == 0, result.exception
    record = json.loads(result.stdout)
    assert keys <= set(record) and record["seed"] == 2 and record["provenance"]["synthetic"] is False
    with xr.open_dataset(file, engine="h5netcdf") as data:
        assert all("units" in data[v].attrs for v in data.data_vars) and "provenance" in data.attrs
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_files_and_times_that_are_not_allowed(tmp_path):
    assert "expected a name that ends in .nc" in refused(array_app, "form", "--shape", "1x1", "-o", tmp_path / "x.txt")
    assert "times='1 m' is not allowed" in refused(
        array_app, "relax", "--shape", "1x2", "--levels", "2", "--times", "1 m"
    )


def test_a_calibrated_model_goes_into_circuits_and_tables(tmp_path):
    from compact_model.published_cell import published_cell

    file = tmp_path / "cell.json"
    CompactModel.published().replace(cell=published_cell()).save(file)
    assert call(export_app, "spice", file, "-o", tmp_path / "a.cir", "--name", "mine").exit_code == 0
    assert ".subckt mine te gate sl x" in (tmp_path / "a.cir").read_text()
    assert call(export_app, "verilog-a", file, "-o", tmp_path / "a.va").exit_code == 0
    assert "module reram_1t1r(te, gate, sl, x);" in (tmp_path / "a.va").read_text()
    assert call(export_app, "lookup", file, "-o", tmp_path / "t", "--rows", 3, "--columns", 5).exit_code == 0
    head, *table = (tmp_path / "t_up.csv").read_text().splitlines()
    assert head.startswith("# provenance: ") and len(table) == 4
