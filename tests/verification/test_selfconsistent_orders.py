"""Proof of the self-consistent FEM: orders on manufactured problems with a jump at an interface, limits, balances."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from device_physics import stepping
from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.laws import hopping_chord_conductivity, metallic_conductivity
from device_physics.selfconsistent import bias_sweep
from device_physics.selfconsistent_problem import SelfConsistentProblem, State
from device_physics.stepping import continue_to
from ground.errors import NotConverged
from meshes.build import build_mesh

pytestmark = pytest.mark.fem

T0 = 300.0
HOP = {
    "a": 0.02,
    "barrier": 0.05,
    "nu": 1.0,
    "N": 4.0e21,
}  # a unit cube in fields of about 1 V/m: x = a e E / 2kT about 1
LAWS = {
    "linear": {"hopping": 0.0, "alpha": 0.0, "k_exponent": 0.0, "lorenz": 0.0},
    "metal": {"hopping": 0.0, "alpha": 3e-3, "k_exponent": 0.5, "lorenz": 1e-5},
    "hopping": {"hopping": 1.0, "alpha": 0.0, "k_exponent": 0.0, "lorenz": 0.0},
}
_KUHN = [(0, 1, 3, 7), (0, 1, 5, 7), (0, 2, 3, 7), (0, 2, 6, 7), (0, 4, 5, 7), (0, 4, 6, 7)]
UPPER_SLOPE = 3.0


def _cube(n: int) -> tuple[Any, Any, Any]:
    """Points, tetrahedra and region (1 below z = 1/2, 2 above) of a unit cube of n^3 sub-cubes, n even."""
    x = np.linspace(0, 1, n + 1)
    points = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1).reshape(-1, 3)
    i, j, k = (a.ravel() for a in np.meshgrid(*[np.arange(n)] * 3, indexing="ij"))
    corner = [((i + a) * (n + 1) + j + b) * (n + 1) + k + c for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    tets = np.concatenate([np.stack([corner[c] for c in tet], 1) for tet in _KUHN])
    return points, tets, np.where(points[tets][:, :, 2].mean(axis=1) < 0.5, 1, 2).astype(np.int32)


def _upper_conductivity(law: str, math: Any, E: Any, T: Any) -> Any:
    if law == "hopping":
        return hopping_chord_conductivity(
            E,
            T,
            trap_density_m3=HOP["N"],
            hop_distance_m=HOP["a"],
            attempt_Hz=HOP["nu"],
            barrier_eV=HOP["barrier"],
            math=math,
        )
    return metallic_conductivity(T, 2.0, LAWS[law]["alpha"])


def _errors(law: str, n: int, degree: int) -> tuple[float, float]:
    """L2 errors of V and the temperature rise for: V = p(z) + b, theta = 40 b, b = cos(pi x) cos(pi y) sin^2(2 pi z).

    p is linear on either side of z = 1/2 with the slopes that carry one current through both conductivities; b and its
    gradient vanish there, so current and heat are continuous while sigma and k jump.
    """
    import ufl

    from device_physics import _dolfinx as door
    from device_physics._blocks import BlockSystem
    from device_physics._hopping_forms import HoppingForms

    points, tets, region = _cube(n)
    domain = door.Domain(points, tets, region)
    space = domain.space(degree)
    forms = HoppingForms(domain, space, domain.region == 2, dome_tags=[2])
    sigma_below = 1.0
    floor = 1.0  # [V/m] that the forms add to the field in square: nothing in a device, something in a unit cube
    slope_below = UPPER_SLOPE * float(_upper_conductivity(law, np, np.hypot(UPPER_SLOPE, floor), T0)) / sigma_below
    forms.ambient_K.value = T0
    both = {
        "sigma": (sigma_below, 2.0),
        "k": (0.5, 1.5),
        **{c: (0.0, v) for c, v in LAWS[law].items()},
        **{c: (v, v) for c, v in HOP.items()},
    }
    for name, (below, above) in both.items():
        forms.fill(name, {1: below, 2: above})

    x, w = ufl.SpatialCoordinate(domain.mesh), ufl.TestFunction(space)
    bump = ufl.cos(ufl.pi * x[0]) * ufl.cos(ufl.pi * x[1]) * ufl.sin(2 * ufl.pi * x[2]) ** 2
    top_V = 0.5 * slope_below + 0.5 * UPPER_SLOPE
    V_below, V_above = slope_below * x[2] + bump, top_V + UPPER_SLOPE * (x[2] - 1) + bump
    theta = 40.0 * bump
    E, T = ufl.sqrt(ufl.inner(ufl.grad(V_above), ufl.grad(V_above)) + floor**2), T0 + theta
    s_above = _upper_conductivity(law, ufl, E, T)
    k_above = 1.5 * (T / 293.15) ** LAWS[law]["k_exponent"] + LAWS[law]["lorenz"] * s_above * T
    tags = door.cell_tags(domain, domain.region)
    dx = ufl.Measure("dx", domain=domain.mesh, subdomain_data=tags, metadata={"quadrature_degree": 8})

    def sources(V: Any, s: Any, k: Any, part: Any) -> tuple[Any, Any]:
        current = -ufl.div(s * ufl.grad(V)) * w * part
        return current, (-ufl.div(k * ufl.grad(theta)) - s * ufl.inner(ufl.grad(V), ufl.grad(V))) * w * part

    below, above = sources(V_below, sigma_below, 0.5, dx(1)), sources(V_above, s_above, k_above, dx(2))
    loads = [door.vector(door.compile_form(below[i] + above[i])) for i in (0, 1)]

    bottom, top = (domain.boundary_dofs(space, lambda p, z=z: abs(p[2] - z) < 1e-9) for z in (0.0, 1.0))
    dofs = np.concatenate([bottom, top])
    linear = [door.matrix(forms.linear_VV), door.matrix(forms.linear_TT)]
    blocks = [[linear[0].copy(), door.matrix(forms.VT)], [door.matrix(forms.TV), linear[1].copy()]]
    system = BlockSystem(blocks, space, (dofs, dofs))
    at = door.coordinates(space)
    start = np.cos(np.pi * at[:, 0]) * np.cos(np.pi * at[:, 1]) * np.sin(2 * np.pi * at[:, 2]) ** 2
    line = np.where(at[:, 2] < 0.5, slope_below * at[:, 2], top_V + UPPER_SLOPE * (at[:, 2] - 1))
    forms.V.x.array[:], forms.theta.x.array[:] = line + start, 40.0 * start  # near the solution; exact on the boundary
    for _ in range(12):
        residual = []
        for form, matrix, function, load in zip(
            (forms.current, forms.heat), linear, (forms.V, forms.theta), loads, strict=True
        ):
            vector = door.vector(form)
            own, product = matrix.createVecs()
            own.array[:] = function.x.array[: len(own.array)]
            matrix.mult(own, product)
            vector.axpy(1.0, product)
            vector.axpy(-1.0, load)
            residual.append(vector)
        for source, target, extra in ((linear[0], blocks[0][0], forms.VV), (linear[1], blocks[1][1], forms.TT)):
            door.copy_matrix(source, target)
            door.add_matrix(target, extra)
        for form, target in ((forms.VT, blocks[0][1]), (forms.TV, blocks[1][0])):
            target.zeroEntries()
            door.add_matrix(target, form)
        dV, dT = system.solve(blocks, residual, tolerance=1e-10)
        for function, update in ((forms.V, dV), (forms.theta, dT)):
            function.x.array[: len(update)] -= update
            function.x.scatter_forward()
        if max(np.abs(dV).max(), np.abs(dT).max() / 40) < 1e-8:
            break
    else:
        pytest.fail("Newton with the exact Jacobian did not converge on a smooth problem")

    def error(function: Any, exact: tuple[Any, Any]) -> float:
        squares = [
            door.scalar(domain, door.compile_form((function - e) ** 2 * dx(tag)))
            for tag, e in zip((1, 2), exact, strict=True)
        ]
        return float(np.sqrt(sum(squares)))

    return error(forms.V, (V_below, V_above)), error(forms.theta, (theta, theta))


@pytest.mark.slow
@pytest.mark.parametrize("law", ["linear", "metal", "hopping"])
@pytest.mark.parametrize(("degree", "sizes"), [(1, (14, 18, 24, 30)), (2, (6, 8, 10, 12))])
def test_the_observed_order_is_degree_plus_one(law: str, degree: int, sizes: tuple[int, ...]) -> None:
    errors = np.log([_errors(law, n, degree) for n in sizes])
    for column, name in enumerate(("V", "T")):
        slope = -np.polyfit(np.log(sizes), errors[:, column], 1)[0]
        assert slope == pytest.approx(degree + 1, abs=0.15), f"{law}, {name}: {slope:.3f}"


COARSE = {"mesh": {"rim_size": "0.8 nm", "growth": 0.5}}
COARSE_PLANE = {"mesh": {"domain": "axisymmetric", "rim_size": "0.5 nm", "growth": 0.8, "dome_divisions": 5}}
LRS = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm", "attempt": "1e13 Hz"}


def test_a_linear_device_gives_the_linear_solution() -> None:
    device = Device.from_tables(COARSE)
    problem = SelfConsistentProblem(device)
    ours = problem.solution(continue_to(problem, [problem.zero()], 0.5), 0.0)
    linear = solve(device, 0.5)
    assert ours.resistance_ohm == pytest.approx(linear.resistance_ohm, rel=1e-5)
    assert ours.r_th_K_per_W == pytest.approx(linear.r_th_K_per_W, rel=1e-4)
    assert ours.dome.E_mean_V_per_m == pytest.approx(linear.dome.E_mean_V_per_m, rel=1e-4)


@pytest.fixture(scope="module")
def sweep_of_the_lrs() -> list[Any]:
    return bias_sweep(
        Device.from_tables({**COARSE, "materials": {"CMO": {"hopping": LRS}}}), [0.0, 0.001, 0.2, 0.5, 1.0, -0.5]
    )


def test_balances_close_on_every_solve(sweep_of_the_lrs: list[Any]) -> None:
    for s in sweep_of_the_lrs[1:]:
        assert max(s.balances.current, s.balances.power, s.balances.heat) < 1e-6
        assert s.power_W == pytest.approx(s.bias_V * s.current_A, rel=1e-6)


def test_the_sweep_is_odd_and_heats_more_than_linearly(sweep_of_the_lrs: list[Any]) -> None:
    zero, low, read, half, one, minus = sweep_of_the_lrs
    assert zero.current_A == 0.0
    assert zero.dome.T_mean_K == 293.15
    assert zero.resistance_ohm == pytest.approx(low.resistance_ohm, rel=1e-3)
    assert minus.current_A == pytest.approx(-half.current_A, rel=1e-5)
    assert low.resistance_ohm > read.resistance_ohm > half.resistance_ohm > one.resistance_ohm
    assert one.dome.T_mean_K - 293.15 > 4 * (half.dome.T_mean_K - 293.15)


def test_at_low_field_hopping_is_its_own_ohmic_limit(sweep_of_the_lrs: list[Any]) -> None:
    from device_physics.laws import hopping_conductivity

    sigma = float(
        hopping_conductivity(293.15, trap_density_m3=5e25, hop_distance_m=2e-9, attempt_Hz=1e13, barrier_eV=0.065)
    )
    linear = solve(
        Device.from_tables({**COARSE, "materials": {"CMO": {"electrical_conductivity": f"{sigma} S/m"}}}), 0.001
    )
    assert sweep_of_the_lrs[1].resistance_ohm == pytest.approx(linear.resistance_ohm, rel=1e-3)


def test_turns_and_the_coupled_newton_agree_and_newton_is_of_second_order() -> None:
    device = Device.from_tables({"mesh": {"domain": "axisymmetric"}, "materials": {"CMO": {"hopping": LRS}}})
    problem = SelfConsistentProblem(device)
    start = continue_to(problem, [problem.zero()], 0.4)
    guess = State(0.45, start.V * 0.45 / 0.4, start.theta * (0.45 / 0.4) ** 2)
    turns = problem.solve(guess)
    newton = problem.newton.solve(problem.on_boundary(guess), 1e-10)
    assert problem.distance(turns, newton) < 1e-7
    sizes = [s for s in problem.newton.sizes if s < 0.05]
    assert len(sizes) >= 3
    for before, after in itertools.pairwise(sizes):
        assert after < max(0.2 * before, 1e-9)
    assert sizes[-1] < sizes[-2] ** 1.4, "with the exact Jacobian the last step squares the residual"
    problem.release()


def test_where_turns_stall_the_coupled_newton_goes_on() -> None:
    """Near the runaway at 1.556 V the heating follows the current almost one to one."""
    law = {**LRS, "barrier": "600 meV", "trap_density": "1e30 1/m^3", "attempt": "1e16 Hz"}
    device = Device.from_tables({"mesh": {"domain": "axisymmetric"}, "materials": {"CMO": {"hopping": law}}})
    problem = SelfConsistentProblem(device)
    history = [problem.zero()]
    continue_to(problem, history, 1.0)
    assert problem._newton is None
    state = continue_to(problem, history, 1.54)
    assert problem._newton is not None
    assert problem.hottest_K(state) < 30.0  # not the other solution at some thousand kelvin
    balances = problem.solution(state, 0.0).balances
    assert max(balances.current, balances.power, balances.heat) < 1e-6
    problem.release()


def test_thermal_runaway_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "STEP_MIN_V", 0.05)
    # a large barrier and a large hop: no steady state at this bias without a series resistance
    runaway = {**LRS, "barrier": "600 meV", "trap_density": "1e30 1/m^3", "attempt": "1e16 Hz"}
    device = Device.from_tables({**COARSE_PLANE, "materials": {"CMO": {"hopping": runaway}}})
    with pytest.raises(
        NotConverged, match=r"no solution at .* V: .* The last good point is .* thermal runaway"
    ) as caught:
        bias_sweep(device, [0.05, 8.0])
    assert caught.value.last_good.current_A > 0


def test_a_metal_with_temperature_resists_more_when_hot() -> None:
    metal = {"resistance_coefficient": "2e-3 1/K", "electrical_conductivity": "37 S/cm"}
    device = Device.from_tables({**COARSE, "materials": {"CMO": metal}})
    assert not device.is_linear
    low, high = bias_sweep(device, [0.01, 1.0])
    assert high.resistance_ohm > 1.05 * low.resistance_ohm


def test_wiedemann_franz_cools() -> None:
    plain = solve(Device.from_tables({**COARSE, "materials": {"CMO": {"electrical_conductivity": "37 S/cm"}}}), 0.5)
    (carried,) = bias_sweep(
        Device.from_tables(
            {**COARSE, "materials": {"CMO": {"electrical_conductivity": "37 S/cm"}, "CF": {"wiedemann_franz": True}}}
        ),
        [0.5],
    )
    assert 0.8 * plain.r_th_K_per_W < carried.r_th_K_per_W < plain.r_th_K_per_W


def test_the_axisymmetric_twin_agrees_with_3d() -> None:
    """The same forms in (r, z): disc of equal area, dome in the LRS at -1 V and depleted at 0.9 V, meshes of one grading.

    A depleted dome carries the whole voltage, and as a polyhedron it is 1 % too small: its twin is made as large.
    """
    hrs = {**LRS, "trap_density": "1.2e18 1/cm^3", "barrier": "80 meV"}
    lrs_device: dict[str, Any] = {"materials": {"CMO": {"hopping": LRS}}, "dome": {"radius": "11 nm"}}
    hrs_device: dict[str, Any] = {
        "materials": {
            "CMO": {"hopping": LRS},
            "depleted": {"electrical_conductivity": "1 S/m", "thermal_conductivity": "4 W/m/K", "hopping": hrs},
        },
        "dome": {"radius": "13 nm", "material": "depleted"},
    }
    for tables, bias, close in ((lrs_device, -1.0, 2e-3), (hrs_device, 0.9, 5e-3)):
        box = Device.from_tables({**tables, "mesh": TWIN})
        plane = Device.from_tables({**tables, "mesh": {**TWIN, "domain": "axisymmetric"}})
        radius_m = box.stack.dome_radius_m * (_dome_share(box) / _dome_share(plane)) ** (1 / 3)
        plane = plane.replace(stack=plane.stack.replace(dome=plane.stack.dome.replace(radius_m=radius_m)))
        (flat,), (solid,) = bias_sweep(plane, [bias]), bias_sweep(box, [bias])
        assert flat.resistance_ohm == pytest.approx(solid.resistance_ohm, rel=close)
        assert flat.dome.T_mean_K - 293.15 == pytest.approx(solid.dome.T_mean_K - 293.15, rel=5e-3)
        assert flat.dome.E_mean_V_per_m == pytest.approx(solid.dome.E_mean_V_per_m, rel=2e-3)


TWIN = {"rim_size": "0.4 nm", "growth": 0.5}


def _dome_share(device: Device) -> float:
    """Volume of the meshed dome over that of the half-ball."""
    mesh = build_mesh(device.stack, device.mesh)
    return mesh.region_volume_m3("dome") / mesh.expected_m3["dome"]


def test_without_a_dome_and_with_two_of_them() -> None:
    hopping = {"materials": {"CMO": {"hopping": LRS}}}
    none = solve(Device.from_tables({**COARSE_PLANE, **hopping, "dome": {"shape": "none"}}), 0.5)
    assert none.dome.T_mean_K is None
    assert none.r_th_K_per_W is None
    assert none.balances.heat < 1e-6
    pair = [{"radius": "8 nm", "x": "-20 nm"}, {"radius": "8 nm", "x": "20 nm"}]
    full = {"stack": {"width": "100 nm"}, "mesh": {"rim_size": "1.5 nm", "growth": 1.0, "domain": "full"}}
    two = solve(Device.from_tables({**full, **hopping, "filaments": pair}), 0.1)
    assert two.current_A > 0
    assert two.dome.T_mean_K is not None
    assert two.balances.current < 1e-6


def test_memory_does_not_grow_from_sweep_to_sweep() -> None:
    """Against the growth of the same sweeps where nothing is released, so that the test is known to see a leak."""
    import subprocess
    import sys

    code = """
import os, sys
from device_physics.device import Device
from device_physics.selfconsistent import bias_sweep
from device_physics.selfconsistent_problem import SelfConsistentProblem, State
if sys.argv[1] == "leak":
    SelfConsistentProblem.release = lambda self: None
law = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm"}
device = Device.from_tables({"mesh": {"rim_size": "0.6 nm", "growth": 0.5}, "materials": {"CMO": {"hopping": law}}})
def used():
    bias_sweep(device, [0.01])
    pages = int(open("/proc/self/statm").read().split()[1])  # held now: the peak is that of the compiler and the mesher
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
first = used()
print([used() for _ in range(3)][-1] - first)
"""
    kept, leaked = (
        float(subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True, check=True).stdout)
        for how in ("release", "leak")
    )
    assert leaked > 20.0  # MB
    assert kept < 0.25 * leaked
