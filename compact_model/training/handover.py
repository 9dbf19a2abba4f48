"""Weights and device states to aihwkit and back, as plain arrays: neither side has to be installed to hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from compact_model.pulsed_device import PulsedDevices
from compact_model.training.bank import DeviceBank
from compact_model.training.tile import Tile
from ground.errors import InputError

_DEVICE = ("max_bound", "min_bound", "dwmin_up", "dwmin_down", "gamma_up", "gamma_down", "reference")


def bank_from_aihwkit(
    parameters: Mapping[str, ArrayLike],
    dw_min_std: float,
    *,
    suffix: str = "",
    grain: float | None = None,
    unit_S: float = 48e-6,
) -> DeviceBank:
    """Return a bank of the devices whose hidden parameters aihwkit gives (PowStep or PowStepReference).

    parameters : by aihwkit's names with `suffix` ("_0" the fast, "_1" the slow device of a compound), each (rows, columns).
    grain : aihwkit's weight granularity, dw_min 0.5^pow_gamma.  unit_S : conductance that stands for weight 1 [S].
    The lowest bound of all becomes 1 S * unit_S; only differences matter. Raises InputError where a name is missing.
    """
    missing = [n + suffix for n in _DEVICE[:-1] if n + suffix not in parameters]
    if missing:
        raise InputError(
            f"parameters lack {', '.join(missing)}: give what get_hidden_parameters of a PowStep tile returns."
        )
    high, low, up, down, gamma_up, gamma_down = (np.asarray(parameters[n + suffix], float) for n in _DEVICE[:-1])
    zero = np.asarray(parameters.get("reference" + suffix, np.zeros_like(high)), float)
    shift = 1.0 - low.min()
    devices = PulsedDevices(
        g_max_S=(high + shift) * unit_S,
        g_min_S=(low + shift) * unit_S,
        dg_up_S=up * unit_S,
        dg_down_S=down * unit_S,
        gamma_up=gamma_up,
        gamma_down=gamma_down,
        step_noise=np.full(high.shape, dw_min_std),
        device_id=np.arange(high.size).reshape(high.shape),
    )
    bank = DeviceBank(devices, reference_S=(zero + shift) * unit_S, unit_S=unit_S)
    if grain is not None:
        bank.grain = grain
    return bank


def bank_to_aihwkit(bank: DeviceBank, *, suffix: str = "") -> dict[str, Any]:
    """Return the devices of a bank as aihwkit's hidden parameters, each (rows, columns) in weights, and the weights.

    "weights" are those aihwkit keeps: with the reference subtracted.
    """
    d, unit = bank.devices, bank.unit_S
    middle = (d.g_max_S + d.g_min_S).mean() / 2  # aihwkit wants 0 between the bounds
    values = (
        (d.g_max_S - middle) / unit,
        (d.g_min_S - middle) / unit,
        d.dg_up_S / unit,
        d.dg_down_S / unit,
        d.gamma_up,
        d.gamma_down,
        (bank.reference_S - middle) / unit,
    )
    out = {n + suffix: v.astype(np.float32) for n, v in zip(_DEVICE, values, strict=True)}
    return {**out, "weights": bank.weights}


def tile_to_aihwkit(tile: Tile) -> dict[str, Any]:
    """Return a tile as aihwkit's hidden parameters: one device, or fast ("_0") and slow ("_1") with buffer and means.

    aihwkit keeps weights of the slow device as `weights` and those of the fast one as `hidden_weights_0`.
    """
    if tile.A is None:
        return bank_to_aihwkit(tile.W)
    fast, slow = bank_to_aihwkit(tile.A, suffix="_0"), bank_to_aihwkit(tile.W, suffix="_1")
    out = {**fast, **slow, "hidden_weights_0": fast["weights"], "hidden_weights_1": slow["weights"]}
    for n, name in enumerate(("buffered_FP_weight", "running_mean_weight", "past_mean_weight")):
        if tile.algorithm.code >= 2:
            out[name] = tile.digital[..., n].copy()
    return out


def tile_from_aihwkit(tile: Tile, hidden: Mapping[str, ArrayLike], weights: ArrayLike) -> None:
    """Take over weights, fast weights and digital state from aihwkit into a tile made of the same devices."""
    tile.write(weights)
    if tile.A is not None and "hidden_weights_0" in hidden:
        tile.A.write(hidden["hidden_weights_0"])
    for n, name in enumerate(("buffered_FP_weight", "running_mean_weight", "past_mean_weight")):
        for given in (name, f"{name}_0"):
            if given in hidden and tile.algorithm.code >= 2:
                tile.digital[..., n] = np.asarray(hidden[given], np.float32)
