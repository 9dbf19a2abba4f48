"""What is installed, what each thing is for, and the command that brings what is missing; only the standard library.

Heavy modules are not imported to learn a version. Where only a real import tells (shared libraries, binary interfaces),
it happens in a process of its own with a time limit, so that a crash is a finding and not a crash.
`python -m ground.doctor` works where not even the command line's own libraries are installed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

_CONDA = "conda env create -f environment.yml && conda activate cmo-reram"
_DOLFINX = f"make setup (Debian 12 or newer, Ubuntu 24.04), or {_CONDA}"
_SUPPORTED_DOLFINX = ((0, 5), (0, 10))
_TIME_LIMIT_S = 60.0

# Shared libraries the gmsh wheel is linked to -> the Debian and Ubuntu package of each.
_GMSH_LIBRARIES = {
    "libGLU.so.1": "libglu1-mesa",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXft.so.2": "libxft2",
    "libXcursor.so.1": "libxcursor1",
    "libXfixes.so.3": "libxfixes3",
    "libXinerama.so.1": "libxinerama1",
    "libXrender.so.1": "libxrender1",
    "libfontconfig.so.1": "libfontconfig1",
    "libgomp.so.1": "libgomp1",
}


@dataclass(frozen=True)
class Check:
    """One thing looked for.

    name, version : what it is; version is "" where unknown.  present : it is there and usable.
    needed_for : what does not work without it.  install : the command that brings or mends it.
    core : nothing works without it.  problem : what is wrong, where it is there and yet unusable or doubtful.
    """

    name: str
    present: bool
    version: str
    needed_for: str
    install: str
    core: bool = False
    problem: str = ""


# name as imported, name as distributed, what it is for
_CORE = [
    ("numpy", "numpy", "everything"),
    ("scipy", "scipy", "everything"),
    ("lmfit", "lmfit", "fits"),
    ("xarray", "xarray", "tables"),
    ("h5netcdf", "h5netcdf", "reading and writing NetCDF tables"),
    ("h5py", "h5py", "reading and writing NetCDF tables"),
    ("pydantic", "pydantic", "checking specifications and models"),
    ("pint", "pint", "units"),
    ("typer", "typer", "the command line"),
    ("rich", "rich", "the command line"),
    ("openpyxl", "openpyxl", "reading .xlsx measurements"),
    ("numba", "numba", "cells, arrays and crossbars"),
]
_OPTIONAL = [
    ("mpi4py", "mpi4py", "FEM on several processes", _DOLFINX),
    ("matplotlib", "matplotlib", "plots", 'pip install -e ".[plot]"'),
    ("pyvista", "pyvista", "pictures of 3D fields", 'pip install -e ".[plot]"'),
    ("vtkmodules", "vtk", "pictures of 3D fields", 'pip install -e ".[plot]"'),
    ("torch", "torch", "training", "make training-env"),
    ("sklearn", "scikit-learn", "training on its digits", "make training-env"),
    ("xlrd", "xlrd", "reading .xls measurements", 'pip install -e ".[xls]"'),
    ("emcee", "emcee", "sampling hopping fits", 'pip install -e ".[sampling]"'),
    ("dask", "dask", "sweeps on several processes or a cluster", 'pip install -e ".[cluster]"'),
    ("aihwkit", "aihwkit", "checking the exported model in aihwkit (its own environment)", "make test-aihwkit"),
]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _has(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _run(command: list[str], limit_s: float | None = None) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr; -1 and a sentence in stderr where the time limit ended it."""
    limit_s = _TIME_LIMIT_S if limit_s is None else limit_s
    # A child of `mpirun` would take these for its own and wait for partners.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMIX_", "PMI_", "PRTE_", "HYDRA_"))}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            env=env,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "", f"did not answer within {limit_s:g} s"
    except OSError as error:
        return -1, "", str(error)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def _import_problem(code: int, stderr: str) -> str:
    """Say in one line why an import in another process failed."""
    last = stderr.splitlines()[-1] if stderr else ""
    if code < -1:
        return f"importing it ends the process (signal {-code}): {last}".rstrip(": ")
    return last or f"importing it ends the process (exit code {code})"


def _python() -> Check:
    return Check(
        "python",
        sys.version_info >= (3, 11),
        platform.python_version(),
        "everything",
        f"Python 3.11 or newer: {_CONDA}",
        core=True,
    )


def _gmsh() -> Check:
    needed, install = "meshes", 'pip install -e ".[fem]"'
    if not _has("gmsh"):
        return Check("gmsh", False, "", needed, install)
    code, out, err = _run([sys.executable, "-c", "import gmsh; print(gmsh.__version__)"])
    if code == 0:
        return Check("gmsh", True, out.splitlines()[-1], needed, install)
    problem = _import_problem(code, err)
    if re.search(r"lib\w+\.so\.\d+: cannot open shared object file", problem):
        lacking = _lacking_libraries() or re.findall(r"lib\w+\.so\.\d+", problem)
        packages = [_GMSH_LIBRARIES[name] for name in lacking if name in _GMSH_LIBRARIES]
        problem = f"shared libraries are missing: {', '.join(lacking)}"
        install = "sudo apt-get install --no-install-recommends " + " ".join(packages or _GMSH_LIBRARIES.values())
    return Check("gmsh", False, _version("gmsh"), needed, install, problem=problem)


