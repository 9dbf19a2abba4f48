"""Synthetic data with known answers that several tests take: traces of pulsed devices, readings of resting cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compact_model.noise import Relaxation
from compact_model.open_loop import run_open_loop
from compact_model.pulsed_device import PulsedDevices
from fits.pulses.trace import PulseTrace

LAW = Relaxation.published()
TIMES = np.concatenate([[0.0], np.logspace(0, 4, 9)])


def devices_like(count: int, **changed: float) -> PulsedDevices:
    given = {"n_states": 22.0, "sp_skew": 0.61, "gamma": 1.5, "gamma_up_down": 0.0, "nsr": 0.9, **changed}
    return PulsedDevices.from_metrics(**given, g_min_S=4e-6, g_max_S=1e-4, device_id=np.arange(count))


def traces(devices: PulsedDevices, seed: int = 0) -> list[PulseTrace]:
    run = run_open_loop(devices, seed=seed)
    return [PulseTrace(g, run.direction, f"d{k:02d}", synthetic=True) for k, g in enumerate(run.g_S[1:].T)]


def reads(seed: int, devices: int = 48) -> np.ndarray:
    return np.stack([5e-5 + LAW.path_S(float(t), np.arange(devices), seed=seed) for t in TIMES])


def table(path: Path, g: np.ndarray, late: float = 0.0) -> Path:
    rows = ["# synthetic: true", "device,time_s,conductance_uS,target_uS"]
    for k in range(g.shape[1]):
        rows += [
            f"d{k},{t + (late if k == 1 and t else 0)},{x * 1e6:.6f},50" for t, x in zip(TIMES, g[:, k], strict=True)
        ]
    path.write_text("\n".join(rows) + "\n")
    return path
