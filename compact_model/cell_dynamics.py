"""The cell in motion: its trap density through any waveform, in a 1T1R, for one cell or an array.

At every instant cell, transistor and line are solved together (Newton, guarded by a bracket). Between instants
  dw/dt = -k(E, T) w^g,   w = distance of the state to the end it moves to,   k = nu exp(-E_ion/kT) 2 sinh(z a E / 2kT),
is integrated in the travel y = integral of k dt: w(y) is known in closed form, so no step can leave 0..1, and over one step
ln k is taken as linear in y and t, for which y(t) is again known in closed form (self-limited SET and RESET are stiff in y, and
this is exact where ln k is linear). Each step is compared with two half steps and extrapolated. Heat follows at once: the
thermal time constant of the dome (about a nanosecond) is not resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.cell import Cell, Ions
from compact_model.cell_curves import curves, sigma_rest_S_per_m
from compact_model.cells import Cells
from compact_model.transport import T_MAX_K
from compact_model.waveform import Waveform
from device_physics.dome_response import Response
from device_physics.laws import BOLTZMANN_eV
from ground.errors import InputError, NotConverged

Array = NDArray[np.float64]
TOLERANCE = 1e-4  # of ln N per step
_ONE_ROOT = 5.8  # barrier over kT below which heating cannot make two solutions: (q - 1)^2 < 4 q


@dataclass(frozen=True, eq=False)
class CellTrace:
    """What the cells did. Arrays are (*cells, samples) but time_s (samples,), or (*waveforms, samples) where several were given.

    bias_V, cell_V [V] and current_A signed; x : state; trap_density_m3, T_K, E_V_per_m : of the dome.
    x_end (*cells,) : state after the waveform.  charge_C, energy_J (*cells,) : through and into cell, transistor and line.
    """

    time_s: Array
    bias_V: Array
    cell_V: Array
    current_A: Array
    x: Array
    trap_density_m3: Array
    T_K: Array
    E_V_per_m: Array
    x_end: Array
    charge_C: Array
    energy_J: Array
    steps: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PreparedCells:
    """Cells as the kernel reads them: one row of constants each, and the curves of the response they share. Made by `prepare`."""

    cells: Cells
    rows: Array
    tables: Array
    table_of: NDArray[np.int64]

    def points(self, trap_density_m3: ArrayLike, bias_V: ArrayLike, gate_V: ArrayLike = 0.0) -> dict[str, Array]:
        """Operating points without dynamics, of the cells' shape: cell_V, current_A, E_V_per_m, T_K, sigma_dome_S_per_m."""
        from compact_model import cell_kernel as kernel

        N, bias, gate = (
            np.broadcast_to(np.asarray(v, float), self.cells.shape).ravel() for v in (trap_density_m3, bias_V, gate_V)
        )
        out = np.empty((N.size, 6))
        kernel.points(self.rows, self.tables, self.table_of, N, bias, gate, out)
        _explain(out[:, 0], bias, N)
        names = ("cell_V", "current_A", "E_V_per_m", "T_K", "sigma_dome_S_per_m")
        found = {n: out[:, 1 + i].reshape(self.cells.shape) for i, n in enumerate(names)}
        return {**found, "sigma_dome_S_per_m": np.exp(found["sigma_dome_S_per_m"])}

    def with_ions(self, ions: Ions) -> PreparedCells:
        """Return the same cells with other ions, barriers included: what does not move stays prepared."""
        from compact_model import cell_balance as kernel

        shape = self.cells.shape
        cells = replace(
            self.cells,
            cell=self.cells.cell.replace(ions=ions),
            barrier_set_eV=np.full(shape, ions.barrier_set_eV),
            barrier_reset_eV=np.full(shape, ions.barrier_reset_eV),
        )
        return replace(
            self, cells=cells, rows=_rows(cells, float(self.rows[0, kernel.LINE]), self.rows[:, kernel.KINK])
        )

    def density_m3(self, x: ArrayLike) -> Array:
        """Trap density [1/m3] at state x."""
        low, high = self.cells.trap_density_hrs_m3, self.cells.trap_density_lrs_m3
        return np.asarray(low + np.asarray(x, float) * (high - low))

    def conductance_S(self, x: ArrayLike, *, read_V: float = 0.2, gate_V: float = 3.3) -> Array:
        """Conductance of the cell alone [S] at a read voltage, of the cells' shape: current over the voltage across the cell."""
        p = self.points(self.density_m3(x), read_V, gate_V)
        return p["current_A"] / p["cell_V"]

    def run(
        self,
        waveform: Waveform | Sequence[Waveform],
        x0: ArrayLike = 0.0,
        *,
        wave_of: ArrayLike = 0,
        ends_m3: tuple[ArrayLike, ArrayLike] | None = None,
        rate_factor: ArrayLike = 1.0,
        tolerance: float = TOLERANCE,
    ) -> CellTrace:
        """Drive every cell from state x0 through its waveform.

        waveform, wave_of : one, or several with equal numbers of corners and samples and the place of each cell's.
        ends_m3 : trap densities at x = 0 and x = 1 where they are not the cells' own.  rate_factor : of the ion rate.
        Raises InputError where x0 lies outside 0..1 or a cell leaves the response table or 1500 K, NotConverged past 2e6 steps.
        """
        return _run(self, waveform, x0, wave_of, ends_m3, rate_factor, tolerance)