def _lacking_libraries() -> list[str]:
    """Return the shared libraries of gmsh that the system cannot load (tried in another process)."""
    code = "import ctypes, sys\nfor name in sys.argv[1:]:\n    try: ctypes.CDLL(name)\n    except OSError: print(name)"
    return _run([sys.executable, "-c", code, *_GMSH_LIBRARIES])[1].split()


def _is_abi_clash(text: str) -> bool:
    return any(
        sign in text
        for sign in (
            "numpy.dtype size changed",
            "compiled using NumPy 1.x",
            "_ARRAY_API not found",
            "numpy.core.multiarray failed to import",
        )
    )


def _dolfinx() -> list[Check]:
    """Return the checks of petsc4py, dolfinx, and whether their numpy is the one they were built for."""
    needed = "FEM: meshes to fields, sweeps, new response tables"
    found = {name: _has(name) for name in ("petsc4py", "dolfinx")}
    out = []
    clash = ""
    for name, distribution in (("petsc4py", "petsc4py"), ("dolfinx", "fenics-dolfinx")):
        version, problem = _version(distribution), ""
        if found[name]:
            # h5py first: dolfinx 0.5 makes its own HDF5 visible to all that is loaded later, and h5py then fails
            before = "import h5py; " if _has("h5py") else ""
            code, text, err = _run(
                [sys.executable, "-c", f"{before}import petsc4py.PETSc; import {name}; print({name}.__version__)"]
            )
            version = text.splitlines()[-1] if code == 0 and text else version
            problem = "" if code == 0 else _import_problem(code, err)
            clash = clash or (f"{name} was built for another numpy" if code != 0 and _is_abi_clash(err) else "")
        present = found[name] and not problem
        if name == "dolfinx" and present:
            problem = _dolfinx_support(version)
        out.append(Check(name, present, version, needed, _DOLFINX, problem=problem))
    if all(found.values()):
        out.append(
            Check(
                "numpy/dolfinx ABI",
                not clash,
                _version("numpy"),
                "FEM",
                "rm -r .venv && make setup (it takes the numpy that dolfinx was built for)",
                problem=f"{clash}: numpy {_version('numpy')} cannot be used with it" if clash else "",
            )
        )
    return out


def _dolfinx_support(version: str) -> str:
    """Return "" for a supported dolfinx version, otherwise the reason for doubt."""
    match = re.match(r"(\d+)\.(\d+)", version)
    low, high = _SUPPORTED_DOLFINX
    if match and low <= (int(match[1]), int(match[2])) <= high:
        return ""
    return f"version {version or 'unknown'} is not one this project supports: 0.{low[1]} to 0.{high[1]}"


def _program(name: str, needed: str, install: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name, False, "", needed, install)
    _, out, err = _run([path, "--version"], 10.0)
    match = re.search(r"\d+(\.\d+)*", out + err)
    return Check(name, True, match[0] if match else "", needed, install)


def _table() -> Check:
    spec = util.find_spec("device_physics")
    folders = list(spec.submodule_search_locations or []) if spec else []
    present = any((Path(f) / "response_default.nc").is_file() for f in folders)
    return Check("response table", present, "", "fits, arrays and training without FEM", "make response (needs FEM)")


def examine() -> list[Check]:
    """Return every check, the core first; takes a few seconds where dolfinx is installed."""
    checks = [_python()]
    checks += [
        Check(d, _has(m), _version(d), needed, "make setup, or pip install -e .", core=True) for m, d, needed in _CORE
    ]
    checks += _dolfinx()
    checks.append(_gmsh())
    checks += [Check(d, _has(m), _version(d), needed, install) for m, d, needed, install in _OPTIONAL]
    checks.append(_program("mpirun", "FEM on several processes", "sudo apt-get install openmpi-bin"))
    checks.append(_program("ngspice", "running the exported SPICE model", "sudo apt-get install ngspice"))
    checks.append(_table())
    return checks


def core_complete(checks: Iterable[Check]) -> bool:
    """Return whether everything that nothing works without is there."""
    return all(c.present for c in checks if c.core)


def report(checks: Iterable[Check]) -> str:
    """Return the checks as aligned text; what is missing or wrong is followed by the command that mends it."""
    checks = list(checks)
    name_width = max((len(c.name) for c in checks), default=0)
    version_width = max((len(c.version) for c in checks), default=0)
    lines = []
    for c in checks:
        state = (
            "ok" if c.present and not c.problem else "doubtful" if c.present else "broken" if c.problem else "missing"
        )
        lines.append(f"{state:<8}  {c.name:<{name_width}}  {c.version or '-':<{version_width}}  {c.needed_for}")
        if c.problem:
            lines.append(f"{'':<10}{c.problem}")
        if state != "ok":
            lines.append(f"{'':<10}-> {c.install}")
    lacking = [c.name for c in checks if c.core and not c.present]
    lines.append("The core is complete." if not lacking else f"The core lacks {', '.join(lacking)}.")
    return "\n".join(lines)


def as_json(checks: Iterable[Check]) -> str:
    """Return the checks as a JSON list of objects with the fields of Check."""
    return json.dumps([dataclasses.asdict(c) for c in checks], indent=2)


def main() -> int:
    """Print the report (with --json: JSON) and return 0, or 2 where the core lacks something."""
    checks = examine()
    print(as_json(checks) if "--json" in sys.argv[1:] else report(checks))
    return 0 if core_complete(checks) else 2


if __name__ == "__main__":
    sys.exit(main())
