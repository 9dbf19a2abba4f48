"""The house: imports point down a floor, light packages stay light, dolfinx stands behind one door."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ["ground", "meshes", "device_physics", "compact_model", "fits", "studies", "reram"]
HEAVY = {
    "dolfinx",
    "ufl",
    "petsc4py",
    "mpi4py",
    "gmsh",
    "pyvista",
    "vtk",
    "torch",
    "matplotlib",
    "dask",
    "distributed",
    "numba",
}
DOORS = {
    "dolfinx": {"device_physics/_dolfinx.py"},
    "petsc4py": {"device_physics/_dolfinx.py"},
    "mpi4py": {"device_physics/_dolfinx.py"},
    "ufl": {"device_physics/" + n for n in ("_dolfinx.py", "_forms.py", "_hopping_forms.py", "_split.py")},
    "gmsh": {"meshes/_gmsh.py"},
    "pyvista": {"device_physics/field_files.py"},
    "matplotlib": {"ground/plotting.py"},
    "dask": {"device_physics/dask_points.py"},
    "distributed": {"device_physics/dask_points.py"},
    "xlrd": {"fits/reading/old_workbook.py"},
}
# Rooms that load a heavy library at once, because only rooms that are asked for by name load them.
LAZY = (
    "compact_model/training/",
    "compact_model/compiled.py",
    "compact_model/crossbar/lanes.py",
)


def _sources() -> list[Path]:
    return [ROOT / "reram.py", *(p for floor in FLOORS[:-1] for p in sorted((ROOT / floor).rglob("*.py")))]


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported top-level name, and whether the import runs when the module is loaded."""
    out = []

    def visit(node: ast.AST, at_load: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                out.extend((a.name.split(".")[0], at_load) for a in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: relative import"
                out.append(((child.module or "").split(".")[0], at_load))
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            visit(child, at_load and not typing_only and not inside)

    visit(ast.parse(path.read_text(encoding="utf-8")), True)
    return out


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    floor = path.stem if path.name == "reram.py" else path.relative_to(ROOT).parts[0]
    for name, _ in _imports(path):
        if name in FLOORS:
            assert FLOORS.index(name) <= FLOORS.index(floor), f"{path.relative_to(ROOT)} imports {name}, a floor above"


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_behind_their_doors(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    for library, at_load in _imports(path):
        if library in DOORS:
            assert name in DOORS[library], f"{name} imports {library}; its door is {DOORS[library]}"
        if library in HEAVY:
            assert not at_load or name in DOORS["ufl"] or name.startswith(LAZY), f"{name} loads {library} on import"


def test_the_checker_itself_sees_an_import_that_points_up(tmp_path: Path) -> None:
    source = tmp_path / "room.py"
    source.write_text("import os\ndef f():\n    from fits.hopping.fit import fit_hopping\n")
    assert ("fits", False) in _imports(source)
    assert ("os", True) in _imports(source)


def _modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {m.split(".")[0] for m in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "import compact_model, fits",
        "from fits import read_iv, fit_hopping; from compact_model import Array, CompactModel, quasi_static_cycle",
        "import reram",
    ],
)
def test_light_packages_load_nothing_heavy(code: str) -> None:
    assert not _modules_after(code) & HEAVY


def test_the_command_line_loads_neither_numpy_nor_pydantic() -> None:
    assert not _modules_after("import reram") & {"numpy", "scipy", "xarray", "pydantic", "pint", "lmfit"}


@pytest.mark.parametrize("package", FLOORS[:-1])
def test_every_lazy_name_is_really_there(package: str) -> None:
    module = __import__(package)
    for name in getattr(module, "__all__", []):
        if package == "device_physics" and name == "solve":
            continue  # loads without dolfinx; solving needs it
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    "package", [*FLOORS[:-1], "compact_model.crossbar", "compact_model.mvm", "compact_model.training"]
)
def test_no_exported_name_is_that_of_a_room(package: str) -> None:
    """Else what the name gives would depend on whether the room was loaded before."""
    module = importlib.import_module(package)
    rooms = {p.stem for p in Path(module.__path__[0]).iterdir()}
    assert not rooms & set(getattr(module, "__all__", [])), package


def test_an_unknown_name_of_a_package_is_an_attribute_error() -> None:
    import fits

    with pytest.raises(AttributeError, match="module 'fits' has no attribute 'nothing'"):
        fits.nothing  # noqa: B018


def test_the_ten_lines_of_the_house_import() -> None:
    code = "from meshes import Stack\nfrom device_physics import sweep, response\nfrom fits import read_iv, fit_hopping"
    assert _modules_after(code + "\nassert callable(sweep) and callable(response)")


def test_rooms_are_small() -> None:
    for path in _sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, path.name
        assert path.stem not in ("utils", "helpers", "common", "misc")
