"""Device laws of a crossbar: the current of every cell and its derivatives, from the voltages of its two nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError, NotConverged

if TYPE_CHECKING:
    from compact_model.transistor import Transistor

Floats = NDArray[np.float64]
_INNER = 100


class Point(NamedTuple):
    """current : from word to bit node [A].  by_word, by_bit : derivative by the word, minus that by the bit voltage [S]."""

    current: Floats
    by_word: Floats
    by_bit: Floats


class DeviceLaw(Protocol):
    """A law says its shape (rows, columns) and the operating point of all cells at node voltages of that shape [V].

    The current must not fall with the word voltage nor rise with the bit voltage.
    """

    @property
    def shape(self) -> tuple[int, int]: ...

    def at(self, word_V: Floats, bit_V: Floats) -> Point: ...


@dataclass(frozen=True, eq=False)
class Sinh:
    """I = scale_A sinh(V/slope_V), (rows, columns) each: the hopping law (arXiv:2502.04524, eq. 6) at a fixed temperature."""

    scale_A: Floats
    slope_V: Floats

    def __post_init__(self) -> None:
        scale, slope = np.broadcast_arrays(np.asarray(self.scale_A, float), np.asarray(self.slope_V, float))
        if scale.ndim != 2:
            raise InputError(f"Sinh.scale_A has shape {scale.shape}, which is not allowed: expected (rows, columns).")
        if not np.all(np.isfinite(scale) & (scale >= 0)):
            raise InputError("Sinh.scale_A holds a value that is not allowed: expected 0 A or more, finite.")
        if not np.all(np.isfinite(slope) & (slope > 0)):
            raise InputError("Sinh.slope_V holds a value that is not allowed: expected more than 0 V.")
        object.__setattr__(self, "scale_A", scale)
        object.__setattr__(self, "slope_V", slope)

    @classmethod
    def from_conductance(cls, conductance_S: ArrayLike, slope_V: ArrayLike) -> Self:
        """conductance_S : at low voltage [S]."""
        slope = np.asarray(slope_V, float)
        return cls(np.asarray(conductance_S, float) * slope, slope)

    @property
    def shape(self) -> tuple[int, int]:
        return self.scale_A.shape[0], self.scale_A.shape[1]

    def at(self, word_V: Floats, bit_V: Floats) -> Point:
        x = (word_V - bit_V) / self.slope_V
        if np.abs(x).max() > 600:
            raise NotConverged(f"a device is at {np.abs(x).max():.3g} times its slope_V: its current would overflow.")
        slope = self.scale_A / self.slope_V * np.cosh(x)
        return Point(self.scale_A * np.sinh(x), slope, slope)


@dataclass(frozen=True, eq=False)
class Curve:
    """Any two-terminal law: `function(V)` returns (current [A], its derivative [S]) for device voltages (rows, columns)."""

    function: Callable[[Floats], tuple[Floats, Floats]]
    shape: tuple[int, int]

    def at(self, word_V: Floats, bit_V: Floats) -> Point:
        current, slope = (np.broadcast_to(np.asarray(a, float), self.shape) for a in self.function(word_V - bit_V))
        if not np.all(np.isfinite(current) & np.isfinite(slope) & (slope >= 0)):
            raise InputError(
                "Curve.function gave a current that is not finite or a negative derivative; expected a law whose current "
                "does not fall with the voltage."
            )
        return Point(current, slope, slope)


@dataclass(frozen=True, eq=False)
class OneTransistor:
    """Every device of `device` with a transistor between it and its bit node; one current, solved for the node between.

    gate_V : one, or (rows, columns); -inf or a low value shuts a cell off.  Bulk at 0 V, so the bit voltage counts by itself.
    """

    device: DeviceLaw
    transistor: Transistor
    gate_V: ArrayLike
    ambient_K: float = 293.15

    @property
    def shape(self) -> tuple[int, int]:
        return self.device.shape

    def at(self, word_V: Floats, bit_V: Floats) -> Point:
        gate = np.broadcast_to(np.asarray(self.gate_V, float), self.shape)
        low, high = np.minimum(word_V, bit_V), np.maximum(word_V, bit_V)
        middle = 0.5 * (low + high)
        size = np.abs(word_V - bit_V)
        for _ in range(_INNER):  # Newton, kept inside a bracket that shrinks at every step
            point = self.device.at(word_V, middle)
            surplus = point.current - self.transistor.current(gate, middle, bit_V, self.ambient_K)
            up = self.transistor.end_conductance(gate, middle, self.ambient_K)
            low, high = np.where(surplus > 0, middle, low), np.where(surplus > 0, high, middle)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = middle + surplus / (point.by_bit + up)
            inside = (step >= low) & (step <= high)
            step = np.where(inside, step, 0.5 * (low + high))
            moved, middle = np.abs(step - middle), step
            if np.all(moved <= 1e-15 + 1e-14 * size):
                break
        point = self.device.at(word_V, middle)
        up = self.transistor.end_conductance(gate, middle, self.ambient_K)
        down = self.transistor.end_conductance(gate, bit_V, self.ambient_K)
        both = point.by_bit + up
        share = np.divide(1.0, both, out=np.zeros_like(both), where=both > 0)
        return Point(point.current, point.by_word * up * share, point.by_bit * down * share)
