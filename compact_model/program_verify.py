"""Program and verify: reset, then read and pulse until the conductance lies inside the acceptance band."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.pulsed_device import Floats, PulsedDevices
from compact_model.streams import check_seed
from ground.errors import InputError
from ground.spec import Spec
from ground.units import Quantity


class PulseWindow(Spec):
    """A range of targets programmed with other pulse voltages than the open-loop ones.

    low_S, high_S : targets with low_S < target <= high_S [S].  up_factor, down_factor : steps relative to the
    open-loop pulse. The map from voltage to factor comes from a cell model or a measurement; it is not assumed here.
    """

    low_S: Annotated[float, Quantity("S", 0.0, 1.0)]
    high_S: Annotated[float, Quantity("S", 0.0, 1.0)]
    up_factor: Annotated[float, Quantity("", 1e-3, 1e3)] = 1.0
    down_factor: Annotated[float, Quantity("", 1e-3, 1e3)] = 1.0


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """Outcome of one closed loop, arrays of shape (..., *devices).

    target_S, g_S : asked and reached conductance [S].  pulses : set and reset pulses after the first reset.
    converged : whether it stopped inside the band.  acceptance : half width of the band relative to the target.
    """

    target_S: Floats
    g_S: Floats
    pulses: NDArray[np.int64]
    converged: NDArray[np.bool_]
    acceptance: float

    @property
    def deviation_S(self) -> Floats:
        """Return g_S - target_S [S]."""
        return self.g_S - self.target_S

    @property
    def mean_pulses(self) -> float:
        return float(self.pulses.mean())

    @property
    def converged_fraction(self) -> float:
        return float(self.converged.mean())


def check_acceptance(acceptance: Any) -> float:
    """Return the acceptance as a float, or raise InputError: a fraction of the target is expected."""
    if isinstance(acceptance, bool) or not isinstance(acceptance, (int, float)) or not 1e-6 <= acceptance <= 0.5:
        hint = ""
        if isinstance(acceptance, (int, float)) and 0.5 < acceptance <= 50:
            hint = f" It is a fraction: {acceptance:g} % is {acceptance / 100:g}."
        raise InputError(
            f"acceptance={acceptance!r} is not allowed: expected 1e-06..0.5 (fraction of the target).{hint}"
        )
    return float(acceptance)


def program(
    devices: PulsedDevices,
    targets_S: ArrayLike,
    acceptance: float,
    *,
    seed: int,
    max_pulses: int = 2000,
    trial: int = 0,
    windows: Iterable[PulseWindow] = (),
    increment: float = 0.0,
) -> ProgramResult:
    """Program every device to its targets, with identical or growing pulses, each device stopping by itself.

    Every device is first reset to its HRS (g_min_S). Then it is read, and pulsed up if it lies too low, down if too
    high, until |g - target| <= acceptance * target. Reading is taken as exact and does not count as a pulse.

    targets_S : [S], broadcast with the devices; leading axes are independent trials number `trial`, `trial` + 1, ...
    max_pulses : a device not inside the band by then is marked not converged and keeps its last conductance.
    increment : 0 for identical pulses; else the incremental scheme: each further pulse of one polarity moves (1 + increment) times
    as far as the one before, and a change of polarity starts again from the first. (A device model has steps, not volts.)
    Raises InputError for an acceptance outside 1e-6..0.5, max_pulses < 1 or targets not above 0.
    """
    check_acceptance(acceptance)
    check_seed(seed)
    if not 0.0 <= increment <= 10.0:
        raise InputError(
            f"increment={increment!r} is not allowed: expected 0 (identical pulses) to 10 (growth per pulse)."
        )
    if isinstance(max_pulses, bool) or max_pulses < 1:
        raise InputError(f"max_pulses={max_pulses!r} is not allowed: expected 1 or more.")
    target = _targets(devices, targets_S)
    shape, axes = target.shape, len(devices.shape)
    own = shape[len(shape) - axes :]
    if own != devices.shape:
        devices = devices._mapped(lambda a: np.broadcast_to(a, own))
    goal = np.ascontiguousarray(target).ravel()
    from compact_model.closed_loop import close_loop

    g, pulses = close_loop(
        devices,
        goal,
        _factors(goal, tuple(windows)),
        acceptance=float(acceptance),
        increment=float(increment),
        max_pulses=int(max_pulses),
        first_trial=int(trial),
        seed=seed,
    )
    converged = np.abs(g - goal) <= acceptance * goal
    return ProgramResult(target, g.reshape(shape), pulses.reshape(shape), converged.reshape(shape), float(acceptance))


def _targets(devices: PulsedDevices, targets_S: ArrayLike) -> Floats:
    target = np.asarray(targets_S, float)
    try:
        shape = np.broadcast_shapes(target.shape, devices.shape)
    except ValueError:
        raise InputError(
            f"targets_S has shape {target.shape}, which does not fit devices of shape {devices.shape}: "
            "give one target, one per device, or (levels, *devices)."
        ) from None
    if not np.all(np.isfinite(target) & (target > 0)):
        raise InputError("targets_S must be finite and above 0 S.")
    if np.all(target > 1e-2):
        raise InputError(
            f"targets_S={target.ravel()[0]:g} is not allowed: expected siemens. Did you mean "
            f"{target.ravel()[0] * 1e-6:g} (you gave uS)?"
        )
    return np.broadcast_to(target, shape)


def _factors(goal: Floats, windows: tuple[PulseWindow, ...]) -> Floats:
    """Factors of the steps up and down, (2, targets), or (2, 1) where they are 1 for all."""
    factors = np.ones((2, goal.size if windows else 1))
    for window in windows:
        inside = (goal > window.low_S) & (goal <= window.high_S)
        factors[:, inside] = [[window.up_factor], [window.down_factor]]
    return factors


def levels_S(count: int, low_S: float = 10e-6, high_S: float = 90e-6) -> Floats:
    """Return `count` evenly spaced target levels [S], both ends included. Defaults: arXiv:2502.04524."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 2 <= count <= 4096:
        raise InputError(f"levels={count!r} is not allowed: expected 2..4096 levels.")
    return np.linspace(low_S, high_S, int(count))
