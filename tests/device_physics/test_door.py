"""The door to dolfinx: what must hold whichever order things are imported in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAVE = "import xarray as xr; xr.Dataset({{'a': ('x', [1.0])}}).to_netcdf('{path}', engine='h5netcdf')"


@pytest.mark.fem
def test_tables_can_be_written_after_dolfinx_is_loaded(tmp_path: Path) -> None:
    code = "import device_physics._dolfinx; " + SAVE.format(path=tmp_path / "t.nc")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t.nc").stat().st_size > 0


def test_without_dolfinx_the_message_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['dolfinx'] = None\nimport device_physics._dolfinx"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingLibrary: the FEM needs dolfinx" in done.stderr
    assert "make setup" in done.stderr
    assert "conda env create -f environment.yml" in done.stderr
    assert "from the shipped response table" in done.stderr


@pytest.mark.fem
def test_memory_does_not_grow_from_solve_to_solve() -> None:
    code = """
import resource
from device_physics.device import Device
from device_physics.electrothermal import ElectrothermalProblem
from meshes.build import build_mesh
device = Device.from_tables({"mesh": {"rim_size": "0.3 nm"}})
problem = ElectrothermalProblem(build_mesh(device.stack, device.mesh), device.thermal_conductivities())
def used():
    problem.unit(device.electrical_conductivities())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
first = [used() for _ in range(3)][-1]
print([used() for _ in range(6)][-1] - first)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 30.0  # MB; a leaked matrix with its multigrid would be about 20 MB each
