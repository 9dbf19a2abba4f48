"""What the sweeps need of a network: every line as a chain of free nodes, with the factors of its walks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compact_model.crossbar.wires import Wires
from ground.errors import InputError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Chain(NamedTuple):
    """Parallel lines of n nodes. Nodes before `low` hang on the first terminal without resistance, from `high` on on the last.

    anchor_low, anchor_high : conductance from the first and last free node to these terminals [S].
    """

    low: Counts
    high: Counts
    anchor_low: Floats
    anchor_high: Floats

    @classmethod
    def of(cls, series_ohm: Floats, first_ohm: Floats, last_ohm: Floats) -> Chain:
        """series_ohm : (n - 1, lines).  first_ohm, last_ohm : (lines,) from the end nodes to their terminals."""
        n, lines = series_ohm.shape[0] + 1, first_ohm.size
        perfect = series_ohm == 0.0
        low = np.where(first_ohm == 0.0, 1 + np.cumprod(perfect, axis=0).sum(axis=0), 0)
        high = np.where(last_ohm == 0.0, n - 1 - np.cumprod(perfect[::-1], axis=0).sum(axis=0), n)
        high = np.maximum(low, high)
        column = np.arange(lines)
        before = np.concatenate([first_ohm[None], series_ohm])[low.clip(max=n - 1), column]
        after = np.concatenate([series_ohm, last_ohm[None]])[(high - 1).clip(min=0), column]
        with np.errstate(divide="ignore"):
            free = low < high
            return cls(low, high, np.where(free, 1.0 / before, 0.0), np.where(free, 1.0 / after, 0.0))


class Network(NamedTuple):
    """All arrays (rows, columns) or of one number per line; names as in `sweep`.

    to_bit, to_word : derivative of the device current by the voltage of its word node, and minus that by its bit node [S].
    touches : rows where a bit line meets a terminal.
    """

    to_bit: Floats
    to_word: Floats
    word_keep: Floats
    word_lift: Floats
    down_keep: Floats
    down_lift: Floats
    up_keep: Floats
    up_lift: Floats
    word_low: Counts
    word_high: Counts
    anchor_left: Floats
    anchor_right: Floats
    bit_low: Counts
    bit_high: Counts
    anchor_top: Floats
    anchor_bottom: Floats
    touches: NDArray[np.bool_]

    @classmethod
    def of(cls, wires: Wires, to_bit: Floats, to_word: Floats) -> Network:
        """wires : spelt out for this size (Wires.of).  to_bit, to_word : 0 S or more; the same array for linear devices."""
        word_ohm, bit_ohm = np.asarray(wires.word_ohm), np.asarray(wires.bit_ohm)
        word = Chain.of(word_ohm.T, np.asarray(wires.left_ohm), np.asarray(wires.right_ohm))
        bit = Chain.of(bit_ohm, np.asarray(wires.top_ohm), np.asarray(wires.bottom_ohm))
        n = to_bit.shape[0]
        upward = Chain(n - bit.high, n - bit.low, bit.anchor_high, bit.anchor_low)
        word_keep, word_lift = _factors(word_ohm.T, to_bit.T, word)
        down_keep, down_lift = _factors(bit_ohm, to_word, bit)
        up_keep, up_lift = _factors(bit_ohm[::-1], to_word[::-1], upward)
        touches = np.zeros(n + 1, bool)
        for index in (bit.low - 1, bit.low, bit.high - 1, bit.high):
            touches[index.clip(0, n)] = True
        touches[: bit.low.max()] = True
        touches[bit.high.min() :] = True
        tight = np.ascontiguousarray
        return cls(
            to_bit,
            to_word,
            tight(word_keep.T),
            tight(word_lift.T),
            down_keep,
            down_lift,
            tight(up_keep[::-1]),
            tight(up_lift[::-1]),
            word.low,
            word.high,
            word.anchor_low,
            word.anchor_high,
            bit.low,
            bit.high,
            bit.anchor_low,
            bit.anchor_high,
            touches[:n].copy(),
        )


def _factors(series_ohm: Floats, shunt_S: Floats, chain: Chain) -> tuple[Floats, Floats]:
    from compact_model.crossbar.sweep import fold

    keep, lift = np.empty(shunt_S.shape), np.empty(shunt_S.shape)
    tight = np.ascontiguousarray
    fold(tight(series_ohm), tight(shunt_S), *chain, keep, lift)
    return keep, lift


def check_shorts(wires: Wires, left_V: Floats, right_V: Floats, top_V: Floats, bottom_V: Floats) -> None:
    """Raise InputError where a line without any resistance joins two terminals of different voltage. Voltages: (inputs, lines)."""
    ends = (
        ("word", np.asarray(wires.word_ohm).T, wires.left_ohm, wires.right_ohm, left_V, right_V),
        ("bit", np.asarray(wires.bit_ohm), wires.top_ohm, wires.bottom_ohm, top_V, bottom_V),
    )
    for name, series, first, last, first_V, last_V in ends:
        joined = (series == 0).all(axis=0) & (np.asarray(first) == 0) & (np.asarray(last) == 0)
        bad = np.flatnonzero(joined & (first_V != last_V).any(axis=0))
        if bad.size:
            raise InputError(
                f"{name} line {bad[0]} has no resistance at all and different voltages at its two ends: a short. "
                "Give its segments or ends some resistance, or drive both ends alike."
            )
