"""Many physical cells: one cell's laws, and for each cell its own radius, trap densities and ion barriers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from compact_model.cell import Cell
from compact_model.streams import check_seed, normals
from ground.errors import InputError
from ground.spec import Spec
from ground.units import Quantity

Array = NDArray[np.float64]
_Share = Annotated[float, Quantity("", 0.0, 1.0)]
_Barrier = Annotated[float, Quantity("eV", 0.0, 0.3)]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of one shape; arrays are read-only.

    cell : the laws they share.  device_id : whole numbers; a cell's random numbers belong to it.
    filament_radius_m, trap_density_lrs_m3, trap_density_hrs_m3, barrier_set_eV, barrier_reset_eV : of each cell.
    """

    cell: Cell
    device_id: NDArray[np.int64]
    filament_radius_m: Array
    trap_density_lrs_m3: Array
    trap_density_hrs_m3: Array
    barrier_set_eV: Array
    barrier_reset_eV: Array

    def __post_init__(self) -> None:
        shape = np.shape(self.device_id)
        for field in fields(self)[1:]:
            given = np.array(getattr(self, field.name), np.int64 if field.name == "device_id" else np.float64)
            if given.shape != shape:
                raise InputError(
                    f"Cells.{field.name} has shape {given.shape}, but device_id has {shape}: one value per cell."
                )
            given.flags.writeable = False
            object.__setattr__(self, field.name, given)
        if np.any(self.trap_density_hrs_m3 >= self.trap_density_lrs_m3):
            raise InputError(
                "Cells.trap_density_hrs_m3 is not allowed: expected less than trap_density_lrs_m3 in every cell."
            )

    @classmethod
    def of(cls, cell: Cell, shape: int | tuple[int, ...] = ()) -> Self:
        """Return equal cells."""
        count = int(np.prod(shape, dtype=np.int64)) if shape != () else 1
        given = np.arange(count).reshape(shape)
        h, ions = cell.hopping, cell.ions
        values = (
            cell.filament_radius_m,
            h.trap_density_lrs_m3,
            h.trap_density_hrs_m3,
            ions.barrier_set_eV,
            ions.barrier_reset_eV,
        )
        return cls(cell, given, *(np.full(given.shape, v) for v in values))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.device_id.shape

    @property
    def size(self) -> int:
        return self.device_id.size

    def __getitem__(self, index: Any) -> Self:
        """Return some of the cells; each keeps its identity."""
        return replace(self, **{f.name: getattr(self, f.name)[index] for f in fields(self)[1:]})

    def reshape(self, *shape: int) -> Self:
        """Return the same cells in another arrangement."""
        return replace(self, **{f.name: getattr(self, f.name).reshape(*shape) for f in fields(self)[1:]})


class CellSpread(Spec):
    """How physical cells differ, and how a cell differs from cycle to cycle. Nothing of this is printed in the paper.

    radius_share : standard deviation of r_CF over its mean, device to device.
    ln_density_lrs, ln_density_hrs : of ln N at either end, device to device.  ..._cycle : drawn anew for each half cycle.
    barrier_eV : of both ion barriers (one draw per cell, so that a cell that sets early resets early), device to device.
    """

    radius_share: _Share = 0.0
    ln_density_lrs: _Share = 0.0
    ln_density_hrs: _Share = 0.0
    ln_density_lrs_cycle: _Share = 0.0
    ln_density_hrs_cycle: _Share = 0.0
    barrier_eV: _Barrier = 0.0

    def sample(self, cell: Cell, shape: int | tuple[int, ...], seed: int) -> Cells:
        """Draw cells; a cell alone and the same cell inside an array are the same."""
        check_seed(seed)
        even = Cells.of(cell, shape)
        z = np.clip(normals(seed, "cell", even.device_id, count=4), -3.5, 3.5)
        return replace(
            even,
            filament_radius_m=even.filament_radius_m * np.exp(self.radius_share * z[0]),
            trap_density_lrs_m3=even.trap_density_lrs_m3 * np.exp(self.ln_density_lrs * z[1]),
            trap_density_hrs_m3=even.trap_density_hrs_m3 * np.exp(self.ln_density_hrs * z[2]),
            barrier_set_eV=even.barrier_set_eV + self.barrier_eV * z[3],
            barrier_reset_eV=even.barrier_reset_eV + self.barrier_eV * z[3],
        )

    def ends(self, cells: Cells, seed: int, half_cycle: int) -> tuple[Array, Array]:
        """Trap densities [1/m3] of HRS and LRS that each cell moves towards in a half cycle, each of the cells' shape."""
        z = np.clip(normals(seed, "half cycle", cells.device_id, trial=half_cycle, count=4), -3.5, 3.5)
        return (
            cells.trap_density_hrs_m3 * np.exp(self.ln_density_hrs_cycle * z[0]),
            cells.trap_density_lrs_m3 * np.exp(self.ln_density_lrs_cycle * z[1]),
        )
