"""Seconds per MNIST epoch with AGAD against aihwkit: same algorithm, devices, pulse length, batch and network, in one table.

python benchmarks/training.py DATA [--aihwkit PYTHON] [--vectors 960] [--repeats 5] [-o training.json]

DATA : folder of the MNIST files.  PYTHON : interpreter that has aihwkit (default: this one, if it has it). Without one, its
figures of another machine stand in, and are marked. Every case runs in a process of its own, ours and theirs taking turns; the
best of `repeats` counts, scaled from the vectors trained to the 60,000 of an epoch (the first ones, when most pulses are given).
The bound is the pulses that really happened times the time of one pulse of a device in first-level cache.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ELSEWHERE = {5: (13.0, 16.0), 31: (53.0, 60.0)}  # aihwkit 1.1.0, one thread, seconds per epoch on another machine
EPOCH = 60_000
ROOT = Path(__file__).resolve().parent


def measure(python: str, who: str, arguments: argparse.Namespace, slots: int, threads: int) -> dict[str, Any]:
    """Return one case, run in its own process."""
    numbers = [str(v) for v in (slots, threads, arguments.vectors, arguments.repeats)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT.parent)}
    command = [python, str(ROOT / "training_peers" / "epoch.py"), who, str(arguments.data), *numbers]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{who}, {slots} slots: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--aihwkit", default=sys.executable if importlib.util.find_spec("aihwkit") else None)
    parser.add_argument("--vectors", type=int, default=960)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    rows = []
    names = ("ours [s]", "bound [s]", "aihwkit [s]", "ratio", "ratio (CPU)", "memory [MB]")
    print(
        f"{'slots':>5} {'threads':>7} "
        + " ".join(f"{n:>{w}}" for n, w in zip(names, (9, 9, 14, 11, 12, 11), strict=True))
    )
    for slots in (5, 31):
        for threads in arguments.threads:
            mine = measure(sys.executable, "ours", arguments, slots, threads)
            other = measure(arguments.aihwkit, "aihwkit", arguments, slots, threads) if arguments.aihwkit else None
            if other is not None:  # once more each, in turn: the machine may have changed its pace
                for row, who, python in ((mine, "ours", sys.executable), (other, "aihwkit", arguments.aihwkit)):
                    again = measure(python, who, arguments, slots, threads)
                    row |= {k: min(row[k], again[k]) for k in ("wall_s", "processor_s")}
            rows.append({"ours": mine, "aihwkit": other})
            print(_line(mine, other), flush=True)
    if arguments.aihwkit is None:
        print("aihwkit is not installed here: its figures, marked *, were measured on another machine with one thread.")
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=2) + "\n")


def _line(mine: dict[str, Any], other: dict[str, Any] | None) -> str:
    epoch, bound = mine["wall_s"] * EPOCH, mine["pulses"] * mine["pulse_s"] * EPOCH / mine["threads"]
    if other is None:
        low, high = ELSEWHERE[mine["slots"]]
        theirs, ratio, processor = f"{low:.0f}-{high:.0f} *", f"{low / epoch:.1f}-{high / epoch:.1f} *", "-"
    else:
        theirs, ratio = f"{other['wall_s'] * EPOCH:.1f}", f"{other['wall_s'] / mine['wall_s']:.1f}"
        processor = f"{other['processor_s'] / mine['processor_s']:.1f}"
    left = f"{mine['slots']:>5} {mine['threads']:>7} {epoch:>9.2f} {bound:>9.2f} {theirs:>14} {ratio:>11}"
    return f"{left} {processor:>12} {mine['memory_MB']:>11.0f}"


if __name__ == "__main__":
    main()
