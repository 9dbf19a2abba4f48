"""The stack says what is wrong with itself."""

from __future__ import annotations

import pytest

from ground.errors import InputError
from meshes.stack import Dome, Filament, Layer, Stack


def test_the_preset_is_the_published_stack() -> None:
    stack = Stack.preset("TiN/HfOx/CMO/TiN")
    assert [(la.material, la.thickness_m) for la in stack.layers] == [
        ("TiN", 20e-9),
        ("HfOx", 4e-9),
        ("CMO", 20e-9),
        ("TiN", 20e-9),
    ]
    assert stack.height_m == pytest.approx(64e-9)
    assert stack.filament.radius_m == 11e-9
    assert stack.dome_radius_m == 11e-9
    assert stack.contact_m == pytest.approx(24e-9)
    assert stack.dome_is_above


def test_a_dome_below_the_oxide_touches_the_lower_end_of_the_filament() -> None:
    layers = [
        Layer(name=n, material=m, thickness_m=t)
        for n, m, t in (("b", "TiN", 20e-9), ("CMO", "CMO", 20e-9), ("HfOx", "HfOx", 4e-9), ("t", "TiN", 20e-9))
    ]
    stack = Stack(layers=tuple(layers))
    assert not stack.dome_is_above
    assert stack.contact_m == pytest.approx(40e-9)


def test_nanometres_given_as_metres_are_recognised() -> None:
    with pytest.raises(
        InputError,
        match=r"Layer.thickness_m=5.0 is not allowed: expected 1e-10..1e-05 m. Did you mean 5e-09 \(you gave nm\)\?",
    ):
        Layer(name="HfOx", material="HfOx", thickness_m=5.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width_m": -1.0}, r"Stack.width_m=-1.0 is not allowed: expected 1e-10..1e-05 m"),
        ({"width_m": float("nan")}, r"Stack.width_m=nan is not allowed: not a finite number"),
        ({"ambient_K": 0.0}, r"Stack.ambient_K=0.0 is not allowed: expected 1..2000 K"),
        (
            {"filament": Filament(radius_m=95e-9)},
            r"Filament.radius_m=9.5e-08 is not allowed: expected at most 0.45 of Stack.width_m",
        ),
        ({"filament": Filament(layer="HfO")}, r"Filament.layer='HfO' is no layer of the stack. Did you mean 'HfOx'\?"),
        ({"filament": Filament(layer="top_TiN")}, r"Filament.layer='top_TiN' is an outer electrode"),
        ({"dome": Dome(radius_m=21e-9)}, r"Dome.radius_m=2.1e-08 is not allowed: expected less than 2e-08 m"),
        ({"filament": Filament(radius_m=25e-9)}, r"Without dome.radius the dome is as wide as the filament"),
        ({"dome": Dome(layer="cmo")}, r"Dome.layer='cmo' is no layer of the stack. Did you mean 'CMO'\?"),
        ({"dome": Dome(layer="top_TiN", radius_m=9e-9)}, r"does not touch Filament.layer='HfOx'"),
        ({"layers": Stack.preset().layers[:2]}, r"Stack.layers has 2 layers; at least 3 are needed"),
        ({"layers": (Stack.preset().layers[0],) * 4}, r"the name 'bottom_TiN' is used twice or reserved"),
        ({"colour": "red"}, r"Stack.colour is not known."),
    ],
)
def test_every_mistake_has_its_message(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Stack.preset(**changes)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"Stack.preset\('TiN/CMO'\) is not known. Did you mean 'TiN/HfOx/CMO/TiN'\?"):
        Stack.preset("TiN/CMO")


def test_an_unknown_layer_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Stack has no layer 'Hfox'. Did you mean 'HfOx'"):
        Stack.preset().layer("Hfox")
