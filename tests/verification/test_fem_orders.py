"""Proof of the FEM: observed orders on a manufactured coupled problem, an analytical limit, and mesh convergence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from device_physics.device import Device
from device_physics.electrothermal import solve

pytestmark = pytest.mark.fem
SIGMA, KAPPA = 3.0, 2.0
_KUHN = [(0, 1, 3, 7), (0, 1, 5, 7), (0, 2, 3, 7), (0, 2, 6, 7), (0, 4, 5, 7), (0, 4, 6, 7)]


def _cube(n: int) -> tuple[Any, Any]:
    """Points and tetrahedra of a unit cube of n^3 sub-cubes, six tetrahedra each."""
    x = np.linspace(0, 1, n + 1)
    points = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1).reshape(-1, 3)
    i, j, k = (a.ravel() for a in np.meshgrid(*[np.arange(n)] * 3, indexing="ij"))
    corner = [((i + a) * (n + 1) + j + b) * (n + 1) + k + c for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    return points, np.concatenate([np.stack([corner[c] for c in tet], 1) for tet in _KUHN])


def _manufactured(n: int, degree: int) -> tuple[float, float]:
    """L2 errors of V and T of: V = z + cos(pi x) cos(pi y) sin(pi z), T = cos(pi x) cos(pi y) sin(pi z), coupled by Joule heat."""
    import ufl

    from device_physics import _dolfinx as door
    from device_physics._forms import Forms
    from device_physics._operator import Operator

    points, tets = _cube(n)
    domain = door.Domain(points, tets, np.ones(len(tets), np.int32))
    space = domain.space(degree)
    forms = Forms(domain, space, dome_tag=1)
    w, x = ufl.TestFunction(space), ufl.SpatialCoordinate(domain.mesh)
    bump = ufl.cos(ufl.pi * x[0]) * ufl.cos(ufl.pi * x[1]) * ufl.sin(ufl.pi * x[2])
    V, T = x[2] + bump, bump
    dx = ufl.dx(metadata={"quadrature_degree": 7})
    electric = door.vector(door.compile_form(-SIGMA * ufl.div(ufl.grad(V)) * w * dx))
    heat = -KAPPA * ufl.div(ufl.grad(T)) - SIGMA * ufl.inner(ufl.grad(V), ufl.grad(V))
    bottom = domain.boundary_dofs(space, lambda p: p[2] < 1e-9)
    top = domain.boundary_dofs(space, lambda p: p[2] > 1 - 1e-9)
    dofs = np.concatenate([bottom, top])
    ends = np.concatenate([np.zeros(len(bottom)), np.ones(len(top))])

    forms.fill(forms.conductivity, {1: SIGMA})
    door.assign(forms.V, Operator(door.matrix(forms.stiffness), space, dofs, 1e-12).solve(ends, electric))
    load = door.vector(forms.heat_source)
    load.axpy(1.0, door.vector(door.compile_form(heat * w * dx)))
    forms.fill(forms.conductivity, {1: KAPPA})
    door.assign(forms.T, Operator(door.matrix(forms.stiffness), space, dofs, 1e-12).solve(0 * ends, load))
    return tuple(
        np.sqrt(door.scalar(domain, door.compile_form((u - exact) ** 2 * dx)))
        for u, exact in ((forms.V, V), (forms.T, T))
    )  # type: ignore[return-value]


@pytest.mark.parametrize(("degree", "sizes"), [(1, (6, 9, 14, 20)), (2, (5, 8, 11, 16))])
def test_the_observed_order_is_degree_plus_one(degree: int, sizes: tuple[int, ...]) -> None:
    errors = np.log([_manufactured(n, degree) for n in sizes])
    for column, name in enumerate("VT"):
        slope = -np.polyfit(np.log(sizes), errors[:, column], 1)[0]
        assert slope == pytest.approx(degree + 1, abs=0.15), f"{name}: {slope:.3f}"


def _disc_on_slab_ohm(radius: float, thickness: float, sigma: float) -> float:
    """Resistance of an equipotential disc on an insulated slab with a grounded back, infinitely wide.

    With A(l) = int_0^a h(s) cos(l s) ds the mixed boundary conditions become the Fredholm equation
    h(s) - int_0^a K(s, u) h(u) du = 2 V / pi,  K = (2/pi) int_0^inf (1 - tanh l t) cos(l s) cos(l u) dl,  I = 2 pi sigma int h.
    """
    s, weight = np.polynomial.legendre.leggauss(40)
    s, weight = 0.5 * radius * (s + 1), 0.5 * radius * weight
    q, wq = np.polynomial.legendre.leggauss(400)
    l, wl = 20 / thickness * (q + 1), 20 / thickness * wq
    cosines = np.cos(np.outer(s, l))
    kernel = 2 / np.pi * (cosines * (wl * 2 / (np.exp(2 * l * thickness) + 1))) @ cosines.T
    h = np.linalg.solve(np.eye(len(s)) - kernel * weight, np.full(len(s), 2 / np.pi))
    return float(1 / (2 * np.pi * sigma * weight @ h))


def test_the_analytical_reference_has_its_own_limits() -> None:
    assert _disc_on_slab_ohm(1.0, 1e3, 1.0) == pytest.approx(0.25, rel=1e-3)  # half-space: 1 / (4 sigma a)
    assert _disc_on_slab_ohm(20.0, 1.0, 1.0) == pytest.approx(
        1 / (np.pi * 20.0**2), rel=0.1
    )  # wide disc: t / (sigma area)


def test_disc_and_slab_limit() -> None:
    """Perfect filament, electrodes and insulator: what is left is a disc on a slab."""
    metal = {"electrical_conductivity": "1e9 S/m"}
    device = Device.from_tables(
        {"materials": {"CF": metal, "TiN": metal, "HfOx": {"electrical_conductivity": "1e-6 S/m"}}}
    )
    exact = _disc_on_slab_ohm(11e-9, 20e-9, 500.0)
    assert solve(device, 0.2).resistance_ohm == pytest.approx(exact, rel=0.01)


@pytest.mark.slow
def test_the_default_mesh_is_within_half_a_percent_of_the_extrapolated_value() -> None:
    sizes = np.array([0.6, 0.3, 0.15, 0.075])
    found = [solve(Device.from_tables({"mesh": {"rim_size": f"{s} nm"}}), 0.2) for s in sizes]
    resistance = np.array([s.resistance_ohm for s in found])
    ratio = (resistance[:-2] - resistance[1:-1]) / (resistance[1:-1] - resistance[2:])
    order = float(np.mean(np.log2(ratio)))
    assert 0.6 < order < 1.6  # the rim is singular: a smooth problem would give 4
    extrapolated = resistance[-1] + (resistance[-1] - resistance[-2]) / (2**order - 1)
    assert resistance[2] == pytest.approx(extrapolated, rel=2.5e-3)
    assert extrapolated == pytest.approx(
        35_400, rel=2e-3
    )  # an axisymmetric solution of the same constants, third order, rim 1e-3 nm
