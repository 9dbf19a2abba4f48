"""The weak forms of the electrothermal problem, compiled once per mesh and degree. Needs dolfinx."""

from __future__ import annotations

from typing import Any

import numpy as np
import ufl

from device_physics import _dolfinx as door


class Forms:
    """Compiled forms over shared coefficients: `conductivity` (per cell), V and T (nodal).

    The stiffness form serves both equations: fill `conductivity` with sigma or with k before assembling.
    """

    def __init__(self, domain: door.Domain, space: Any, dome_tag: int) -> None:
        self.conductivity = domain.by_region(dict.fromkeys(np.unique(domain.region).tolist(), 1.0))
        self._region = domain.region
        cells = self.conductivity.function_space
        dome, self.V, self.T = door.fem.Function(cells), door.fem.Function(space), door.fem.Function(space)
        dome.x.array[:] = domain.region == dome_tag
        u, w, one = ufl.TrialFunction(space), ufl.TestFunction(space), ufl.TestFunction(cells)
        c, V, T, dx = self.conductivity, self.V, self.T, ufl.dx
        gradient = ufl.grad(V)
        square = ufl.inner(gradient, gradient)
        x, n = ufl.SpatialCoordinate(domain.mesh), ufl.FacetNormal(domain.mesh)
        at_bottom = ufl.conditional(ufl.lt(x[domain.dim - 1], 1e-15), 1.0, 0.0)

        self.stiffness = door.compile_form(c * ufl.inner(ufl.grad(u), ufl.grad(w)) * dx)
        self.heat_source = door.compile_form(c * square * w * dx)
        self.joule = door.compile_form(c * square * dx)
        self.bottom_flux = door.compile_form(-at_bottom * c * ufl.dot(gradient, n) * ufl.ds)
        self.dome_volume = door.compile_form(dome * dx)
        self.dome_field = door.compile_form(dome * ufl.sqrt(square) * dx)
        self.dome_rise = door.compile_form(dome * T * dx)
        self.cell_size = door.compile_form(one * dx)
        self.cell_field = door.compile_form(ufl.sqrt(square) * one * dx)
        self.cell_power = door.compile_form(c * square * one * dx)
        inside = np.flatnonzero(domain.region == dome_tag).astype(np.int32)
        dofs = np.asarray(door.fem.locate_dofs_topological(space, domain.dim, inside))
        self.dome_dofs = dofs[dofs < door.owned(space)]

    def fill(self, function: Any, values: dict[int, float]) -> None:
        """Set a piecewise-constant function from a value per region tag."""
        function.x.array[:] = np.vectorize(values.__getitem__, otypes=[float])(self._region)
