"""What `reram doctor` says about whole, missing, broken, crashing and hanging libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ground import doctor
from ground.doctor import Check, as_json, core_complete, examine, report

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def examined():
    return examine()


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Return a function that puts a module of the given source before the real one, here and in child processes."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(doctor, "_TIME_LIMIT_S", 20.0)

    def write(name: str, source: str) -> None:
        file = tmp_path / f"{name.replace('.', '/')}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)

    write("h5py", "")
    return write


@pytest.fixture
def without(monkeypatch):
    """Return a function that makes modules look as if they were not installed."""
    real_has, real_version = doctor._has, doctor._version

    def hide(*names: str) -> None:
        if "dolfinx" not in names and "gmsh" not in names:  # no need to wait for the slow ones
            monkeypatch.setattr(doctor, "_dolfinx", list)
            monkeypatch.setattr(doctor, "_gmsh", lambda: Check("gmsh", True, "4", "meshes", "pip"))
        monkeypatch.setattr(doctor, "_has", lambda m: m not in names and real_has(m))
        monkeypatch.setattr(doctor, "_version", lambda d: "" if d in names else real_version(d))

    return hide


def fake_dolfinx(write, version="0.9.0", petsc4py="", dolfinx=""):
    write("petsc4py.__init__", "__version__ = '3.22.4'\n" + petsc4py)
    write("petsc4py.PETSc", "")
    write("dolfinx", f"__version__ = {version!r}\n" + dolfinx)
    return {c.name: c for c in doctor._dolfinx()}


def test_everything_asked_for_is_examined(examined):
    names = [c.name for c in examined]
    for name in (
        "python",
        "numpy",
        "scipy",
        "lmfit",
        "xarray",
        "h5netcdf",
        "pydantic",
        "pint",
        "typer",
        "openpyxl",
        "dolfinx",
        "petsc4py",
        "mpi4py",
        "gmsh",
        "matplotlib",
        "pyvista",
        "vtk",
        "torch",
        "numba",
        "dask",
        "aihwkit",
        "ngspice",
        "mpirun",
        "response table",
    ):
        assert name in names
    assert len(names) == len(set(names))


def test_what_is_installed_is_reported_with_its_version(examined):
    numpy = next(c for c in examined if c.name == "numpy")
    assert numpy.present
    assert numpy.core
    assert numpy.version == doctor.metadata.version("numpy")


def test_every_check_says_what_it_is_for_and_how_to_install_it(examined):
    assert all(c.needed_for and c.install for c in examined)


def test_missing_optional_library_leaves_the_core_complete(without):
    without("torch")
    checks = examine()
    torch = next(c for c in checks if c.name == "torch")
    assert (torch.present, torch.version, torch.install) == (False, "", "make training-env")
    assert core_complete(checks)
    assert "missing   torch" in report(checks)
    assert "-> make training-env" in report(checks)


def test_missing_core_library_is_named_at_the_end(without):
    without("lmfit", "pint")
    checks = examine()
    assert not core_complete(checks)
    assert report(checks).endswith("The core lacks lmfit, pint.")
    assert "-> make setup, or pip install -e ." in report(checks)


def test_old_python_is_the_core_lacking(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 4))
    check = doctor._python()
    assert check.core
    assert not check.present
    assert check.install.startswith("Python 3.11 or newer")


def test_missing_dolfinx_names_both_ways_to_get_it(without):
    without("dolfinx", "fenics-dolfinx", "petsc4py")
    checks = {c.name: c for c in doctor._dolfinx()}
    assert set(checks) == {"petsc4py", "dolfinx"}
    assert not checks["dolfinx"].present
    assert "make setup (Debian 12" in checks["dolfinx"].install
    assert "conda env create -f environment.yml" in checks["dolfinx"].install


@pytest.mark.parametrize("version", ["0.5.2", "0.7.3", "0.9.0", "0.10.0.post1"])
def test_supported_dolfinx(fake, version):
    checks = fake_dolfinx(fake, version)
    assert (checks["dolfinx"].present, checks["dolfinx"].version, checks["dolfinx"].problem) == (True, version, "")
    assert checks["numpy/dolfinx ABI"].present


@pytest.mark.parametrize("version", ["0.4.1", "0.11.0", "1.0.0", "main"])
def test_unsupported_dolfinx_is_doubtful(fake, version):
    checks = fake_dolfinx(fake, version)
    assert checks["dolfinx"].problem == f"version {version} is not one this project supports: 0.5 to 0.10"
    assert report([checks["dolfinx"]]).startswith("doubtful  dolfinx")


@pytest.mark.parametrize(
    "message",
    [
        "numpy.dtype size changed, may indicate binary incompatibility",
        "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2",
    ],
)
def test_numpy_2_under_extensions_built_for_numpy_1(fake, message):
    checks = fake_dolfinx(fake, petsc4py=f"raise ValueError({message!r})")
    clash = checks["numpy/dolfinx ABI"]
    assert not clash.present
    assert clash.problem.startswith("petsc4py was built for another numpy: numpy ")
    assert clash.install.startswith("rm -r .venv && make setup")
    assert not checks["petsc4py"].present
    assert message in checks["petsc4py"].problem


def test_a_crash_is_a_finding(fake):
    checks = fake_dolfinx(fake, dolfinx="import os; os.abort()")
    assert checks["petsc4py"].present
    assert not checks["dolfinx"].present
    assert checks["dolfinx"].problem.startswith("importing it ends the process (signal 6)")


def test_a_silent_exit_is_a_finding(fake):
    checks = fake_dolfinx(fake, dolfinx="import sys; sys.exit(7)")
    assert checks["dolfinx"].problem == "importing it ends the process (exit code 7)"


def test_a_hang_is_a_finding(fake, monkeypatch):
    monkeypatch.setattr(doctor, "_TIME_LIMIT_S", 0.5)
    fake("gmsh", "import time; time.sleep(60)")
    check = doctor._gmsh()
    assert not check.present
    assert check.problem == "did not answer within 0.5 s"


def test_missing_gmsh(without):
    without("gmsh")
    assert doctor._gmsh() == Check("gmsh", False, "", "meshes", 'pip install -e ".[fem]"')


def test_working_gmsh(fake):
    fake("gmsh", "__version__ = '4.15.2'")
    assert doctor._gmsh() == Check("gmsh", True, "4.15.2", "meshes", 'pip install -e ".[fem]"')


def test_gmsh_without_its_shared_libraries_names_them_and_their_packages(fake, monkeypatch):
    fake("gmsh", "raise OSError('libGLU.so.1: cannot open shared object file: No such file or directory')")
    monkeypatch.setattr(doctor, "_lacking_libraries", lambda: ["libGLU.so.1", "libXft.so.2"])
    check = doctor._gmsh()
    assert check.problem == "shared libraries are missing: libGLU.so.1, libXft.so.2"
    assert check.install == "sudo apt-get install --no-install-recommends libglu1-mesa libxft2"


def test_gmsh_without_a_library_nobody_listed(fake, monkeypatch):
    fake("gmsh", "raise OSError('libOdd.so.3: cannot open shared object file: No such file or directory')")
    monkeypatch.setattr(doctor, "_lacking_libraries", list)
    check = doctor._gmsh()
    assert check.problem == "shared libraries are missing: libOdd.so.3"
    assert "libglu1-mesa" in check.install


def test_gmsh_broken_in_another_way(fake):
    fake("gmsh", "raise RuntimeError('no such thing')")
    check = doctor._gmsh()
    assert check.problem == "RuntimeError: no such thing"
    assert check.install == 'pip install -e ".[fem]"'


def test_lacking_libraries_are_found_by_loading(monkeypatch):
    monkeypatch.setattr(doctor, "_GMSH_LIBRARIES", {"libc.so.6": "libc6", "libNotThere.so.1": "none"})
    assert "libNotThere.so.1" in doctor._lacking_libraries()


def test_probes_do_not_inherit_the_marks_of_mpirun(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setenv("PMIX_RANK", "1")
    code, out, _ = doctor._run(
        [sys.executable, "-c", "import os; print([k for k in os.environ if k.startswith(('OMPI_', 'PMIX_'))])"]
    )
    assert (code, out) == (0, "[]")


def test_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._program("ngspice", "circuits", "apt") == Check("ngspice", False, "", "circuits", "apt")
    program = tmp_path / "ngspice"
    program.write_text("#!/bin/sh\necho '** ngspice-39.3 : Circuit level simulation program'\n")
    program.chmod(0o755)
    assert doctor._program("ngspice", "circuits", "apt") == Check("ngspice", True, "39.3", "circuits", "apt")
    program.write_text("not a program at all")
    assert doctor._program("ngspice", "circuits", "apt").present


def test_response_table(tmp_path, monkeypatch):
    (tmp_path / "device_physics").mkdir()
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path / "device_physics")]})()
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: spec)
    assert not doctor._table().present
    assert doctor._table().install == "make response (needs FEM)"
    (tmp_path / "device_physics" / "response_default.nc").touch()
    assert doctor._table().present
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    assert not doctor._table().present


def test_report_is_aligned():
    text = report(
        [
            Check("a", True, "1.0", "one", "x"),
            Check("long name", False, "", "two", "do this"),
            Check("odd", False, "2", "three", "mend", problem="it broke"),
        ]
    )
    assert text.splitlines() == [
        "ok        a          1.0  one",
        "missing   long name  -    two",
        "          -> do this",
        "broken    odd        2    three",
        "          it broke",
        "          -> mend",
        "The core is complete.",
    ]


def test_json_has_every_field():
    assert json.loads(as_json([Check("a", True, "1.0", "one", "x", problem="p")])) == [
        {
            "name": "a",
            "present": True,
            "version": "1.0",
            "needed_for": "one",
            "install": "x",
            "core": False,
            "problem": "p",
        }
    ]


@pytest.mark.parametrize(("core", "code"), [(True, 0), (False, 2)])
def test_command_exit_code_and_output(monkeypatch, core, code):
    typer = pytest.importorskip("typer")
    from typer.testing import CliRunner

    from ground import cli

    monkeypatch.setattr(cli, "examine", lambda: [Check("numpy", core, "1.26.4", "everything", "x", core=True)])
    app = typer.Typer()
    app.command()(cli.doctor_command)
    text = CliRunner().invoke(app, [])
    assert text.exit_code == code
    assert "numpy" in text.output
    as_list = CliRunner().invoke(app, ["--json"])
    assert as_list.exit_code == code
    assert json.loads(as_list.output)[0]["present"] is core


def test_module_runs_without_the_command_line_libraries(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda: [Check("typer", False, "", "everything", "x", core=True)])
    monkeypatch.setattr(sys, "argv", ["doctor", "--json"])
    assert doctor.main() == 2
    assert json.loads(capsys.readouterr().out)[0]["name"] == "typer"
    monkeypatch.setattr(sys, "argv", ["doctor"])
    assert doctor.main() == 2
    assert "The core lacks typer." in capsys.readouterr().out


def test_importing_the_doctor_takes_only_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import ground.doctor; new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - sys.stdlib_module_names - {'ground'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
