"""The open-loop experiment: long batches of one polarity, then one up, one down; and what is read off the trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.pulsed_device import DOWN, UP, Floats, PulsedDevices
from ground.errors import InputError


@dataclass(frozen=True, eq=False)
class OpenLoopMetrics:
    """What a trace says about each device, arrays of the devices' shape.

    g_max_S, g_min_S : largest and smallest conductance of the batches [S].
    g_sp_S : mean conductance while alternating [S].  dg_sp_S : mean step there, along its pulse [S].
    n_states, sp_skew, nsr : eqs (1)-(3) of arXiv:2502.04524.
    """

    g_max_S: Floats
    g_min_S: Floats
    g_sp_S: Floats
    dg_sp_S: Floats
    n_states: Floats
    sp_skew: Floats
    nsr: Floats


@dataclass(frozen=True, eq=False)
class OpenLoopTrace:
    """g_S : conductance before the first and after every pulse [S], shape (pulses + 1, *devices).
    direction : +1 up, -1 down, shape (pulses,).  alternating_pulses : how many at the end are one up, one down.
    """

    g_S: Floats
    direction: NDArray[np.int64]
    alternating_pulses: int

    def metrics(self, settle_pulses: int = 100) -> OpenLoopMetrics:
        """Return the metrics of this trace; see `open_loop_metrics`."""
        return open_loop_metrics(self.g_S, self.direction, self.alternating_pulses, settle_pulses=settle_pulses)


def run_open_loop(
    devices: PulsedDevices,
    *,
    seed: int,
    batches: int = 4,
    pulses_per_batch: int = 400,
    alternating_pulses: int = 500,
    trial: int = 0,
) -> OpenLoopTrace:
    """Pulse devices from g_min through the published protocol: up, down, up, down batches, then alternation.

    Defaults are the protocol printed in arXiv:2502.04524.  seed, trial : choose the noise; a device alone and the
    same device inside an array see the same noise.
    """
    from compact_model import pulsed_kernel as kernel
    from compact_model.pulse_trains import train

    direction, _ = open_loop_directions(batches, pulses_per_batch, alternating_pulses)
    trace = np.empty((direction.size + 1, *devices.shape))
    trace[0] = devices.g_min_S
    train(
        devices.g_min_S.ravel().copy(),
        kernel.rows(devices),
        devices.device_id.ravel(),
        direction,
        kernel.key(seed, "pulse"),
        trial,
        trace[1:].reshape(direction.size, -1),
    )
    return OpenLoopTrace(trace, direction, alternating_pulses)


def open_loop_directions(
    batches: int = 4, pulses_per_batch: int = 400, alternating_pulses: int = 500
) -> tuple[NDArray[np.int64], int]:
    """Return the direction of every pulse of the protocol (+1 up, -1 down), and how many at the end alternate."""
    for name, value in (
        ("batches", batches),
        ("pulses_per_batch", pulses_per_batch),
        ("alternating_pulses", alternating_pulses),
    ):
        if value < 2:
            raise InputError(f"{name}={value} is not allowed: expected 2 or more (both polarities are needed).")
    signs = np.where(np.arange(batches) % 2 == 0, UP, DOWN).repeat(pulses_per_batch)
    return np.concatenate([signs, np.where(np.arange(alternating_pulses) % 2 == 0, UP, DOWN)]), alternating_pulses


def open_loop_metrics(
    g_S: ArrayLike, direction: ArrayLike, alternating_pulses: int, *, settle_pulses: int = 100
) -> OpenLoopMetrics:
    """Return the metrics of a simulated or measured trace.

    g_S : [S], shape (pulses + 1, ...).  direction : +1 or -1, shape (pulses,).
    settle_pulses : first pulses of the alternation left out, while the device still walks to its symmetry point
    (the paper does not say how many; our choice).
    N_states = (G_max - G_min)/mean(dG_sp), SP_skew = (G_max - mean G_sp)/(G_max - G_min), NSR = std/mean of dG_sp
    (eqs 1-3 of arXiv:2502.04524), where dG_sp counts as positive along the pulse: a step against its pulse is negative.
    """
    g, signs = np.asarray(g_S, float), np.asarray(direction)
    if g.shape[:1] != (signs.size + 1,):
        raise InputError(
            f"g_S has {g.shape[0] if g.ndim else 0} conductances for {signs.size} pulses: expected one "
            "more than pulses (before the first and after each)."
        )
    used = alternating_pulses - settle_pulses
    if settle_pulses < 0 or used < 2 or alternating_pulses >= signs.size:
        raise InputError(
            f"settle_pulses={settle_pulses} is not allowed with alternating_pulses={alternating_pulses} "
            f"of {signs.size}: at least 2 alternating pulses must be left, after a batch."
        )
    g_max, g_min = g[:-alternating_pulses].max(0), g[:-alternating_pulses].min(0)
    steps = np.diff(g[-used - 1 :], axis=0) * signs[-used:].reshape(-1, *[1] * (g.ndim - 1))
    g_sp, dg_sp = g[-used:].mean(0), steps.mean(0)
    if np.any(dg_sp <= 0) or np.any(g_max <= g_min):
        raise InputError(
            "the trace does not follow its pulses: the mean step along the pulse is not positive for "
            f"{int(np.sum(np.asarray(dg_sp <= 0)))} devices. Is the direction inverted?"
        )
    return OpenLoopMetrics(
        g_max_S=g_max,
        g_min_S=g_min,
        g_sp_S=g_sp,
        dg_sp_S=dg_sp,
        n_states=(g_max - g_min) / dg_sp,
        sp_skew=(g_max - g_sp) / (g_max - g_min),
        nsr=steps.std(0, ddof=1) / dg_sp,
    )
