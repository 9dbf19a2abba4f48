"""Exact crossbar against its peers: time, peak memory and error for N x N cells and 1 or 100 inputs, in one table.

python benchmarks/crossbar.py [--quick] [--only ours,cholmod] [--clock cpu] [-o crossbar.json]

needs: pip install 'cmo-reram[peers]'; ngspice and CrossSim (github.com/sandialabs/cross-sim) for their rows, left out where missing.
With -o every case is kept as soon as it is done, and a later run measures only what is missing; delete the file to begin again.

Every case runs in a process of its own and counts everything a user waits for: building, factorising, solving; not imports
and not compiling (one small solve before). The best of the repeats counts. Peak memory is that of the whole process.
Errors are the largest of any bit line current relative to the largest one, against ours at rtol 1e-11.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from crossbar_peers.solve import SEGMENT_OHM, SOLVERS, WINDOW_S, problem

LIMIT_S = 600.0
LARGEST = {"ours": 1024, "badcrossbar": 512, "splu": 512, "cholmod": 512, "crosssim": 128, "ngspice": 64}
LINEAR_ONLY = (
    "crosssim",
    "ngspice",
)  # no hard cases: CrossSim's iteration does not converge there, ngspice takes too long


def peers() -> list[str]:
    """Peers that are installed."""
    found = ["splu"]
    found += ["badcrossbar"] if importlib.util.find_spec("badcrossbar") else []
    found += ["cholmod"] if importlib.util.find_spec("sksparse") else []
    found += ["crosssim"] if importlib.util.find_spec("simulator") else []
    return found + (["ngspice"] if shutil.which("ngspice") else [])


def case(who: str, n: int, inputs: int, folder: Path, *, hard: bool, repeats: int, clock: str) -> dict[str, Any]:
    """Run one case in processes of its own and keep the fastest."""
    currents = folder / f"{who}-{n}-{inputs}-{hard}.npy"
    spec = json.dumps({"who": who, "n": n, "inputs": inputs, "hard": hard, "currents": str(currents)})
    best: dict[str, Any] = {}
    here = Path(__file__).resolve().parent
    environment = {**os.environ, "PYTHONPATH": str(here.parent)}
    for _ in range(repeats):
        words = [sys.executable, str(here / "crossbar_peers" / "solve.py"), spec]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=LIMIT_S, cwd=here.parent, env=environment, check=False
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"more than {LIMIT_S:g} s"}
        if done.returncode:
            return {"failed": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
        found = json.loads(done.stdout.splitlines()[-1])
        if not best or found[clock] < best[clock]:
            best = found
    return {**best, "bit_A": np.load(currents)}


def reference(n: int, inputs: int, hard: bool) -> Any:
    """Bit line currents [A], certified to 1e-11 or, where rounding does not allow that, as far as can be had."""
    from compact_model.crossbar import Crossbar, Wires
    from ground.errors import NotConverged

    g, volts, ohm = problem(n, inputs, hard)
    try:
        method = "relaxation" if n > 512 else "auto"  # factors of more would not fit
        return Crossbar(g, Wires.uniform(ohm)).forward(volts, rtol=1e-11, method=method).bit_A
    except NotConverged as stop:
        return stop.last_good.bit_A


class Record:
    """Rows as they are measured, in a file where one is given."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.rows = path, []
        if path is not None and path.exists():
            self.rows = json.loads(path.read_text())["rows"]

    def find(self, task: str, who: str, n: int, inputs: int) -> dict[str, Any] | None:
        want = (task, who, n, inputs)
        return next((r for r in self.rows if (r["task"], r["who"], r["n"], r["inputs"]) == want), None)

    def add(self, row: dict[str, Any], lines: list[str] | None = None) -> None:
        if row:
            self.rows.append(row)
        if self.path is not None:
            from ground.files import write_json

            write_json(self.path, {"rows": self.rows, "lines": lines or []})


def table(sizes: list[int], solvers: list[str], record: Record, repeats: int, clock: str, *, hard: bool) -> None:
    """Measure every size, number of inputs and solver that is not in the record, and print the rows."""
    task = "hard" if hard else "linear"
    for n in sizes:
        for inputs in (1, 100):
            exact = None
            for who in solvers:
                if n > LARGEST[who] or (who in LINEAR_ONLY and hard) or (who == "ngspice" and inputs > 1):
                    continue
                row = record.find(task, who, n, inputs)
                if row is None:
                    exact = reference(n, inputs, hard) if exact is None else exact
                    row = measured(who, n, inputs, exact, hard=hard, repeats=repeats if n <= 256 else 1, clock=clock)
                    record.add(row)
                print(line(row), flush=True)


def measured(who: str, n: int, inputs: int, exact: Any, *, hard: bool, repeats: int, clock: str) -> dict[str, Any]:
    """Measure one case and compare it with the exact currents."""
    with tempfile.TemporaryDirectory() as folder:
        found = case(who, n, inputs, Path(folder), hard=hard, repeats=repeats, clock=clock)
    task = "sinh" if who == "ours sinh" else "hard" if hard else "linear"
    row = {"task": task, "who": who, "n": n, "inputs": inputs, **found}
    bit_A = row.pop("bit_A", None)
    if bit_A is not None and exact is not None:
        row["error"] = float(np.abs(bit_A - exact).max() / np.abs(exact).max())
    return row


