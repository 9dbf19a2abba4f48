"""The coupled FEM against NGSolve and scikit-fem: error, wall time and peak memory of every case, in one table.

python benchmarks/fem.py [--quick] [-o fem.json]     needs: pip install 'cmo-reram[fem,peers]'

Every case runs in a process of its own. Times leave out imports and meshing, for everybody; the best of `repeats` interleaved
runs counts. NGSolve runs with its own threads and without, ours in one process and on two MPI ranks, scikit-fem in one process;
ratios use the best row of each.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fem_peers.reference import Reference, references
from fem_peers.run import prepare, run

from ground.files import cache_dir

LINEAR_GOAL, SWEEP_GOAL = 2e-3, 5e-3
LINEAR_MESH = {"rim_size": "0.135 nm", "growth": 0.4}  # the coarsest quarter meshes of ours that reach the goals
SWEEP_MESH = {"rim_size": "0.4 nm"}
LINEAR_EDGE_NM, SWEEP_EDGE_NM = 0.1, 0.3  # and the coarsest full boxes of Netgen
COSTS = ("dofs", "seconds", "cpu_s", "memory_GB")
SCALING = [(0.3, 0.3), (0.15, 0.3), (0.05, 0.3), (0.1, 0.2), (0.06, 0.13), (0.06, 0.108)]  # rim [nm], growth


@dataclass(frozen=True)
class Row:
    """One line: which table, who, on which mesh, errors, dofs of one field, seconds, peak memory."""

    task: str
    who: str
    mesh: str
    error: float
    rise_error: float
    dofs: int
    seconds: float
    cpu_s: float
    memory_GB: float

    def __str__(self) -> str:
        errors = f"{100 * self.error:>8.3f} {100 * self.rise_error:>8.3f}" if self.error == self.error else f"{'':>17}"
        name = f"{self.task:<8} {self.who:<30} {self.mesh:<13}"
        return f"{name} {errors} {self.dofs:>8} {self.seconds:>8.2f} {self.cpu_s:>8.2f} {self.memory_GB:>7.2f}"


def peers(task: str) -> dict[str, dict[str, Any]]:
    """Row title -> how the child runs it, for the peers that are installed.

    Slower on these meshes: direct factors, NGSolve's h1amg, multigrid and bddc.
    """
    found: dict[str, dict[str, Any]] = {}
    if importlib.util.find_spec("ngsolve"):
        for threads in (True, False):
            title = f"NGSolve CG+Jacobi{' 2 threads' if threads else ''}"
            found[title] = {"library": "ngsolve", "name": "local", "threads": threads}
    if importlib.util.find_spec("skfem"):
        found["scikit-fem CG+Jacobi"] = {"library": "skfem", "name": "jacobi"}
        if task == "linear" and importlib.util.find_spec("pyamg"):
            found["scikit-fem CG+pyamg"] = {"library": "skfem", "name": "amg"}
    return found


def case(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one case in a process of its own, or in one per MPI rank: the slowest counts, with the memory of all."""
    words = [sys.executable, __file__, "--case", json.dumps(spec)]
    if spec.get("ranks", 1) > 1:
        words = ["mpirun", "-n", str(spec["ranks"]), "--allow-run-as-root", "--oversubscribe", *words]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[1])
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    parts = [json.loads(text) for text in re.findall(r"\{.*?\}", done.stdout)]  # ranks may share a line
    whole = {n: sum(part[n] for part in parts) for n in ("cpu_s", "memory_GB")}
    return {**parts[0], **whole, "seconds": max(part["seconds"] for part in parts)}


def best(specs: dict[str, dict[str, Any]], repeats: int) -> dict[str, dict[str, Any]]:
    """Run the cases in turn, `repeats` times, and keep the fastest run of each."""
    kept: dict[str, dict[str, Any]] = {}
    for _ in range(repeats):
        for title, spec in specs.items():
            found = case(spec)
            if "failed" in found:
                print(f"  {spec['task']}: {title} left out: {found['failed']}", flush=True)
            elif title not in kept or found["seconds"] < kept[title]["seconds"]:
                kept[title] = found
    return kept


