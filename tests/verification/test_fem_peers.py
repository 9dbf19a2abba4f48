"""The same mesh, the same constants, another library: scikit-fem and NGSolve must give our resistance and dome averages."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from device_physics.device import Device
from meshes.build import build_mesh

pytestmark = pytest.mark.fem
PEERS = {
    "with_skfem": ("skfem", "scikit-fem is not installed: pip install 'cmo-reram[peers]'", "jacobi"),
    "with_ngsolve": ("ngsolve", "NGSolve is not installed: pip install 'cmo-reram[peers]'", "local"),
}


def _peer(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    library, reason, _ = PEERS[name]
    pytest.importorskip(library, reason=reason)
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module(f"fem_peers.{name}")


def _device(degree: int, **tables: Any) -> Device:
    return Device.from_tables({"mesh": {"rim_size": "0.6 nm"}, "solver": {"degree": degree}, **tables})


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize("depleted", [False, True], ids=["post-forming", "depleted dome"])
def test_another_library_agrees_on_the_same_mesh(
    name: str, degree: int, depleted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from device_physics.electrothermal import ElectrothermalProblem

    peer = _peer(name, monkeypatch)
    case = importlib.import_module("fem_peers.case").Case
    device = _device(degree, dome={"electrical_conductivity": "0.4 S/cm"} if depleted else {})
    mesh = build_mesh(device.stack, device.mesh)
    ours = ElectrothermalProblem(mesh, device.thermal_conductivities(), degree=degree).unit(
        device.electrical_conductivities()
    )
    found = peer.linear(case.of(mesh, device), degree=degree, name=PEERS[name][2], rtol=1e-13)
    assert found.resistance_ohm == pytest.approx(1 / ours.conductance_S, rel=1e-6)
    assert found.rise_per_W == pytest.approx(ours.dT_per_W, rel=1e-6)
    rounded = 1e-5 if depleted and degree == 2 else 1e-6  # |E| is no polynomial, and each library has its own points
    assert found.E_mean_V_per_m == pytest.approx(ours.E_per_V, rel=rounded)


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_another_library_agrees_on_the_self_consistent_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hopping law in CMO and dome: a staggered Newton with quadrature of degree 8 there, against ours, monolithic with degree 3.

    On this coarse mesh the degrees alone make a difference of 3e-4; the two peers agree within 3e-7 at degree 8.
    """
    reason = "there is no self-consistent solver yet"
    selfconsistent = pytest.importorskip("device_physics.selfconsistent", reason=reason)
    peer = _peer(name, monkeypatch)
    shared = importlib.import_module("fem_peers.case")
    mesh_table = {"rim_size": "1.2 nm"}
    device = Device.from_tables({"mesh": mesh_table, "materials": shared.HOPPING_TABLES})
    plain = Device.from_tables({"mesh": mesh_table})
    volts = [-0.1, -0.3]
    case = shared.Case.of(build_mesh(plain.stack, plain.mesh), plain)
    found = peer.sweep(case, volts, change=1e-8, extra_order=4)
    for us, them in zip(selfconsistent.bias_sweep(device, volts), found, strict=True):
        assert them.current_A == pytest.approx(us.current_A, rel=5e-4)
        assert them.rise_K == pytest.approx(us.dome.T_mean_K - device.stack.ambient_K, rel=5e-4)
        assert them.E_mean_V_per_m == pytest.approx(us.dome.E_mean_V_per_m, rel=5e-4)
