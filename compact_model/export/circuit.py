"""What a circuit simulator needs of the cell: its constants, and the curves of the response as polynomials.

The curves are Chebyshev interpolants in u = ln(sigma_dome), one below and one above the conductivity of the rest of the CMO, where
they have a kink; both contain the kink exactly, so a Newton iteration sees no jump.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev, polynomial
from numpy.typing import NDArray

from compact_model.cell import Cell
from compact_model.cell_dynamics import prepare
from compact_model.cells import Cells
from device_physics.dome_response import Response
from ground.errors import InputError

Array = NDArray[np.float64]
DEGREE = 11
CURVES = ("ln_conductance", "ln_field", "ln_heating")


@dataclass(frozen=True, eq=False)
class CircuitCell:
    """A cell as numbers. u_low, u_kink, u_high : range of u and its kink.  below, above : (3, degree + 1) coefficients of CURVES.

    Coefficients belong to powers of s = (u - middle) / half of the branch's range, -1..1, lowest first.
    largest_error : of the polynomials, in the logarithm.
    """

    cell: Cell
    u_low: float
    u_kink: float
    u_high: float
    below: Array
    above: Array
    largest_error: float

    @classmethod
    def of(cls, cell: Cell | None, response: Response | None = None) -> CircuitCell:
        """Return the numbers of a cell. Raises InputError where there is none, or it has no transistor."""
        if cell is None or cell.transistor is None:
            raise InputError(
                "export: the model has no "
                + ("cell" if cell is None else "transistor")
                + "; a circuit needs cell and transistor. "
                "`reram model calibrate` writes a model with the published ones."
            )
        table = prepare(Cells.of(cell), response=response).tables[0]
        width = np.diff(table[:, 0])
        start = table[:-1][width > 1e-12]
        u_low, u_high = float(table[0, 0]), float(table[-1, 0])
        u_kink = float(start[-(np.count_nonzero(width > 1e-12) - _below(table)), 0])
        branches, errors = [], []
        for a, b in ((u_low, u_kink), (u_kink, u_high)):
            s = np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
            values = _evaluate(start, 0.5 * (a + b) + 0.5 * (b - a) * s)
            fits = [polynomial_of(s, v) for v in values]
            fine = np.linspace(-1.0, 1.0, 400)
            exact = _evaluate(start, 0.5 * (a + b) + 0.5 * (b - a) * fine)
            errors.append(
                max(float(np.abs(polynomial.polyval(fine, c) - v).max()) for c, v in zip(fits, exact, strict=True))
            )
            branches.append(np.stack(fits))
        return cls(cell, u_low, u_kink, u_high, branches[0], branches[1], max(errors))

    def branches(self) -> Iterator[tuple[str, float, float, Array]]:
        """Name, middle and half width of the range, and coefficients of each branch."""
        for name, a, b, c in (
            ("below", self.u_low, self.u_kink, self.below),
            ("above", self.u_kink, self.u_high, self.above),
        ):
            yield name, 0.5 * (a + b), 0.5 * (b - a), c


def _below(table: Array) -> int:
    """How many pieces with a length lie before the kink: those before the first piece of the (last, equidistant) diagonal."""
    from compact_model.cell_curves import DIAGONAL

    return int(np.count_nonzero(np.diff(table[:, 0])[: table.shape[0] - 1 - DIAGONAL] > 1e-12))


def _evaluate(start: Array, u: Array) -> Array:
    """The three curves at u, (3, points), from the pieces that start at start[:, 0]."""
    k = np.clip(np.searchsorted(start[:, 0], u, side="right") - 1, 0, start.shape[0] - 1)
    s = u - start[k, 0]
    return np.stack([sum(start[k, 1 + 4 * q + p] * s**p for p in range(4)) for q in range(3)])


def polynomial_of(s: Array, values: Array) -> Array:
    """Coefficients of powers of s of the polynomial through the points."""
    return np.asarray(chebyshev.cheb2poly(chebyshev.chebfit(s, values, len(s) - 1)))


def horner(coefficients: Array, s: str) -> str:
    """A polynomial in the text `s`, written so that it needs one multiplication per power."""
    text = f"{coefficients[-1]:.12e}"
    for c in coefficients[-2::-1]:
        text = f"({c:.12e}+{s}*{text})"
    return text


def constants(cell: Cell) -> dict[str, float]:
    """Named constants of the cell's equations, SI and eV."""
    from compact_model import cell_balance as k

    h, ions, t = cell.hopping, cell.ions, cell.transistor
    assert t is not None
    thermal = k.K * cell.ambient_K
    return {
        "T0": cell.ambient_K,
        "KB": k.K,
        "LNA": float(
            np.log(np.pi * cell.filament_radius_m**2) + np.log(k.ELEMENTARY_CHARGE * h.hop_distance_m * h.attempt_Hz)
        ),
        "NH": h.trap_density_hrs_m3,
        "NL": h.trap_density_lrs_m3,
        "BH": h.barrier_hrs_eV,
        "BSLOPE": (h.barrier_lrs_eV - h.barrier_hrs_eV) / float(np.log(h.trap_density_lrs_m3 / h.trap_density_hrs_m3)),
        "AH": h.hop_distance_m,
        "NU": ions.attempt_Hz,
        "ZA": ions.charge * ions.hop_distance_m,
        "ESET": ions.barrier_set_eV,
        "ERESET": ions.barrier_reset_eV,
        "GSET": ions.exponent_set,
        "GRESET": ions.exponent_reset,
        "VTH": t.threshold_V,
        "NS": t.slope,
        "IS": 2 * t.slope * t.gain_A_per_V2 * thermal**2,
        "UT2": 2 * thermal,
    }
