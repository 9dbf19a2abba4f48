"""What every peer is given: tagged tetrahedra in nanometres, conductivities by region, the hopping law, and what it returns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.constants import e, k

if TYPE_CHECKING:
    from device_physics.device import Device
    from meshes.mesh import Mesh

NM = 1e-9
AMBIENT_K = 293.15
HOPPING = {"trap_density_m3": 5e25, "barrier_eV": 0.065, "hop_distance_m": 2.67e-9, "attempt_Hz": 1e13}
HOPPING_TABLES = {  # the same law as materials of a device file
    "CMO": {
        "hopping": {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2.67 nm", "attempt": "1e13 Hz"}
    }
}
HOPPING_REGIONS = ("CMO", "dome")
LOW_FIELD = (e * HOPPING["hop_distance_m"]) ** 2 * HOPPING["attempt_Hz"] * HOPPING["trap_density_m3"] / k  # [S K/m]
BARRIER_K = HOPPING["barrier_eV"] * e / k
HOP_K_M_PER_V = HOPPING["hop_distance_m"] * e / (2 * k)  # a e / 2 k, so that the exponent is HOP_K_M_PER_V * E / T


@dataclass(frozen=True)
class Case:
    """points : (n, 3) [nm].  tets : (m, 4).  region : (m,).  regions : name -> tag.  sigma, kappa : name -> [S/m], [W/m/K].

    symmetry : copies that make the whole device.
    """

    points: NDArray[np.float64]
    tets: NDArray[np.int64]
    region: NDArray[np.int32]
    regions: dict[str, int]
    symmetry: int
    sigma: dict[str, float]
    kappa: dict[str, float]

    @classmethod
    def of(cls, mesh: Mesh, device: Device) -> Case:
        """Take the arrays of our own mesh and the constants of our own device."""
        sigma, kappa = device.electrical_conductivities(), device.thermal_conductivities()
        return cls(mesh.points / NM, mesh.cells, mesh.region, mesh.regions, mesh.symmetry, sigma, kappa)

    def save(self, path: Path) -> None:
        """Write one .npz file, for a process of its own to read."""
        names = json.dumps([self.regions, self.symmetry, self.sigma, self.kappa])
        np.savez(path, points=self.points, tets=self.tets, region=self.region, names=names)

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read what `save` wrote."""
        with np.load(path) as data:
            return cls(data["points"], data["tets"], data["region"], *json.loads(str(data["names"])))

    @property
    def height_nm(self) -> float:
        """Height of the stack [nm]."""
        return float(self.points[:, 2].max())

    def cells_in(self, *names: str) -> NDArray[np.int64]:
        """Numbers of the tetrahedra in the named regions."""
        return np.flatnonzero(np.isin(self.region, [self.regions[n] for n in names]))

    def by_cell(self, values: dict[str, float]) -> NDArray[np.float64]:
        """(m,) value of every tetrahedron from a value per region."""
        table = np.zeros(max(self.regions.values()) + 1)
        for name, tag in self.regions.items():
            table[tag] = values[name]
        return table[self.region]

    def faces_at(self, height_nm: float) -> NDArray[np.int64]:
        """(f, 3) faces of the tetrahedra that lie in one horizontal plane."""
        sides = np.concatenate([self.tets[:, list(s)] for s in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))])
        flat = np.abs(self.points[sides, 2] - height_nm).max(axis=1) < 1e-6
        return np.asarray(sides[flat])


@dataclass(frozen=True)
class Answer:
    """Whole-device current [A], dome averages |E| [V/m] and rise [K], power [W] at one bias [V], and the dofs of one field."""

    bias_V: float
    current_A: float
    E_mean_V_per_m: float
    rise_K: float
    dofs: int
    iterations: int

    @property
    def resistance_ohm(self) -> float:
        """Bias over current [ohm]."""
        return self.bias_V / self.current_A

    @property
    def rise_per_W(self) -> float:
        """Mean temperature rise of the dome over the power [K/W]."""
        return self.rise_K / (self.bias_V * self.current_A)
