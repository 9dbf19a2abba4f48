"""Laws of conduction, each defined once: for the FEM, the fit and the cell alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import e as ELEMENTARY_CHARGE
from scipy.constants import k as BOLTZMANN

BOLTZMANN_eV = BOLTZMANN / ELEMENTARY_CHARGE
REFERENCE_K = 293.15  # at which conductivities are stated
LORENZ_W_ohm_per_K2 = 2.44e-8  # Sommerfeld value of the Lorenz number


def ln_hopping_current_density(
    E: ArrayLike,
    T: ArrayLike,
    *,
    trap_density_m3: ArrayLike,
    hop_distance_m: ArrayLike,
    attempt_Hz: float,
    barrier_eV: ArrayLike,
) -> NDArray[np.float64]:
    """Natural logarithm of |J| [A/m2] of trap-to-trap (Mott-Gurney) hopping, safe for any field.

    E : magnitude of the local field [V/m], > 0, any shape.  T : local temperature [K], broadcast with E.
    Source: arXiv:2502.04524, eq. (6) divided by A: J = 2 e a nu0 N exp(-dE/kT) sinh(a e E / 2 k T).
    """
    E, T, a = np.asarray(E, float), np.asarray(T, float), np.asarray(hop_distance_m, float)
    x = field_ratio(E, T, a)
    ln_sinh = x + np.log(-np.expm1(-2.0 * x)) - np.log(2.0)
    prefactor = np.log(2.0 * ELEMENTARY_CHARGE * a * attempt_Hz * np.asarray(trap_density_m3, float))
    return np.asarray(prefactor - np.asarray(barrier_eV, float) / (BOLTZMANN_eV * T) + ln_sinh)


def hopping_current_density(
    E: ArrayLike,
    T: ArrayLike,
    *,
    trap_density_m3: ArrayLike,
    hop_distance_m: ArrayLike,
    attempt_Hz: float,
    barrier_eV: ArrayLike,
) -> NDArray[np.float64]:
    """Trap-to-trap hopping current density [A/m2], odd in E.

    E : local field [V/m], any shape.  T : local temperature [K], broadcast with E.
    Valid for T > 0 and a e E / 2kT < 50.  Source: arXiv:2502.04524, eq. (6) divided by A.
    """
    E, T, a = np.asarray(E, float), np.asarray(T, float), np.asarray(hop_distance_m, float)
    occupied = np.asarray(trap_density_m3, float) * np.exp(-np.asarray(barrier_eV, float) / (BOLTZMANN_eV * T))
    return np.asarray(2.0 * ELEMENTARY_CHARGE * a * attempt_Hz * occupied * np.sinh(field_ratio(E, T, a)))


def hopping_conductivity(
    T: ArrayLike, *, trap_density_m3: ArrayLike, hop_distance_m: ArrayLike, attempt_Hz: float, barrier_eV: ArrayLike
) -> NDArray[np.float64]:
    """Low-field limit J/E of the hopping law [S/m]: e^2 a^2 nu0 N exp(-dE/kT) / kT, in closed form.

    T : local temperature [K], any shape.  Source: limit E -> 0 of arXiv:2502.04524, eq. (6).
    """
    T, a = np.asarray(T, float), np.asarray(hop_distance_m, float)
    occupied = np.asarray(trap_density_m3, float) * np.exp(-np.asarray(barrier_eV, float) / (BOLTZMANN_eV * T))
    return np.asarray((ELEMENTARY_CHARGE * a) ** 2 * attempt_Hz * occupied / (BOLTZMANN * T))


def hopping_chord_conductivity(
    E: Any, T: Any, *, trap_density_m3: Any, hop_distance_m: Any, attempt_Hz: Any, barrier_eV: Any, math: Any = np
) -> Any:
    """Chord conductivity J/E of the hopping law [S/m], for E > 0: its low-field limit times sinh(x)/x, x = a e E / 2kT.

    E : local field [V/m].  T : local temperature [K].  math : where exp and sinh come from (numpy, or UFL for the FEM).
    Source: arXiv:2502.04524, eq. (6) divided by A and E.
    """
    x = hop_distance_m * E / (2.0 * BOLTZMANN_eV * T)
    occupied = trap_density_m3 * math.exp(-barrier_eV / (BOLTZMANN_eV * T))
    return (ELEMENTARY_CHARGE * hop_distance_m) ** 2 * attempt_Hz * occupied / (BOLTZMANN * T) * math.sinh(x) / x


def metallic_conductivity(T: Any, sigma_S_per_m: Any, alpha_per_K: Any) -> Any:
    """Conductivity of a metal [S/m] at T [K]: sigma / (1 + alpha (T - 293.15 K)); alpha [1/K] of the resistivity."""
    return sigma_S_per_m / (1.0 + alpha_per_K * (T - REFERENCE_K))


def thermal_conductivity(T: Any, k_W_per_mK: Any, exponent: Any, lorenz_W_ohm_per_K2: Any, sigma_S_per_m: Any) -> Any:
    """Heat conduction [W/m/K] at T [K]: k (T / 293.15 K)^exponent of the lattice plus L sigma T of the carriers (Wiedemann-Franz)."""
    return k_W_per_mK * (T / REFERENCE_K) ** exponent + lorenz_W_ohm_per_K2 * sigma_S_per_m * T


def field_ratio(E: ArrayLike, T: ArrayLike, hop_distance_m: ArrayLike) -> NDArray[np.float64]:
    """Energy gained from the field over half a hop, in thermal units: a e E / 2 k T (a pure number)."""
    return np.asarray(
        np.asarray(hop_distance_m, float) * np.asarray(E, float) / (2.0 * BOLTZMANN_eV * np.asarray(T, float))
    )
