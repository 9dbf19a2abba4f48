"""NGSolve: H1 of order 1 or 2, its own threads, CG with the diagonal, with multigrid, or a direct solver."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import netgen.meshing as netgen
import ngsolve as ng
import numpy as np
from ngsolve.krylovspace import CGSolver

from fem_peers.case import AMBIENT_K, BARRIER_K, HOP_K_M_PER_V, HOPPING_REGIONS, LOW_FIELD, NM, Answer, Case

SOLVERS = ("local", "h1amg", "multigrid", "bddc", "sparsecholesky")


def mesh_of(case: Case) -> Any:
    """The tetrahedra of a case as an NGSolve mesh with named regions, "top" and "bottom"."""
    mesh = netgen.Mesh(dim=3)
    mesh.AddPoints(np.ascontiguousarray(case.points))
    tets = np.array(case.tets, dtype=np.int32)
    a, b, c, d = (case.points[tets[:, i]] for i in range(4))
    turned = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) < 0
    tets[turned] = tets[turned][:, [0, 2, 1, 3]]
    for name, tag in case.regions.items():
        mesh.AddElements(dim=3, index=tag, data=np.ascontiguousarray(tets[case.region == tag]), base=0)
        mesh.SetMaterial(tag, name)
    for number, (name, height) in enumerate({"bottom": 0.0, "top": case.height_nm}.items(), start=1):
        mesh.Add(netgen.FaceDescriptor(surfnr=number, domin=1, bc=number))
        faces = np.ascontiguousarray(case.faces_at(height), dtype=np.int32)
        mesh.AddElements(dim=2, index=number, data=faces, base=0)
        mesh.SetBCName(number - 1, name)
    return ng.Mesh(mesh)


class Solver:
    """A bilinear form with its preconditioner, assembled again by `update`."""

    def __init__(self, form: Any, name: str, rtol: float) -> None:
        self.form, self.name, self.rtol = form, name, rtol
        self.inverse = None if name == "sparsecholesky" else ng.Preconditioner(form, name)

    def solve(self, right: Any, out: Any, rtol: float | None = None) -> None:
        """out = matrix^-1 right on the free dofs."""
        if self.inverse is None:
            out.data = self.form.mat.Inverse(self.form.space.FreeDofs(), inverse=self.name) * right
            return
        if not np.isfinite(ng.Norm(right)):
            raise RuntimeError("the residual is not finite: Newton diverged")
        solver = CGSolver(mat=self.form.mat, pre=self.inverse, tol=rtol or self.rtol, maxiter=5000)
        solver.Solve(rhs=right, sol=out)


class Problem:
    """Space, conductivities, thermal operator."""

    def __init__(self, case: Case, degree: int, name: str, rtol: float) -> None:
        self.case, self.mesh = case, mesh_of(case)
        self.space = ng.H1(self.mesh, order=degree, dirichlet="top|bottom")
        self.V, self.rise = ng.GridFunction(self.space), ng.GridFunction(self.space)
        self.sigma, self.kappa = self.mesh.MaterialCF(case.sigma), self.mesh.MaterialCF(case.kappa)
        u, w = self.space.TnT()
        form = ng.BilinearForm(self.kappa * ng.grad(u) * ng.grad(w) * ng.dx, symmetric=True)
        self.heat = Solver(form, name, rtol)
        form.Assemble()
        self.dome = ng.dx("dome", bonus_intorder=6)
        self.volume = ng.Integrate(ng.CF(1) * self.dome, self.mesh)

    def averages(self) -> tuple[float, float]:
        """Dome averages: |E| [V/m] and temperature rise [K]."""
        field = ng.Integrate(ng.Norm(ng.grad(self.V)) * self.dome, self.mesh)
        return field / self.volume / NM, ng.Integrate(self.rise * self.dome, self.mesh) / self.volume


def linear(case: Case, *, degree: int = 2, name: str = "local", rtol: float = 1e-8, threads: bool = True) -> Answer:
    """V and T at 1 V with constant conductivities."""
    with ng.TaskManager() if threads else nullcontext():
        p = Problem(case, degree, name, rtol)
        u, w = p.space.TnT()
        form = ng.BilinearForm(p.sigma * ng.grad(u) * ng.grad(w) * ng.dx, symmetric=True)
        electric = Solver(form, name, rtol)
        form.Assemble()
        p.V.Set(ng.CF(1.0), definedon=p.mesh.Boundaries("top"))
        right, step = p.V.vec.CreateVector(), p.V.vec.CreateVector()
        right.data = -form.mat * p.V.vec
        electric.solve(right, step)
        p.V.vec.data += step
        square = ng.grad(p.V) * ng.grad(p.V)
        load = ng.LinearForm(p.sigma * square * w * ng.dx).Assemble()
        p.heat.solve(load.vec, p.rise.vec)
        power = ng.Integrate(p.sigma * square * ng.dx, p.mesh) * NM * case.symmetry
        return Answer(1.0, power, *p.averages(), p.space.ndof, 1)


def law(gradient: Any, rise: Any) -> Any:
    """Conductivity s = J/E [S/m] of the hopping law; `gradient` in V/nm."""
    T = AMBIENT_K + rise
    x2 = (HOP_K_M_PER_V / NM / T) ** 2 * ng.InnerProduct(gradient, gradient)
    x = ng.sqrt(x2 + 1e-12)
    return LOW_FIELD / T * ng.exp(-BARRIER_K / T) * ng.IfPos(x - 1e-2, ng.sinh(x) / x, 1 + x2 / 6)


def sweep(
    case: Case,
    volts: Sequence[float],
    *,
    name: str = "local",
    change: float = 1e-4,
    threads: bool = True,
    extra_order: int = 0,
) -> list[Answer]:
    """Staggered: one Newton step in V by symbolic differentiation, one linear solve in T."""
    with ng.TaskManager() if threads else nullcontext():
        p = Problem(case, 2, name, 1e-5)
        u, w = p.space.TnT()
        hopping, others = "|".join(HOPPING_REGIONS), "|".join(n for n in case.regions if n not in HOPPING_REGIONS)
        form = ng.BilinearForm(p.space)
        form += p.sigma * ng.grad(u) * ng.grad(w) * ng.dx(others)
        form += (law(ng.grad(u), p.rise) * ng.grad(u) * ng.grad(w)).Compile() * ng.dx(
            hopping, bonus_intorder=extra_order
        )
        electric = Solver(form, name, 1e-3)
        square = ng.grad(p.V) * ng.grad(p.V)
        s = law(ng.grad(p.V), p.rise)
        load = ng.LinearForm(p.space)
        load += p.sigma * square * w * ng.dx(others)
        load += (s * square * w).Compile() * ng.dx(hopping, bonus_intorder=extra_order)
        power = [
            (p.sigma * square) * ng.dx(others),
            (s * square).Compile() * ng.dx(hopping, bonus_intorder=extra_order),
        ]
        p.V.Set(ng.CF(1.0), definedon=p.mesh.Boundaries("top"))
        p.V.vec.data *= volts[0]
        last, out, first = volts[0], [], True
        residual, step = p.V.vec.CreateVector(), p.V.vec.CreateVector()
        for bias in volts:
            p.V.vec.data *= bias / last
            p.rise.vec.data *= (bias / last) ** 2
            last, before = bias, (np.inf, np.inf)
            iterations = 0
            while iterations < 30:
                iterations += 1
                form.AssembleLinearization(p.V.vec)
                form.Apply(p.V.vec, residual)
                electric.solve(residual, step, 1e-6 if first else 1e-3)
                p.V.vec.data -= step
                load.Assemble()
                residual.data = load.vec - p.heat.form.mat * p.rise.vec
                p.heat.solve(residual, step, 1e-5 if first else 1e-2)
                p.rise.vec.data += step
                first = False
                now = (sum(ng.Integrate(i, p.mesh) for i in power), ng.Integrate(p.rise * p.dome, p.mesh))
                if max(abs(a / b - 1) for a, b in zip(now, before, strict=True)) < change:
                    break
                before = now
            out.append(Answer(bias, now[0] * NM * case.symmetry / bias, *p.averages(), p.space.ndof, iterations))
        return out