def prepare(cells: Cells | Cell, *, response: Response | None = None, line_ohm: float = 0.0) -> PreparedCells:
    """Return cells ready to run. line_ohm : resistance of the line in series with each 1T1R [ohm]."""
    if isinstance(cells, Cell):
        cells = Cells.of(cells)
    if not 0.0 <= line_ohm <= 1e6:
        raise InputError(f"line_ohm={line_ohm!r} is not allowed: expected 0..1e6 ohm.")
    response = response or _default_response()
    cell, radius = cells.cell, cells.filament_radius_m.ravel()
    shared, table_of = np.unique(np.stack([radius, cells.trap_density_lrs_m3.ravel()]), axis=1, return_inverse=True)
    rest = sigma_rest_S_per_m(response, shared[0], cell.hopping, shared[1], cell.ambient_K)
    which = np.asarray(table_of).ravel()
    return PreparedCells(cells, _rows(cells, line_ohm, np.log(rest)[which]), curves(response, shared[0], rest), which)


@cache
def _default_response() -> Response:
    return Response.default()


def simulate(
    cells: Cells | Cell,
    waveform: Waveform,
    x0: ArrayLike = 0.0,
    *,
    response: Response | None = None,
    line_ohm: float = 0.0,
    tolerance: float = TOLERANCE,
) -> CellTrace:
    """Drive a cell, or cells, from state x0 through a waveform; see `PreparedCells.run`."""
    return prepare(cells, response=response, line_ohm=line_ohm).run(waveform, x0, tolerance=tolerance)


def _rows(cells: Cells, line_ohm: float, kink: Array) -> Array:
    """Constants of each cell; kink (cells,): ln of the conductivity of its CMO at rest."""
    from compact_model import cell_balance as k

    c, h, ions, t = cells.cell, cells.cell.hopping, cells.cell.ions, cells.cell.transistor
    rows = np.zeros((cells.size, k.ROW))
    rows[:, k.LN_AREA] = np.log(np.pi * cells.filament_radius_m.ravel() ** 2)
    rows[:, k.AMBIENT] = c.ambient_K
    rows[:, k.N_LRS], rows[:, k.N_HRS] = cells.trap_density_lrs_m3.ravel(), cells.trap_density_hrs_m3.ravel()
    rows[:, k.B_LRS], rows[:, k.B_HRS] = h.barrier_lrs_eV, h.barrier_hrs_eV
    rows[:, k.LN_N_HRS] = np.log(rows[:, k.N_HRS])
    rows[:, k.B_PER_LN_N] = (h.barrier_lrs_eV - h.barrier_hrs_eV) / np.log(rows[:, k.N_LRS] / rows[:, k.N_HRS])
    rows[:, k.HOP] = h.hop_distance_m
    rows[:, k.LN_RATE] = np.log(2.0 * k.ELEMENTARY_CHARGE * h.hop_distance_m * h.attempt_Hz) - np.log(2.0)
    rows[:, k.MANY_ROOTS] = max(h.barrier_lrs_eV, h.barrier_hrs_eV) > _ONE_ROOT * BOLTZMANN_eV * c.ambient_K
    rows[:, k.ION_LN_RATE], rows[:, k.ION_HOP] = np.log(ions.attempt_Hz), ions.charge * ions.hop_distance_m
    rows[:, k.ION_SET], rows[:, k.ION_RESET] = cells.barrier_set_eV.ravel(), cells.barrier_reset_eV.ravel()
    rows[:, k.G_SET], rows[:, k.G_RESET] = ions.exponent_set, ions.exponent_reset
    rows[:, k.LINE], rows[:, k.KINK] = line_ohm, kink
    if t is not None:
        thermal = BOLTZMANN_eV * c.ambient_K
        rows[:, k.GATED], rows[:, k.THRESHOLD], rows[:, k.SLOPE] = 1.0, t.threshold_V, t.slope
        rows[:, k.SCALE] = 2 * t.slope * t.gain_A_per_V2 * thermal**2
    return rows


