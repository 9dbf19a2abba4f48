"""Relaxation and programming width: the law that made the data comes back, with errors that are those of the scatter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import LAW, TIMES, reads, table

from fits.noise.relaxation_data import read_relaxation
from fits.noise.relaxation_fit import NAMES, fit_relaxation
from ground.errors import InputError


def test_the_published_law_comes_back_with_honest_errors() -> None:
    z = []
    for seed in range(8):
        fit = fit_relaxation(TIMES, reads(seed))
        z.append([(fit.parameters[n].value - getattr(LAW, n)) / fit.parameters[n].stderr for n in NAMES])
    assert np.all(np.abs(np.mean(z, axis=0)) < 4 / np.sqrt(8))
    assert np.all((np.std(z, axis=0) > 0.5) & (np.std(z, axis=0) < 1.7))


def test_the_width_of_programming_is_a_line_in_the_target() -> None:
    rng = np.random.default_rng(0)
    target = np.repeat(np.linspace(10e-6, 90e-6, 9), 40)
    start = target * (1 + 0.02 / np.sqrt(3) * rng.uniform(-1, 1, target.size) * np.sqrt(3))
    fit = fit_relaxation(
        TIMES, start + np.outer(np.log1p(TIMES), rng.standard_normal(target.size)) * 1e-7, target_S=target
    )
    assert fit.programming is not None
    assert abs(fit.programming.c1 - 0.02 / np.sqrt(3)) < 3 * fit.programming.c1_stderr
    assert "programming: sigma =" in fit.report()


def test_the_model_carries_law_and_covariance() -> None:
    fit = fit_relaxation(TIMES, reads(3), synthetic=True)
    model = fit.to_compact_model()
    assert model.synthetic and model.noise.relaxation.mean_shift_S == fit.parameters["mean_shift_S"].value
    assert model.covariance is not None and model.covariance.names == tuple(f"noise.relaxation.{n}" for n in NAMES)
    assert model.validity["t_s"] == (1.0, 1e4)


@pytest.mark.parametrize(
    ("time", "g", "message"),
    [
        (TIMES, np.ones((3, 8)), r"time_s \(10,\) and conductance_S \(3, 8\) are not allowed"),
        (TIMES + 5.0, np.ones((10, 8)), "time_s from 5 s is not allowed: .* the first at programming"),
        (TIMES[:3], np.ones((3, 8)), "a law in ln t needs three or more, over a decade"),
        (TIMES, np.ones((10, 2)), "2 device; the spread is one over devices and needs 5 or more"),
        (TIMES, np.full((10, 8), np.nan), "a conductance is missing or not finite"),
    ],
)
def test_reads_that_allow_no_fit_are_refused(time: Any, g: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_relaxation(time, g)


def test_a_table_is_read_device_by_device(tmp_path: Path) -> None:
    g = reads(4, 6)
    found = read_relaxation(table(tmp_path / "r.csv", g))
    assert found.conductance_S == pytest.approx(g, abs=1e-12)
    assert found.devices == tuple(f"d{k}" for k in range(6)) and found.synthetic
    assert found.target_S == pytest.approx(np.full(6, 5e-5))
    with pytest.raises(InputError, match="device 'd1' was read 10 times .* needs them read at the same times"):
        read_relaxation(table(tmp_path / "late.csv", g, late=3000.0))
