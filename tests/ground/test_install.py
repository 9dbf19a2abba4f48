"""The installer's decisions and messages, with a stand-in for each program it calls; and the files that belong to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONDA_LINE = "conda env create -f environment.yml && conda activate cmo-reram"
FEM_312 = "3.12 0.7.3 1 venv"
FEM_313 = "3.13 0.9.0 2 venv"
LIGHT = "3.12 none none venv"

PYTHON = r"""#!/bin/bash
# A Python that has the facts written beside it and remembers what it was asked.
here=$(dirname "$(readlink -f "$0")")
case "$*" in
    "-I -") cat "$0.facts" 2>/dev/null; exit 0 ;;
    "-m venv "*)
        [ -e "$here/no-venv" ] && { echo "ensurepip is not available"; exit 1; }
        mkdir -p "$4/bin"; touch "$4/pyvenv.cfg"; cp "$0" "$4/bin/python"; echo "$here" >"$4/bin/origin" ;;
    "-m pip "*)
        echo "$*" >>"$(cat "$here/origin")/pip-calls"
        [ -e "$(cat "$here/origin")/no-index" ] && { echo "ERROR: No matching distribution found for gmsh"; exit 1; } ;;
    *"import gmsh"*)
        [ -e "$(cat "$here/origin" 2>/dev/null)/no-libglu" ] && { echo "OSError: libGLU.so.1: cannot open shared object file" >&2; exit 1; }
        [ -e "$here/origin" ] || [ -e "$here/has-gmsh" ] || exit 1
        echo 4.15.2 ;;
    *"import petsc4py"*)
        [ -e "$(cat "$here/origin")/clash" ] && { echo "ValueError: numpy.dtype size changed" >&2; exit 1; }
        echo 0.9.0 ;;
