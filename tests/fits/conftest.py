"""Where the measured sweeps are (outside the project), and makers of sweeps whose answers are known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fits.reading.measurement import Measurement


@pytest.fixture(scope="session")
def sweeps_dir() -> Path:
    """The folder of measured Keithley sweeps; skips where it is not on this machine."""
    shared = Path(os.environ.get("RERAM_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
    folder = shared / "data" / "iv" / "keithley_dc_sweeps"
    if not folder.is_dir():
        pytest.skip(f"measured sweeps are not at {folder}; set RERAM_SHARED to the folder that holds data/iv")
    return folder


def triangle(v_top_V: float, n: int = 101) -> np.ndarray:
    """0 -> v_top -> 0, the top twice, as instruments sweep."""
    up = np.linspace(0.0, v_top_V, n)
    return np.r_[up, up[::-1]]


@pytest.fixture
def switching() -> Measurement:
    """One run: SET at +1.0 V from 200 kohm to 10 kohm under 0.2 mA compliance, RESET at -1.2 V back to 200 kohm."""
    lrs, hrs, limit = 1e4, 2e5, 1.2e-4
    positive, negative = triangle(1.5, 151), triangle(-1.5, 151)
    n = 151
    i_pos = np.r_[np.where(positive[:n] >= 1.0 - 1e-9, positive[:n] / lrs, positive[:n] / hrs), positive[n:] / lrs]
    i_pos = np.minimum(i_pos, limit)
    i_neg = np.r_[np.where(negative[:n] <= -1.2 + 1e-9, negative[:n] / hrs, negative[:n] / lrs), negative[n:] / hrs]
    return Measurement.from_arrays(np.r_[positive, negative], np.r_[i_pos, i_neg], synthetic=True, source="switching")
