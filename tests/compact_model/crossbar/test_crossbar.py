"""The linear crossbar against laws that hold for every network: Kirchhoff, power, reciprocity, superposition, limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_model.crossbar import Crossbar, Wires
from ground.errors import InputError, NotConverged

OHM = st.sampled_from([0.0, 0.35, 10.0, 1e4, np.inf])
SIEMENS = st.sampled_from([0.0, 1e-7, 9e-6, 89e-6, 1e-2])


@st.composite
def networks(draw: st.DrawFn) -> tuple[Crossbar, np.random.Generator]:
    """Any shape, any mixture of perfect, ordinary and open wires, any spread of conductances."""
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def pick(values: list[float], shape: tuple[int, ...]) -> np.ndarray:
        return rng.choice(values, shape)

    ohm = [draw(OHM), draw(OHM), draw(OHM)]
    wires = Wires(
        word_ohm=pick(ohm, (rows, columns - 1)),
        bit_ohm=pick(ohm, (rows - 1, columns)),
        left_ohm=pick([draw(OHM), 0.35], (rows,)),
        right_ohm=pick([draw(OHM), np.inf], (rows,)),
        top_ohm=pick([draw(OHM), np.inf], (columns,)),
        bottom_ohm=pick([draw(OHM), 0.35], (columns,)),
    )
    return Crossbar(pick([draw(SIEMENS), draw(SIEMENS), draw(SIEMENS)], (rows, columns)), wires), rng


@settings(max_examples=120, deadline=None)
@given(networks())
def test_both_ways_agree_and_kirchhoff_and_power_balance(case: tuple[Crossbar, np.random.Generator]) -> None:
    crossbar, rng = case
    rows, columns = crossbar.shape
    word, bit = rng.normal(size=(3, rows)), rng.normal(size=(3, columns))
    factored = crossbar.solve(word, bit, rtol=1e-4, method="direct", voltages=True)
    relaxed = crossbar.solve(word, bit, rtol=1e-5, voltages=True)
    size = max(np.abs(factored.word_A).max(), np.abs(factored.bit_A).max())
    slack = 1e-5 * size + 1e-14 / _least_ohm(
        crossbar.wires
    )  # a wire current is a difference of rounded voltages over this
    for name in ("left_A", "right_A", "top_A", "bottom_A"):
        lines = {"left_A": "word", "right_A": "word", "top_A": "bit", "bottom_A": "bit"}[name]
        if _splits_freely(crossbar.wires, lines):
            continue  # a line without resistance between two perfect terminals shares its current as it likes
        assert np.abs(getattr(factored, name) - getattr(relaxed, name)).max() <= 2 * slack, name
    for s in (factored, relaxed):
        assert s.kcl_A.max() <= slack
        assert np.abs(s.source_power_W - s.device_power_W - s.wire_power_W).max() <= 20 * 3 * slack
        assert np.abs(s.word_A.sum(axis=1) - s.bit_A.sum(axis=1)).max() <= 20 * slack
    assert np.array_equal(np.isnan(factored.word_V), np.isnan(relaxed.word_V))


def _least_ohm(wires: Wires) -> float:
    ohm = np.concatenate([np.ravel(v) for v in vars(wires).values()])
    return float(ohm[ohm > 0].min(initial=1.0))


def _splits_freely(wires: Wires, lines: str) -> bool:
    ends = (wires.left_ohm, wires.right_ohm) if lines == "word" else (wires.top_ohm, wires.bottom_ohm)
    return bool(np.any((np.asarray(ends[0]) == 0) & (np.asarray(ends[1]) == 0)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_reciprocity_and_superposition(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    crossbar = Crossbar(10 ** rng.uniform(-8, -3, (rows, columns)), Wires.uniform(5.0, drive="both"))
    forward = crossbar.forward(np.eye(rows), rtol=1e-11).bit_A
    backward = -crossbar.backward(np.eye(columns), rtol=1e-11).word_A
    assert forward == pytest.approx(backward.T, rel=1e-8, abs=1e-10 * forward.max())
    volts = rng.normal(size=(9, rows))
    assert crossbar.forward(volts).bit_A == pytest.approx(
        volts @ crossbar.transfer_S(), abs=1e-8 * np.abs(forward).sum()
    )


@settings(max_examples=40, deadline=None)
@given(networks())
def test_backward_is_the_same_network(case: tuple[Crossbar, np.random.Generator]) -> None:
    """It is solved with the sides exchanged; every part of the solution must come back to its place."""
    crossbar, rng = case
    bit = rng.normal(size=(2, crossbar.shape[1]))
    ours = crossbar.backward(bit, rtol=1e-4, method="direct", voltages=True)
    plain = crossbar.solve(bit_V=bit, rtol=1e-4, method="direct", voltages=True)
    size = max(np.abs(plain.word_A).max(), np.abs(plain.bit_A).max())
    slack = 1e-5 * size + 1e-14 / _least_ohm(crossbar.wires)
    for name in ("word_A", "bit_A", "left_A", "right_A", "top_A", "bottom_A"):
        if not _splits_freely(crossbar.wires, "word" if name in ("left_A", "right_A", "word_A") else "bit"):
            assert np.abs(getattr(ours, name) - getattr(plain, name)).max() <= slack, name
    assert np.abs(ours.source_power_W - plain.source_power_W).max() <= 20 * 3 * slack
    for name in ("word_V", "bit_V"):
        assert getattr(ours, name) == pytest.approx(getattr(plain, name), abs=1e-6, nan_ok=True)
    assert ours.conductance_S.shape == crossbar.shape


def test_backward_reads_all_four_sides() -> None:
    rng = np.random.default_rng(8)
    crossbar = Crossbar(rng.uniform(1e-6, 1e-3, (5, 9)), Wires.uniform(30.0, drive="both", sense="both"))
    bit, top, right = rng.normal(size=(2, 9)), rng.normal(size=(2, 9)), rng.normal(size=(2, 5))
    ours = crossbar.backward(bit, top_V=top, right_V=right)
    plain = crossbar.solve(bit_V=bit, top_V=top, right_V=right)
    for name in ("left_A", "right_A", "top_A", "bottom_A"):
        assert getattr(ours, name) == pytest.approx(getattr(plain, name), abs=1e-8 * np.abs(plain.bit_A).max())


def test_sweeps_certify_backward_what_they_cannot_with_bit_lines_driven() -> None:
    """Near a driver the certificate's weights are least, and rounding shows: transfer matrices of long lines then needed factors."""
    rng = np.random.default_rng(9)
    crossbar = Crossbar(rng.uniform(9e-6, 89e-6, (80, 64)), Wires.uniform(50.0))
    with pytest.raises(NotConverged, match="only known to be below") as caught:
        crossbar.solve(bit_V=np.eye(64)[:2], rtol=3e-12, method="relaxation")
    ours = crossbar.backward(np.eye(64)[:2], rtol=3e-12, method="relaxation")
    assert ours.relative_error.max() <= 3e-12
    assert ours.word_A == pytest.approx(caught.value.last_good.word_A, abs=1e-10 * np.abs(ours.word_A).max())
    matrix, volts = crossbar.transfer_S(rtol=1e-11), rng.uniform(-1, 1, (3, 80))
    exact = crossbar.forward(volts, method="direct").bit_A
    assert volts @ matrix == pytest.approx(exact, abs=1e-9 * np.abs(exact).max())


