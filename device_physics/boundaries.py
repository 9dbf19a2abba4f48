"""Where the device is held: the planes that carry the voltage, and the outer faces at ambient temperature. Needs dolfinx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics import _dolfinx as door
from meshes.mesh import Mesh


@dataclass(frozen=True)
class Boundaries:
    """contacts : owned dofs with a given potential.  is_top : 1 for those of the top contact, 0 for the bottom one.

    outer : owned dofs at ambient temperature.  Where the contacts are the outer faces, `contacts` and `outer` are equal.
    inner_bottom_m : height of the bottom contact where it lies inside the stack [m]; None where it is the outer face.
    """

    contacts: NDArray[np.int32]
    is_top: NDArray[np.float64]
    outer: NDArray[np.int32]
    inner_bottom_m: float | None

    @classmethod
    def of(cls, domain: door.Domain, space: Any, mesh: Mesh) -> Boundaries:
        """Find the dofs on the planes of a mesh; heights are along its last coordinate."""
        last, height = domain.dim - 1, float(mesh.points[:, -1].max())
        slack = 1e-6 * height
        bottom = domain.boundary_dofs(space, lambda x: x[last] < slack)
        top = domain.boundary_dofs(space, lambda x: x[last] > height - slack)
        low, high = mesh.contacts_m or (0.0, height)
        inner_low, inner_high = low > slack, high < height - slack
        lower = domain.dofs_where(space, lambda x: np.abs(x[last] - low) < slack) if inner_low else bottom
        upper = domain.dofs_where(space, lambda x: np.abs(x[last] - high) < slack) if inner_high else top
        return cls(
            contacts=np.concatenate([lower, upper]),
            is_top=np.concatenate([np.zeros(len(lower)), np.ones(len(upper))]),
            outer=np.concatenate([bottom, top]),
            inner_bottom_m=low if inner_low else None,
        )
