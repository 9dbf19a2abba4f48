"""One case of the benchmark: what is made before the clock starts, and what runs in a process of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from fem_peers.case import AMBIENT_K, HOPPING_TABLES, Case

LAST_V = -1.0


def volts(points: int) -> list[float]:
    """Biases of the sweep [V]: evenly from 0 (left out) to LAST_V."""
    return [float(v) for v in np.linspace(0.0, LAST_V, points + 1)[1:]]


def device(mesh: dict[str, Any], task: str) -> Any:
    """Our device for a task on a mesh of these options."""
    from device_physics.device import Device

    return Device.from_tables({"mesh": mesh, "materials": HOPPING_TABLES if task == "sweep" else {}})


def prepare(spec: dict[str, Any]) -> None:
    """Make the mesh of a case, into the cache for ours and into a file for the peers."""
    from meshes.build import build_mesh

    if spec["library"] == "ours":
        of = device(spec["mesh"], "linear")
        build_mesh(of.stack, of.mesh)
    elif not Path(spec["case"]).exists():
        if "mesh" in spec:
            of = device(spec["mesh"], "linear")
            Case.of(build_mesh(of.stack, of.mesh), of).save(Path(spec["case"]))
        else:
            from fem_peers.usual import full_box

            full_box(spec["edge_nm"]).save(Path(spec["case"]))


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one case here and return currents [A], rises [K] at its biases, dofs of one field, seconds, peak memory."""
    biases = volts(spec["points"]) if spec["task"] == "sweep" else [1.0]
    solve = _ours if spec["library"] == "ours" else _peer
    before = time.process_time()
    found, seconds = solve(spec, biases)
    cpu = time.process_time() - before  # imports of a library count here, its waiting for the other core does not
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    currents, rises, dofs = found
    return {
        "volts": biases,
        "currents_A": currents,
        "rises_K": rises,
        "dofs": dofs,
        "seconds": seconds,
        "cpu_s": cpu,
        "memory_GB": int(peak.split()[1]) * 1024 / 1e9,
    }


def _peer(spec: dict[str, Any], biases: list[float]) -> tuple[Any, float]:
    import importlib

    library = importlib.import_module(f"fem_peers.with_{spec['library']}")
    case, options = Case.load(Path(spec["case"])), {k: spec[k] for k in ("name", "threads") if k in spec}
    start = time.perf_counter()
    answers = [library.linear(case, **options)] if spec["task"] == "linear" else library.sweep(case, biases, **options)
    seconds = time.perf_counter() - start
    return ([a.current_A for a in answers], [a.rise_K for a in answers], answers[0].dofs), seconds


def _ours(spec: dict[str, Any], biases: list[float]) -> tuple[Any, float]:
    from device_physics.electrothermal import ElectrothermalProblem
    from meshes.build import build_mesh

    of = device(spec["mesh"], spec["task"])
    if spec["task"] == "sweep":
        from device_physics import _dolfinx  # noqa: F401  (imports are outside the clock, for everybody)
        from device_physics.selfconsistent import bias_sweep

        start = time.perf_counter()
        found = bias_sweep(of, biases)
        seconds = time.perf_counter() - start
        rises = [s.dome.T_mean_K - AMBIENT_K for s in found]
        return ([s.current_A for s in found], rises, found[0].dofs // 2), seconds
    from device_physics import _forms  # noqa: F401

    mesh = build_mesh(of.stack, of.mesh)
    start = time.perf_counter()
    problem = ElectrothermalProblem(
        mesh, of.thermal_conductivities(), degree=of.solver.degree, tolerance=of.solver.tolerance
    )
    unit = problem.unit(of.electrical_conductivities())
    seconds = time.perf_counter() - start
    dofs = problem.space.dofmap.index_map.size_global
    return ([unit.conductance_S], [unit.dT_per_W * unit.conductance_S], dofs), seconds