def line(row: dict[str, Any]) -> str:
    head = f"{row['task']:<7} {row['who']:<12} {row['n']:>5} {row['inputs']:>7}"
    if "failed" in row:
        return f"{head}  left out: {row['failed']}"
    note = f"{row['method']}, {row['sweeps']} sweeps, certified {row['certified']:.0e}" if "method" in row else ""
    error = f"{row['error']:>9.0e}" if row.get("error") is not None else f"{'':>9}"
    return f"{head} {row['wall_s']:>10.4f} {row['cpu_s']:>9.4f} {row['memory_MB']:>8.0f} {error}  {note}"


def growth(rows: list[dict[str, Any]], clock: str) -> list[str]:
    """Fit time and memory above the smallest size to powers of N, for every solver."""
    out = []
    for who in dict.fromkeys(r["who"] for r in rows):
        for inputs in (1, 100):
            mine = [r for r in rows if r["who"] == who and r["inputs"] == inputs and "failed" not in r and r["n"] >= 64]
            if len(mine) < 3:
                continue
            n = np.log([r["n"] for r in mine])
            seconds = np.polyfit(n, np.log([r[clock] for r in mine]), 1)[0]
            base = min(r["memory_MB"] for r in mine)
            more = [(r["n"], r["memory_MB"] - base) for r in mine if r["memory_MB"] > base + 1]
            memory = np.polyfit(*np.log(np.array(more)).T, 1)[0] if len(more) > 1 else np.nan
            out.append(
                f"growth  {who:<12} {inputs:>3} inputs: time ~ N^{seconds:.2f}, memory above {base:.0f} MB ~ N^{memory:.2f}"
            )
    return out


def verdicts(rows: list[dict[str, Any]], clock: str) -> list[str]:
    """Return one line per bar, with its verdict, by the wall_s or the cpu_s."""
    at = {(r["task"], r["who"], r["n"], r["inputs"]): r for r in rows if "failed" not in r}
    out = []

    def bar(name: str, value: float | None, limit: float, *, least: bool = False) -> None:
        if value is None:
            out.append(f"bar     {name:<58} not measured")
            return
        met = value >= limit if least else value <= limit
        out.append(
            f"bar     {name:<58} {value:>10.3g}  {'>=' if least else '<='} {limit:g}  {'met' if met else 'MISSED'}"
        )

    for n in (64, 128, 256, 512):
        mine = at.get(("linear", "ours", n, 100))
        for peer, times in (("badcrossbar", 10.0), ("cholmod", 5.0)):
            other = at.get(("linear", peer, n, 100))
            ratio = other[clock] / mine[clock] if mine and other else None
            bar(f"faster than {peer}, {n} x {n}, 100 inputs", ratio, times, least=True)
    for task in ("linear", "hard"):
        worst = [r["certified"] for r in rows if r["task"] == task and r["who"] == "ours" and "failed" not in r]
        bar(f"certified relative error, all {task} cases", max(worst) if worst else None, 1e-8)
    big, huge = at.get(("linear", "ours", 512, 100)), at.get(("linear", "ours", 1024, 100))
    bar("512 x 512, 100 inputs: seconds", big and big[clock], 1.5)
    bar("512 x 512, 100 inputs: MB", big and big["memory_MB"], 300.0)
    bar("1024 x 1024, 100 inputs: MB", huge and huge["memory_MB"], 1000.0)
    sinh = at.get(("sinh", "ours sinh", 256, 1))
    bar("non-linear (sinh) 256 x 256, one input: seconds", sinh and sinh[clock], 2.0)
    worst = [r["error"] for r in rows if r["who"] == "ours" and "error" in r]
    bar("error of any current against the reference, all cases", max(worst) if worst else None, 1e-8)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="up to 128 x 128, one run each")
    parser.add_argument("--only", help=f"solvers, separated by commas: {', '.join(SOLVERS)}")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="what the bars are judged by; cpu on a busy machine"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="keep the rows as JSON, and measure only what is not there yet"
    )
    given = parser.parse_args()
    known = ["ours", *peers(), "ours sinh"]
    solvers = [s for s in known if given.only is None or s in given.only.split(",")]
    if not solvers:
        parser.error(f"--only {given.only}: expected some of {', '.join(known)}")
    sizes, repeats = ([32, 64, 128], 1) if given.quick else ([32, 64, 128, 256, 512, 1024], 3)
    load, cores = (os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")), os.cpu_count()
    print(f"{cores} cores, load {load:.1f} before; peers: {', '.join(peers())}; bars by {given.clock} time")
    print(
        f"linear: wires {SEGMENT_OHM} ohm, {WINDOW_S[0]:g}..{WINDOW_S[1]:g} S; hard: 10 ohm, 1e-9..1e-2 S, one device in five missing"
    )
    print(f"{'task':<7} {'who':<12} {'N':>5} {'inputs':>7} {'wall s':>10} {'cpu s':>9} {'MB':>8} {'error':>9}")
    record, clock = Record(given.output), f"{given.clock}_s"
    linear = [s for s in solvers if s != "ours sinh"]
    table(sizes, linear, record, repeats, clock, hard=False)
    table([n for n in sizes if n in (64, 128, 256)], linear, record, 1, clock, hard=True)
    if "ours sinh" in solvers:
        row = record.find("sinh", "ours sinh", 256, 1)
        if row is None:
            row = measured("ours sinh", 256, 1, None, hard=False, repeats=repeats, clock=clock)
            record.add(row)
        print(line(row))
    lines = [*growth([r for r in record.rows if r["task"] == "linear"], clock), *verdicts(record.rows, clock)]
    print("\n".join(lines))
    record.add({}, lines)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
