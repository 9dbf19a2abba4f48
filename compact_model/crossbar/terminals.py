"""Voltages at the four sides of a crossbar, checked and of one shape."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

Floats = NDArray[np.float64]


class Terminals(NamedTuple):
    """Terminal voltages [V]: left, right (inputs, rows); top, bottom (inputs, columns)."""

    left: Floats
    right: Floats
    top: Floats
    bottom: Floats

    @classmethod
    def of(
        cls,
        shape: tuple[int, int],
        word_V: ArrayLike,
        bit_V: ArrayLike,
        right_V: ArrayLike | None = None,
        top_V: ArrayLike | None = None,
    ) -> Self:
        """word_V, bit_V : at the left and bottom terminals; right_V, top_V : None where like the opposite end."""
        rows, columns = shape
        given = {
            "word_V": (word_V, rows),
            "bit_V": (bit_V, columns),
            "right_V": (word_V if right_V is None else right_V, rows),
            "top_V": (bit_V if top_V is None else top_V, columns),
        }
        checked = {name: _lines(name, value, lines) for name, (value, lines) in given.items()}
        inputs = {v.shape[0] for v in checked.values()} - {1}
        if len(inputs) > 1:
            raise InputError(
                "the terminal voltages are given for different numbers of inputs: "
                + ", ".join(f"{n} {v.shape[0]}" for n, v in checked.items())
                + "; expected one number of inputs for all."
            )
        count = inputs.pop() if inputs else 1
        full = {n: np.broadcast_to(v, (count, v.shape[1])) for n, v in checked.items()}
        return cls(full["word_V"], full["right_V"], full["top_V"], full["bit_V"])

    @property
    def transposed(self) -> Self:
        """The same voltages at the sides of the transposed crossbar."""
        return type(self)(self.top, self.bottom, self.left, self.right)

    @property
    def inputs(self) -> int:
        return self.left.shape[0]

    def block(self, start: int, lanes: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Inputs `start` .. `start + lanes - 1` as (lines, lanes), zeros beyond the last."""
        out = []
        for side in self:
            part = np.zeros((side.shape[1], lanes))
            part[:, : min(lanes, self.inputs - start)] = side[start : start + lanes].T
            out.append(part)
        return out[0], out[1], out[2], out[3]


def _lines(name: str, value: ArrayLike, lines: int) -> Floats:
    given = np.asarray(value, float)
    full = given
    if given.ndim == 0:
        full = np.full((1, lines), float(given))
    elif given.ndim == 1:
        full = given[None]
    if full.ndim != 2 or full.shape[1] != lines or not full.shape[0]:
        raise InputError(
            f"{name} has shape {given.shape}, which is not allowed here: expected one number, ({lines},), or (inputs, {lines})."
        )
    if not np.isfinite(full).all():
        raise InputError(f"{name} holds a value that is not finite; expected volts.")
    return full
