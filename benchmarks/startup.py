"""How long the light ends take: `reram --help`, and the imports a script begins with. Prints one table.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

CASES = {
    "python -c pass": ["-c", "pass"],
    "reram --help": ["-m", "reram", "--help"],
    "import compact_model, fits": ["-c", "import compact_model, fits"],
    "from fits import read_iv, fit_hopping": ["-c", "from fits import read_iv, fit_hopping"],
    "from compact_model import Array, CompactModel": ["-c", "from compact_model import Array, CompactModel"],
}


def seconds(arguments: list[str], runs: int = 7) -> list[float]:
    """Return the wall times of `runs` fresh interpreters [s], after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times[1:]


if __name__ == "__main__":
    bare = None
    print(f"{'what':<48} {'median [s]':>10} {'min':>7} {'max':>7} {'x bare Python':>14}")
    for name, arguments in CASES.items():
        found = seconds(arguments)
        median = statistics.median(found)
        bare = bare or median
        print(f"{name:<48} {median:>10.3f} {min(found):>7.3f} {max(found):>7.3f} {median / bare:>14.1f}")
