"""The same crossbar solved by each library, as a good user of it would; one case, in a process of its own."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
SEGMENT_OHM = 0.35
WINDOW_S = (9e-6, 89e-6)  # of arXiv:2502.04524
READ_V = 0.2
RTOL = 1e-9


def problem(n: int, inputs: int, hard: bool) -> tuple[Any, Any, float]:
    """Conductances [S], inputs [V] and segment resistance [ohm]. hard : 10 ohm, 1e-9..1e-2 S, one device in five missing."""
    rng = np.random.default_rng(SEED)
    g = 10 ** rng.uniform(-9, -2, (n, n)) if hard else rng.uniform(*WINDOW_S, (n, n))
    if hard:
        g[rng.random((n, n)) < 0.2] = 0.0
    return g, rng.uniform(-READ_V, READ_V, (inputs, n)), 10.0 if hard else SEGMENT_OHM


def ours(g: Any, volts: Any, ohm: float) -> tuple[Any, dict[str, Any]]:
    from compact_model.crossbar import Crossbar, Wires

    s = Crossbar(g, Wires.uniform(ohm)).forward(volts, rtol=RTOL)
    return s.bit_A, {"method": s.method, "certified": float(s.relative_error.max()), "sweeps": int(s.sweeps.max())}


def ours_sinh(g: Any, volts: Any, ohm: float) -> tuple[Any, dict[str, Any]]:
    from compact_model.crossbar import NonlinearCrossbar, Sinh, Wires

    s = NonlinearCrossbar(Sinh.from_conductance(g, 0.15), Wires.uniform(ohm)).solve(volts)
    return s.bit_A, {"method": "newton", "certified": float(s.relative_error.max()), "sweeps": int(s.sweeps.max())}


def badcrossbar(g: Any, volts: Any, ohm: float) -> tuple[Any, dict[str, Any]]:
    import logging

    import badcrossbar as peer

    logging.disable(logging.CRITICAL)
    with np.errstate(divide="ignore"):
        return np.asarray(peer.compute(volts.T, 1.0 / g, ohm).currents.output), {}


def assembled(g: Any, volts: Any, ohm: float, library: str) -> tuple[Any, dict[str, Any]]:
    """The nodal matrix of a plain user: 2 n^2 unknowns, one factorisation, one back substitution for all inputs."""
    import scipy.sparse as sp

    n = len(g)
    line = sp.diags([-np.ones(n - 1), np.r_[2 * np.ones(n - 1), 1.0], -np.ones(n - 1)], [-1, 0, 1]) / ohm
    words, bits = sp.kron(sp.eye(n), line), sp.kron(_flipped(line), sp.eye(n))
    d = sp.diags(g.ravel())
    matrix = sp.bmat([[words + d, -d], [-d, bits + d]], format="csc")
    rhs = np.zeros((2 * n * n, len(volts)))
    rhs[: n * n : n] = volts.T / ohm
    if library == "cholmod":
        from sksparse.cholmod import cholesky

        v = cholesky(matrix)(rhs)
    else:
        from scipy.sparse.linalg import splu

        v = splu(matrix).solve(rhs)
    return v[-n:].T / ohm, {}


def _flipped(line: Any) -> Any:
    """The same line with its terminal at the other end."""
    import scipy.sparse as sp

    return sp.csr_matrix(line.toarray()[::-1, ::-1])


def ngspice(g: Any, volts: Any, ohm: float) -> tuple[Any, dict[str, Any]]:
    from compact_model.crossbar import Wires, crossbar_netlist

    n = len(g)
    device = [[f"R{{n}} {{w}} {{b}} {1 / x!r}" if x > 0 else "" for x in map(float, row)] for row in g]
    rows = []
    for v in volts:
        with tempfile.NamedTemporaryFile("w", suffix=".cir") as file:
            file.write(crossbar_netlist(Wires.uniform(ohm), (n, n), device, v))
            file.flush()
            shown = subprocess.run(["ngspice", "-b", file.name], capture_output=True, text=True, check=True).stdout
        found = {int(k): float(x) for k, x in re.findall(r"i\(vbottom_(\d+)\) = (\S+)", shown)}
        rows.append([found[j] for j in range(n)])
    return np.array(rows), {}


def crosssim(g: Any, volts: Any, ohm: float) -> tuple[Any, dict[str, Any]]:
    """Its array solver alone (no converters), at the tolerance of the voltages that the error asked of everyone needs."""
    from simulator import CrossSimParameters
    from simulator.backend import ComputeBackend
    from simulator.circuits.array import NoninterleavedInputSourceArray

    ComputeBackend(use_gpu=False)
    largest, p = float(g.max()), CrossSimParameters()
    p.xbar.device.Rmin, p.xbar.device.Rmax = 1.0 / largest, 1.0 / float(g.min())
    p.xbar.array.parasitics.enable = True
    p.xbar.array.parasitics.Rp_row = p.xbar.array.parasitics.Rp_col = ohm
    p.simulation.Verr_th_mvm, p.simulation.Niters_max_parasitics = RTOL * READ_V, 100_000
    p.simulation.hide_convergence_msg = True
    array = NoninterleavedInputSourceArray(p)
    found = array.iterative_solve(g.T / largest, volts[0] if len(volts) == 1 else volts.T)
    return np.atleast_2d(np.asarray(found).T) * largest, {}


SOLVERS: dict[str, Any] = {
    "ours": ours,
    "ours sinh": ours_sinh,
    "badcrossbar": badcrossbar,
    "splu": lambda g, v, r: assembled(g, v, r, "splu"),
    "cholmod": lambda g, v, r: assembled(g, v, r, "cholmod"),
    "crosssim": crosssim,
    "ngspice": ngspice,
}


def child(spec: dict[str, Any]) -> None:
    """Run one case here and print its numbers."""
    solve = SOLVERS[spec["who"]]
    solve(*problem(4, 2, False))
    g, volts, ohm = problem(spec["n"], spec["inputs"], spec["hard"])
    wall, cpu = time.perf_counter(), cpu_s()
    bit_A, extra = solve(g, volts, ohm)
    wall, cpu = time.perf_counter() - wall, cpu_s() - cpu
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if spec["who"] == "ngspice" else own_peak_kB()
    np.save(spec["currents"], bit_A)
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "memory_MB": peak / 1024.0, **extra}))


def cpu_s() -> float:
    """Processor time of this process and its children, such as ngspice [s]."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def own_peak_kB() -> int:
    """Peak memory of this process; getrusage would count that of the process it was forked from as well."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    child(json.loads(sys.argv[1]))
