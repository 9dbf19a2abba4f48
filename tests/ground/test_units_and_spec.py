"""Units at the door and frozen specifications: what they accept, and every message they give."""

from __future__ import annotations

from typing import Annotated

import pytest

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity, to_si


class Film(Spec):
    thickness_m: Annotated[float, Quantity("m", 1e-10, 1e-5)]
    sigma_S_per_m: Annotated[float, Quantity("S/m", 1e-3, 1e9)] = 1.0
    gap_m: Annotated[float, Quantity("m", 1e-10, 1e-5)] | None = None


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("11 nm", "m", 11e-9),
        ("5 S/cm", "S/m", 500.0),
        ("20 degC", "K", 293.15),
        ("2.5 us", "s", 2.5e-6),
        ("0.35 ohm", "ohm", 0.35),
        ("65 meV", "eV", 0.065),
        ("5e19 1/cm^3", "1/m^3", 5e25),
        ("4 W/m/K", "W/m/K", 4.0),
        ("50 µS", "S", 5e-5),
        ("0.2", "", 0.2),
    ],
)
def test_texts_with_units_become_si(text: str, unit: str, value: float) -> None:
    assert to_si(text, unit) == pytest.approx(value)


def test_a_field_may_be_named_without_its_unit() -> None:
    assert Film(thickness="5 nm", sigma="5 S/cm", gap="1 nm") == Film(thickness_m=5e-9, sigma_S_per_m=500.0, gap_m=1e-9)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"thickness_m": 5.0},
            r"Film.thickness_m=5.0 is not allowed: expected 1e-10..1e-05 m. Did you mean 5e-09 \(you gave nm\)\?",
        ),
        ({"thickness_m": 5000.0}, r"Did you mean 5e-06 \(you gave nm\)"),
        ({"thickness_m": "5"}, r"carries no unit; write a number and a unit, such as '5 nm'"),
        ({"thickness_m": "5 V"}, r"has the unit 'volt', which is not one of 'm'"),
        ({"thickness_m": "five"}, r"cannot be read as a quantity; write a number and a unit, such as '1 nm'"),
        ({"thickness_m": float("inf")}, r"not a finite number; expected 1e-10..1e-05 m"),
        ({"thickness_m": None}, r"expected a number of m, or a text with a unit"),
        ({"thickness_m": True}, r"expected a number of m"),
        ({"thickness": 5}, r"Film.thickness=5 is not allowed: it carries no unit. Write thickness = \"5 nm\""),
        ({"thickness": "5 nm", "thickness_m": 5e-9}, r"Film.thickness_m is given twice"),
        ({}, r"Film.thickness_m is missing: it has no default"),
        ({"thickness_m": 1e-9, "thicknes": 1}, r"Film.thicknes is not known. Did you mean 'thickness'"),
    ],
)
def test_every_mistake_is_explained(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Film(**given)


def test_specifications_are_frozen_and_replace_checks() -> None:
    film = Film(thickness_m=1e-9)
    with pytest.raises(Exception, match="frozen"):
        film.thickness_m = 2e-9
    assert film.replace(thickness_m=2e-9).thickness_m == 2e-9
    with pytest.raises(InputError, match="Film.thickness_m=2.0 is not allowed"):
        film.replace(thickness_m=2.0)


def test_a_quantity_checks_a_value_that_has_only_a_name() -> None:
    assert Quantity("m", 1e-9, 1e-7).named("--r-cf", "11 nm") == pytest.approx(11e-9)
    with pytest.raises(InputError, match=r"--r-cf='11' is not allowed: carries no unit"):
        Quantity("m", 1e-9, 1e-7).named("--r-cf", "11")


def test_nearest_names_what_is_close_and_else_all() -> None:
    assert nearest("cmo", ["CMO", "TiN"]) == "Did you mean 'CMO'?"
    assert nearest("zzz", ["CMO", "TiN"]) == "Known: CMO, TiN."