def test_what_sweeps_cannot_certify_goes_to_the_factors_at_once() -> None:
    rng = np.random.default_rng(10)
    crossbar = Crossbar(10 ** rng.uniform(-9, -2, (48, 40)), Wires.uniform(10.0))
    volts = rng.normal(size=(20, 48))
    with pytest.raises(NotConverged, match="relaxation") as caught:
        crossbar.forward(volts, rtol=3e-13, method="relaxation")
    assert caught.value.last_good.bit_A.shape == (20, 40)
    for threads in (1, 3):
        s = crossbar.forward(volts, rtol=3e-13, threads=threads)
        assert s.method == "direct"
        assert s.relative_error.max() <= 3e-13


def test_an_error_of_backward_keeps_its_sides() -> None:
    rng = np.random.default_rng(6)
    crossbar = Crossbar(10 ** rng.uniform(-9, -2, (20, 30)), Wires.uniform(1e-3))
    with pytest.raises(NotConverged, match="only known to be below") as caught:
        crossbar.backward(np.ones(30), rtol=1e-14, method="direct")
    assert caught.value.last_good.word_A.shape == (1, 20)


def test_perfect_wires_multiply_by_the_conductances() -> None:
    rng = np.random.default_rng(0)
    g, volts = rng.uniform(9e-6, 89e-6, (6, 5)), rng.normal(size=(4, 6))
    assert Crossbar(g, Wires.perfect()).forward(volts).bit_A == pytest.approx(volts @ g, rel=1e-13)