def compare(task: str, folder: Path, quick: bool, reference: Reference) -> list[Row]:
    """Run ours, then the peers on the box of their users and on our quarter mesh, and print the rows."""
    quarter, edge = (LINEAR_MESH, LINEAR_EDGE_NM) if task == "linear" else (SWEEP_MESH, SWEEP_EDGE_NM)
    points = 5 if quick else 21
    specs: dict[str, dict[str, Any]] = {}
    for domain in ("quarter", "axisymmetric"):
        mesh = {"domain": domain, **(quarter if domain == "quarter" else {})}
        specs[f"ours|{domain}"] = {"library": "ours", "task": task, "mesh": mesh, "points": points}
        if shutil.which("mpirun") and domain == "quarter":
            specs[f"ours 2 ranks|{domain}"] = {**specs[f"ours|{domain}"], "ranks": 2}
    boxes: dict[str, dict[str, Any]] = {"same quarter": {"mesh": quarter}}
    boxes |= {} if quick else {"full box": {"edge_nm": edge}}
    for title, spec in peers(task).items():
        for box, mesh in boxes.items():
            kept = cache_dir() / f"fem-full-box-{edge}.npz"  # Netgen needs a minute or two for it
            path = kept if "edge_nm" in mesh else folder / f"{task}.npz"
            specs[f"{title}|{box}"] = {**spec, "task": task, "case": str(path), "points": points, **mesh}
    for spec in specs.values():
        prepare(spec)
    rows = []
    for title, found in best(specs, 1 if quick or task == "sweep" else 3).items():
        who, mesh = title.split("|")
        error, rise = reference.errors(found)
        rows.append(Row(task, who, mesh, error, rise, *(found[n] for n in COSTS)))
        print(rows[-1], flush=True)
    return rows


def scaling(quick: bool) -> list[Row]:
    """Time and memory of our own linear solve against the number of dofs, and the exponent."""
    rows = []
    for rim, growth in SCALING[: 3 if quick else None]:
        mesh = {"domain": "quarter", "rim_size": f"{rim} nm", "growth": growth}
        spec = {"library": "ours", "task": "linear", "mesh": mesh, "points": 1}
        prepare(spec)
        found = best({"ours": spec}, 1 if quick else 2)["ours"]
        rows.append(Row("scaling", "ours", f"{rim}/{growth}", np.nan, np.nan, *(found[n] for n in COSTS)))
        print(rows[-1], flush=True)
    return rows


def verdicts(rows: list[Row], quick: bool) -> list[str]:
    """Measured value beside its bar, one line each."""
    out = []
    for task, goal in (("linear", LINEAR_GOAL), ("sweep", SWEEP_GOAL)):
        mine: dict[str, Row] = {}
        for r in (r for r in rows if r.task == task and r.who.startswith("ours")):
            mine[r.mesh] = min(mine.get(r.mesh, r), r, key=lambda row: row.seconds)
        for box, bar in (("full box", 5.0), ("same quarter", 1.0)):
            others = [r for r in rows if r.task == task and r.mesh == box]
            for domain in mine if others else ():
                fastest = min(others, key=lambda r: r.seconds)
                ratio = fastest.seconds / mine[domain].seconds
                who = f"{mine[domain].who} {domain}"
                text = f"{task}, {who} against {fastest.who} on {box}: {ratio:.1f} times faster (bar {bar:.0f})"
                out.append(text)
        for r in (r for r in rows if r.task == task and not r.error <= goal):
            out.append(f"{task}, {r.who} on {r.mesh}: error {100 * r.error:.2f} % misses the goal {100 * goal:.1f} %")
    for domain, bar in (("quarter", 40.0), ("axisymmetric", 4.0)):
        for r in (r for r in rows if r.task == "sweep" and r.who == "ours" and r.mesh == domain):
            out.append(
                f"sweep of {5 if quick else 21} points, ours {domain}: {r.seconds:.1f} s (bar {bar:.0f} s for 21)"
            )
    curve = [r for r in rows if r.task == "scaling"]
    if len(curve) > 1:
        exponent = np.polyfit(np.log([r.dofs for r in curve]), np.log([r.seconds for r in curve]), 1)[0]
        largest = curve[-1]
        out.append(f"time grows as dofs^{exponent:.2f} from {curve[0].dofs} to {largest.dofs} dofs (bar 1.15)")
        out.append(f"peak memory at {largest.dofs} dofs: {largest.memory_GB:.2f} GB (bar 1.6 GB at 1M dofs)")
    return out


def main() -> None:
    """Print the table, then the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes, one run each, 5 sweep points, no full box")
    parser.add_argument("--only", choices=("linear", "sweep", "scaling"), help="one part of the table")
    parser.add_argument("-o", "--output", type=Path, help="also write this JSON file")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(run(json.loads(arguments.case))))
        return
    tasks = [arguments.only] if arguments.only else ["linear", "sweep", "scaling"]
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start (above 0.3 the times are not to be quoted)")
    head = f"{'task':<8} {'who':<30} {'mesh':<13} {'I err %':>8} {'dT err %':>8}"
    print(f"{head} {'dofs':>8} {'wall s':>8} {'cpu s':>8} {'peak GB':>7}", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            rows += (
                scaling(arguments.quick)
                if task == "scaling"
                else compare(task, Path(folder), arguments.quick, references(task, arguments.quick))
            )
    lines = verdicts(rows, arguments.quick)
    print("\n".join(lines))
    if arguments.output:
        record = {"load": load, "cores": os.cpu_count(), "rows": [asdict(r) for r in rows], "bars": lines}
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
