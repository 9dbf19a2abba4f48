"""scikit-fem: P1 or P2 on tetrahedra, scipy's CG with the diagonal, pyamg, or scipy's direct solver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse.linalg as sla
from skfem import Basis, BilinearForm, ElementTetP1, ElementTetP2, Functional, LinearForm, MeshTet
from skfem.helpers import dot, grad

from fem_peers.case import AMBIENT_K, BARRIER_K, HOP_K_M_PER_V, HOPPING_REGIONS, LOW_FIELD, NM, Answer, Case

SOLVERS = ("jacobi", "amg", "direct")


@BilinearForm
def _diffusion(u: Any, v: Any, w: Any) -> Any:
    return w.c * dot(grad(u), grad(v))


@LinearForm
def _joule(v: Any, w: Any) -> Any:
    return w.c * dot(grad(w.V), grad(w.V)) * v


@Functional
def _power(w: Any) -> Any:
    return w.c * dot(grad(w.V), grad(w.V))


@Functional
def _field(w: Any) -> Any:
    return np.sqrt(dot(grad(w.V), grad(w.V)))


@Functional
def _rise(w: Any) -> Any:
    return w.T


@Functional
def _one(w: Any) -> Any:
    return 1.0 + 0 * w.x[0]


def solver(matrix: Any, name: str, rtol: float) -> Callable[[Any], Any]:
    """Return solve(right) for a condensed symmetric matrix; what can be set up once is set up here."""
    if name == "direct":
        factors = sla.splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        return lambda right: factors.solve(right)
    if name == "amg":
        import pyamg

        inverse = pyamg.smoothed_aggregation_solver(matrix.tocsr(), max_coarse=500).aspreconditioner()
    else:
        diagonal = 1 / matrix.diagonal()
        inverse = sla.LinearOperator(matrix.shape, matvec=lambda r: diagonal * r, dtype=float)

    def solve(right: Any) -> Any:
        found, failed = sla.cg(matrix, right, rtol=rtol, atol=0.0, maxiter=5000, M=inverse)
        if failed:
            raise RuntimeError(f"CG with {name} did not converge")
        return found

    return solve


class Problem:
    """Bases, prescribed dofs and the thermal matrix with its solver."""

    def __init__(self, case: Case, degree: int, name: str, rtol: float) -> None:
        self.case, self.name, self.rtol = case, name, rtol
        mesh = MeshTet(np.ascontiguousarray(case.points.T), np.ascontiguousarray(case.tets.T))
        self.basis = Basis(mesh, ElementTetP2() if degree == 2 else ElementTetP1(), intorder=2 * degree)
        self.stiff = Basis(mesh, self.basis.elem, intorder=2 * degree - 2 or 1)
        self.dome = Basis(mesh, self.basis.elem, elements=case.cells_in("dome"), intorder=8)
        self.volume = _one.assemble(self.dome)
        z, height = self.basis.doflocs[2], case.height_nm
        self.top = np.abs(z - height) < 1e-6
        self.inner = np.flatnonzero(~(self.top | (np.abs(z) < 1e-6)))
        self.heat = _diffusion.assemble(self.stiff, c=case.by_cell(case.kappa)[:, None])
        self.solve_heat = solver(self.heat[self.inner][:, self.inner], name, rtol)

    def averages(self, V: Any, rise: Any) -> tuple[float, float]:
        """Dome averages: |E| [V/m] and temperature rise [K]."""
        field = _field.assemble(self.dome, V=self.dome.interpolate(V)) / self.volume / NM
        return float(field), float(_rise.assemble(self.dome, T=self.dome.interpolate(rise)) / self.volume)


def linear(case: Case, *, degree: int = 2, name: str = "jacobi", rtol: float = 1e-8) -> Answer:
    """V and T at 1 V with constant conductivities."""
    p = Problem(case, degree, name, rtol)
    c = case.by_cell(case.sigma)[:, None]
    matrix, V, I = _diffusion.assemble(p.stiff, c=c), p.top.astype(float), p.inner
    V[I] = solver(matrix[I][:, I], name, rtol)(-(matrix @ V)[I])
    load = _joule.assemble(p.basis, c=c, V=p.basis.interpolate(V))
    rise = np.zeros_like(V)
    rise[I] = p.solve_heat(load[I])
    power = float(V @ (matrix @ V)) * NM * case.symmetry
    return Answer(1.0, power, *p.averages(V, rise), len(V), 1)


@BilinearForm
def _tangent(u: Any, v: Any, w: Any) -> Any:
    E = grad(w.V)
    return w.s * dot(grad(u), grad(v)) + w.t * dot(E, grad(u)) * dot(E, grad(v))


@LinearForm
def _current(v: Any, w: Any) -> Any:
    return w.s * dot(grad(w.V), grad(v))


@LinearForm
def _heat(v: Any, w: Any) -> Any:
    return w.s * dot(grad(w.V), grad(w.V)) * v


def law(V: Any, rise: Any) -> tuple[Any, Any]:
    """Conductivity s = J/E [S/m] and (ds/dE)/E [S/m nm2/V2] at quadrature points, V in V over nm."""
    E, T = np.sqrt(dot(grad(V), grad(V))), AMBIENT_K + np.asarray(rise)
    ratio = HOP_K_M_PER_V / NM / T
    x = np.maximum(ratio * E, 1e-2)
    low = LOW_FIELD / T * np.exp(-BARRIER_K / T)
    return low * np.sinh(x) / x, low * ratio**2 * (x * np.cosh(x) - np.sinh(x)) / x**3


def sweep(
    case: Case, volts: Sequence[float], *, name: str = "jacobi", change: float = 1e-4, extra_order: int = 0
) -> list[Answer]:
    """Staggered: one Newton step in V, one linear solve in T, until current and rise change less than `change`."""
    p = Problem(case, 2, name, 1e-2)
    I = p.inner
    hop = Basis(p.basis.mesh, p.basis.elem, elements=case.cells_in(*HOPPING_REGIONS), intorder=4 + extra_order)
    fixed = case.by_cell(case.sigma)
    fixed[case.cells_in(*HOPPING_REGIONS)] = 0.0
    rest = _diffusion.assemble(p.stiff, c=fixed[:, None])
    V, rise, last, out = p.top.astype(float), np.zeros(len(p.top)), 1.0, []
    start = rest + _low_field(hop, V)
    V[I] = solver(start[I][:, I], name, 1e-6)(-(start @ V)[I])
    for bias in volts:
        V, rise, last = V * (bias / last), rise * (bias / last) ** 2, bias
        before = (np.inf, np.inf)
        iterations = 0
        while iterations < 30:
            iterations += 1
            v, t = hop.interpolate(V), hop.interpolate(rise)
            s, slope = law(v, t)
            tangent = rest + _tangent.assemble(hop, V=v, s=s, t=slope)
            residual = rest @ V + _current.assemble(hop, V=v, s=s)
            V[I] -= solver(tangent[I][:, I], name, 1e-3)(residual[I])
            v = hop.interpolate(V)
            s, _ = law(v, t)
            load = _heat.assemble(hop, V=v, s=s) + _joule.assemble(p.basis, c=fixed[:, None], V=p.basis.interpolate(V))
            rise[I] += p.solve_heat((load - p.heat @ rise)[I])
            now = (float(load.sum()), float(_rise.assemble(p.dome, T=p.dome.interpolate(rise))))
            if max(abs(a / b - 1) for a, b in zip(now, before, strict=True)) < change:
                break
            before = now
        out.append(Answer(bias, now[0] * NM * case.symmetry / bias, *p.averages(V, rise), len(V), iterations))
    return out


def _low_field(hop: Any, V: Any) -> Any:
    """Matrix of the hopping region at vanishing field and ambient temperature."""
    zero = hop.interpolate(0 * V)
    return _tangent.assemble(hop, V=zero, s=law(zero, zero)[0], t=0.0)