def test_a_side_that_carries_no_current_ends_the_sweeps() -> None:
    """Its error has nothing to be relative to; found by the search above."""
    wires = Wires(
        word_ohm=np.array([[np.inf], [0.0]]),
        bit_ohm=np.array([[np.inf, 0.0]]),
        left_ohm=np.array([0.35, 0.0]),
        bottom_ohm=np.array([np.inf, 0.35]),
        right_ohm=np.inf,
        top_ohm=np.array([np.inf, 0.35]),
    )
    crossbar = Crossbar(np.array([[0.0, 1e-7], [1e-7, 0.0]]), wires)
    for bit in ([0.0, 0.0], [1.0, -1.0]):
        s = crossbar.solve([[0.0, 1.0]], [bit], rtol=1e-5, voltages=True)
        d = crossbar.solve([[0.0, 1.0]], [bit], rtol=1e-4, method="direct", voltages=True)
        assert s.bit_A == pytest.approx(d.bit_A, abs=1e-12)


def test_one_cell_is_a_series_circuit() -> None:
    s = Crossbar(np.array([[1e-3]]), Wires(0, 0, left_ohm=100.0, bottom_ohm=50.0)).forward(1.0, voltages=True)
    assert s.bit_A == pytest.approx(1.0 / 1150.0, rel=1e-12)
    assert s.device_A[0, 0, 0] == pytest.approx(1.0 / 1150.0, rel=1e-12)
    assert s.device_V[0, 0, 0] == pytest.approx(1000.0 / 1150.0, rel=1e-12)


def test_an_open_segment_cuts_what_lies_behind_it() -> None:
    g = np.full((2, 3), 1e-4)
    word = np.full((2, 2), 0.0)
    word[0, 1] = np.inf  # the last cell of row 0 hangs in the air
    s = Crossbar(g, Wires(word, 0, left_ohm=0, bottom_ohm=0)).forward([1.0, 0.0], voltages=True)
    assert s.bit_A[0] == pytest.approx([1e-4, 1e-4, 0.0], abs=1e-16)
    assert s.word_V[0, 0, 2] == 0.0  # held at the bit line by its device


def test_nothing_fixes_a_cell_without_device_behind_two_open_segments() -> None:
    g = np.array([[1e-4, 0.0]])
    s = Crossbar(g, Wires(np.array([[np.inf]]), 0, left_ohm=0, bottom_ohm=0)).forward(1.0, voltages=True)
    assert np.isnan(s.word_V[0, 0, 1])
    assert s.bit_A[0] == pytest.approx([1e-4, 0.0], abs=1e-16)


@pytest.mark.parametrize("hard", [False, True])
def test_the_certificate_bounds_the_error(hard: bool) -> None:
    rng = np.random.default_rng(3)
    g = 10 ** rng.uniform(-9, -2, (48, 40)) if hard else rng.uniform(9e-6, 89e-6, (48, 40))
    crossbar = Crossbar(g * (rng.random(g.shape) > 0.2), Wires.uniform(10.0))
    volts = rng.normal(size=(5, 48))
    exact = crossbar.forward(volts, method="direct")
    for rtol in (1e-3, 1e-6, 1e-9):
        s = crossbar.forward(volts, method="relaxation", rtol=rtol)
        error = np.abs(s.bit_A - exact.bit_A).max(axis=1) / np.abs(exact.bit_A).max(axis=1)
        assert np.all(error <= s.relative_error + exact.relative_error)
        assert np.all(s.relative_error <= rtol)
        assert error.max() > 1e-4 * s.relative_error.max() or rtol < 1e-8  # a bound, not a fantasy


def test_batch_and_threads_do_not_change_a_digit() -> None:
    rng = np.random.default_rng(4)
    crossbar = Crossbar(rng.uniform(9e-6, 89e-6, (40, 30)), Wires.uniform(20.0))
    volts = rng.normal(size=(37, 40)) * 10 ** rng.uniform(-6, 0, (37, 1))
    whole = crossbar.forward(volts, threads=1, method="relaxation", voltages=True)
    again = crossbar.forward(volts, threads=4, method="relaxation")
    assert np.array_equal(whole.bit_A, again.bit_A)
    for k in (0, 5, 36):
        one = crossbar.forward(volts[k], method="relaxation", voltages=True)
        assert np.array_equal(one.bit_A[0], whole.bit_A[k])
        assert np.array_equal(one.word_V[0], whole.word_V[k])
        assert one.sweeps[0] == whole.sweeps[k]


