"""aihwkit's shortcut for IR drop: its formula, its limits, and its error against the exact network."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.crossbar import Crossbar, Wires, aihwkit_product, shortcut_error
from ground.errors import InputError


def test_formula_by_hand() -> None:
    w, x = np.array([[0.5, -0.2], [1.0, 0.4], [-0.3, 0.1]]), np.array([0.7, -1.0, 0.2])
    a = 3 * 0.35 * 0.2 * (np.abs(x) @ np.abs(w))
    c = 0.5 * a - 0.2 * a**2 + 0.05 * a**3
    far = np.array([0.0, 1 - (2 / 3) ** 2, 1 - (1 / 3) ** 2])
    assert aihwkit_product(w, x, 0.35, 0.2, sense="top")[0] == pytest.approx(x @ w - c * ((x * far) @ w), rel=1e-14)
    flipped = aihwkit_product(w[::-1], x[::-1], 0.35, 0.2, sense="bottom")
    assert flipped == pytest.approx(aihwkit_product(w, x, 0.35, 0.2, sense="top"), rel=1e-14)


def test_no_resistance_is_no_drop() -> None:
    w, x = np.array([[0.5, -0.2], [1.0, 0.4]]), np.array([[0.7, -1.0]])
    assert aihwkit_product(w, x, 0.0, 1e-4) == pytest.approx(x @ w, rel=1e-15)


def test_shortcut_follows_the_exact_drop_where_it_was_made_for() -> None:
    """All inputs at the full read voltage, perfect word lines, a mild drop on bit lines: it explains nearly all of the drop."""
    g = np.random.default_rng(0).uniform(0, 25e-6, (128, 16))
    found = shortcut_error(Crossbar(g, Wires.uniform(0.0, bit_ohm=0.35)), np.full((1, 128), 0.2))
    assert found.of_ideal > 0.01
    assert found.of_shortcut < 0.1 * found.of_ideal
    assert found.map.shape == (1, 16)


def test_shortcut_takes_half_of_the_drop_if_the_input_is_a_voltage() -> None:
    """It weighs the drop of a device with its input, as if that were a time; a voltage between 0 and 1 sees the drop all the time."""
    rng = np.random.default_rng(0)
    g, volts = rng.uniform(0, 25e-6, (128, 16)), rng.uniform(0, 0.2, (20, 128))
    found = shortcut_error(Crossbar(g, Wires.uniform(0.0, bit_ohm=0.35)), volts)
    assert found.of_shortcut == pytest.approx(0.5 * found.of_ideal, rel=0.05)


def test_shortcut_does_not_see_word_lines() -> None:
    """With both kinds of lines resistive it misses most of the drop: the case in which it is not safe."""
    rng = np.random.default_rng(1)
    g, volts = rng.uniform(9e-6, 89e-6, (64, 64)), rng.uniform(0, 0.2, (10, 64))
    found = shortcut_error(Crossbar(g, Wires.uniform(0.35)), volts)
    assert found.of_shortcut > 0.3 * found.of_ideal


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: aihwkit_product(np.ones((2, 2)), np.ones(3), 1.0, 1.0), r"does not fit weights of shape \(2, 2\)"),
        (lambda: aihwkit_product(np.ones((2, 2)), np.ones(2), -1.0, 1.0), r"segment_ohm=-1.0, .* are not allowed"),
        (lambda: aihwkit_product(np.ones((2, 2)), np.ones(2), 1.0, 1.0, sense="left"), r"sense='left' is not allowed"),
        (lambda: shortcut_error(Crossbar(np.ones((2, 2)) * 1e-5), np.zeros(2)), r"at least one voltage other than 0 V"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()
