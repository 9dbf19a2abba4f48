"""The door to dolfinx: what must hold whichever order things are imported in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
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


@pytest.mark.fem
def test_solvers_leave_no_options_behind() -> None:
    from device_physics import _dolfinx as door
    from device_physics.device import Device
    from device_physics.electrothermal import solve

    before = door.PETSc.Options().getAll()
    for degree in (1, 2):
        solve(Device.from_tables({"mesh": {"domain": "axisymmetric"}, "solver": {"degree": degree}}), 0.2)
    assert door.PETSc.Options().getAll() == before


@pytest.mark.fem
@pytest.mark.parametrize(("domain", "finer"), [("axisymmetric", "0.01 nm"), ("quarter", "0.2 nm")])
def test_degree_2_is_solved_on_degree_1(domain: str, finer: str) -> None:
    """A linear function is carried over exactly, and CG needs about as many iterations on a mesh of many more dofs."""
    from device_physics import _dolfinx as door
    from device_physics._forms import Forms
    from device_physics._multigrid import Multigrid
    from device_physics._operator import Operator
    from device_physics.boundaries import Boundaries
    from device_physics.device import Device
    from meshes.build import build_mesh

    counts, sizes = [], []
    for rim, growth in (("0.8 nm", 1.0), (finer, 0.2)):
        device = Device.from_tables({"mesh": {"domain": domain, "rim_size": rim, "growth": growth}})
        mesh = build_mesh(device.stack, device.mesh)
        space = (box := door.Domain(mesh.points, mesh.cells, mesh.region)).space(2)
        free = Multigrid(space, np.empty(0, np.int32))
        linear = door.lagrange(space.mesh, 1)
        values, _ = free._up.createVecs()
        values.array[:] = door.coordinates(linear)[: len(values.array)] @ [1.0, 2.0, 3.0]
        _, fine = free._up.createVecs()
        free._up.mult(values, fine)
        assert fine.array == pytest.approx(door.coordinates(space) @ [1.0, 2.0, 3.0], rel=1e-12)
        held = Boundaries.of(box, space, mesh)
        forms = Forms(box, space, [])
        forms.fill(forms.conductivity, {mesh.regions[n]: s for n, s in device.electrical_conductivities().items()})
        operator = Operator(door.matrix(forms.stiffness), space, held.contacts, 1e-12)
        operator.solve(held.is_top)
        counts.append(operator.solver.getIterationNumber())
        sizes.append(len(fine.array))
        coarse = operator.multigrid._coarse
        assert coarse.size[0] == len(values.array)
        assert coarse.isSymmetric(1e-12)
    assert sizes[1] > 2 * sizes[0]
    assert counts[1] < counts[0] + 6
