"""A mesh from outside is believed only after its tags, its volumes and its soundness are checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from meshes._gmsh import gmsh_session
from meshes.build import build_mesh, mesh_hash
from meshes.mesh import Mesh
from meshes.msh import load_msh, write_msh
from meshes.options import MeshOptions
from meshes.stack import Stack

pytestmark = pytest.mark.fem
STACK = Stack.preset()


@pytest.fixture(scope="module")
def quarter() -> Mesh:
    return build_mesh(STACK, MeshOptions(rim_size_m=1.5e-9, growth=0.6))


@pytest.fixture(scope="module")
def plane() -> Mesh:
    return build_mesh(STACK, MeshOptions(domain="axisymmetric", rim_size_m=1e-9, growth=0.5))


def write(mesh: Mesh, path: Path, names: dict[int, str] | None = None) -> Path:
    """Write a mesh, with other names of its regions where they are given; cells of other tags are in no group."""
    write_msh(mesh if names is None else replace(mesh, regions={n: t for t, n in names.items()}), path)
    return path


def test_it_is_the_mesh_that_was_written(quarter: Mesh, tmp_path: Path) -> None:
    read = load_msh(write(quarter, tmp_path / "a.msh"), STACK, domain="quarter")
    assert read.regions == quarter.regions
    assert read.symmetry == 4
    for name in quarter.regions:
        assert read.region_volume_m3(name) == pytest.approx(quarter.region_volume_m3(name), rel=1e-9)
    for name, tag in quarter.faces.items():
        assert (read.face == read.faces[name]).sum() == (quarter.face == tag).sum()


def test_an_axisymmetric_one_in_the_plane(plane: Mesh, tmp_path: Path) -> None:
    read = load_msh(write(plane, tmp_path / "a.msh"), STACK, domain="axisymmetric")
    assert read.dimension == 2
    assert read.region_volume_m3("CMO") == pytest.approx(plane.region_volume_m3("CMO"), rel=1e-9)


def test_the_unit_is_respected(plane: Mesh, tmp_path: Path) -> None:
    micro = tmp_path / "um.msh"
    write_msh(plane, micro, unit="um")
    assert load_msh(micro, STACK, unit="um", domain="axisymmetric").points.max() == pytest.approx(plane.points.max())
    with pytest.raises(
        InputError, match=r"r reaches from 0 to 1.12838e-10 m, that of the stack .* another unit or domain"
    ):
        load_msh(micro, STACK, unit="nm", domain="axisymmetric")
    with pytest.raises(InputError, match=r"unit='inch' is not allowed: expected one of m, um, nm"):
        load_msh(micro, STACK, unit="inch")


def test_the_device_file_takes_it_and_its_content_is_part_of_the_hash(plane: Mesh, tmp_path: Path) -> None:
    options = MeshOptions(domain="axisymmetric", file=str(write(plane, tmp_path / "a.msh")))
    assert len(build_mesh(STACK, options, reuse=False).cells) == len(plane.cells)
    before = mesh_hash(STACK, options)
    write(replace(plane, points=plane.points * (1 + 1e-9)), tmp_path / "a.msh")
    assert mesh_hash(STACK, options) != before


def _refuse(mesh: Mesh, tmp_path: Path, message: str, names: dict[int, str] | None = None) -> None:
    domain = "quarter" if mesh.dimension == 3 else "axisymmetric"
    path = write(mesh, tmp_path / "bad.msh", names)
    with pytest.raises(InputError, match=message) as caught:
        load_msh(path, STACK, domain=domain)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


def test_groups_that_are_missing_unknown_or_not_given(plane: Mesh, tmp_path: Path) -> None:
    names = {tag: name for name, tag in plane.regions.items()}
    _refuse(
        plane,
        tmp_path,
        r"physical group 'dome' is missing: .* Found: bottom_TiN, HfOx",
        {t: n for t, n in names.items() if n != "dome"},
    )
    misspelt = {t: "domes" if n == "dome" else n for t, n in names.items()}
    _refuse(plane, tmp_path, r"physical group 'domes' is no region of the stack. Did you mean 'dome'", misspelt)
    loose = replace(plane, region=np.where(np.arange(len(plane.region)) < 3, 99, plane.region).astype(np.int32))
    _refuse(loose, tmp_path, r"3 of \d+ cells are in no physical group")


def test_swapped_regions_are_seen_by_their_volumes(plane: Mesh, tmp_path: Path) -> None:
    names = {tag: {"dome": "filament", "filament": "dome"}.get(n, n) for n, tag in plane.regions.items()}
    _refuse(plane, tmp_path, r"region 'filament' has .* m3, the geometry has", names)


def test_folded_cells_are_refused_and_mirrored_ones_are_not(plane: Mesh, tmp_path: Path) -> None:
    cells = plane.cells.copy()
    cells[:5] = cells[:5, ::-1]
    _refuse(replace(plane, cells=cells), tmp_path, r"5 of \d+ triangles are inverted")
    mirrored = replace(plane, cells=np.ascontiguousarray(plane.cells[:, ::-1]))
    load_msh(write(mirrored, tmp_path / "m.msh"), STACK, domain="axisymmetric")


def test_a_face_of_three_cells_is_not_a_manifold(quarter: Mesh, tmp_path: Path) -> None:
    a, b, c, d = quarter.cells[100]
    tip = quarter.points[[a, b, c]].mean(axis=0) + 0.1 * (quarter.points[d] - quarter.points[[a, b, c]].mean(axis=0))
    bad = replace(
        quarter,
        points=np.vstack([quarter.points, tip]),
        cells=np.vstack([quarter.cells, [a, b, c, len(quarter.points)]]),
        region=np.append(quarter.region, quarter.region[100]).astype(np.int32),
    )
    _refuse(bad, tmp_path, r"non-manifold: \d+ faces belong to more than two tetrahedra, the first near \(")


def test_regions_that_do_not_share_their_points_are_a_gap(quarter: Mesh, tmp_path: Path) -> None:
    cells, mine = quarter.cells.copy(), quarter.region == quarter.regions["CMO"]
    cells[mine] += len(quarter.points)
    bad = replace(quarter, points=np.vstack([quarter.points] * 2), cells=cells)
    _refuse(bad, tmp_path, r"\d+ faces inside the box belong to one cell only, .* remove duplicate nodes")


def _plates(path: Path, *, count: int, order: int) -> Path:
    """Unit squares side by side; the regions of the stack share them out, the last square takes the rest."""
    with gmsh_session() as gmsh:
        gmsh.model.add("plates")
        plates = [gmsh.model.occ.addRectangle(i, 0, 0, 1, 1) for i in range(count)]
        gmsh.model.occ.synchronize()
        for i, name in enumerate(STACK.region_names):
            gmsh.model.addPhysicalGroup(2, [plates[min(i, count - 1)]], name=name)
        gmsh.model.mesh.generate(2)
        gmsh.model.mesh.setOrder(order)
        gmsh.write(str(path))
    return path


def test_other_cells_than_linear_simplices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cells of another kind \(Triangle 6\): expected linear triangles only"):
        load_msh(_plates(tmp_path / "a.msh", count=6, order=2), STACK, domain="axisymmetric")


def test_a_cell_in_two_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="groups 'filament' and 'dome' overlap: both hold entity 5"):
        load_msh(_plates(tmp_path / "a.msh", count=5, order=1), STACK, domain="axisymmetric")


def test_files_that_are_no_gmsh_meshes_are_never_run(tmp_path: Path) -> None:
    script, witness = tmp_path / "evil.msh", tmp_path / "ran"
    script.write_text(f'SystemCall "touch {witness}";\n')
    with pytest.raises(InputError, match=r"is not a gmsh mesh: a .msh file begins with \$MeshFormat"):
        load_msh(script, STACK)
    assert not witness.exists()
    with pytest.raises(InputError, match="the mesh file cannot be read: No such file"):
        load_msh(tmp_path / "none.msh", STACK)
    with pytest.raises(InputError, match="the mesh file cannot be read"):
        build_mesh(STACK, MeshOptions(file=str(tmp_path / "none.msh")))
    script.write_text("$MeshFormat\n9.9 0 8\n$EndMeshFormat\n")
    with pytest.raises(InputError, match="gmsh cannot read this mesh|is missing"):
        load_msh(script, STACK)
