"""A bank of pulsed devices that holds weights: PulsedDevices brought to what the kernels read, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.pulsed_device import Floats, PulsedDevices, symmetry_point_S
from compact_model.training._weights import weights_of
from ground.errors import InputError

Single = NDArray[np.float32]


class DeviceBank:
    """Devices (rows, columns), their state u = (g - g_min)/(g_max - g_min) in 0..1, and how a conductance is a weight.

    weight = (g - reference_S) / unit_S.  reference_S (rows, columns) : conductance that is weight 0, by default the symmetry
    point of each device, where pulses of both directions cancel (a reference device programmed there).
    reach : weight at the end of the mean window, which spans -reach to reach.
    unit_S : conductance of weight 1, by default half the mean window over `reach`.
    grain : weight step that one pulse is taken for when trains are sized: the larger of the mean device's two steps in
    the middle of its window (aihwkit's `weight_granularity`).
    """

    def __init__(
        self,
        devices: PulsedDevices,
        *,
        reference_S: ArrayLike | None = None,
        unit_S: float | None = None,
        reach: float = 1.0,
    ) -> None:
        if len(devices.shape) != 2:
            raise InputError(f"DeviceBank: the devices have shape {devices.shape}; expected (rows, columns).")
        self.devices = devices
        span_S = devices.g_max_S - devices.g_min_S
        self.unit_S = float(np.mean(span_S) / 2 / reach if unit_S is None else unit_S)
        reference = symmetry_point_S(devices) if reference_S is None else np.broadcast_to(reference_S, devices.shape)
        self.reference_S = np.array(reference, float)
        self.scale = np.stack([span_S, self.reference_S - devices.g_min_S], axis=-1) / self.unit_S
        self.scale = np.ascontiguousarray(self.scale, np.float32)  # weight = state * scale[..., 0] - scale[..., 1]
        step = _pairs(devices.dg_up_S / span_S, devices.dg_down_S / span_S)
        gamma, noise = _pairs(devices.gamma_up, devices.gamma_down), _pairs(devices.step_noise, devices.step_noise)
        self.word, self.law = packed((np.log2(step), 11), (gamma, 11), (noise, 10))
        self.state = np.clip(self.scale[..., 1] / self.scale[..., 0], 0.0, 1.0)
        up, down = devices.dg_up_S * 0.5**devices.gamma_up, devices.dg_down_S * 0.5**devices.gamma_down
        self.grain = float(np.mean(np.maximum(up, down)) / self.unit_S)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        rows, columns = self.devices.shape
        return rows, columns

    @property
    def weights(self) -> Single:
        """Return the weights, shape (rows, columns)."""
        return weights_of(self.state, self.scale)

    @property
    def g_S(self) -> Floats:
        """Return the conductances [S], shape (rows, columns)."""
        return self.devices.g_min_S + self.state.astype(float) * (self.devices.g_max_S - self.devices.g_min_S)

    def write(self, weights: ArrayLike) -> None:
        """Set the weights, each held inside the bounds of its device (an ideal write: programming is another matter)."""
        given = np.asarray(weights, np.float32)
        if given.shape != self.shape:
            raise InputError(f"weights have shape {given.shape}, but the bank holds {self.shape} devices.")
        self.state = np.clip((given + self.scale[..., 1]) / self.scale[..., 0], 0.0, 1.0)

    def for_kernel(self) -> tuple[Any, ...]:
        """Return (state, word, law, scale), as the kernels take them; the state is changed in place."""
        return self.state, self.word, self.law, self.scale


def packed(*columns: tuple[Floats, int]) -> tuple[NDArray[np.uint32], Single]:
    """Return 32-bit words that hold one whole number per column, and (lowest, step) of each column, flat.

    Memory decides the speed of an update: a device in 12 bytes stays in cache. Each parameter is rounded to a fixed number
    of levels between the smallest and the largest of the bank; a bank of equal devices is held exactly.
    """
    word, law = np.zeros(columns[0][0].shape, np.uint32), []
    for values, bits in columns:
        low, levels = float(values.min()), 2**bits - 1
        step = (float(values.max()) - low) / levels
        level = np.rint((values - low) / step) if step > 0 else np.zeros_like(values)
        word = (word << np.uint32(bits)) | level.astype(np.uint32)
        law += [low, step]
    return word, np.array(law, np.float32)


def _pairs(up: Floats, down: Floats) -> Floats:
    """Return (rows, 2 columns) with column j's up value at 2j and its down value at 2j + 1."""
    return np.stack([up, down], axis=-1).reshape(up.shape[0], -1)
