"""Fields as files and pictures: what is in them, that they show something, and what is said where they cannot be made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.field_files import checked_path, is_channel, write_vtu, write_vtx
from device_physics.field_picture import draw_cross_section, draw_cutaway, stack_name, state
from device_physics.field_requests import FieldRequests
from device_physics.field_scales import SCALES, scale
from device_physics.solution import Solution
from ground.errors import InputError, MissingLibrary

ROOT = Path(__file__).resolve().parents[2]
COARSE = {"mesh": {"rim_size": "1 nm", "growth": 0.6}}
HOPPING = {
    "materials": {
        "CMO": {
            "hopping": {
                "trap_density": "5e19 1/cm^3",
                "barrier": "65 meV",
                "hop_distance": "2 nm",
                "attempt": "9.2e12 Hz",
            }
        }
    },
    "mesh": {"domain": "axisymmetric", "rim_size": "0.5 nm", "growth": 0.5, "dome_divisions": 8.0},
}
OFF_CENTRE = {
    "filament": {"radius": "8 nm", "x": "30 nm", "y": "-12 nm"},
    "mesh": {**COARSE["mesh"], "domain": "full"},
}
fem = pytest.mark.fem
plot = pytest.mark.plot
Solver = Callable[[str], Solution]


@pytest.fixture(scope="module")
def solved() -> Solver:
    """Each device once, at -1 V."""
    tables = {"quarter": COARSE, "full": OFF_CENTRE, "hopping": HOPPING}
    done: dict[str, Solution] = {}

    def get(name: str) -> Solution:
        if name not in done:
            done[name] = solve(Device.from_tables(tables[name]), -1.0)
        return done[name]

    return get


def volumes(points: Any, cells: Any) -> Any:
    """Volumes of tetrahedra, or of the solids of revolution of triangles in the plane y = 0, from their corners."""
    if cells.shape[1] in (4, 10):
        a, b, c, d = (points[cells[:, i]] for i in range(4))
        return np.abs(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a)) / 6
    a, b, c = (points[cells[:, i]][:, [0, 2]] for i in range(3))
    area = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    return 2 * np.pi * area * (a + b + c)[:, 0] / 3


@fem
@plot
@pytest.mark.parametrize(
    ("name", "kind", "tolerance"), [("quarter", 24, 1e-9), ("full", 24, 1e-9), ("hopping", 22, 1e-6)]
)
def test_the_vtu_holds_the_power_of_the_device(
    solved: Solver, name: str, kind: int, tolerance: float, tmp_path: Path
) -> None:
    import pyvista

    s = solved(name)
    write_vtu(s, tmp_path / "a.vtu")
    grid = pyvista.read(tmp_path / "a.vtu")
    assert set(grid.celltypes) == {kind}  # quadratic, as solved
    cells = next(iter(grid.cells_dict.values()))
    corners = {24: ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)), 22: ((0, 1), (1, 2), (2, 0))}[kind]
    for i, (one, other) in enumerate(corners):  # every node in the place that VTK gives it
        middle = 0.5 * (grid.points[cells[:, one]] + grid.points[cells[:, other]])
        assert grid.points[cells[:, len(cells[0]) - len(corners) + i]] == pytest.approx(middle, abs=1e-14)
    volume = volumes(np.asarray(grid.points), cells)
    copies = int(grid.field_data["copies"][0])
    assert copies == (4 if name == "quarter" else 1)
    assert copies * volume @ grid.cell_data["power density [W/m3]"] == pytest.approx(
        s.current_A * s.bias_V, rel=tolerance
    )
    dome = grid.cell_data["region"] == int(grid.field_data["region dome"][0])
    mean = volume[dome] @ grid.cell_data["E [V/m]"][dome] / volume[dome].sum()
    assert mean == pytest.approx(s.dome.E_mean_V_per_m, rel=1e-9)
    assert grid.point_data["T [K]"][cells[dome].ravel()].max() == pytest.approx(s.dome.T_max_K, rel=1e-12)
    assert (grid.point_data["V [V]"].min(), grid.point_data["V [V]"].max()) == pytest.approx((-1.0, 0.0), abs=1e-9)


@fem
@plot
def test_the_current_density_is_sigma_times_the_field_where_sigma_is_constant(solved: Solver, tmp_path: Path) -> None:
    s = solved("quarter")
    device, f = Device.from_tables(COARSE), s.fields
    for name, sigma in device.electrical_conductivities().items():
        inside = f.region == f.regions[name]
        assert f.J_mean[inside] == pytest.approx(sigma * f.E_mean[inside], rel=1e-9), name


@fem
@plot
def test_the_hopping_current_density_gives_the_power(solved: Solver) -> None:
    """P = J E at every point, so the cell means agree where the fields hardly change over a cell: away from the rims."""
    f = solved("hopping").fields
    cmo = f.region == f.regions["CMO"]
    product, power = (f.J_mean * f.E_mean)[cmo], f.power[cmo]
    assert np.all(product <= power * (1 + 1e-9))  # both grow with the field
    assert np.median(product / power) == pytest.approx(1.0, abs=0.01)


@fem
@plot
def test_the_vtu_is_read_by_meshio(solved: Solver, tmp_path: Path) -> None:
    meshio = pytest.importorskip("meshio")
    write_vtu(solved("quarter"), tmp_path / "a.vtu")
    mesh = meshio.read(tmp_path / "a.vtu")
    assert [block.type for block in mesh.cells] == ["tetra10"]
    assert set(mesh.point_data) == {"V [V]", "T [K]"}
    assert set(mesh.cell_data) == {"region", "E [V/m]", "J [A/m2]", "power density [W/m3]"}


@fem
@plot
@pytest.mark.parametrize("name", ["quarter", "full", "hopping"])
def test_the_cross_section_shows_every_region_in_its_size(solved: Solver, name: str, tmp_path: Path) -> None:
    """Areas on the plane through the axis, both sides: the layers as wide as the box, filament and dome at their radius."""
    import pyvista

    from device_physics.field_section import cross_section, shown_window

    write_vtu(solved(name), tmp_path / "a.vtu")
    parts = {p.name: p for p in cross_section(pyvista.read(tmp_path / "a.vtu"))}
    area = {}
    for part in parts.values():
        a, b, c = (part.points[part.triangles[:, i]] for i in range(3))
        area[part.name] = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum()
    radius = 8.0 if name == "full" else 11.0
    width = 200.0 * (2 / np.sqrt(np.pi) if name == "hopping" else 1.0)  # the disc is as large as the square
    assert area["filament"] == pytest.approx(2 * radius * 4, rel=0.02)
    assert area["dome"] == pytest.approx(0.5 * np.pi * radius**2, rel=0.05)
    assert area["top_TiN"] == pytest.approx(20 * width, rel=1e-3)
    assert sum(area.values()) == pytest.approx(64 * width, rel=1e-3)
    left, right, bottom, top = shown_window(list(parts.values()))
    centre = 30.0 if name == "full" else 0.0
    assert 0.5 * (left + right) == pytest.approx(centre, abs=0.2)
    assert (bottom, top) == pytest.approx((0.0, 64.0), abs=7.0)
    assert all(np.isfinite(p.values[s.array]).all() for p in parts.values() for s in SCALES.values())


@fem
@plot
@pytest.mark.parametrize("name", ["quarter", "full", "hopping"])
def test_the_whole_device_lacks_one_quadrant_and_nothing_else(solved: Solver, name: str, tmp_path: Path) -> None:
    import pyvista

    from device_physics.field_files import regions_of
    from device_physics.field_quadrants import three_quadrants

    write_vtu(solved(name), tmp_path / "a.vtu")
    whole = pyvista.read(tmp_path / "a.vtu")
    whole.points = whole.points * 1e9
    pieces, edges, (x, y) = three_quadrants(whole, regions_of(whole))
    points = np.concatenate([p.points for p in pieces])
    half = 100.0 * (2 / np.sqrt(np.pi) if name == "hopping" else 1.0)
    assert points.min(axis=0) == pytest.approx([-half, -half, 0.0], abs=0.1)
    assert points.max(axis=0) == pytest.approx([half, half, 64.0], abs=0.1)
    assert (x, y) == pytest.approx((30.0, -12.0) if name == "full" else (0.0, 0.0), abs=0.2)
    for dx, dy in ((1, 1), (-1, 1), (-1, -1)):
        assert np.any((dx * (points[:, 0] - x) > 5) & (dy * (points[:, 1] - y) > 5))
    assert not np.any((points[:, 0] > x + 0.1) & (points[:, 1] < y - 0.1))
    lines = np.concatenate([e.points for e in edges if e.n_cells])
    assert not np.any((lines[:, 0] > x + 0.1) & (lines[:, 1] < y - 0.1))


def colours(path: Path) -> int:
    """How many different colours a picture has."""
    import matplotlib.image

    pixels = np.asarray(matplotlib.image.imread(path))[..., :3]
    return len(np.unique((255 * pixels[::2, ::2]).astype(int).reshape(-1, 3), axis=0))


@fem
@plot
def test_pictures_show_the_fields_and_leave_nothing_else_behind(solved: Solver, tmp_path: Path) -> None:
    import matplotlib.image

    draw_cross_section(solved("quarter"), tmp_path / "section.png")
    draw_cutaway(solved("hopping"), tmp_path / "cut.pdf", "power")
    picture = matplotlib.image.imread(tmp_path / "section.png")
    assert picture.shape[1] > 2000 and picture.shape[0] > 900
    assert colours(tmp_path / "section.png") > 300  # letters and outlines alone have some tens of greys
    cut = (tmp_path / "cut.pdf").read_bytes()
    assert cut.startswith(b"%PDF") and cut.count(b"/Subtype /Image") >= 2
    assert len(cut) > 100_000  # two white images would be far smaller
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.pdf", "section.png"]


@fem
def test_the_title_says_device_bias_current_and_temperature(solved: Solver) -> None:
    s = solved("quarter")
    assert stack_name(s) == "TiN / HfOx / CMO / TiN, filament radius 11 nm"
    assert state(s).startswith("\N{MINUS SIGN}1 V, \N{MINUS SIGN}28.")
    assert f"dome {s.dome.T_mean_K:.0f} K (max {s.dome.T_max_K:.0f} K)" in state(s)


@fem
@plot
def test_a_dead_drawing_process_is_a_message_and_no_file(
    solved: Solver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s, run = solved("quarter"), subprocess.run

    def killed(command: list[str], **options: Any) -> Any:
        return run([command[0], "-c", "import os; os.kill(os.getpid(), 11)"], **options)

    monkeypatch.setattr("device_physics.field_picture.subprocess.run", killed)
    with pytest.raises(
        MissingLibrary, match=r"a.png: the fields cannot be drawn here \(the drawing process ended with -11"
    ):
        draw_cross_section(s, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ({"picture": "a.jpg"}, r"a.jpg: the ending '.jpg' is not allowed for a picture: expected .png or .pdf"),
        ({"cutaway": "a"}, r"a: the ending '\(none\)' is not allowed for a picture: expected .png or .pdf"),
        ({"vtu": "a.vtk"}, r"a.vtk: the ending '.vtk' is not allowed for a VTU file: expected .vtu"),
        ({"vtx": "a.vtu"}, r"a.vtu: the ending '.vtu' is not allowed for VTX output: expected .bp"),
        ({"cutaway": "a.png", "field": "powr"}, r"field='powr' is not known.*V, T, E, J, power.*Did you mean 'power'"),
        ({"picture": "nowhere/a.png"}, r"the folder .*nowhere does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_solve(
    requests: dict[str, str], message: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {n: v if n == "field" else tmp_path / v for n, v in requests.items()}
    if "vtx" in requests:
        pytest.importorskip("dolfinx")
    with pytest.raises(InputError, match=message):
        FieldRequests(**given).check()


@pytest.mark.parametrize("library", ["pyvista", "matplotlib"])
def test_a_missing_library_is_named_before_the_solve(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "matplotlib":
        pytest.importorskip("pyvista")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=rf"{library} .*pip install 'cmo-reram\[plot\]'"):
        FieldRequests(picture=tmp_path / "a.png").check()


@fem
def test_vtx_is_written_or_the_alternative_named(solved: Solver, tmp_path: Path) -> None:
    import dolfinx.io

    s = solved("quarter")
    if not hasattr(dolfinx.io, "VTXWriter"):
        with pytest.raises(MissingLibrary, match=r"a.bp: dolfinx .* was built without ADIOS2.*The VTU file \(--vtu"):
            write_vtx(s, tmp_path / "a.bp")
        with pytest.raises(MissingLibrary, match="ADIOS2"):
            FieldRequests(vtx=tmp_path / "a.bp").check()
        return
    for _ in range(2):  # the second replaces the first
        write_vtx(s, tmp_path / "a.bp")
    assert [p.name for p in tmp_path.iterdir()] == ["a.bp"]
    assert (tmp_path / "a.bp" / "md.idx").is_file()


def test_a_folder_that_is_no_vtx_output_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.bp").mkdir()
    (tmp_path / "mine.bp" / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match=r"mine.bp: is a folder"):
        checked_path(tmp_path / "mine.bp", "VTX output", (".bp",))


def test_colours_are_logarithmic_where_the_range_spans_decades() -> None:
    field = np.geomspace(1e-9, 1e8, 1000)
    low, high, log = scale("E").limits(field)
    assert log and high == 1e8 and low == pytest.approx(1e2)  # six decades and no more
    assert scale("E").limits(np.linspace(1.0, 2.0, 10)) == (1.0, 2.0, False)
    assert scale("V").limits(field)[2] is False
    low, high, log = scale("power").limits(np.zeros(5))
    assert low < 0.0 < high and not log


def test_filaments_and_domes_are_the_channels() -> None:
    assert [n for n in ("HfOx", "filament", "dome_2", "filament_1", "domes") if is_channel(n)] == [
        "filament",
        "dome_2",
        "filament_1",
    ]


@fem
@plot
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun here")
def test_two_ranks_write_one_file_with_the_whole_box(solved: Solver, tmp_path: Path) -> None:
    import pyvista

    (tmp_path / "cell.toml").write_text('[mesh]\nrim_size = "1 nm"\ngrowth = 0.6\n', encoding="utf-8")
    marks = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    command = [
        "mpirun",
        "-n",
        "2",
        sys.executable,
        "-m",
        "reram",
        "solve",
        tmp_path / "cell.toml",
        "--bias",
        "-1",
        "--json",
    ]
    done = subprocess.run(
        [*map(str, command), "--vtu", str(tmp_path / "a.vtu")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **marks, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    one = solved("quarter")
    assert json.loads(done.stdout)["current_A"] == pytest.approx(one.current_A, rel=1e-7)  # one object, from one rank
    write_vtu(one, tmp_path / "one.vtu")
    two, one_grid = pyvista.read(tmp_path / "a.vtu"), pyvista.read(tmp_path / "one.vtu")
    assert (two.n_cells, two.n_points) == (one_grid.n_cells, one_grid.n_points)  # no cell and no point twice
    order = [np.lexsort(np.round(g.points.T * 1e13)) for g in (two, one_grid)]
    for name in ("V [V]", "T [K]"):
        assert two.point_data[name][order[0]] == pytest.approx(one_grid.point_data[name][order[1]], rel=1e-6, abs=1e-6)
    for name in ("E [V/m]", "J [A/m2]", "power density [W/m3]"):
        mine, theirs = np.sort(two.cell_data[name]), np.sort(one_grid.cell_data[name])
        assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-7 * theirs[-1])
