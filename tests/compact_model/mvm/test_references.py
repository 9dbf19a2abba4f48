"""Reference columns in the array: ideal where wires are, blind to what takes from both, and devices of their own."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.crossbar import Crossbar, Wires
from compact_model.mvm import Mvm, MvmSettings
from compact_model.mvm.references import ReferenceColumns
from compact_model.published_cell import published_cell
from ground.errors import InputError

QUIET = {
    "dac_bits": None,
    "adc_bits": None,
    "programming": "ideal",
    "relaxation": False,
    "read_noise": False,
}


def chain(**changes: object) -> MvmSettings:
    return MvmSettings.published(**{**QUIET, "reference": "wired", **changes})


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.uniform(-1, 1, (24, 10)), rng.uniform(0, 1, (9, 24))


@pytest.mark.parametrize(("columns", "every"), [(1, None), (7, None), (7, 3), (8, 2), (5, 1), (3, 100)])
def test_every_column_has_one_place_and_the_reference_of_its_group(columns: int, every: int | None) -> None:
    places = ReferenceColumns.among(columns, every)
    step = min(every or columns, columns)
    assert places.count == -(-columns // step)
    both = np.concatenate([places.weights, places.references])
    assert np.array_equal(np.sort(both), np.arange(columns + places.count))
    assert np.array_equal(places.of_weight, np.arange(columns) // step)
    for k in range(places.count):
        group = places.weights[places.of_weight == k]
        left = int((group < places.references[k]).sum())
        assert abs(group.size - 2 * left) <= 1  # in the middle of its own
    whole = places.join(np.arange(columns)[None] + 10.0, np.arange(places.count)[None] + 0.5)
    assert places.difference(whole)[0] == pytest.approx(np.arange(columns) + 9.5 - places.of_weight)


@pytest.mark.parametrize("every", [None, 4])
@pytest.mark.parametrize("ir_drop", ["none", "exact"])
def test_without_wires_it_is_the_ideal_column(problem, ir_drop: str, every: int | None) -> None:
    w, x = problem
    y = Mvm.program(w, chain(ir_drop=ir_drop, wire_ohm=0.0, reference_every=every)).multiply(x)
    assert y == pytest.approx(x @ w, abs=1e-11)


def test_it_is_the_column_of_the_crossbar(problem) -> None:
    w, x = problem
    g = chain().mapping.conductances_S(w)
    whole = np.insert(g, 5, 49e-6, axis=1)
    current = Crossbar(whole, Wires.uniform(5.0)).forward(0.2 * x).bit_A
    expected = (np.delete(current, 5, axis=1) - current[:, [5]]) / (40e-6 * 0.2)
    for ir_drop in ("exact", "tabulated"):
        y = Mvm.program(w, chain(wire_ohm=5.0, ir_drop=ir_drop)).multiply(x)
        assert y == pytest.approx(expected, abs=1e-7)


def test_weights_of_zero_give_exactly_nothing_where_bit_lines_alone_resist() -> None:
    """Every bit line is then the same as its reference; an ideal column is off by what all of them lose."""
    x = np.random.default_rng(2).uniform(0, 1, (5, 30))
    wired = chain(ir_drop="bit lines", wire_ohm=20.0)
    assert np.abs(Mvm.program(np.zeros((30, 8)), wired).multiply(x)).max() < 1e-9
    ideal = Mvm.program(np.zeros((30, 8)), wired.replace(reference="column")).multiply(x)
    assert np.abs(ideal).min() > 0.1


@pytest.mark.parametrize("cell", [False, True])
def test_inputs_of_one_sign_no_longer_add_up_the_drop_of_the_mid_point(problem, cell: bool) -> None:
    w, x = problem
    error = {
        name: np.sqrt(np.mean((Mvm.program(w, chain(**how)).multiply(x[:4]) - x[:4] @ w) ** 2))
        for name, how in {
            name: {"wire_ohm": 2.0, "reference": name, "cell": published_cell() if cell else None}
            for name in ("column", "wired", "digital")
        }.items()
    }
    assert error["column"] == pytest.approx(error["digital"])
    assert error["wired"] < 0.4 * error["column"]


def test_the_shortcut_sees_no_drop_of_a_reference(problem) -> None:
    w, x = problem
    quick = chain(ir_drop="aihwkit", wire_ohm=5.0)
    ideal = Mvm.program(w, quick.replace(reference="column")).multiply(x)
    assert Mvm.program(w, quick).multiply(x) == pytest.approx(ideal, abs=1e-9)


def test_references_drift_with_the_others_and_leave_them_as_they_are() -> None:
    """The mean shift cancels; what is left is that of a weight and of its reference: sqrt(2) of one, the shift aside."""
    x, w = np.eye(64), np.zeros((64, 40))
    loud = chain(relaxation=True, ir_drop="none")
    ten_years = 3.1536e8
    plain = Mvm.program(w, loud.replace(reference="column"), seed=4)
    wired = Mvm.program(w, loud, seed=4)
    assert np.array_equal(plain.conductances_S(ten_years)[0], wired.conductances_S(ten_years)[0])
    of_plain, of_wired = plain.multiply(x, ten_years), wired.multiply(x, ten_years)
    beside = of_plain - of_wired  # of the reference, one number for a row
    assert np.ptp(beside, axis=1).max() < 1e-12
    assert beside.mean() == pytest.approx(of_plain.mean(), rel=0.3)
    assert beside.std() == pytest.approx(of_plain.std(), rel=0.3)
    assert np.abs(np.corrcoef(beside[:, 0], of_plain[:, 0])[0, 1]) < 0.4  # devices of their own
    shifted = loud.replace(compensation="shift")
    assert abs(Mvm.program(w, shifted, seed=4).multiply(x, ten_years).mean()) < 1e-12
    assert np.array_equal(of_plain, wired.with_settings(reference="column").multiply(x, ten_years))


def test_arrays_have_references_of_their_own(problem) -> None:
    w, x = problem
    cut = {"tile_rows": 8, "tile_columns": 5}
    y = Mvm.program(w, chain(ir_drop="none", **cut)).multiply(x)
    assert y == pytest.approx(x @ w, abs=1e-11)
    tiles = Mvm.program(w, chain(relaxation=True, **cut), seed=2).tiles
    seen = [t.references.at(1e8, read_noise=False) for t in tiles]  # type: ignore[union-attr]
    assert all(s.shape == (8, 1) for s in seen)
    assert np.unique(seen).size == 8 * len(tiles)
    alone = Mvm.program(w[:8, :5], chain(relaxation=True, **cut), seed=2).multiply(x[:, :8], 1e8)
    first = Mvm.program(np.where(np.arange(24)[:, None] < 8, w, 0)[:, :5], chain(relaxation=True, **cut), seed=2)
    rest = x * (np.arange(24) < 8)
    assert first.multiply(rest, 1e8) == pytest.approx(alone, abs=1e-9)


def test_settings_of_before_are_written_as_before() -> None:
    assert "reference_every" not in MvmSettings.published().model_dump()
    assert MvmSettings.published().reference == "column"


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: chain(scheme="pair"), r"reference='wired' is not allowed with pairs"),
        (
            lambda: chain(reference="column", reference_every=4),
            r"reference_every=4 is not allowed with reference='column'",
        ),
        (lambda: chain(reference_every=0), r"reference_every=0 is not allowed"),
        (lambda: chain(reference="real"), r"reference"),
        (
            lambda: Mvm.program(np.zeros((2, 2)), chain(reference="column")).with_settings(reference="wired"),
            r"reference='wired' needs devices of its own",
        ),
        (
            lambda: Mvm.program(np.zeros((2, 2)), chain()).with_settings(reference_every=1),
            r"reference_every cannot change once",
        ),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()
