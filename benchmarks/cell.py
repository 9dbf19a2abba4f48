"""The physical cell and the soft-bounds devices against their bars: one run, one table. `python benchmarks/cell.py`

ngspice runs the exported subcircuit of the same cell; its time is that of the whole process (reading 40 lines of circuit is little
of it). "2 free cores" is from the processor time of both sides, for machines that others use too. At equal accuracy: ngspice's time
is interpolated to our error between its settings; where ours is smaller than any of its errors, its most accurate run counts.
Accuracy is the largest deviation of the current from a run of ours at a tolerance of 1e-9, over the largest current.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "compact_model")]

import ngspice_run  # noqa: E402

from compact_model import pulsed_kernel as kernel  # noqa: E402
from compact_model.cell_dynamics import prepare  # noqa: E402
from compact_model.cells import Cells  # noqa: E402
from compact_model.export.spice import spice_subcircuit  # noqa: E402
from compact_model.model import CompactModel  # noqa: E402
from compact_model.population import Population  # noqa: E402
from compact_model.program_verify import program  # noqa: E402
from compact_model.published_cell import published_cell, published_spread  # noqa: E402
from compact_model.pulse_trains import train  # noqa: E402
from compact_model.waveform import Waveform  # noqa: E402

WAVE = Waveform.sweep([1.3, -1.5], [1.1, 3.3], step_V=0.01)  # 561 points
X0 = 0.05


def best(work: Callable[[], object], repeats: int = 5) -> tuple[float, float]:
    """Shortest wall time and shortest processor time [s], children included, of several runs, after one that compiles."""
    work()
    walls, processors = [], []
    for _ in range(repeats):
        start = time.perf_counter(), _processor_s()
        work()
        walls.append(time.perf_counter() - start[0])
        processors.append(_processor_s() - start[1])
    return min(walls), min(processors)


def _processor_s() -> float:
    """Processor time of this process and of what it ran, to the resolution of the system's clock."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    cell = published_cell()
    one = prepare(cell)
    exact = one.run(WAVE, X0, tolerance=1e-9)
    peak = np.abs(exact.current_A).max()

    def error(current: np.ndarray) -> float:
        return float(np.abs(current - exact.current_A).max() / peak)

    rows: list[tuple[str, str, str, str]] = []
    ours = best(lambda: one.run(WAVE, X0), 20)[0]
    ours_error = error(one.run(WAVE, X0).current_A)
    rows.append(("cycle of 561 points, one 1T1R", f"{1e3 * ours:.2f} ms", f"error {ours_error:.1e}", ""))
    spice = spice_busy = float("nan")
    if ngspice_run.MISSING:
        rows.append(("  ngspice", "-", ngspice_run.MISSING, ""))
    else:
        text = spice_subcircuit(CompactModel.published().replace(cell=cell))
        found = []
        for reltol, step in ((1e-3, 5e-3), (1e-5, 5e-3), (1e-5, 2e-3), (1e-5, 1e-3)):
            with tempfile.TemporaryDirectory() as folder:
                taken, busy = best(lambda: ngspice_run.run(text, WAVE, X0, step, Path(folder), reltol), 3)  # noqa: B023
                off = error(ngspice_run.run(text, WAVE, X0, step, Path(folder), reltol)[0])
            rows.append(
                (
                    f"  ngspice, reltol {reltol:g}, step {1e3 * step:g} ms",
                    f"{1e3 * taken:.0f} ms",
                    f"error {off:.1e}",
                    f"{taken / ours:.0f} x ours",
                )
            )
            found.append((off, taken, busy))
        near = np.array(sorted(found))
        spice, spice_busy = (
            float(np.exp(np.interp(np.log(ours_error), np.log(near[:, 0]), np.log(near[:, i])))) for i in (1, 2)
        )
        rows.append(("  bar: 20 x faster at equal accuracy", f"{spice / ours:.0f} x", "", verdict(spice / ours, 20)))
    many, spread = prepare(Cells.of(cell, (1024,))), prepare(published_spread().sample(cell, (1024,), 0))
    for name, cells in (("1,024 cells", many), ("1,024 cells, a response each", spread)):
        taken, busy = (t / 1024 for t in best(lambda: cells.run(WAVE, X0), 4))  # noqa: B023
        rows.append((f"{name}, per cell", f"{1e3 * taken:.3f} ms", f"processor {1e3 * busy:.3f} ms", ""))
        for what, ratio in (("wall", spice / taken), ("2 free cores", 2.0 * spice_busy / busy)):
            rows.append((f"  bar: 1,000 x ngspice, {what}", f"{ratio:.0f} x", "", verdict(ratio, 1000)))

    devices = Population.published().sample((512, 512), 0)
    params, ids, k = kernel.rows(devices), devices.device_id.ravel(), kernel.key(0, "pulse")
    direction = np.tile([1, -1, 1, 1, -1, -1, 1, -1], 8)
    g = devices.g_min_S.ravel().copy()
    work = lambda: train(g, params, ids, direction, k, 0, np.empty((0, 0)))  # noqa: E731
    taken, busy = best(work, 4)
    pulses = devices.size * direction.size
    for name, rate in (("wall", pulses / taken), ("2 free cores", 2.0 * pulses / busy)):
        rows.append(
            (
                f"soft-bounds pulses, 512 x 512, {name}",
                f"{rate / 1e6:.0f} M/s",
                "bar: 100 M/s",
                verdict(rate / 1e6, 100),
            )
        )
    targets = np.random.default_rng(0).uniform(10e-6, 90e-6, (512, 512))
    taken, _ = best(lambda: program(devices, targets, 0.02, seed=0), 3)
    rows.append(("program-verify, 512 x 512 at 2 %", f"{taken:.2f} s", "bar: 30 s", verdict(30, taken)))
    for row in rows:
        print(f"{row[0]:<46} {row[1]:>12}  {row[2]:<18} {row[3]}")


def verdict(value: float, bar: float) -> str:
    return "met" if value >= bar else "NOT met"


if __name__ == "__main__":
    main()
