"""Every kind of bad device file through the real command: exit code 2, one screen, file, field, value and what is allowed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reram
from ground.errors import InputError
from ground.spec import LINES_MAX
from meshes.build import build_mesh
from meshes.mesh import Mesh
from meshes.msh import write_msh
from meshes.options import MeshOptions
from meshes.stack import Stack

LAYERS = (
    '{name = "be", material = "TiN", thickness = "20 nm"}, {name = "HfOx", material = "HfOx", thickness = "4 nm"}, '
    '{name = "CMO", material = "CMO", thickness = "20 nm"}, {name = "te", material = "TiN", thickness = "20 nm"}'
)
HOPPING = '[materials.CMO.hopping]\ntrap_density = "5e19 1/cm^3"\nbarrier = "65 meV"\nhop_distance = "2 nm"\n'


def layers(old: str = "", new: str = "", before: str = "") -> str:
    assert old in LAYERS
    return f"[stack]\nlayers = [{before}{LAYERS.replace(old, new, 1)}]\n"


# kind -> (device file, what the message must name: place and field, value, what is allowed or which names are near)
BAD: dict[str, tuple[str, tuple[str, ...]]] = {
    "negative thickness": (layers('"4 nm"', '"-4 nm"'), ("'HfOx': Layer.thickness_m='-4 nm'", "1e-10..1e-05 m")),
    "nm slip": (layers('thickness = "4 nm"', "thickness_m = 4"), ("'HfOx'", "thickness_m=4", "4e-09 (you gave nm)")),
    "number without a unit": ("[filament]\nradius = 11", ("Filament.radius=11", 'radius = "11 nm"')),
    "text without a unit": ("[filament]\nradius = '11'", ("Filament.radius_m='11'", "'11 nm'", "1e-10..1e-05 m")),
    "metres for a barrier": (HOPPING.replace("65 meV", "65 nm"), ("materials.CMO", "barrier_eV='65 nm'", "-0.5..3 eV")),
    "eV for a length": ("[filament]\nradius = '11 eV'", ("Filament.radius_m='11 eV'", "1e-10..1e-05 m")),
    "unknown unit": ("[filament]\nradius = '11 nmm'", ("Filament.radius_m='11 nmm'", "'1 nm'", "1e-10..1e-05 m")),
    "eV for meV": (HOPPING.replace("65 meV", "65 eV"), ("barrier_eV='65 eV'", "-0.5..3 eV", "you gave meV")),
    "not a number": ("[filament]\nradius_m = nan", ("Filament.radius_m=nan", "not a finite", "1e-10..1e-05 m")),
    "a number beyond floats": (f"[filament]\nradius_m = {'1' * 400}", ("Filament.radius_m", "1e-10..1e-05 m")),
    "text of 3000 letters": (f"[filament]\nradius = '{'x' * 3000}'", ("radius_m='xxx", "1e-10..1e-05 m")),
    "true for a length": ("[filament]\nradius = true", ("Filament.radius_m=True", "1e-10..1e-05 m")),
    "date for a length": ("[filament]\nradius = 2024-01-01", ("Filament.radius_m=", "1e-10..1e-05 m")),
    "number for a name": ("[filament]\nmaterial = 3", ("Filament.material=3", "expected a text")),
    "number for a list": ("[stack]\nlayers = 3", ("Stack.layers=3", "expected a list")),
    "numbers for layers": ("[stack]\nlayers = [3, 4, 5]", ("stack.layers, number 1", "Layer=3", "a table")),
    "text for a choice": ("[solver]\ndegree = 'two'", ("SolverOptions.degree='two'", "1 or 2")),
    "value for a section": ("stack = 3", ("stack=3", "[stack]")),
    "list for a section": ("[[mesh]]", ("mesh=[{}]", "[mesh]")),
    "unknown section": ("[stak]", ("[stak]", "'stack'")),
    "unknown key": ("[filament]\nradus = '11 nm'", ("Filament.radus", "'radius'")),
    "unknown key of a law": (HOPPING.replace("barrier", "barier"), ("materials.CMO", "barier is not known", "'barrier'")),
    "forty unknown keys": ("[filament]\n" + "\n".join(f"k{i} = 1" for i in range(40)), ("Filament.k0", "28 more")),
    "missing key": (HOPPING.replace('barrier = "65 meV"', ""), ("materials.CMO", "barrier_eV is missing")),
    "unknown material": ("[filament]\nmaterial = 'Cf'", ("material of 'filament'='Cf'", "'CF'", "[materials.Cf]")),
    "unknown material of a layer": (layers('"CMO", th', '"CM0", th'), ("material of 'CMO'='CM0'", "'CMO'")),
    "new material without k": ("[materials.Ru]\nelectrical_conductivity = '1e7 S/m'", ("materials.Ru", "thermal_cond")),
    "zero conductivity": (
        "[materials.CMO]\nelectrical_conductivity = '0 S/cm'",
        ("materials.CMO", "electrical_conductivity_S_per_m='0 S/cm'", "1e-15..1e+09 S/m"),
    ),
    "zero heat conduction": (
        "[materials.CMO]\nthermal_conductivity = '0 W/m/K'",
        ("materials.CMO", "thermal_conductivity_W_per_mK='0 W/m/K'", "0.001..10000 W/m/K"),
    ),
    "absurd exponent": ("[materials.CMO]\nthermal_exponent = 40", ("materials.CMO", "thermal_exponent=40", "-3..3")),
    "source of no field": (
        "[materials.CMO.sources.conductivity]\nstatus = 'user'\nsource = 'x'",
        ("materials.CMO", "Material.sources: 'conductivity'", "'electrical_conductivity'"),
    ),
    "range in another unit": (
        "[materials.CMO.sources.thermal_conductivity]\nstatus = 'user'\nsource = 'x'\nrange = ['2 W', '6 W/m/K']",
        ("materials.CMO", "sources.thermal_conductivity.range='2 W'", "0.001..10000 W/m/K"),
    ),
    "range upside down": (
        "[materials.CMO.sources.thermal_conductivity]\nstatus = 'user'\nsource = 'x'\nrange = ['6 W/m/K', '2 W/m/K']",
        ("materials.CMO", "sources.thermal_conductivity.range=('6 W/m/K', '2 W/m/K')", "[lowest, highest]"),
    ),
    "a guess for a source": (
        "[materials.CMO.sources.electrical_conductivity]\nstatus = 'guess'\nsource = 'x'",
        ("materials.CMO", "Source.status='guess'", "'published', 'substituted' or 'user'"),
    ),
    "no layers": ("[stack]\nlayers = []", ("Stack.layers has 0 layers", "at least 3")),
    "a name used twice": (layers('"CMO", m', '"HfOx", m'), ("Stack.layers", "'HfOx'", "its own name")),
    "layer without a name": (layers('name = "be", '), ("stack.layers, number 1", "Layer.name is missing")),
    "contact on an insulator": (
        layers(before='{name = "glass", material = "SiO2", thickness = "20 nm"}, '),
        ("Stack.contacts", "'glass'", "1e-09 S/m", "at least 1 S/m"),
    ),
    "contacts upside down": (
        "[stack]\ncontacts = ['top_TiN', 'bottom_TiN']",
        ("Stack.contacts=['top_TiN', 'bottom_TiN']", "[bottom electrode, top electrode]"),
    ),
    "absolute zero": ("[stack]\nambient = '0 K'", ("Stack.ambient_K='0 K'", "1..2000 K")),
    "filament wider than the box": ("[filament]\nradius = '150 nm'", ("Filament.radius_m=1.5e-07", "at most", "9e-08 m")),
    "filament in no layer": ("[filament]\nlayer = 'HfO2'", ("Filament.layer='HfO2'", "'HfOx'")),
    "dome outside the CMO": ("[dome]\nlayer = 'top_TiN'", ("Dome.layer='top_TiN'", "neighbours")),
    "dome larger than its layer": ("[dome]\nradius = '25 nm'", ("Dome.radius_m=2.5e-08", "less than 2e-08 m")),
    "overlapping filaments": (
        "[mesh]\ndomain = 'full'\n[[filaments]]\nx = '-5 nm'\n[[filaments]]\nx = '5 nm'",
        ("'filament_1' and 'filament_2' overlap", "1e-08 m apart", "more than", "2.2e-08 m"),
    ),
    "second of two filaments": (
        "[[filaments]]\n[[filaments]]\nradius = '-1 nm'",
        ("filaments, number 2", "radius_m='-1 nm'", "1e-10..1e-05 m"),
    ),
    "off-centre in a quarter": ("[filament]\nx = '10 nm'", ("domain='quarter'", "(1e-08, 0) m", 'domain = "full"')),
    "cone with one radius": ("[filament]\nshape = 'cone'", ("Filament.radius_far_m is missing", "6 nm")),
    "rim larger than the oxide": ("[mesh]\nrim_size = '9 nm'", ("rim_size_m=9e-09", "at most 4e-09 m", "'HfOx'")),
    "rim larger than the filament": (
        "[mesh]\nrim_size = '3 nm'\n[filament]\nradius = '2 nm'",
        ("rim_size_m=3e-09", "at most 2e-09 m", "'filament'"),
    ),
    "largest edge below the finest": (
        "[mesh]\nrim_size = '2 nm'\nsize_max = '1 nm'",
        ("MeshOptions.size_max_m=1e-09", "at least rim_size_m = 2e-09 m"),
    ),
    "more cells than any memory": (
        "[mesh]\nrim_size = '0.0005 nm'\ngrowth = 0.05",
        ("growth=0.05", "cells", "at most 3e+07"),
    ),
    "both kinds of filaments": ("[filament]\n[[filaments]]", ("[filament] and [[filaments]]", "keep")),
    "text without its quote": ("[filament]\nradius = '11 nm", ("not valid TOML", "end of document", "quotes")),
    "unit without quotes": ("[filament]\nradius = 11 nm", ("not valid TOML", "line 2", "quotes")),
    "section twice": ("[filament]\n[filament]", ("not valid TOML", "twice")),
    "mesh file that is not there": ("[mesh]\nfile = 'none.msh'", ("none.msh", "cannot be read: No such file")),
    "mesh file that is a folder": ("[mesh]\nfile = '.'", ("cannot be read: Is a directory",)),
    "mesh file that is none": ("[mesh]\nfile = 'device.toml'", ("not a gmsh mesh", "$MeshFormat")),
}  # fmt: skip


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run `reram` in this process, by its own main and its own error path; return the message."""
    monkeypatch.setattr(sys, "argv", ["reram", *map(str, arguments)])
    monkeypatch.delenv("RERAM_DEBUG", raising=False)
    with pytest.raises(SystemExit) as stop:
        reram.main()
    told = capsys.readouterr()
    assert stop.value.code == InputError.exit_code == 2, told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    lines = told.err.splitlines()
    assert len(lines) <= 20
    assert all(len(line) < 600 for line in lines), "more than one screen"
    return told.err


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_device_file_is_answered_in_one_screen(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, parts = BAD[kind]
    path = tmp_path / "device.toml"
    path.write_text(text + "\n", encoding="utf-8")
    told = refused(monkeypatch, capsys, "solve", path)
    assert str(tmp_path) in told, "no file is named"
    for part in parts:
        assert part in told


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("devise.toml", ("devise.toml: there is no such file", "'device.toml'")),
        ("", ("is a folder; a TOML file was expected",)),
        ("latin.toml", ("latin.toml: is not UTF-8 text",)),
    ],
)
def test_what_is_no_device_file(
    name: str,
    parts: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "device.toml").write_text("")
    (tmp_path / "latin.toml").write_bytes('[filament]\nmaterial = "Müller"\n'.encode("latin-1"))
    told = refused(monkeypatch, capsys, "solve", tmp_path / name)
    for part in (str(tmp_path), *parts):
        assert part in told


