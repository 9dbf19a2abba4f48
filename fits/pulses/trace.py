"""The trace of one pulsed device, and what the published protocol reads off it, with errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compact_model.open_loop import open_loop_metrics
from ground.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
SETTLE_PULSES = 100  # of the alternation, left out as in compact_model.open_loop
_FEWEST_ALTERNATING = 50  # beyond those that settle
_BLOCK, _RESAMPLES = 20, 400


@dataclass(frozen=True)
class PulseTrace:
    """Conductance after every pulse g (n,), in S or (normalised) in units of its own, and the direction (n,) of the pulse."""

    g: Array
    direction: NDArray[np.int64]
    device: str = ""
    normalised: bool = False
    synthetic: bool = False

    def __post_init__(self) -> None:
        if self.g.ndim != 1 or self.g.shape != self.direction.shape or self.g.size < 20:
            raise InputError(
                f"PulseTrace {self.device}: g {self.g.shape} and direction {self.direction.shape} are not allowed: expected two "
                "arrays of one length, at least 20 pulses."
            )
        if not np.all(np.isfinite(self.g)):
            raise InputError(f"PulseTrace {self.device}: a conductance is not finite; leave such pulses out.")
        if set(np.unique(self.direction)) != {-1, 1}:
            raise InputError(
                f"PulseTrace {self.device}: the directions are {sorted(set(self.direction.tolist()))}; expected pulses up (+1) and "
                "pulses down (-1), both."
            )
        if np.ptp(self.g) <= 0:
            raise InputError(f"PulseTrace {self.device}: the conductance never changes; is it the right column?")

    @property
    def alternating_pulses(self) -> int:
        """How many pulses at the end are one up, one down."""
        same = np.flatnonzero(np.diff(self.direction) == 0)
        return self.direction.size - 1 - int(same[-1]) - 1 if same.size else self.direction.size


@dataclass(frozen=True)
class WithError:
    """A value and its standard error (None: the protocol gives none)."""

    value: float
    stderr: float | None


def traces_of(data: xr.Dataset) -> list[PulseTrace]:
    """Return one trace per device of a table that `read_pulses` has read; the cycles of a device follow each other."""
    normalised = bool(data.attrs.get("normalised", False))
    g = data["response" if normalised else "conductance_S"].values.astype(float)
    device, direction = data["device"].values.astype(str), data["direction"].values.astype(np.int64)
    stem = str(data.attrs.get("source", "")).rsplit(".", 1)[0]
    return [
        PulseTrace(
            g[device == name],
            direction[device == name],
            name or stem,
            normalised,
            bool(data.attrs.get("synthetic", False)),
        )
        for name in dict.fromkeys(device.tolist())
    ]


def protocol_metrics(trace: PulseTrace, *, seed: int = 0) -> dict[str, WithError] | None:
    """Metrics of the published protocol (eqs 1-3 of arXiv:2502.04524) with errors, or None where the trace does not alternate.

    Errors from a bootstrap of blocks of 20 alternating pulses; G_max and G_min are extremes of the batches and carry none.
    These are numbers of the experiment, not parameters of the device: see docs/physics.md for their bias.
    """
    alternating = trace.alternating_pulses
    used = alternating - SETTLE_PULSES
    if used < _FEWEST_ALTERNATING or alternating >= trace.g.size - 1:
        return None
    m = open_loop_metrics(trace.g, trace.direction[1:], alternating, settle_pulses=SETTLE_PULSES)
    high, low, span = float(m.g_max_S), float(m.g_min_S), float(m.g_max_S - m.g_min_S)
    steps = np.diff(trace.g[-used - 1 :]) * trace.direction[-used:]
    blocks = used // _BLOCK
    steps, g = (a[-blocks * _BLOCK :].reshape(blocks, _BLOCK) for a in (steps, trace.g))
    pick = np.random.default_rng(seed).integers(0, blocks, (_RESAMPLES, blocks))
    again, level = steps[pick].reshape(_RESAMPLES, -1), g[pick].reshape(_RESAMPLES, -1).mean(1)
    mean = again.mean(1)
    errors = {
        "n_states": np.std(span / mean),
        "sp_skew": np.std((high - level) / span),
        "nsr": np.std(again.std(1, ddof=1) / mean),
        "dg_sp": np.std(mean),
        "g_sp": np.std(level),
    }
    values = {"n_states": m.n_states, "sp_skew": m.sp_skew, "nsr": m.nsr, "dg_sp": m.dg_sp_S, "g_sp": m.g_sp_S}
    out = {name: WithError(float(values[name]), float(errors[name])) for name in values}
    return {**out, "g_max": WithError(high, None), "g_min": WithError(low, None)}
