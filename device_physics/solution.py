"""What a solve gives back: scalars, balances, and the fields as plain arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DomeState:
    """Averages and extremes in the dome (in all of them, where there are several): T [K], E = |grad V| [V/m].

    None where the device has no dome.
    """

    T_mean_K: float | None
    T_max_K: float | None
    E_mean_V_per_m: float | None


@dataclass(frozen=True)
class Balances:
    """Relative balances: what should vanish and how well it does.

    current : in minus out.  power : Joule integral minus V I.  heat : heat leaving minus Joule power.
    surface_flux : current density integrated over the bottom face minus I (a check of the mesh, not of the solver);
    None where it is not computed (self-consistent devices).
    """

    current: float
    power: float
    heat: float
    surface_flux: float | None


@dataclass(frozen=True)
class Fields:
    """Fields of the meshed box (one quarter, or the half-section y = 0, where the mesh is one). Under MPI rank 0 has all of it.

    points : (n, 3) [m].  cells : (m, 3, 4, 6 or 10) VTK order.  cell_types : (m,).  V : (n,) [V].  T : (n,) [K].
    region : (m,) tag.  E_mean, J_mean, power : (m,) cell averages of |grad V| [V/m], |J| [A/m2] and sigma |grad V|^2 [W/m3];
    those of an axisymmetric mesh are averages over the cell's solid of revolution.
    regions : name -> tag.  copies : how many boxes make the device (4 for a quarter).
    nodal : this rank's dolfinx space and its V and T by name: what VTX is written from.
    """

    points: Array
    cells: NDArray[np.int64]
    cell_types: NDArray[np.int64]
    V: Array
    T: Array
    region: NDArray[np.int32]
    E_mean: Array
    J_mean: Array
    power: Array
    regions: dict[str, int]
    copies: int
    nodal: tuple[Any, dict[str, Array]] = field(repr=False)


@dataclass(frozen=True)
class Solution:
    """One solved device at one bias; currents and powers are those of the whole device.

    r_th_K_per_W : None without a dome.  domes : the state of each dome by its region's name ("dome", or "dome_1", ...).
    """

    bias_V: float
    current_A: float
    conductance_S: float
    resistance_ohm: float
    power_W: float
    dome: DomeState
    r_th_K_per_W: float | None
    balances: Balances
    dofs: int
    cells: int
    seconds: float
    provenance: dict[str, Any]
    fields: Fields = field(repr=False)
    domes: dict[str, DomeState] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the scalars as a JSON-like dictionary (no fields)."""
        out = {
            n: asdict(v) if isinstance(v, (DomeState, Balances)) else v for n, v in vars(self).items() if n != "fields"
        }
        return {**out, "domes": {name: asdict(state) for name, state in self.domes.items()}}
