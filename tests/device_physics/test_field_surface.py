"""The surface of the fields for a page: it closes the device, holds the values of the fields, and is small."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_run import HALF, HEIGHT, made_solution, potential, temperature

from ground.errors import InputError

pytestmark = pytest.mark.plot
KINDS = ("quarter", "full", "plane")


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By kind of box what a page gets."""
    from device_physics.field_files import write_vtu
    from device_physics.field_surface import field_surface

    folder, out = tmp_path_factory.mktemp("surface"), {}
    for kind in KINDS:
        write_vtu(made_solution(kind), folder / f"{kind}.vtu")
        out[kind] = field_surface(folder / f"{kind}.vtu")
    return out


def unpacked(text: str, kind: str, width: int = 1) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind).reshape(-1, width)


def points(found: dict[str, Any], part: dict[str, Any], name: str = "points") -> np.ndarray:
    low, high = np.transpose(found["box"])
    return low + (high - low) * unpacked(part[name], "<u2", 3) / 65535


@pytest.mark.parametrize("kind", KINDS)
def test_every_point_has_the_value_of_the_field_there(surface: dict[str, Any], kind: str) -> None:
    found = surface[kind]
    for name, law in (("T", temperature), ("V", potential)):
        low, high = found["fields"][name]["low"], found["fields"][name]["high"]
        for part in found["parts"]:
            told = low + (high - low) * unpacked(part["values"][name], "<u2")[:, 0] / 65535
            assert told == pytest.approx(law(points(found, part)), abs=3e-5 * (high - low))
    assert [found["fields"][n]["log"] for n in ("V", "T", "E", "J", "power")] == [False, False, True, True, True]


@pytest.mark.parametrize(("kind", "share"), [("quarter", 0.25), ("full", None), ("plane", None)])
def test_the_faces_lie_where_the_device_is(surface: dict[str, Any], kind: str, share: float | None) -> None:
    found = surface[kind]
    assert found["box"][2] == pytest.approx([0, HEIGHT]) and found["box"][0] == pytest.approx([-HALF, HALF])
    volume = 0.0
    for part in found["parts"]:
        p, t = points(found, part), unpacked(part["triangles"], "<u4", 3)
        assert t.max() < len(p) and len(np.unique(t)) == len(p)
        a, b, c = (p[t[:, i]] for i in range(3))
        volume += float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
        for at in (p, points(found, part, "edges")):  # nothing stands in the quadrant that is cut away
            assert not np.any((at[:, 0] > 0.1) & (at[:, 1] < -0.1))
    if share is not None:  # a closed surface around every region, once for each mirror
        assert volume == pytest.approx(share * (2 * HALF) ** 2 * HEIGHT, rel=1e-4)
        assert found["mirrors"] == [[1, 1], [-1, 1], [-1, -1]]
    else:
        assert found["mirrors"] == [[1, 1]]
    x, y, z, half = found["focus"]
    assert (x, y) == pytest.approx((0, 0), abs=0.01) and 20 < z < 35 and 15 < half < 40


@pytest.mark.parametrize("kind", KINDS)
def test_colours_and_ticks(surface: dict[str, Any], kind: str) -> None:
    for field in surface[kind]["fields"].values():
        assert unpacked(field["colours"], "u1", 3).shape == (256, 3)
        places = [place for place, _ in field["ticks"]]
        assert len(places) >= 3 and places == sorted(places) and places[0] >= 0 and places[-1] <= 1 + 1e-9
        for place, text in field["ticks"]:
            low, high = field["low"], field["high"]
            value = low * (high / low) ** place if field["log"] else low + place * (high - low)
            assert float(text) == pytest.approx(value, rel=0.01, abs=0.01 * (high - low) if not field["log"] else 0)
    assert len(json.dumps(surface[kind])) < 400_000


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyvista

    from device_physics.field_surface import field_surface, surface_of_grid

    pyvista.ImageData(dimensions=(3, 3, 3)).cast_to_unstructured_grid().save(tmp_path / "a.vtu")
    with pytest.raises(
        InputError, match=r"a\.vtu: is not a file of fields as --vtu writes it.*: its cells are not the tri"
    ):
        field_surface(tmp_path / "a.vtu")
    with pytest.raises(InputError, match="it names no regions"):
        surface_of_grid(pyvista.ImageData(dimensions=(3, 3, 3)).to_tetrahedra())
