"""Read noise: exponent and size of made noise come back, a line is left out, real reads have a spectrum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fits.noise.noise_spectrum import NoiseFit, fit_noise
from fits.reading.state_readers import read_retention
from ground.errors import InputError

STEP = 0.05


def made(alpha: float, seed: int, n: int = 4096, rms: float = 0.01) -> np.ndarray:
    """A piece of a longer series with S ~ f^-alpha, so that it does not close on itself."""
    rng = np.random.default_rng(seed)
    f = np.fft.rfftfreq(8 * n, STEP)
    size = np.r_[0.0, f[1:] ** (-alpha / 2)]
    x = np.fft.irfft(size * (rng.standard_normal(f.size) + 1j * rng.standard_normal(f.size)))[:n]
    return 5e-5 * (1.0 + rms * x / x.std())


def fitted(g: np.ndarray) -> NoiseFit:
    return fit_noise(np.arange(g.size) * STEP, g, synthetic=True)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_exponent_comes_back_with_its_error(alpha: float) -> None:
    found = [fitted(made(alpha, seed)).parameters["alpha"] for seed in range(16)]
    z = np.array([(p.value - alpha) / p.stderr for p in found])
    assert abs(z.mean()) < 4 / np.sqrt(16)
    assert z.std() < 1.8


def test_size_and_spectrum_agree() -> None:
    """Parseval: the law integrated over its frequencies is the variance."""
    fit = fitted(made(0.8, 1))
    assert fit.parameters["relative_rms"].value == pytest.approx(0.01, rel=0.05)
    f = np.fft.rfftfreq(4096, STEP)[1:]
    a, alpha = fit.parameters["amplitude_1Hz_per_Hz"].value, fit.parameters["alpha"].value
    floor = fit.parameters["floor_per_Hz"].value if "floor_per_Hz" in fit.parameters else 0.0
    assert np.sqrt(np.sum(a * f**-alpha + floor) * f[0]) == pytest.approx(0.01, rel=0.15)
    assert fit.white_delta_aic > 100


def test_white_noise_is_not_taken_for_one_over_f() -> None:
    rng = np.random.default_rng(2)
    fit = fitted(5e-5 * (1 + 0.01 * rng.standard_normal(4096)))
    p = fit.parameters["alpha"]
    assert fit.white_delta_aic < 4 or abs(p.value) < 0.1


def test_a_line_is_left_out_and_named() -> None:
    quiet = made(1.0, 3)
    t = np.arange(quiet.size) * STEP
    loud = fitted(quiet + 5e-5 * 0.004 * np.sin(2 * np.pi * 4.5 * t))
    assert len(loud.lines) == 1
    low, high, rms = loud.lines[0]
    assert low < 4.5 < high and high - low < 0.5
    assert rms == pytest.approx(0.004 / np.sqrt(2), rel=0.2)
    assert loud.parameters["alpha"].value == pytest.approx(fitted(quiet).parameters["alpha"].value, abs=0.1)
    assert "left out: a line at" in loud.report()


def test_the_error_of_the_drift_knows_the_slow_noise() -> None:
    fit = fitted(made(1.0, 4))
    drift = fit.parameters["drift_per_s"]
    white = 0.01 * np.sqrt(12) / (4096**1.5 * STEP)  # of a straight line through white noise of that size
    assert drift.stderr > 3 * white


def test_real_reads(shared: Path) -> None:
    layout = Path(__file__).parents[1] / "files" / "array_retention.toml"
    data = read_retention(shared / "data" / "iv" / "array_1t1r" / "ret1.csv", layout=layout)
    fit = fit_noise(data["time_s"].values, data["conductance_S"].values)
    assert fit.readings == 10_000 and fit.interval_s == pytest.approx(0.04667, rel=1e-3)
    alpha = fit.parameters["alpha"]
    assert 0.9 < alpha.low < alpha.value < alpha.high < 1.7
    assert fit.white_delta_aic > 1000 and fit.lines  # an aliased line near 4.6 Hz
    assert not fit.synthetic and "measured data" in fit.report()


T = np.arange(300) * STEP
G = 5e-5 + 1e-8 * np.random.default_rng(0).standard_normal(300)


@pytest.mark.parametrize(
    ("time", "g", "message"),
    [
        (T[:100], G[:100], "at least 256 readings"),
        (T, np.full(300, 5e-5), "the conductance never changes; there is no noise"),
        (T, np.where(T > 1, np.nan, G), "a conductance is missing or not finite"),
        (np.where(np.arange(300) == 7, 0.0, T), G, "reading 8 at 0 s is not later than the one before"),
        (T + np.cumsum(np.arange(300) % 10 == 0), G, "10% of the intervals are longer than 1.5 times"),
    ],
)
def test_series_that_have_no_spectrum_are_refused(time: Any, g: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_noise(time, g)
