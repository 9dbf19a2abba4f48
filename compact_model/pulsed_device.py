"""What one identical pulse does to a conductance: generalised soft bounds, one set of parameters per device."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError

UP, DOWN = 1, -1
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PulsedDevices:
    """Parameters of many pulsed devices, arrays of one shape (read-only).

    g_max_S, g_min_S : bounds of the conductance [S].
    dg_up_S, dg_down_S : mean step of an up pulse at g_min_S, of a down pulse at g_max_S [S], both positive.
    gamma_up, gamma_down : exponents of the soft bounds, positive.
    step_noise : standard deviation of one step relative to its mean (cycle to cycle).
    device_id : whole number naming the device; its random numbers belong to it (see `streams`).
    """

    g_max_S: Floats
    g_min_S: Floats
    dg_up_S: Floats
    dg_down_S: Floats
    gamma_up: Floats
    gamma_down: Floats
    step_noise: Floats
    device_id: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = np.shape(self.g_max_S)
        for field in fields(self):
            kind = np.int64 if field.name == "device_id" else np.float64
            given = np.array(getattr(self, field.name), dtype=kind)
            if given.shape != shape:
                raise InputError(
                    f"PulsedDevices.{field.name} has shape {given.shape}, but g_max_S has {shape}: "
                    "every field needs one value per device."
                )
            given.flags.writeable = False
            object.__setattr__(self, field.name, given)
        self._require("g_min_S", self.g_min_S >= 0, "0 S or more")
        self._require("g_max_S", self.g_max_S > self.g_min_S, "more than g_min_S")
        for name in ("dg_up_S", "dg_down_S", "gamma_up", "gamma_down"):
            self._require(name, getattr(self, name) > 0, "more than 0")
        self._require("step_noise", self.step_noise >= 0, "0 or more")
        self._require("device_id", self.device_id >= 0, "0 or more")

    def _require(self, name: str, allowed: NDArray[np.bool_], words: str) -> None:
        value = getattr(self, name)
        bad = np.flatnonzero(~(allowed & np.isfinite(value)).ravel())
        if bad.size:
            raise InputError(
                f"PulsedDevices.{name}={value.ravel()[bad[0]]!r} is not allowed (place {bad[0]}, "
                f"{bad.size} of {value.size} devices): expected {words}."
            )

    @classmethod
    def from_metrics(
        cls,
        *,
        n_states: ArrayLike,
        sp_skew: ArrayLike,
        gamma: ArrayLike,
        gamma_up_down: ArrayLike,
        nsr: ArrayLike,
        g_min_S: ArrayLike,
        g_max_S: ArrayLike,
        device_id: ArrayLike,
    ) -> Self:
        """Build devices whose noise-free metrics are exactly the ones given.

        n_states : (g_max - g_min) / step at the symmetry point.  sp_skew : (g_max - g_sp)/(g_max - g_min).
        gamma, gamma_up_down : gamma_up = gamma (1 + gamma_up_down), gamma_down = gamma (1 - gamma_up_down).
        nsr : relative noise of a step.  All broadcast to one shape.  Source: arXiv:2502.04524, eqs (1)-(3).
        """
        n, w, gam, bias, s, low, high, ids = (
            np.array(a)
            for a in np.broadcast_arrays(n_states, sp_skew, gamma, gamma_up_down, nsr, g_min_S, g_max_S, device_id)
        )
        if np.any(~(n > 0)) or np.any(~((w > 0) & (w < 1))):
            raise InputError(
                "from_metrics: n_states must be more than 0 and sp_skew inside 0..1 (a fraction, not per cent)."
            )
        step, up, down = (high - low) / n, gam * (1 + bias), gam * (1 - bias)
        return cls(
            g_max_S=high,
            g_min_S=low,
            dg_up_S=step / w**up,
            dg_down_S=step / (1 - w) ** down,
            gamma_up=up,
            gamma_down=down,
            step_noise=s,
            device_id=ids,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.g_max_S.shape

    @property
    def size(self) -> int:
        return self.g_max_S.size

    def _mapped(self, change: Any) -> Self:
        return type(self)(**{f.name: change(getattr(self, f.name)) for f in fields(self)})

    def __getitem__(self, index: Any) -> Self:
        """Return some of the devices; each keeps its identity and so its random numbers."""
        return self._mapped(lambda a: a[index])

    def reshape(self, *shape: int) -> Self:
        """Return the same devices in another arrangement."""
        return self._mapped(lambda a: a.reshape(*shape))


def distance_to_g_max(g_S: ArrayLike, devices: PulsedDevices) -> Floats:
    """w = (g_max - g)/(g_max - g_min), dimensionless in 0..1; g_S [S] broadcast with the devices."""
    w = (devices.g_max_S - np.asarray(g_S)) / (devices.g_max_S - devices.g_min_S)
    return np.clip(w, 0.0, 1.0)


def mean_step_S(g_S: ArrayLike, devices: PulsedDevices, direction: ArrayLike) -> Floats:
    """Mean change [S] of one pulse, positive for direction +1 (up), negative for -1 (down).

    up: dg_up w^gamma_up.  down: -dg_down (1 - w)^gamma_down.  Source: aihwkit's PowStep device; see `pulse`.
    """
    w = distance_to_g_max(g_S, devices)
    up = np.asarray(direction) > 0
    base, power = np.where(up, w, 1.0 - w), np.where(up, devices.gamma_up, devices.gamma_down)
    return np.where(up, devices.dg_up_S, -devices.dg_down_S) * base**power


def pulse(g_S: ArrayLike, devices: PulsedDevices, direction: ArrayLike, xi: ArrayLike) -> Floats:
    """Conductance [S] after one pulse: g + mean step (1 + step_noise xi), kept inside the bounds.

    g_S [S], direction (+1 up, -1 down) and xi (standard normal, 0 for the mean) broadcast with the devices.
    Source: generalised soft bounds, Fusi and Abbott, Nat. Neurosci. 10, 485 (2007); aihwkit's PowStepDevice.
    """
    step = mean_step_S(g_S, devices, direction) * (1.0 + devices.step_noise * np.asarray(xi))
    return np.clip(np.asarray(g_S) + step, devices.g_min_S, devices.g_max_S)


def symmetry_point_S(devices: PulsedDevices) -> Floats:
    """Conductance [S] at which the mean up and down steps are equal, shape of the devices.

    With x = ln(w/(1-w)) the equality reads gamma_up ln w - gamma_down ln(1-w) + ln(dg_up/dg_down) = 0: monotone
    in x, and convex or concave throughout, so Newton converges from any start; exact at once for equal exponents.
    """
    up, down = devices.gamma_up, devices.gamma_down
    ratio = np.log(devices.dg_up_S / devices.dg_down_S)
    x = -2.0 * ratio / (up + down)
    for _ in range(60):
        log_w, log_rest = -np.logaddexp(0.0, -x), -np.logaddexp(0.0, x)
        w = np.exp(log_w)
        move = (up * log_w - down * log_rest + ratio) / (up * (1.0 - w) + down * w)
        moving = np.abs(move) > 1e-14 * (1.0 + np.abs(x))
        x = np.where(moving, x - move, x)  # each device stops by itself, so that company changes no digit
        if not moving.any():
            break
    w = np.exp(-np.logaddexp(0.0, -x))
    return devices.g_max_S - w * (devices.g_max_S - devices.g_min_S)


def step_at_symmetry_point_S(devices: PulsedDevices) -> Floats:
    """Mean step [S] of either direction at the symmetry point, shape of the devices."""
    return mean_step_S(symmetry_point_S(devices), devices, UP)
