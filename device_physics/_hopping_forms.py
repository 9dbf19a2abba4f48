"""The weak forms of the self-consistent problem, with their exact Jacobian, compiled once per mesh and degree. Needs dolfinx.

Unknowns: potential V and temperature rise theta over the ambient. Cells whose conductivities depend on field or temperature
are `nonlinear`; in all others the forms are those of the linear problem, assembled once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import ufl
from numpy.typing import NDArray

from device_physics import _dolfinx as door
from device_physics.laws import hopping_chord_conductivity, metallic_conductivity, thermal_conductivity

_FIELD_FLOOR_V_per_m = 1.0  # keeps sinh(x)/x finite at E = 0; x there is 1e-8
_TAGS = {"linear": 0, "nonlinear": 1}


class HoppingForms:
    """Compiled residuals, Jacobian blocks and functionals over shared per-cell coefficients.

    parts : whether forms are assembled over parts of the mesh, chosen by `look_at`.
    coefficient : name -> piecewise-constant function, filled by `fill` from a table region -> value:
    sigma [S/m], alpha [1/K], k [W/m/K], k_exponent, lorenz [W ohm/K2], hopping (0 or 1), N [1/m3], a [m], nu [1/s], barrier [eV].
    """

    NAMES = ("sigma", "alpha", "k", "k_exponent", "lorenz", "hopping", "N", "a", "nu", "barrier")

    def __init__(
        self,
        domain: door.Domain,
        space: Any,
        nonlinear: NDArray[np.bool_],
        dome_tags: list[int],
        *,
        parts: bool = False,
    ) -> None:
        self._region = domain.region
        self.coefficient = {
            n: domain.by_region(dict.fromkeys(np.unique(domain.region).tolist(), 1.0)) for n in self.NAMES
        }
        self.V, self.theta = door.fem.Function(space), door.fem.Function(space)
        self.ambient_K = door.constant(domain, 293.15)
        tags = door.cell_tags(domain, np.where(nonlinear, _TAGS["nonlinear"], _TAGS["linear"]))
        dx = ufl.Measure("dx", domain=domain.mesh, subdomain_data=tags, metadata={"quadrature_degree": 4})
        inside, outside = dx(_TAGS["nonlinear"]), dx(_TAGS["linear"])
        self._part = domain.by_region(dict.fromkeys(np.unique(domain.region).tolist(), 1.0)) if parts else None
        weight = 2 * ufl.pi * ufl.SpatialCoordinate(domain.mesh)[0] if domain.dim == 2 else 1.0
        weight = weight if self._part is None else weight * self._part
        c, w = self.coefficient, ufl.TestFunction(space)
        V, theta, u = self.V, self.theta, ufl.TrialFunction(space)
        sigma, k = self._laws()
        gV, gT, gw = ufl.grad(V), ufl.grad(theta), ufl.grad(w)

        current = weight * sigma * ufl.inner(gV, gw) * inside
        heat = weight * (k * ufl.inner(gT, gw) - sigma * ufl.inner(gV, gV) * w) * inside
        joule_outside = -weight * c["sigma"] * ufl.inner(gV, gV) * w * outside
        stiffness = weight * ufl.inner(ufl.grad(u), gw)
        everywhere = ufl.Measure("dx", domain=domain.mesh, metadata={"quadrature_degree": 4})
        linear = door.fem.Function(c["sigma"].function_space)  # 1 or 0: the sparsity then holds the nonlinear cells too
        linear.x.array[:] = ~nonlinear

        self.linear_VV = door.compile_form(stiffness * linear * c["sigma"] * everywhere)
        self.linear_TT = door.compile_form(stiffness * linear * c["k"] * everywhere)
        self.current, self.heat = door.compile_form(current), door.compile_form(heat + joule_outside)
        self.VV, self.VT = (
            door.compile_form(ufl.derivative(current, V, u)),
            door.compile_form(ufl.derivative(current, theta, u)),
        )
        self.TV = door.compile_form(ufl.derivative(heat + joule_outside, V, u))
        self.TT = door.compile_form(ufl.derivative(heat, theta, u))
        self.conduction = door.compile_form(weight * k * ufl.inner(ufl.grad(u), gw) * inside)
        self._functionals(domain, dome_tags, weight, linear * c["sigma"] + (1 - linear) * sigma, everywhere)

    def _laws(self) -> tuple[Any, Any]:
        """Electrical and thermal conductivity of the nonlinear cells as expressions in V and theta."""
        c, T = self.coefficient, self.ambient_K + self.theta
        E = ufl.sqrt(ufl.inner(ufl.grad(self.V), ufl.grad(self.V)) + _FIELD_FLOOR_V_per_m**2)
        hopping = hopping_chord_conductivity(
            E, T, trap_density_m3=c["N"], hop_distance_m=c["a"], attempt_Hz=c["nu"], barrier_eV=c["barrier"], math=ufl
        )
        sigma = ufl.conditional(ufl.gt(c["hopping"], 0.5), hopping, metallic_conductivity(T, c["sigma"], c["alpha"]))
        return sigma, thermal_conductivity(T, c["k"], c["k_exponent"], c["lorenz"], sigma)

    def _functionals(self, domain: door.Domain, dome_tags: list[int], weight: Any, sigma: Any, dx: Any) -> None:
        square = ufl.inner(ufl.grad(self.V), ufl.grad(self.V))
        dome = domain.by_region({int(t): float(t in dome_tags) for t in np.unique(domain.region)})
        one = ufl.TestFunction(dome.function_space)
        self.joule = door.compile_form(weight * sigma * square * dx)
        self.dome_volume = door.compile_form(weight * dome * dx)
        self.dome_field = door.compile_form(weight * dome * ufl.sqrt(square) * dx)
        self.dome_rise = door.compile_form(weight * dome * self.theta * dx)
        self.cell_size = door.compile_form(weight * one * dx)
        self.cell_field = door.compile_form(weight * ufl.sqrt(square) * one * dx)
        self.cell_current = door.compile_form(weight * sigma * ufl.sqrt(square) * one * dx)
        self.cell_power = door.compile_form(weight * sigma * square * one * dx)

    def look_at(self, cells: NDArray[np.bool_]) -> None:
        """Restrict every form to some cells, where it was made with parts."""
        if self._part is not None:
            self._part.x.array[:] = cells

    def fill(self, name: str, values: dict[int, float]) -> None:
        """Set a coefficient from a value per region tag."""
        self.coefficient[name].x.array[:] = np.vectorize(values.__getitem__, otypes=[float])(self._region)