esac
exit 0
"""


class Machine:
    """A pretended machine: a project folder, a PATH with the stand-ins only, and whatever facts a test gives it."""

    def __init__(self, folder: Path) -> None:
        self.project, self.bin = folder / "project", folder / "bin"
        (self.project / "install").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "pyproject.toml", self.project)
        for file in (ROOT / "install").glob("*"):
            shutil.copy(file, self.project / "install")
        for name in (
            "bash",
            "cat",
            "cksum",
            "cp",
            "cut",
            "dirname",
            "env",
            "grep",
            "head",
            "mkdir",
            "mv",
            "readlink",
            "rm",
            "sed",
            "tail",
            "touch",
            "tr",
            "true",
        ):
            (self.bin / name).symlink_to(shutil.which(name) or pytest.skip(f"there is no {name}"))
        self.program("uname", "case $1 in -s) echo Linux ;; *) echo x86_64 ;; esac")
        self.program("id", "echo 1000")
        self.env = {"PATH": str(self.bin), "HOME": str(folder), "RERAM_SYSTEM_PYTHON": str(self.bin / "system-python")}

    def program(self, name: str, body: str) -> Path:
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(body if body.startswith("#!") else f"#!/bin/bash\n{body}\n")
        file.chmod(0o755)
        return file

    def python(self, name: str, facts: str) -> Path:
        file = self.program(name, PYTHON)
        Path(f"{file}.facts").write_text(facts + "\n" if facts else "")
        return file

    def apt(self, *, release="3.13.5", knows_dolfinx=True, works=True, gives=FEM_313) -> None:
        self.program("id", "echo 0")
        self.program("dpkg-query", "exit 1")
        self.program(
            "apt-cache",
            f'case $2 in python3) echo "  Candidate: {release}-1" ;; *) '
            f'echo "  Candidate: {"1:0.9.0-7" if knows_dolfinx else "(none)"}" ;; esac',
        )
        system = self.bin / "system-python"
        self.program(
            "apt-get",
            f'echo "$*" >>{self.bin}/apt-calls\n[ "$1" = update ] && exit 0\n'
            + (
                f'cp {self.bin}/template {system}; echo "{gives}" >{system}.facts'
                if works
                else 'echo "E: Unable to fetch some archives"; exit 100'
            ),
        )
        self.program("template", PYTHON)

    def setup(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.project / "install/setup.sh"), *arguments],
            capture_output=True,
            text=True,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def said(self, name: str) -> str:
        file = self.bin / name
        return file.read_text() if file.exists() else ""


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_system_dolfinx_gives_an_environment_over_it(machine):
    machine.python("system-python", FEM_313)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.splitlines()[-1]
        == "setup: ready: dolfinx 0.9.0, gmsh 4.15.2, Python 3.13. 'make doctor' tells more."
    )
    assert f"install/constraints-numpy2.txt -e {machine.project}[fem,plot,dev]" in machine.said("pip-calls")


def test_constraints_follow_the_numpy_that_dolfinx_was_built_for(machine):
    machine.python("system-python", FEM_312)
    assert machine.setup().returncode == 0
    assert "constraints-numpy1.txt" in machine.said("pip-calls")


def test_second_run_does_nothing_and_says_nothing(machine):
    machine.python("system-python", FEM_313)
    machine.setup()
    again = machine.setup()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert machine.said("pip-calls").count("pip install") == 1


@pytest.mark.parametrize("file", ["pyproject.toml", "install/constraints-numpy2.txt", "install/setup.sh"])
def test_a_changed_file_makes_it_install_again_into_the_same_environment(machine, file):
    machine.python("system-python", FEM_313)
    machine.setup()
    (machine.project / ".venv/kept").touch()
    with (machine.project / file).open("a") as stream:
        stream.write("\n# changed\n")
    assert machine.setup().returncode == 0
    assert machine.said("pip-calls").count("pip install") == 2
    assert (machine.project / ".venv/kept").exists()


def test_another_python_makes_a_new_environment(machine):
    machine.python("system-python", FEM_313)
    machine.setup()
    (machine.project / ".venv/old").touch()
    machine.python("system-python", FEM_312)
    assert machine.setup().returncode == 0
    assert not (machine.project / ".venv/old").exists()


def test_a_folder_that_is_no_environment_is_left_alone(machine):
    machine.python("system-python", FEM_313)
    (machine.project / ".venv").mkdir()
    (machine.project / ".venv/thesis.txt").touch()
    done = machine.setup()
    assert done.returncode == 1
    assert "is not a virtual environment: move it away first." in done.stderr
    assert (machine.project / ".venv/thesis.txt").exists()


def test_without_root_or_apt_it_goes_on_without_fem(machine):
    machine.python("python3", LIGHT)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert (
        "no FEM here: there is no dolfinx, and installing it needs apt-get with root or sudo without a password."
        in done.stdout
    )
    assert CONDA_LINE in done.stdout
    assert "fits, arrays and training work from the shipped response table; FEM tests are skipped." in done.stdout
    assert "setup: ready, without FEM, Python 3.12." in done.stdout
    assert f"constraints-numpy2.txt -e {machine.project}[plot,dev]" in machine.said("pip-calls")
    again = machine.setup()
    assert (again.returncode, again.stdout) == (0, "")


def test_no_python_at_all(machine):
    done = machine.setup()
    assert done.returncode == 1
    assert "no Python 3.11 or newer with the venv module was found" in done.stderr
    assert CONDA_LINE in done.stderr
    assert "RERAM_PYTHON=/path/to/python3 make setup" in done.stderr


def test_old_python_counts_as_none(machine):
    machine.python("python3", "")
    assert machine.setup().returncode == 1


def test_root_installs_dolfinx_and_the_libraries(machine):
    machine.apt()
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert "setup: ready: dolfinx 0.9.0" in done.stdout
    install = machine.said("apt-calls").splitlines()[1]
    assert install.startswith("install -y --no-install-recommends python3-dolfinx python3-venv ")
    for package in ("libglu1-mesa", "libgl1", "libegl1", "libxft2", "libxcursor1", "libxinerama1"):
        assert package in install.split()


def test_sudo_without_password_serves_as_root(machine):
    machine.apt()
    machine.program("id", "echo 1000")
    machine.program("sudo", f'[ "$1" = -n ] || exit 1\necho "$*" >>{machine.bin}/sudo-calls\nshift\nexec "$@"')
    assert machine.setup().returncode == 0
    assert "-n env DEBIAN_FRONTEND=noninteractive apt-get install" in machine.said("sudo-calls")


def test_sudo_that_asks_is_not_used(machine):
    machine.apt()
    machine.program("id", "echo 1000")
    machine.program("sudo", "exit 1")
    machine.python("python3", LIGHT)
    assert "needs apt-get with root or sudo without a password" in machine.setup().stdout
    assert machine.said("apt-calls") == ""


def test_missing_libraries_are_added_under_a_dolfinx_that_is_there(machine):
    machine.apt()
    machine.program("dpkg-query", 'case $4 in libegl1) exit 1 ;; *) echo "install ok installed" ;; esac')
    machine.python("system-python", FEM_313)
    assert "setup: installing by apt-get (under a minute): libegl1" in machine.setup().stdout
    assert machine.said("apt-calls").splitlines()[1] == "install -y --no-install-recommends libegl1"


def test_release_whose_python_is_too_old(machine):
    machine.apt(release="3.10.6")
    done = machine.setup()
    assert done.returncode == 1
    assert "this release's Python is 3.10 and its dolfinx belongs to it; 3.11 or newer is needed" in done.stderr
    assert "python3-dolfinx" not in machine.said("apt-calls")


def test_release_without_dolfinx(machine):
    machine.apt(knows_dolfinx=False)
    machine.python("python3", LIGHT)
    done = machine.setup()
    assert done.returncode == 0
    assert "apt knows no package python3-dolfinx (on Ubuntu: sudo add-apt-repository universe)" in done.stdout


def test_release_without_dolfinx_still_gives_a_python(machine):
    machine.apt(knows_dolfinx=False, gives=LIGHT)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.said("apt-calls").splitlines()[-1] == "install -y --no-install-recommends python3 python3-venv"
    assert "setup: ready, without FEM, Python 3.12." in done.stdout


def test_failing_apt_shows_its_last_words_and_goes_on(machine):
    machine.apt(works=False)
    machine.python("python3", LIGHT)
    done = machine.setup()
    assert done.returncode == 0
    assert f"apt-get install failed. The last lines of {machine.project}/.venv-setup.log:" in done.stderr
    assert "E: Unable to fetch some archives" in done.stderr
    assert "no FEM here: apt-get could not install it" in done.stdout


def test_failing_pip_shows_its_last_words(machine):
    machine.python("system-python", FEM_313)
    (machine.bin / "no-index").touch()
    done = machine.setup()
    assert done.returncode == 1
    assert "pip install failed. The last lines of" in done.stderr
    assert "ERROR: No matching distribution found for gmsh" in done.stderr
    assert "pip could not install the project's libraries." in done.stderr
    (machine.bin / "no-index").unlink()
    assert machine.setup().returncode == 0  # and nothing was taken for done


def test_failing_venv(machine):
    machine.python("system-python", FEM_313)
    (machine.bin / "no-venv").touch()
    done = machine.setup()
    assert done.returncode == 1
    assert "no virtual environment could be made with" in done.stderr
    assert "sudo apt-get install python3-venv" in done.stderr


def test_system_dolfinx_without_the_venv_module(machine):
    machine.python("system-python", "3.13 0.9.0 2 no-venv")
    done = machine.setup()
    assert done.returncode == 1
    assert "has no venv module. Debian, Ubuntu: sudo apt-get install python3-venv" in done.stderr


@pytest.mark.parametrize(
    ("sign", "message"),
    [
        ("no-libglu", "setup: WARNING: gmsh cannot be imported: OSError: libGLU.so.1: cannot open shared object file"),
        ("clash", "setup: WARNING: dolfinx cannot be imported: ValueError: numpy.dtype size changed"),
    ],
)
def test_what_does_not_work_in_the_end_is_said(machine, sign, message):
    machine.python("system-python", FEM_313)
    (machine.bin / sign).touch()
    done = machine.setup()
    assert done.returncode == 0
    assert message in done.stdout


def test_active_conda_environment_comes_before_the_system(machine, tmp_path):
    machine.python("system-python", FEM_312)
    (tmp_path / "conda/bin").mkdir(parents=True)
    python = machine.python("conda-python", FEM_313)
    (tmp_path / "conda/bin/python").write_text(python.read_text())
    (tmp_path / "conda/bin/python").chmod(0o755)
    (tmp_path / "conda/bin/python.facts").write_text(FEM_313)
    (tmp_path / "conda/bin/has-gmsh").touch()
    assert machine.setup(CONDA_PREFIX=str(tmp_path / "conda")).returncode == 0
    calls = (tmp_path / "conda/bin/pip-calls").read_text()
    assert f"constraints-conda.txt -e {machine.project}[plot,dev]" in calls


def test_python_named_by_the_user(machine):
    machine.python("system-python", FEM_313)
    machine.python("mine", LIGHT)
    done = machine.setup(RERAM_PYTHON="mine")
    assert done.returncode == 0
    assert "no FEM here: RERAM_PYTHON=mine has no dolfinx" in done.stdout


def test_python_named_by_the_user_that_is_none(machine):
    assert "RERAM_PYTHON=nowhere: there is no such program." in machine.setup(RERAM_PYTHON="nowhere").stderr
    machine.python("old", "")
    done = machine.setup(RERAM_PYTHON="old")
    assert done.returncode == 1
    assert "RERAM_PYTHON=old is not a working Python 3.11 or newer." in done.stderr


def test_training_comes_on_top(machine):
    machine.python("system-python", FEM_313)
    machine.setup()
    done = machine.setup("--training")
    assert done.returncode == 0
    assert "CUDA libraries of several GB" in done.stdout
    assert machine.said("pip-calls").splitlines()[-1].endswith("[training]")
    assert machine.setup().stdout == ""
    assert machine.setup("--training").stdout == ""


def test_help_and_unknown_option(machine):
    assert "RERAM_NO_APT=1" in machine.setup("--help").stdout
    assert machine.setup("--help").returncode == 0
    assert machine.setup("--traning").returncode == 2


@pytest.mark.parametrize("file", ["install/setup.sh", "install/prove-debian13.sh", ".ci/run"])
def test_shell_scripts_are_clean(file):
    path = ROOT / file
    assert path.stat().st_mode & 0o111, f"{file} is not executable"
    subprocess.run(["bash", "-n", str(path)], check=True)
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["relative/folder"]])
def test_proof_says_what_it_wants(arguments):
    done = subprocess.run(
        [str(ROOT / "install/prove-debian13.sh"), *arguments], capture_output=True, text=True, check=False
    )
    if arguments == ["--help"]:
        assert done.returncode == 0
        assert "RERAM_SUITE=trixie" in done.stdout
    else:
        assert done.returncode == 2
        assert "must be an absolute path below the top: relative/folder" in done.stderr


def names(requirements: list[str]) -> set[str]:
    return {
        re.split(r"[<>=!~; \[]", r, maxsplit=1)[0].lower() for r in requirements if r.strip() and not r.startswith("#")
    }


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("numpy", ["1", "2"])
def test_constraints_name_everything_that_is_installed(project, numpy):
    extras = project["optional-dependencies"]
    wanted = names(project["dependencies"] + extras["fem"] + extras["plot"] + extras["training"] + extras["dev"])
    text = (ROOT / f"install/constraints-numpy{numpy}.txt").read_text()
    assert wanted - names(text.splitlines()) == set()


def test_conda_environment_has_every_dependency(project):
    listed = names(re.findall(r"^  - (\S+)", (ROOT / "environment.yml").read_text(), flags=re.MULTILINE))
    assert names(project["dependencies"]) - listed == set()
    assert {"fenics-dolfinx", "python-gmsh", "pyvista", "matplotlib", "numba", "mpich", "petsc"} <= listed


def test_no_package_index_is_named():
    for file in [ROOT / "Makefile", ROOT / ".ci/run", ROOT / "environment.yml", *(ROOT / "install").glob("*")]:
        assert not re.search(r"index-url|find-links|trusted-host", file.read_text()), file


def test_make_help_lists_every_target():
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert [line.split()[1] for line in shown.splitlines()] == phony[1].split()


@pytest.mark.parametrize(
    ("target", "last"),
    [
        ("demo", ".venv/bin/reram demo"),
        ("test", ".venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0"),
        ("lint", ".venv/bin/python -m mypy"),
        ("response", ".venv/bin/reram response -o device_physics/response_default.nc"),
        ("reproduce", ".venv/bin/reram reproduce"),
    ],
)
def test_targets_set_up_first(target, last):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    alone = {k: v for k, v in os.environ.items() if k not in ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}
    command = [
        "make",
        "-n",
        "-s",
        "-C",
        str(ROOT),
        target,
    ]  # as from a shell, also where `make test ARGS=...` runs this
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "install/setup.sh"
    assert lines[-1] == last
