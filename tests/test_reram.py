"""The command line as a contract: what each command prints, writes and exits with, run as a stranger runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = [
    "doctor",
    "demo",
    "run",
    "mesh",
    "solve",
    "sweep",
    "sweep-plot",
    "response",
    "fit",
    "model",
    "array",
    "export",
    "reproduce",
    "uncertainty",
    "report",
]


def reram(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reram", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON object on stdout; nothing else may be there."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_constant=_no_constant)


def refused(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The message of a refusal: exit code, empty stdout, no traceback, one screen."""
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 25
    return done.stderr


def test_help_lists_every_command() -> None:
    done = reram("--help")
    assert done.returncode == 0
    listed = [
        line.split()[0]
        for line in done.stdout.split("Commands:")[1].splitlines()
        if line.startswith("  ") and line.split()
    ]
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize(
    "command", [*COMMANDS, "fit iv", "fit forming", "fit hopping", "array program", "model show", "export aihwkit"]
)
def test_every_command_has_help(command: str) -> None:
    done = reram(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


@pytest.mark.fem
def test_solve_has_the_agreed_keys(tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text("")
    found = told(reram("solve", tmp_path / "device.toml", "--bias", "0.2", "--json"))
    keys = {"current_A", "conductance_S", "resistance_ohm", "r_th_K_per_W", "dofs", "cells", "seconds"}
    assert keys <= set(found)
    assert {"T_mean_K", "T_max_K", "E_mean_V_per_m"} <= set(found["dome"])
    assert {"current", "power", "heat"} <= set(found["balances"])
    assert found["resistance_ohm"] == pytest.approx(35_400, rel=5e-3)
    again = told(reram("solve", "--bias", "200 mV", "--json", "-o", tmp_path / "s.json"))
    assert again["current_A"] == pytest.approx(found["current_A"], rel=1e-9)
    assert json.loads((tmp_path / "s.json").read_text()) == again


@pytest.mark.fem
def test_solve_and_mesh_for_a_person(tmp_path: Path) -> None:
    done = reram("solve")
    assert "resistance 3" in done.stdout
    assert "substituted constants: CF.electrical_conductivity" in done.stdout
    meshed = reram("mesh", "-o", tmp_path / "m.npz")
    assert "tetrahedra" in meshed.stdout
    assert (tmp_path / "m.npz").exists()
    assert told(reram("mesh", "--json"))["regions"]["dome"]["cells"] > 100


HOPPING = """
[materials.CMO.hopping]
trap_density = "5e19 1/cm^3"
barrier = "65 meV"
hop_distance = "2 nm"
attempt = "9.2e12 Hz"
[mesh]
domain = "axisymmetric"
rim_size = "0.2 nm"
"""


@pytest.mark.fem
def test_a_hopping_device_is_solved_self_consistently(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(HOPPING)
    low = told(reram("solve", tmp_path / "d.toml", "--bias", "0", "--json", "-o", tmp_path / "s.json"))
    high = told(reram("solve", tmp_path / "d.toml", "--bias", "-1", "--json"))
    assert low["current_A"] == 0.0
    assert high["resistance_ohm"] < 0.7 * low["resistance_ohm"]
    assert 400 < high["dome"]["T_mean_K"] < 500
    assert "surface flux" not in reram("solve", tmp_path / "d.toml").stdout
    (tmp_path / "bad.toml").write_text('[materials.CMO.hopping]\nbarrier = "65 meV"\nhop_distnce = "2 nm"\n')
    message = refused(reram("solve", tmp_path / "bad.toml"))
    assert "HoppingLaw.trap_density_m3 is missing" in message
    assert "HoppingLaw.hop_distnce is not known. Did you mean 'hop_distance'" in message


@pytest.mark.fem
def test_sweep_writes_a_table(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('[mesh]\nrim_size = "1 nm"\n')
    (tmp_path / "s.toml").write_text(
        'device = "d.toml"\nvolts = [0.1, 0.2]\n[vary]\nfilament.radius = ["9 nm", "11 nm"]\n'
    )
    found = told(reram("sweep", tmp_path / "s.toml", "-o", tmp_path / "out.nc", "--json"))
    assert found == {"output": str(tmp_path / "out.nc"), "points": 4, "failed": 0}


def test_a_bad_device_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text("[filament]\nradius = 11\n")
    assert "Filament.radius=11 is not allowed: it carries no unit" in refused(
        reram("solve", tmp_path / "d.toml", "--json")
    )
    assert "there is no such file" in refused(reram("solve", tmp_path / "none.toml"))
    assert "--bias='fast' is not allowed" in refused(reram("solve", "--bias", "fast"))
    assert "bias_V=nan is not allowed" in refused(reram("solve", "--bias", "nan"))


@pytest.mark.fem
def test_an_unwritable_output_leaves_nothing(tmp_path: Path) -> None:
    message = refused(reram("mesh", "-o", tmp_path / "none" / "m.npz"))
    assert "does not exist; create it first" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.fem
def test_not_converged_exits_with_3(tmp_path: Path) -> None:
    code = "import device_physics._operator as o, reram; o.MAX_ITERATIONS = 1; reram.main()"
    done = subprocess.run([sys.executable, "-c", code, "solve", "--json"], capture_output=True, text=True, check=False)
    assert "the linear solver stopped after 1 iterations" in refused(done, 3)


def test_without_dolfinx_the_fem_says_how_to_get_it_and_the_rest_works(tmp_path: Path) -> None:
    code = "import sys; sys.modules['dolfinx'] = None; import reram; reram.main()"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
        )

    message = refused(run("solve"))
    assert "the FEM needs dolfinx" in message or "gmsh cannot be loaded" in message
    demo = run("demo", "-o", tmp_path / "demo")
    assert demo.returncode == 0, demo.stderr
    assert "[1/7] 3D electrothermal solution: left out" in demo.stdout
    assert (tmp_path / "demo" / "model.json").exists()


def test_a_bug_of_ours_exits_with_1_and_asks_for_a_report() -> None:
    code = "import reram, ground.doctor as d, ground.cli as c\ndef broken(): raise RuntimeError('boom')\nc.examine = broken\nreram.main()"
    done = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=False)
    assert "this is a bug in cmo-reram, not in your input: RuntimeError: boom" in refused(done, 1)
    loud = subprocess.run(
        [sys.executable, "-c", code, "doctor"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RERAM_DEBUG": "1"},
    )
    assert "Traceback" in loud.stderr


def test_ctrl_c_says_that_nothing_is_lost() -> None:
    code = "import reram, ground.cli as c\ndef stop(): raise KeyboardInterrupt\nc.examine = stop\nreram.main()"
    done = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "Finished points are kept; the same command goes on from there (`reram train` with --resume)" in done.stderr


def test_an_unknown_command_or_option_exits_with_2() -> None:
    assert reram("slove").returncode == 2
    assert reram("solve", "--byas", "1").returncode == 2


def test_array_program_has_the_agreed_keys() -> None:
    found = told(
        reram("array", "program", "--shape", "8x4", "--levels", "35", "--acceptance", "0.002", "--seed", "0", "--json")
    )
    assert {"mean_pulses", "sigma_uS_vs_target", "converged_fraction"} <= set(found)
    assert {"c0", "c1"} <= set(found["sigma_uS_vs_target"])
    assert found["converged_fraction"] == 1.0
    assert found["sigma_uS_vs_target"]["c1"] == pytest.approx(0.002 / 3**0.5, rel=0.1)


def test_reproduce_makes_a_figure_its_numbers_and_the_page(tmp_path: Path) -> None:
    found = told(reram("reproduce", "--quick", "--only", "2b,S3", "--json", "-o", tmp_path / "out"))
    assert [f["number"] for f in found["figures"]] == ["2b", "S3"]
    assert {f["status"] for f in found["figures"]} == {"made"}
    (row,) = found["rows"]
    assert (row["name"], row["status"]) == ("v_forming_1t1r_V", "reproduced") and row["stderr"] > 0
    assert (tmp_path / "out" / "index.html").stat().st_size > 10_000
    assert (tmp_path / "out" / "figures" / "2b.nc").exists()
    refused = reram("reproduce", "--only", "7a", "-o", tmp_path / "out")
    assert refused.returncode == 2 and "the paper has no such figure here" in refused.stderr


def test_the_demo_goes_all_the_way_and_labels_what_is_synthetic(tmp_path: Path) -> None:
    done = reram("demo", "-o", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC" in done.stdout
    assert f"Results are in {tmp_path / 'demo'}" in done.stdout
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert summary["synthetic"] is True
    assert {"model.json", "fit.json", "array.json", "aihwkit_config.py", "cycle.csv"} <= set(summary["files"])
    shown = told(reram("model", "show", tmp_path / "demo" / "model.json", "--json"))
    assert shown["provenance"]["synthetic"] is True
    assert shown["cell"]["hopping"]["hop_distance_m"] > 0
    compile((tmp_path / "demo" / "aihwkit_config.py").read_text(), "aihwkit_config.py", "exec")
    exported = told(reram("export", "aihwkit", tmp_path / "demo" / "model.json", "-o", tmp_path / "again.py", "--json"))
    assert exported
    again, first = (
        (tmp_path / f).read_text().splitlines()[1:] for f in ("again.py", Path("demo", "aihwkit_config.py"))
    )
    assert again == first  # but for the line that says when each was made
    chain = told(reram("trace", tmp_path / "demo" / "summary.json", "--json"))
    behind = {x["name"]: (x["status"], x["origin"]) for x in chain["inputs"]}
    assert chain["matches"] and not chain["not_found"] and {status for status, _ in behind.values()} == {"matches"}
    solved = behind["solution.json"][1]
    assert {n["name"]: n["matches"] for n in solved["specifications"]} == {"device": True, "mesh": None}
    assert {"dolfinx", "petsc4py", "gmsh"} <= set(solved["record"]["libraries"])
    assert [x["name"] for x in solved["inputs"]] == ["materials.toml"]
    assert {x["role"] for x in behind["model.json"][1]["inputs"]} >= {"measured data", "fit", "response table"}


def test_the_demo_with_ones_own_sweeps(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "iv" / "keithley_dc_sweeps" / "csv"
    files = [folder / f"H16248L_M12_04_endurance_{k}_Run7.csv" for k in ("set", "reset")]
    done = reram("demo", "-o", tmp_path / "demo", "--iv", *files)
    assert done.returncode == 0, done.stderr
    assert "points of measured data" in done.stdout
    assert "The data do not identify the barrier of HRS: held at the published value" in done.stdout
    model = json.loads((tmp_path / "demo" / "model.json").read_text())
    assert model["provenance"]["synthetic"] is False
    measured = [i["name"] for i in model["provenance"]["inputs"] if i["role"] == "measured data"]
    assert measured == [f.name for f in files]


def test_the_demo_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    assert "To use your own sweeps write: reram demo --iv cell.csv" in refused(reram("demo", "cell.csv"))
    assert "there is no such file" in refused(reram("demo", "-o", tmp_path / "d", "--iv", tmp_path / "none.csv"))
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused(reram("demo", "-o", tmp_path / "file" / "x"))


def test_a_run_file(tmp_path: Path) -> None:
    from fits.hopping.synthetic import write_synthetic_sweeps

    files = write_synthetic_sweeps(tmp_path)
    (tmp_path / "device.toml").write_text('[mesh]\nrim_size = "1 nm"\n')
    (tmp_path / "job.toml").write_text(
        f'device = "device.toml"\niv = {json.dumps([f.name for f in files])}\nbias = "-0.5 V"\n'
        "[array]\nrows = 4\ncolumns = 4\nlevels = 5\nacceptances = [0.05]\n"
    )
    found = told(reram("run", tmp_path / "job.toml", "-o", tmp_path / "out", "--json"))
    assert len(found["stages"]) == 7
    assert "4x4 to 5 levels" in next(s["what"] for s in found["stages"] if s["stage"] == "array programming")
    (tmp_path / "bad.toml").write_text("rows = 4\n")
    assert "Job.rows is not known" in refused(reram("run", tmp_path / "bad.toml"))
    (tmp_path / "bad.toml").write_text("[array]\nrows = 0\n")
    assert "ArrayJob.rows=0 is not allowed: expected 1..4096" in refused(reram("run", tmp_path / "bad.toml"))


def test_a_stage_left_out_takes_its_old_files_away(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    out.mkdir()
    (out / "cycle.png").write_text("from an earlier run")
    (out / "mine.txt").write_text("not ours")
    leakage = shared / "data" / "iv" / "keithley_dc_sweeps" / "csv" / "H16248L_M12_00_Leakage_Run10.csv"
    done = reram("demo", "-o", out, "--iv", leakage)
    assert done.returncode == 0, done.stderr
    assert "[3/7] hopping fit: left out" in done.stdout
    assert not (out / "cycle.png").exists()
    assert (out / "mine.txt").read_text() == "not ours"


def test_fit_hopping_writes_a_model_and_a_picture(tmp_path: Path) -> None:
    from fits.hopping.synthetic import write_synthetic_sweeps

    files = write_synthetic_sweeps(tmp_path)
    found = told(reram("fit", "hopping", *files, "-o", tmp_path / "model.json", "--json"))
    assert found["parameters"]["hop_distance_m"]["identified"] is True
    assert "cell            r_CF 11 nm" in reram("model", "show", tmp_path / "model.json").stdout
    iv = told(reram("fit", "iv", *files, "--json"))
    assert iv["hopping"]["synthetic"] is True
    one = reram("fit", "hopping", *[f for f in files if "293K" in f.name], "--v-max", "0.3", "-o", tmp_path / "no.json")
    assert "so no model is exported" in refused(one)
    assert not (tmp_path / "no.json").exists()
    assert "--r-cf='11' is not allowed" in refused(reram("fit", "hopping", *files, "--r-cf", "11"))


@pytest.mark.plot
def test_the_fit_is_drawn(tmp_path: Path) -> None:
    import matplotlib.image
    import numpy as np

    from fits.hopping.synthetic import write_synthetic_sweeps

    files = write_synthetic_sweeps(tmp_path)
    assert reram("fit", "hopping", *files, "--plot", tmp_path / "fit.png").returncode == 0
    assert np.std(matplotlib.image.imread(tmp_path / "fit.png")[..., :3]) > 0.05
