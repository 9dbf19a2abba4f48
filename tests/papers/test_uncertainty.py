"""Standard uncertainties against what they must be for samples whose law is known."""

from __future__ import annotations

import numpy as np
import pytest

from studies.uncertainty import jackknife, mean_error, spread


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=64)
    assert jackknife(lambda v: float(v.mean()), x) == pytest.approx(mean_error(x), rel=1e-12)


def test_the_jackknife_of_a_width_covers_what_repeats_scatter() -> None:
    """Gumbel law: kurtosis 5.4, so the width scatters 1.48 times more than sigma/sqrt(2n) of a normal law."""
    samples = np.random.default_rng(1).gumbel(size=(400, 1024))
    scatter = samples.std(axis=1).std()
    found = np.mean([jackknife(lambda v: float(v.std()), s) for s in samples[:40]])
    assert found == pytest.approx(scatter, rel=0.15)
    assert found > 1.3 * np.pi / np.sqrt(6) / np.sqrt(2 * 1024)


def test_repeats_on_one_device_do_not_make_it_more_certain() -> None:
    devices = np.random.default_rng(2).normal(size=256)
    repeated = np.stack([devices] * 5)  # (repeat, device)
    assert jackknife(lambda v: float(v.mean()), repeated) == pytest.approx(
        jackknife(lambda v: float(v.mean()), devices), rel=1e-12
    )


def test_one_run_has_no_spread() -> None:
    assert spread([1.0]) is None
    assert spread([1.0, 3.0]) == pytest.approx(2**0.5)
