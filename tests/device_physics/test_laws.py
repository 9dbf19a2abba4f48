"""The hopping law: odd, right at both ends, and the same in every form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import e, k

from device_physics.laws import hopping_conductivity, hopping_current_density, ln_hopping_current_density

LAW = {"trap_density_m3": 5e25, "hop_distance_m": 2e-9, "attempt_Hz": 1e13, "barrier_eV": 0.065}


def test_a_value_worked_by_hand() -> None:
    expected = 2 * e * 2e-9 * 1e13 * 5e25 * np.exp(-0.065 * e / (k * 300.0)) * np.sinh(2e-9 * e * 5e7 / (2 * k * 300.0))
    assert hopping_current_density(5e7, 300.0, **LAW) == pytest.approx(expected, rel=1e-12)


@given(st.floats(1e3, 1e9), st.floats(50.0, 1500.0))
def test_it_is_odd_and_its_logarithm_agrees(E: float, T: float) -> None:
    forward = float(hopping_current_density(E, T, **LAW))
    assert float(hopping_current_density(-E, T, **LAW)) == -forward
    assert float(ln_hopping_current_density(E, T, **LAW)) == pytest.approx(np.log(forward), abs=1e-9)


def test_low_field_is_ohmic_in_closed_form() -> None:
    T = np.array([250.0, 293.15, 500.0])
    assert hopping_current_density(1.0, T, **LAW) == pytest.approx(hopping_conductivity(T, **LAW), rel=1e-9)


def test_a_published_consistency_check() -> None:
    # parameters of figure 2d: 3700 S/m needs a^2 nu0 = 1.53e-4 m2/s at 293.15 K
    nu = 1.53e-4 / 2e-9**2
    assert hopping_conductivity(293.15, **{**LAW, "attempt_Hz": nu}) == pytest.approx(3700.0, rel=0.01)


def test_no_overflow_at_any_field() -> None:
    assert np.isfinite(ln_hopping_current_density(1e12, 10.0, **LAW))
