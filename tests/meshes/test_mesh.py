"""The mesh is the geometry: volumes, tags, symmetry, and a file that is checked when it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from meshes.build import build_mesh, exact_volumes_m3, mesh_hash
from meshes.mesh import Mesh
from meshes.options import MeshOptions
from meshes.stack import Dome, Filament, Stack

COARSE = MeshOptions(rim_size_m=1e-9, growth=0.5)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return build_mesh(Stack.preset(), COARSE)


@pytest.mark.fem
@pytest.mark.parametrize("domain", ["quarter", "full"])
def test_volumes_and_tags_are_those_of_the_geometry(domain: str) -> None:
    options = COARSE.replace(domain=domain)
    stack = Stack.preset(dome=Dome(radius_m=13e-9))
    made = build_mesh(stack, options)
    made.check()
    share = 4 if domain == "quarter" else 1
    assert made.symmetry == share
    assert made.region_volume_m3("filament") * share == pytest.approx(np.pi * 11e-9**2 * 4e-9, rel=0.01)
    assert made.region_volume_m3("dome") * share == pytest.approx(2 / 3 * np.pi * 13e-9**3, rel=0.02)
    assert made.region_volume_m3("bottom_TiN") * share == pytest.approx(200e-9**2 * 20e-9, rel=1e-9)
    for face in ("bottom", "top", "CMO/dome", "dome/filament", "HfOx/filament", "bottom_TiN/filament"):
        assert np.any(made.face == made.faces[face]), face


@pytest.mark.fem
def test_interface_triangles_lie_where_they_should(mesh: Mesh) -> None:
    z = mesh.points[mesh.facets[mesh.face == mesh.faces["dome/filament"]]][..., 2]
    assert z == pytest.approx(24e-9, abs=1e-15)
    r = np.linalg.norm(mesh.points[mesh.facets[mesh.face == mesh.faces["HfOx/filament"]]][..., :2], axis=-1)
    assert r == pytest.approx(11e-9, rel=1e-6)


@pytest.mark.fem
def test_the_rim_is_finer_than_the_rest(mesh: Mesh) -> None:
    edge = np.linalg.norm(mesh.points[mesh.cells[:, 0]] - mesh.points[mesh.cells[:, 1]], axis=1)
    centre = mesh.points[mesh.cells].mean(axis=1)
    to_rim = np.hypot(np.hypot(centre[:, 0], centre[:, 1]) - 11e-9, centre[:, 2] - 24e-9)
    assert np.median(edge[to_rim < 1e-9]) < 1.5e-9 < np.median(edge[to_rim > 60e-9])


@pytest.mark.fem
def test_saved_and_read_back_it_is_the_same(mesh: Mesh, tmp_path: Path) -> None:
    mesh.save(tmp_path / "m.npz")
    again = Mesh.load(tmp_path / "m.npz")
    assert np.array_equal(again.points, mesh.points)
    assert np.array_equal(again.cells, mesh.cells)
    assert again.regions == mesh.regions
    assert again.faces == mesh.faces
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.fem
def test_it_is_reused_by_content_and_remade_when_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERAM_CACHE", str(tmp_path))
    first = build_mesh(Stack.preset(), COARSE)
    kept = tmp_path / f"mesh-{mesh_hash(Stack.preset(), COARSE)}.npz"
    time = kept.stat().st_mtime_ns
    build_mesh(Stack.preset(), COARSE)
    assert kept.stat().st_mtime_ns == time
    kept.write_bytes(kept.read_bytes()[:1000])
    assert np.array_equal(build_mesh(Stack.preset(), COARSE).points, first.points)


def test_the_hash_depends_on_geometry_and_grading_only() -> None:
    plain = mesh_hash(Stack.preset(), COARSE)
    assert mesh_hash(Stack.preset(ambient_K=350.0), COARSE) == plain
    assert mesh_hash(Stack.preset(filament=Filament(radius_m=10e-9)), COARSE) != plain
    assert mesh_hash(Stack.preset(), COARSE.replace(growth=0.4)) != plain


def test_the_exact_volumes_fill_the_box() -> None:
    total = sum(exact_volumes_m3(Stack.preset()).values())
    assert total == pytest.approx(0.25 * 200e-9**2 * 64e-9, rel=1e-12)


def _one_tet(**changes: object) -> Mesh:
    base = Mesh(
        points=np.eye(4, 3, k=-1),
        cells=np.array([[0, 1, 2, 3]]),
        region=np.array([1], np.int32),
        regions={"dome": 1},
        facets=np.array([[0, 1, 2], [1, 2, 3]]),
        face=np.array([1, 2], np.int32),
        faces={"bottom": 1, "top": 2},
        symmetry=1,
        expected_m3={"dome": 1 / 6},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": np.empty((0, 4), np.int64), "region": np.empty(0, np.int32)}, "it has no tetrahedra"),
        ({"points": np.full((4, 3), np.nan)}, "a point that is not finite"),
        ({"points": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1.0, 1, 0]])}, "1 tetrahedra are flat"),
        ({"region": np.array([7], np.int32)}, r"region tags \[7\] have no name"),
        ({"expected_m3": {"dome": 0.2}}, "region 'dome' has 0.1667 m3, the geometry has 0.2 m3"),
        ({"expected_m3": {"dome": 1 / 6 * 1.001}}, "overlap or gap"),
        ({"faces": {"bottom": 1}}, "no face is tagged 'top'"),
    ],
)
def test_what_is_wrong_with_a_mesh_is_said(changes: dict[str, object], message: str) -> None:
    _one_tet().check()
    with pytest.raises(InputError, match=message):
        _one_tet(**changes).check()


def test_files_that_are_no_meshes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such mesh file"):
        Mesh.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not a mesh")
    with pytest.raises(InputError, match="is not a mesh of this project, or is damaged"):
        Mesh.load(tmp_path / "text.npz")
    np.savez(tmp_path / "pickle.npz", points=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="is not a mesh of this project"):
        Mesh.load(tmp_path / "pickle.npz")