def test_a_case_on_which_sweeps_would_take_too_long_goes_to_the_factors() -> None:
    g = np.full((24, 24), 1.0)
    s = Crossbar(g, Wires.uniform(1e3)).forward(np.ones(24))
    assert s.method == "direct"
    assert s.relative_error.max() < 1e-9
    assert s.kcl_A.max() < 1e-12 * s.word_A.max() + 1e-15


def test_more_inputs_than_lanes_and_none_left_over() -> None:
    rng = np.random.default_rng(5)
    crossbar = Crossbar(rng.uniform(9e-6, 89e-6, (5, 4)))
    volts = rng.normal(size=(17, 5))
    assert crossbar.forward(volts).bit_A.shape == (17, 4)
    assert crossbar.forward(volts[0]).bit_A.shape == (1, 4)


G = np.full((3, 2), 1e-5)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: Crossbar(np.array([[1e-5, -2e-5]])),
            r"conductance_S\[0, 1\]=-2e-05 is not allowed.*A weight has a sign",
        ),
        (lambda: Crossbar(np.array([[np.nan]])), r"conductance_S\[0, 0\]=nan is not allowed"),
        (lambda: Crossbar(np.array([[np.inf]])), r"conductance_S\[0, 0\]=inf is not allowed"),
        (lambda: Crossbar(np.ones(3)), r"has shape \(3,\).*expected \(rows, columns\)"),
        (lambda: Wires.uniform(-1.0), r"word_ohm=-1 is not allowed: expected 0"),
        (lambda: Wires.uniform(np.nan), r"word_ohm=nan is not allowed"),
        (lambda: Wires.uniform(1e20), r"Was a conductance given\?"),
        (lambda: Wires.uniform(1.0, drive="right"), r"drive='right' is not allowed: expected 'left' or 'both'"),
        (
            lambda: Crossbar(G, Wires(np.ones((2, 2)), 1, 1, 1)),
            r"word_ohm has shape \(2, 2\).*3 rows and 2 columns.*\(3, 1\)",
        ),
        (
            lambda: Crossbar(G).forward(np.ones(2)),
            r"word_V has shape \(2,\).*expected one number, \(3,\), or \(inputs, 3\)",
        ),
        (lambda: Crossbar(G).forward([1.0, np.nan, 0.0]), r"word_V holds a value that is not finite"),
        (
            lambda: Crossbar(G).solve(np.ones((2, 3)), np.ones((4, 2))),
            r"different numbers of inputs: word_V 2, bit_V 4",
        ),
        (lambda: Crossbar(G).forward(1.0, method="magic"), r"method='magic' is not allowed"),
        (lambda: Crossbar(G).forward(1.0, rtol=0.0), r"rtol=0.0 is not allowed: expected 1e-14"),
        (lambda: Crossbar(G).forward(1.0, threads=0), r"threads=0 is not allowed"),
        (
            lambda: Crossbar(G, Wires(0, 0, 0, 0, right_ohm=0)).solve(1.0, right_V=0.5),
            r"word line 0 has no resistance.*a short",
        ),
        (
            lambda: Crossbar(G, Wires(0, 0, 0, 0, top_ohm=0)).backward(1.0, top_V=0.5),
            r"bit line 0 has no resistance.*a short",
        ),
        (lambda: Crossbar(G).backward(np.ones(3)), r"bit_V has shape \(3,\).*\(2,\)"),
        (lambda: Crossbar(G).forward(1.0).device_V, r"ask for them with solve\(..., voltages=True\)"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()


def test_an_accuracy_that_cannot_be_had_is_not_converged_and_keeps_the_best() -> None:
    rng = np.random.default_rng(6)
    crossbar = Crossbar(10 ** rng.uniform(-9, -2, (20, 20)), Wires.uniform(1e-3))
    with pytest.raises(NotConverged, match="only known to be below") as caught:
        crossbar.forward(np.ones(20), rtol=1e-14, method="direct")
    assert caught.value.last_good.bit_A.shape == (1, 20)
