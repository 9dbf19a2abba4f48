"""Any filament, dome, layer order and number of filaments: the mesh has the exact volumes, and what does not fit is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from meshes.build import build_mesh, exact_volumes_m3, mesh_hash
from meshes.options import MeshOptions
from meshes.stack import Dome, Filament, Layer, Stack

COARSE = {"rim_size_m": 1e-9, "growth": 0.5}
PLANE, QUARTER, FULL = (MeshOptions(domain=d, **COARSE) for d in ("axisymmetric", "quarter", "full"))
CONE = Filament(shape="cone", radius_m=11e-9, radius_far_m=6e-9)


def layers(*rows: tuple[str, str, float]) -> tuple[Layer, ...]:
    return tuple(Layer(name=n, material=m, thickness_m=t * 1e-9) for n, m, t in rows)


UPSIDE_DOWN = layers(("top_TiN", "TiN", 20), ("CMO", "CMO", 20), ("HfOx", "HfOx", 4), ("bottom_TiN", "TiN", 20))
EIGHT = layers(
    ("s0", "SiO2", 30), ("w0", "W", 25), ("t0", "TiN", 20), ("HfOx", "HfOx", 4), ("CMO", "CMO", 20), ("t1", "TiN", 20),
    ("w1", "W", 25), ("s1", "SiO2", 30),
)  # fmt: skip
STACKS = {
    "published": Stack.preset(),
    "cone": Stack.preset(filament=CONE),
    "inverted cone": Stack.preset(filament=Filament(shape="cone", radius_m=6e-9, radius_far_m=12e-9)),
    "narrow dome": Stack.preset(dome=Dome(radius_m=7e-9)),
    "no dome": Stack.preset(dome=Dome(shape="none")),
    "no filament": Stack.preset(filament=Filament(shape="none")),
    "upside down": Stack(layers=UPSIDE_DOWN, filament=CONE, dome=Dome(radius_m=13e-9)),
    "eight layers": Stack(layers=EIGHT, contacts=("w0", "w1")),
    "wide": Stack.preset(width_m=400e-9),
}


@pytest.mark.fem
@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("options", [PLANE, QUARTER], ids=lambda o: o.domain)
def test_every_region_has_its_exact_volume(name: str, options: MeshOptions) -> None:
    stack = STACKS[name]
    mesh = build_mesh(stack, options)  # its own check allows 2 %
    assert list(mesh.regions) == stack.region_names
    share = 4 if options.domain == "quarter" else 1
    assert share * mesh.volumes_m3().sum() == pytest.approx(stack.width_m**2 * stack.height_m, rel=1e-9)
    assert np.all(mesh.volumes_m3() > 0)
    assert mesh.contacts_m == pytest.approx(stack.contacts_m)
    domes = [r for r in mesh.regions if r.startswith("dome")]
    assert mesh.domes == domes == stack.dome_regions


@pytest.mark.fem
@pytest.mark.parametrize("options", [PLANE, QUARTER], ids=lambda o: o.domain)
def test_a_cone_is_wide_where_it_carries_the_dome(options: MeshOptions) -> None:
    for stack, wide, narrow in ((STACKS["cone"], 24e-9, 20e-9), (STACKS["upside down"], 40e-9, 44e-9)):
        mesh = build_mesh(stack, options)
        corners = mesh.points[np.unique(mesh.facets[mesh.face == mesh.faces["HfOx/filament"]])]
        r = np.linalg.norm(corners[:, :-1], axis=1)
        assert r[np.abs(corners[:, -1] - wide) < 1e-15] == pytest.approx(11e-9, rel=1e-9)
        assert r[np.abs(corners[:, -1] - narrow) < 1e-15] == pytest.approx(6e-9, rel=1e-9)


@pytest.mark.fem
def test_several_filaments_each_with_its_dome_in_one_box() -> None:
    filaments = (
        Filament(x_m=-40e-9, y_m=20e-9),
        Filament(x_m=30e-9, radius_m=8e-9, dome=Dome(radius_m=9e-9)),
        Filament(x_m=30e-9, y_m=-50e-9, shape="cone", radius_m=7e-9, radius_far_m=5e-9, dome=Dome(shape="none")),
    )
    mesh = build_mesh(Stack.preset(filaments=filaments), FULL)
    assert mesh.domes == ["dome_1", "dome_2"]
    assert list(mesh.regions)[4:] == ["filament_1", "dome_1", "filament_2", "dome_2", "filament_3"]
    for number, filament in enumerate(filaments, 1):
        cells = mesh.points[mesh.cells[mesh.region == mesh.regions[f"filament_{number}"]]].mean(axis=1)
        weight = mesh.volumes_m3()[mesh.region == mesh.regions[f"filament_{number}"]]
        assert weight @ cells[:, :2] / weight.sum() == pytest.approx([filament.x_m, filament.y_m], abs=3e-10)
    to_rim = np.abs(np.linalg.norm(mesh.points[:, :2] - [30e-9, 0], axis=1) - 8e-9) + np.abs(mesh.points[:, 2] - 24e-9)
    assert (to_rim < 1e-9).sum() > 40  # the second rim is refined as well


@pytest.mark.fem
def test_the_rim_in_the_plane_is_as_fine_as_asked() -> None:
    mesh = build_mesh(Stack.preset(), MeshOptions(domain="axisymmetric"))
    edge = np.linalg.norm(mesh.points[mesh.cells[:, 0]] - mesh.points[mesh.cells[:, 1]], axis=1)
    centre = mesh.points[mesh.cells].mean(axis=1)
    for height in (20e-9, 24e-9):
        at_rim = np.hypot(centre[:, 0] - 11e-9, centre[:, 1] - height) < 3e-11
        assert 5e-12 < np.median(edge[at_rim]) < 4e-11
    assert mesh.dimension == 2
    assert mesh.symmetry == 1
    assert {"bottom", "top", "side", "axis", "CMO/dome"} <= set(mesh.faces)


@settings(deadline=None)
@given(
    st.floats(3e-9, 30e-9),
    st.floats(3e-9, 30e-9),
    st.floats(1e-9, 19e-9),
    st.sampled_from(["quarter", "full", "axisymmetric"]),
)
def test_exact_volumes_always_fill_the_box(near: float, far: float, dome: float, domain: str) -> None:
    filament = Filament(shape="cone", radius_m=near, radius_far_m=far)
    volumes = exact_volumes_m3(Stack.preset(filament=filament, dome=Dome(radius_m=dome)), domain)
    share = 4 if domain == "quarter" else 1
    assert share * sum(volumes.values()) == pytest.approx(200e-9**2 * 64e-9, rel=1e-12)
    assert min(volumes.values()) > 0
    low, high = sorted((near, far))
    assert math.pi * low**2 * 4e-9 <= share * volumes["filament"] * (1 + 1e-12)
    assert share * volumes["filament"] <= math.pi * high**2 * 4e-9 * (1 + 1e-12)


@pytest.mark.fem
@settings(max_examples=12, deadline=None)
@given(
    oxide=st.floats(2e-9, 10e-9), cmo=st.floats(12e-9, 40e-9), radius=st.floats(3e-9, 20e-9), far=st.floats(3e-9, 20e-9),
    share=st.floats(0.2, 0.95),
)  # fmt: skip
def test_any_thickness_and_radius_makes_a_checked_plane_mesh(
    oxide: float, cmo: float, radius: float, far: float, share: float
) -> None:
    stack = Stack(
        layers=layers(("b", "TiN", 20), ("HfOx", "HfOx", oxide * 1e9), ("CMO", "CMO", cmo * 1e9), ("t", "TiN", 20)),
        filament=Filament(shape="cone", radius_m=radius, radius_far_m=far),
        dome=Dome(radius_m=share * cmo),
    )
    build_mesh(stack, PLANE, reuse=False).check()


def test_what_could_be_said_before_has_the_hash_it_had() -> None:
    """The hash of the default mesh is that under which finished points of response tables are kept."""
    assert mesh_hash(Stack.preset(), MeshOptions()) == "15b9a94f8bf4ad36"
    assert set(Stack.preset().model_dump()) == {"layers", "width_m", "ambient_K", "filament", "dome"}
    assert set(MeshOptions().model_dump()) == {"domain", "rim_size_m", "growth", "size_max_m"}


def test_every_shape_has_a_hash_of_its_own() -> None:
    hashes = {mesh_hash(stack, MeshOptions()) for stack in STACKS.values()}
    moved = {mesh_hash(Stack.preset(filament=Filament(x_m=x)), FULL) for x in (1e-9, 2e-9)}
    finer = {mesh_hash(Stack.preset(), MeshOptions(dome_divisions=d)) for d in (6, 12)}
    assert len(hashes | moved | finer) == len(STACKS) + 3  # the published one is among `finer` again


def test_one_filament_and_a_list_of_one_are_the_same() -> None:
    one, listed = Stack.preset(filament=CONE), Stack.preset(filaments=[CONE])
    assert one == listed
    assert Stack.model_validate(one.model_dump()) == one
    two = Stack.preset(filaments=(Filament(x_m=-30e-9), Filament(x_m=30e-9)))
    assert Stack.model_validate(two.model_dump()) == two
    assert two.replace(filament=Filament(x_m=-35e-9)).filaments[0].x_m == -35e-9
    assert two.replace(width_m=150e-9).filaments == two.filaments


TWO = [{"x": "-10 nm"}, {"x": "10 nm"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filament": {"shape": "cone"}}, r"Filament.radius_far_m is missing: a cone has radius at the end"),
        ({"filament": {"radius_far_m": 5e-9}}, r"Filament.radius_far_m=5e-09 is not allowed with shape='cylinder'"),
        ({"filament": {"shape": "ball"}}, r"Filament.shape='ball' is not allowed"),
        ({"filament": {"shape": "cone", "radius_far_m": 95e-9}}, r"Filament.radius_far_m=9.5e-08 is not allowed: .* wider than the box"),
        ({"filament": {"x_m": 85e-9}}, r"Filament.x_m=8.5e-08 is not allowed: expected -7.9e-08..7.9e-08 m"),
        ({"filament": {"y_m": -3.0}}, r"Filament.y_m=-3.0 is not allowed: expected -1e-05..1e-05 m. Did you mean -3e-09"),
        ({"filament": {"shape": "none"}, "dome": {"radius_m": 5e-9}}, r"Dome.radius_m=5e-09 is not allowed without a filament"),
        (
            {"filament": {"x_m": 40e-9, "radius_m": 3e-9}, "dome": {"radius_m": 12e-9}, "width_m": 100e-9},
            r"expected less than 1e-08 m, .* less the offset",
        ),
        ({"filaments": [{"x": "-10 nm"}, {"x": "10 nm"}]}, r"regions 'filament_1' and 'filament_2' overlap: their axes are 2e-08 m apart"),
        ({"filaments": [{"x": "-12 nm"}, {"x": "12 nm"}], "dome": {"radius_m": 13e-9}}, r"regions 'dome_1' and 'dome_2' overlap"),
        ({"filaments": TWO, "filament": {}}, r"Stack.filament and Stack.filaments are both given"),
        ({"contacts": ("bottom_TiN", "CMOO")}, r"Stack.contacts='CMOO' is no layer of the stack. Did you mean 'CMO'"),
        ({"contacts": ("top_TiN", "bottom_TiN")}, r"Stack.contacts=\['top_TiN', 'bottom_TiN'\] is not allowed: expected \[bottom"),
        ({"contacts": ("CMO", "top_TiN")}, r"at least one layer between them; bottom to top: bottom_TiN, HfOx, CMO, top_TiN"),
    ],
)  # fmt: skip
def test_every_mistake_has_its_message(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Stack.preset(**changes)
    assert len(str(caught.value)) < 400


def test_a_dome_on_the_filament_of_another_layer_is_seen() -> None:
    rows = layers(("b", "TiN", 20), ("ox1", "HfOx", 30), ("CMO", "CMO", 20), ("ox2", "HfOx", 4), ("t", "TiN", 20))
    lower = Filament(layer="ox1", dome=Dome(shape="none"), x_m=-10e-9)
    upper = Filament(layer="CMO", material="CF", radius_m=8e-9, x_m=10e-9, dome=Dome(layer="ox1", radius_m=10e-9))
    with pytest.raises(InputError, match="regions 'filament_1' and 'dome_2' overlap"):
        Stack(layers=rows, filaments=(lower, upper))
    assert Stack(layers=rows, filaments=(lower, upper.replace(x_m=30e-9))).dome_regions == ["dome_2"]


def test_names_that_regions_or_faces_have_are_reserved() -> None:
    for name in ("dome_2", "top", "axis", "a/b"):
        with pytest.raises(InputError, match=f"the name '{name}' is used twice or reserved"):
            Stack(layers=(Layer(name=name, material="TiN", thickness_m=2e-8), *Stack.preset().layers[1:]))


def test_a_filament_outside_the_contacts_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"Filament.layer='HfOx' is an outer electrode or lies outside Stack.contacts; .*: CMO, t1"
    ):
        Stack(layers=EIGHT, contacts=("HfOx", "w1"))


@pytest.mark.parametrize("domain", ["quarter", "axisymmetric"])
def test_an_off_centre_filament_needs_the_full_box(domain: str) -> None:
    for filaments in ([Filament(x_m=5e-9)], [Filament(x_m=-30e-9), Filament(x_m=30e-9)]):
        with pytest.raises(
            InputError, match=rf"MeshOptions.domain='{domain}' is not allowed: 'filament.*' stands off-centre"
        ):
            build_mesh(Stack.preset(filaments=filaments), MeshOptions(domain=domain))


def test_a_plane_mesh_is_finer_by_default() -> None:
    assert MeshOptions(domain="axisymmetric").rim_size_m == pytest.approx(2e-11)
    assert MeshOptions.model_validate({"domain": "axisymmetric", "rim_size": "1 nm"}).rim_size_m == pytest.approx(1e-9)
    assert MeshOptions().rim_size_m == pytest.approx(1.5e-10)


def test_a_stack_without_a_filament_says_so_when_asked_for_it() -> None:
    with pytest.raises(InputError, match="this stack has no filament"):
        _ = Stack.preset(filament=Filament(shape="none")).filament
