"""Runs an exported subcircuit in ngspice and gives back current and state at the samples of a waveform."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from compact_model.waveform import Waveform

MISSING = "" if shutil.which("ngspice") else "ngspice is not installed (apt-get install ngspice)"


def _corners(time: np.ndarray, value: np.ndarray, jump_s: float) -> str:
    t = time.copy()
    for i in range(1, t.size):
        t[i] = max(t[i], t[i - 1] + jump_s)
    return " ".join(f"{a:.12g} {b:.9g}" for a, b in zip(t, value, strict=True))


def deck(subcircuit: str, wave: Waveform, x0: float, step_s: float, reltol: float = 1e-5) -> str:
    """Return a circuit with one cell driven by the waveform; a negative bias lifts the source line, as on the chip."""
    jump = 1e-6 * wave.duration_s
    te, sl, gate = (
        _corners(wave.time_s, v, jump) for v in (np.maximum(wave.bias_V, 0), np.maximum(-wave.bias_V, 0), wave.gate_V)
    )
    return f"""* one cell
{subcircuit}
Vte te 0 PWL({te})
Vsl sl 0 PWL({sl})
Vg gate 0 PWL({gate})
X1 te gate sl x reram_1t1r x0={x0}
.options reltol={reltol:g} abstol=1e-15 vntol=1e-9
.tran {step_s} {wave.duration_s} 0 {step_s} uic
.control
run
set wr_singlescale
set numdgt=10
wrdata out.txt i(Vte) v(x)
.endc
.end
"""


def run(
    subcircuit: str, wave: Waveform, x0: float, step_s: float, folder: Path, reltol: float = 1e-5
) -> tuple[np.ndarray, np.ndarray]:
    """Current [A] into the top electrode and state, at the samples of the waveform."""
    (folder / "cell.cir").write_text(deck(subcircuit, wave, x0, step_s, reltol))
    done = subprocess.run(
        ["ngspice", "-b", "cell.cir"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (folder / "out.txt").is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    time, current, x = np.loadtxt(folder / "out.txt").T
    return np.interp(wave.sample_s, time, -current), np.interp(wave.sample_s, time, x)
