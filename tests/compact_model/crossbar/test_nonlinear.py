"""Non-linear crossbars: Newton against the linear solver, against itself, and the derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_model.crossbar import Crossbar, Curve, NonlinearCrossbar, OneTransistor, Sinh, Wires
from compact_model.transistor import Transistor
from ground.errors import InputError, NotConverged


def test_linear_devices_give_the_linear_crossbar() -> None:
    rng = np.random.default_rng(0)
    g, volts = rng.uniform(9e-6, 89e-6, (9, 7)), rng.normal(size=(3, 9))
    law = Curve(lambda v: (g * v, g), g.shape)
    s = NonlinearCrossbar(law, Wires.uniform(5.0)).solve(volts, voltages=True)
    assert s.bit_A == pytest.approx(Crossbar(g, Wires.uniform(5.0)).forward(volts).bit_A, rel=1e-9)
    assert np.all(s.sweeps == 2)  # one step, and one to see that it was enough
    assert s.word_V.shape == (3, 9, 7)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.floats(0.02, 0.5), st.integers(0, 2**32 - 1))
def test_sinh_devices_obey_kirchhoff_and_balance_power(rows: int, columns: int, slope: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-8, -4, (rows, columns)) * (rng.random((rows, columns)) > 0.2)
    law = Sinh.from_conductance(g, slope)
    s = NonlinearCrossbar(law, Wires.uniform(10.0, sense="both")).solve(rng.uniform(-0.5, 0.5, rows), voltages=True)
    size = np.abs(s.word_A).max()
    assert s.kcl_A[0] <= 1e-9 * size + 1e-16
    rounding_W = 1e-16  # of 0.5 V over 10 ohm, all that is left where no device conducts
    assert s.source_power_W[0] == pytest.approx(s.device_power_W[0] + s.wire_power_W[0], rel=1e-8, abs=rounding_W)
    current = law.at(s.word_V[0], s.bit_V[0]).current
    assert s.bit_A[0] == pytest.approx(current.sum(axis=0), rel=1e-7, abs=1e-9 * size + 1e-16)


def test_one_sinh_device_and_a_resistor_by_hand() -> None:
    from scipy.optimize import brentq

    s = NonlinearCrossbar(Sinh(np.array([[1e-5]]), np.array([[0.1]])), Wires(0, 0, 700.0, 300.0)).solve(0.6)
    current = brentq(lambda i: 0.1 * np.arcsinh(i / 1e-5) + 1000.0 * i - 0.6, 0.0, 1e-2, xtol=1e-18)
    assert s.bit_A[0, 0] == pytest.approx(current, rel=1e-11)


def test_newton_comes_down_from_a_start_that_is_far_too_high() -> None:
    law = Sinh(np.full((4, 4), 1e-9), np.full((4, 4), 0.02))
    s = NonlinearCrossbar(law, Wires.uniform(100.0)).solve(1.0)
    assert s.kcl_A[0] < 1e-9 * s.word_A.max()


@pytest.mark.parametrize("gate", [0.3, 0.7, 1.2, 3.3])
def test_derivatives_with_a_transistor_are_those_of_the_current(gate: float) -> None:
    rng = np.random.default_rng(1)
    shape = (5, 5)
    law = OneTransistor(
        Sinh.from_conductance(rng.uniform(9e-6, 89e-6, shape), 0.15), Transistor.from_on_resistance(), gate
    )
    w, b, h = rng.uniform(-0.4, 0.6, shape), rng.uniform(-0.2, 0.2, shape), 1e-5
    at = law.at(w, b)
    scale = np.abs(at.by_word).max()
    assert at.by_word == pytest.approx(
        (law.at(w + h, b).current - law.at(w - h, b).current) / (2 * h), abs=1e-6 * scale
    )
    assert at.by_bit == pytest.approx((law.at(w, b - h).current - law.at(w, b + h).current) / (2 * h), abs=1e-6 * scale)


def test_gate_and_series_resistance_of_the_transistor() -> None:
    g = np.full((1, 1), 1e-3)
    device, transistor = Curve(lambda v: (1e-3 * v, g), (1, 1)), Transistor.from_on_resistance(800.0, 1.2)
    on = NonlinearCrossbar(OneTransistor(device, transistor, 1.2), Wires.perfect()).solve(1e-3)
    assert on.bit_A[0, 0] == pytest.approx(1e-3 / 1800.0, rel=2e-3)
    off = NonlinearCrossbar(OneTransistor(device, transistor, 0.0), Wires.perfect()).solve(0.2)
    assert abs(off.bit_A[0, 0]) < 1e-4 * 0.2 / 1800.0


def test_selected_rows_only() -> None:
    """Cells whose gate is low carry nothing: the sum of two halves is the whole."""
    rng = np.random.default_rng(2)
    cell = Sinh.from_conductance(rng.uniform(9e-6, 89e-6, (6, 4)), 0.2)
    gates = np.where(np.arange(6) < 3, 3.3, -1.0)[:, None]
    volts = np.full(6, 0.2)

    def bits(gate: np.ndarray) -> np.ndarray:
        law = OneTransistor(cell, Transistor.from_on_resistance(), np.broadcast_to(gate, (6, 4)))
        return NonlinearCrossbar(law, Wires.perfect()).solve(volts).bit_A[0]

    upper, lower, both = bits(gates), bits(gates[::-1]), bits(np.full((6, 1), 3.3))
    assert upper + lower == pytest.approx(both, rel=1e-9)


def test_a_law_with_a_jump_does_not_converge_and_says_so() -> None:
    law = Curve(lambda v: (np.where(v > 0.123, 1e-3, 0.0) + 1e-6 * v, np.full((2, 2), 1e-6)), (2, 2))
    with pytest.raises(NotConverged, match="Likely cause: a law with a jump") as caught:
        NonlinearCrossbar(law, Wires.uniform(1e3)).solve(0.2)
    assert caught.value.last_good.bit_A.shape == (1, 2)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Sinh(np.ones(3), 1.0), r"scale_A has shape \(3,\)"),
        (lambda: Sinh(-np.ones((2, 2)), 1.0), r"scale_A holds a value that is not allowed"),
        (lambda: Sinh(np.ones((2, 2)), 0.0), r"slope_V holds a value that is not allowed: expected more than 0 V"),
        (
            lambda: NonlinearCrossbar(Curve(lambda v: (-v, -np.ones_like(v)), (2, 2))).solve(1.0),
            r"Curve.function gave a current that is not finite or a negative derivative",
        ),
        (lambda: NonlinearCrossbar(Sinh(np.ones((2, 2)), 1.0)).solve(1.0, rtol=1.0), r"rtol=1.0 is not allowed"),
        (lambda: NonlinearCrossbar(Sinh(np.ones((2, 2)), 1.0)).solve([1.0, 2.0, 3.0]), r"word_V has shape \(3,\)"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()
