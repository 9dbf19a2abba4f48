"""The weak forms of the electrothermal problem, compiled once per mesh and degree. Needs dolfinx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import ufl
from numpy.typing import NDArray

from device_physics import _dolfinx as door


class Forms:
    """Compiled forms over shared coefficients: `conductivity` (per cell), V and T (nodal).

    The stiffness form serves both equations: fill `conductivity` with sigma or with k before assembling. On triangles (r, z)
    every integral carries 2 pi r. dome_tag : the tags of the domes; `select` picks those that the dome averages are over.
    inner_bottom_m : height of the bottom contact [m] where it lies inside the stack.
    """

    def __init__(
        self, domain: door.Domain, space: Any, dome_tag: int | Sequence[int], inner_bottom_m: float | None = None
    ) -> None:
        self.conductivity = domain.by_region(dict.fromkeys(np.unique(domain.region).tolist(), 1.0))
        self._region = domain.region
        cells = self.conductivity.function_space
        self._dome, self.V, self.T = door.fem.Function(cells), door.fem.Function(space), door.fem.Function(space)
        self._domain, self._space = domain, space
        u, w, one = ufl.TrialFunction(space), ufl.TestFunction(space), ufl.TestFunction(cells)
        x = ufl.SpatialCoordinate(domain.mesh)
        weight = 2 * ufl.pi * x[0] if domain.dim == 2 else 1.0
        c, V, T = self.conductivity, self.V, self.T
        gradient = ufl.grad(V)
        square = ufl.inner(gradient, gradient)

        self.stiffness = door.compile_form(weight * c * ufl.inner(ufl.grad(u), ufl.grad(w)) * ufl.dx)
        self.heat_source = door.compile_form(weight * c * square * w * ufl.dx)
        self.joule = door.compile_form(weight * c * square * ufl.dx)
        self.bottom_flux = door.compile_form(self._flux(x[domain.dim - 1], weight, c * gradient, inner_bottom_m))
        self.dome_volume = door.compile_form(weight * self._dome * ufl.dx)
        self.dome_field = door.compile_form(weight * self._dome * ufl.sqrt(square) * ufl.dx)
        self.dome_rise = door.compile_form(weight * self._dome * T * ufl.dx)
        self.cell_size = door.compile_form(weight * one * ufl.dx)
        self.cell_field = door.compile_form(weight * ufl.sqrt(square) * one * ufl.dx)
        self.cell_current = door.compile_form(weight * c * ufl.sqrt(square) * one * ufl.dx)
        self.cell_power = door.compile_form(weight * c * square * one * ufl.dx)
        self.select(dome_tag)

    def _flux(self, height: Any, weight: Any, current: Any, inner_bottom_m: float | None) -> Any:
        """Current out of the bottom contact: through the outer face, or from both sides of a plane inside."""
        n = ufl.FacetNormal(self._domain.mesh)
        if inner_bottom_m is None:
            return -ufl.conditional(ufl.lt(height, 1e-15), 1.0, 0.0) * weight * ufl.dot(current, n) * ufl.ds
        on_plane = ufl.conditional(ufl.lt(abs(height - inner_bottom_m), 1e-15), 1.0, 0.0)
        return -ufl.avg(on_plane * weight) * ufl.jump(current, n) * ufl.dS

    def select(self, dome_tag: int | Sequence[int], cells: NDArray[np.bool_] | None = None) -> None:
        """Choose the regions, or their part in some cells, that the dome averages and `dome_dofs` are about."""
        inside = np.isin(self._domain.region, dome_tag)
        if cells is not None:
            inside &= cells
        self._dome.x.array[:] = inside
        self.dome_dofs = door.dofs_of_cells(self._space, self._domain, inside)

    def fill(self, function: Any, values: dict[int, float]) -> None:
        """Set a piecewise-constant function from a value per region tag."""
        function.x.array[:] = np.vectorize(values.__getitem__, otypes=[float])(self._region)