@pytest.mark.parametrize(
    ("bias", "parts"),
    [
        ("nan", ("bias_V=nan", "-20..20 V")),
        ("200", ("bias_V=200", "-20..20 V", "millivolts")),
        ("1 A", ("--bias='1 A'", "'ampere'", "V")),
    ],
)
def test_a_bad_bias(
    bias: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(monkeypatch, capsys, "solve", "--bias", bias)
    for part in parts:
        assert part in told


def test_a_message_never_lists_more_than_a_screen() -> None:
    with pytest.raises(InputError, match="... and 28 more of this kind") as caught:
        MeshOptions.model_validate({f"k{i}": i for i in range(40)})
    assert len(str(caught.value).splitlines()) == LINES_MAX + 1


def _three_cells_on_an_edge(mesh: Mesh) -> Mesh:
    inner = next(i for i, c in enumerate(mesh.cells) if np.all(mesh.points[c][:, 0] > 20e-9))
    a, b, c = mesh.cells[inner]
    tip = 0.45 * (mesh.points[a] + mesh.points[b]) + 0.1 * mesh.points[c]
    return replace(
        mesh,
        points=np.vstack([mesh.points, tip]),
        cells=np.vstack([mesh.cells, [a, b, len(mesh.points)]]),
        region=np.append(mesh.region, mesh.region[inner]).astype(np.int32),
    )


def _some_flipped(mesh: Mesh) -> Mesh:
    return replace(mesh, cells=np.vstack([mesh.cells[:5, ::-1], mesh.cells[5:]]))


def _torn(mesh: Mesh) -> Mesh:
    cells = mesh.cells.copy()
    cells[mesh.region == mesh.regions["CMO"]] += len(mesh.points)
    return replace(mesh, points=np.vstack([mesh.points] * 2), cells=cells)


def _named(mesh: Mesh, **names: str) -> Mesh:
    return replace(mesh, regions={names.get(n, n): t for n, t in mesh.regions.items()})


BAD_MESHES: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "non-manifold": (_three_cells_on_an_edge, "nm", ("non-manifold", "more than two triangles", "nm")),
    "flipped": (_some_flipped, "nm", ("5 of", "inverted")),
    "gap": (_torn, "nm", ("one cell only", "a gap")),
    "unknown group": (lambda m: _named(m, dome="dom"), "nm", ("physical group 'dom'", "'dome'")),
    "swapped groups": (lambda m: _named(m, dome="filament", filament="dome"), "nm", ("region 'filament'", "m3")),
    "group missing": (lambda m: replace(m, regions={"CMO": 3}), "nm", ("physical group 'bottom_TiN' is missing",)),
    "another unit": (lambda m: m, "um", ("1.12838e-10 m", "1.12838e-07 m", "unit")),
}


@pytest.mark.fem
@pytest.mark.parametrize("kind", BAD_MESHES)
def test_a_bad_mesh_from_outside(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, unit, parts = BAD_MESHES[kind]
    good = build_mesh(Stack.preset(), MeshOptions(domain="axisymmetric", rim_size_m=1e-9, growth=0.5))
    write_msh(spoil(good), tmp_path / "cell.msh", unit=unit)
    (tmp_path / "device.toml").write_text('[mesh]\ndomain = "axisymmetric"\nfile = "cell.msh"\n')
    told = refused(monkeypatch, capsys, "solve", tmp_path / "device.toml")
    for part in (str(tmp_path / "cell.msh"), *parts):
        assert part in told