def _run(
    ready: PreparedCells,
    waveform: Waveform | Sequence[Waveform],
    x0: ArrayLike,
    wave_of: ArrayLike,
    ends_m3: tuple[ArrayLike, ArrayLike] | None,
    rate_factor: ArrayLike,
    tolerance: float,
) -> CellTrace:
    from compact_model import cell_kernel as kernel

    shape, size = ready.cells.shape, ready.cells.size
    state = np.asarray(x0, float)
    if not np.all((state >= 0) & (state <= 1)):
        raise InputError(f"x0={x0!r} is not allowed: expected 0 (HRS) to 1 (LRS).")
    if not 1e-9 <= tolerance <= 0.1:
        raise InputError(f"tolerance={tolerance!r} is not allowed: expected 1e-9..0.1 (of ln N per step).")
    waves = [waveform] if isinstance(waveform, Waveform) else list(waveform)
    t, bias, gate = (_stack(list(rows)) for rows in zip(*(w.corners() for w in waves), strict=True))
    looks = np.stack([w.sample_s for w in waves])
    start, factor, which = (
        np.broadcast_to(np.asarray(v, d), shape).ravel()
        for v, d in ((state, float), (rate_factor, float), (wave_of, np.int64))
    )
    own = (ready.cells.trap_density_hrs_m3, ready.cells.trap_density_lrs_m3)
    low, high = (np.broadcast_to(np.asarray(e, float), shape).ravel() for e in (ends_m3 or own))
    out, result = np.empty((size, looks.shape[1], 6)), np.empty((size, 6))
    lines = np.stack([low, high - low], axis=1)
    if size == 1:  # threads would cost more than they bring
        one, w = ready.tables[ready.table_of[0]], which[0]
        result[0] = kernel.run_cell(
            ready.rows[0], one, lines[0], start[0], t[w], bias[w], gate[w], looks[w], out[0], tolerance, factor[0]
        )
    else:
        kernel.run_cells(
            ready.rows,
            ready.tables,
            ready.table_of,
            lines,
            start,
            t,
            bias,
            gate,
            which,
            looks,
            out,
            result,
            tolerance,
            factor,
        )
    _explain(result[:, 0], result[:, 5], low + result[:, 1] * (high - low))
    x, V, I, T, E, N = (out[:, :, i].reshape(*shape, -1) for i in range(6))
    shown = np.stack([w.at(w.sample_s)[0] for w in waves])
    single = len(waves) == 1
    return CellTrace(
        time_s=looks[0] if single else looks,
        bias_V=shown[0] if single else shown,
        cell_V=V,
        current_A=I,
        x=x,
        trap_density_m3=N,
        T_K=T,
        E_V_per_m=E,
        x_end=result[:, 1].reshape(shape),
        charge_C=result[:, 2].reshape(shape),
        energy_J=result[:, 3].reshape(shape),
        steps=result[:, 4].astype(np.int64).reshape(shape),
    )


def _stack(rows: list[Array]) -> Array:
    """Rows of different length as one table: the last corner is repeated, which takes no time."""
    longest = max(r.size for r in rows)
    return np.stack([np.concatenate([r, np.full(longest - r.size, r[-1])]) for r in rows])


def _explain(status: Array, bias: Array, density: Array) -> None:
    """Raise what went wrong with the first cell that could not go on."""
    bad = np.flatnonzero(status)
    if not bad.size:
        return
    i, code = int(bad[0]), int(status[bad[0]])
    where = f"cell {i} ({bad.size} of {status.size}): bias_V={bias[i]:.4g}, trap_density_m3={density[i]:.4g}: "
    if code == 4:
        raise NotConverged(
            where + "more than 2e6 steps in time; the waveform is too long for its ion rate, or tolerance too small."
        )
    if code == 3:
        raise InputError(
            where
            + f"the dome would be hotter than {T_MAX_K:g} K, beyond which no constant of this model holds. Likely cause: "
            "too high a bias, or no transistor or compliance that limits the current."
        )
    raise InputError(
        where
        + f"the dome would conduct {'above' if code == 1 else 'below'} the response table. Likely cause: a bias beyond "
        "thermal runaway, or hopping parameters of another device."
    )
