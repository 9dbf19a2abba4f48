"""What is free, fixed or shared in a hopping fit, and what is not allowed."""

from __future__ import annotations

from typing import Any

import pytest

from compact_model.published_cell import hop_distance_for, published_hopping
from device_physics.dome_response import Response
from fits.hopping.choice import Choice, parse_fixed
from fits.hopping.fit import fit_hopping
from fits.hopping.synthetic import synthetic_curves
from fits.results.identifiability import Fixed
from ground.errors import InputError


@pytest.fixture(scope="module")
def table() -> Response:
    return Response.default()


@pytest.fixture(scope="module")
def truth(table: Response) -> Any:
    return published_hopping(hop_distance_for(18e3, response=table))


def test_every_parameter_can_be_fixed_with_its_source(table: Response, truth: Any) -> None:
    curves = synthetic_curves(truth, seed=5, response=table)
    names = ("hop_distance_m", "trap_density_lrs_m3", "trap_density_hrs_m3", "barrier_hrs_eV")
    held = {n: Fixed(getattr(truth, n), "the truth") for n in names}
    fit = fit_hopping(curves, table, fixed=held, offset="none")
    for name in names:
        p = fit.parameters[name]
        assert (p.value, p.stderr, p.source) == (pytest.approx(getattr(truth, name)), 0.0, "the truth")
    free = fit.parameters["barrier_lrs_eV"]
    assert free.low < truth.barrier_lrs_eV < free.high and free.stderr < 1e-4  # all else known: seen very well
    assert "fixed (the truth)" in fit.report()


def test_a_hop_distance_of_each_state_is_fitted_but_is_no_cell(table: Response, truth: Any) -> None:
    fit = fit_hopping(synthetic_curves(truth, ambients_K=(260.0, 330.0), seed=6, response=table), table, shared=())
    low, high = fit.parameters["hop_distance_lrs_m"], fit.parameters["hop_distance_hrs_m"]
    assert low.low < truth.hop_distance_m < low.high and high.low < truth.hop_distance_m < high.high
    with pytest.raises(InputError, match="LRS and HRS were given hop distances of their own, but the cell has one"):
        _ = fit.hopping


def test_a_shared_barrier_is_one_number(table: Response, truth: Any) -> None:
    same = truth.replace(barrier_hrs_eV=truth.barrier_lrs_eV)
    curves = synthetic_curves(same, ambients_K=(260.0, 330.0), seed=7, response=table)
    fit = fit_hopping(curves, table, shared=("hop_distance", "barrier"))
    both = [fit.parameters[f"barrier_{s}_eV"] for s in ("lrs", "hrs")]
    assert both[0].value == both[1].value and both[0].low < truth.barrier_lrs_eV < both[0].high
    i, j = (fit.names.index(f"barrier_eV_{s}") for s in ("lrs", "hrs"))
    assert fit.correlation[i, j] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"fixed": {"barrier_HRS": Fixed(0.1, "x")}},
            "'barrier_HRS' is no parameter of the hopping fit. Did you mean 'barrier_hrs_eV'",
        ),
        ({"fixed": {"barrier_hrs_eV": Fixed(0.1, " ")}}, "fixed barrier_hrs_eV=0.1 has no source"),
        (
            {"fixed": {"hop_distance_m": Fixed(2.0, "x")}},
            r"fixed hop_distance_m=2.0 is not allowed: .* Did you mean 2e-09 \(you gave nm\)",
        ),
        ({"shared": ("barier",)}, "shared: 'barier' cannot be shared. Did you mean 'barrier'"),
        ({"offset": "both"}, "offset='both' is not allowed: expected one of curve, shared, none"),
        ({"shared": ("barrier",), "fixed": {"barrier_hrs_eV": Fixed(0.1, "x")}}, "is fixed, but the barrier is shared"),
        (
            {"shared": ("barrier",), "fixed": {"barrier_hrs_eV": Fixed(0.1, "x"), "barrier_lrs_eV": Fixed(0.2, "x")}},
            "a shared barrier is fixed at two different values",
        ),
    ],
)
def test_choices_that_cannot_be_are_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Choice(**choice)


def test_fixed_values_are_read_from_texts() -> None:
    found = parse_fixed(["barrier_hrs_eV = 80 meV: figure 2d: read by eye", "hop_distance_m=2e-9:guess"])
    assert found == {
        "barrier_hrs_eV": Fixed(pytest.approx(0.08), "figure 2d: read by eye"),
        "hop_distance_m": Fixed(2e-9, "guess"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("barrier_hrs_eV=0.08", "expected NAME=VALUE:SOURCE.* A value without a source is not taken"),
        ("barrier=0.08: x", "--fix: 'barrier' is no parameter of the hopping fit"),
        ("barrier_hrs_eV=much: x", "--fix barrier_hrs_eV='much' is not allowed"),
        ("barrier_hrs_eV=80: x", r"Did you mean 0.08 \(you gave meV\)"),
    ],
)
def test_texts_that_fix_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_fixed([text])
