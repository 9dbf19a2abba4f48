"""The wires of a crossbar: resistance of every segment and of every end of every line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

Floats = NDArray[np.float64]
MOST_OHM = 1e15


@dataclass(frozen=True, eq=False)
class Wires:
    """Resistances [ohm], one for all or one per segment; 0 is a perfect wire, infinity an open one.

    word_ohm : between neighbouring cells of a word line (row), broadcast to (rows, columns - 1).
    bit_ohm : between neighbouring cells of a bit line (column), broadcast to (rows - 1, columns).
    left_ohm, right_ohm : from the first and last cell of each word line to its terminal, broadcast to (rows,).
    top_ohm, bottom_ohm : from the first and last cell of each bit line to its terminal, broadcast to (columns,).
    A terminal is where a voltage is applied and a current is read: driver, amplifier (virtual ground) or termination.
    """

    word_ohm: ArrayLike
    bit_ohm: ArrayLike
    left_ohm: ArrayLike
    bottom_ohm: ArrayLike
    right_ohm: ArrayLike = field(default=np.inf)
    top_ohm: ArrayLike = field(default=np.inf)

    def __post_init__(self) -> None:
        for name in ("word_ohm", "bit_ohm", "left_ohm", "right_ohm", "top_ohm", "bottom_ohm"):
            value = np.array(getattr(self, name), float)
            low = np.isfinite(value) & (value > MOST_OHM)
            bad = np.flatnonzero((np.isnan(value) | (value < 0) | low).ravel())
            if bad.size:
                raise InputError(
                    f"Wires.{name}={value.ravel()[bad[0]]:g} is not allowed: expected 0 (a perfect wire) to "
                    f"{MOST_OHM:g} ohm, or inf (an open one). Was a conductance given?"
                )
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    @classmethod
    def uniform(
        cls,
        segment_ohm: float = 0.35,
        *,
        bit_ohm: float | None = None,
        driver_ohm: float = 0.0,
        sense_ohm: float = 0.0,
        drive: Literal["left", "both"] = "left",
        sense: Literal["bottom", "both"] = "bottom",
    ) -> Self:
        """Return wires of equal segments; the terminal lies one segment plus driver or amplifier away from the first cell.

        segment_ohm : of the word lines, and of the bit lines where bit_ohm is not given (arXiv:2502.04524 uses 0.35 ohm).
        drive, sense : "both" puts drivers on both ends of the word lines, amplifiers on both ends of the bit lines.
        """
        for name, value, known in (("drive", drive, ("left", "both")), ("sense", sense, ("bottom", "both"))):
            if value not in known:
                raise InputError(f"{name}={value!r} is not allowed: expected {known[0]!r} or {known[1]!r}.")
        bit = segment_ohm if bit_ohm is None else bit_ohm
        left, bottom = segment_ohm + driver_ohm, bit + sense_ohm
        return cls(
            word_ohm=segment_ohm,
            bit_ohm=bit,
            left_ohm=left,
            bottom_ohm=bottom,
            right_ohm=left if drive == "both" else np.inf,
            top_ohm=bottom if sense == "both" else np.inf,
        )

    @classmethod
    def perfect(cls) -> Self:
        """Return wires without resistance: every cell sees its whole voltage."""
        return cls.uniform(0.0)

    def of(self, rows: int, columns: int) -> Self:
        """Return the same wires with every resistance spelt out for a crossbar of this size."""
        shapes = {
            "word_ohm": (rows, columns - 1),
            "bit_ohm": (rows - 1, columns),
            "left_ohm": (rows,),
            "right_ohm": (rows,),
            "top_ohm": (columns,),
            "bottom_ohm": (columns,),
        }
        full = {}
        for name, shape in shapes.items():
            given = np.asarray(getattr(self, name))
            try:
                full[name] = np.ascontiguousarray(np.broadcast_to(given, shape))
            except ValueError:
                raise InputError(
                    f"Wires.{name} has shape {given.shape}, but a crossbar of {rows} rows and {columns} columns needs "
                    f"one number or shape {shape}."
                ) from None
        return type(self)(**full)
