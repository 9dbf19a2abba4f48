"""After training: the arrays the run leaves, whose clock runs, and the figure of merit as time passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from compact_model.array import Array
from compact_model.noise import Noise
from compact_model.pulsed_device import Floats
from compact_model.training.layers import AnalogLayer
from compact_model.training.task import Task

MOMENTS_S = (0.0, 1.0, 3600.0, 86400.0, 3.1536e8)


def trained_arrays(network: torch.nn.Module, noise: Noise | None = None) -> dict[str, Array]:
    """Return the array W of every analog layer, by the layer's name, as the last update left it."""
    return {
        name: Array(m.tile.W.devices, m.tile.W.g_S, m.tile.seed, noise or Noise.published())
        for name, m in network.named_modules()
        if isinstance(m, AnalogLayer)
    }


def figure_in_time(
    task: Task,
    network: torch.nn.Module,
    noise: Noise | None = None,
    *,
    moments_S: Iterable[float] = MOMENTS_S,
    repeat: int = 0,
) -> list[dict[str, Any]]:
    """Return, for every moment [s], the figure of merit with relaxed conductances, each device read once with its noise.

    Once as it is, and once with the known mean shift taken back in the digital part, as the paper's authors do for inference.
    The reference that weight 0 is measured against is taken as fixed. The network is left as it was found.
    """
    arrays, rows = trained_arrays(network, noise), []
    layers = {name: m for name, m in network.named_modules() if isinstance(m, AnalogLayer)}
    kept = {name: (m.tile.W.state.copy(), m.tile.counters.copy()) for name, m in layers.items()}
    try:
        for t in moments_S:
            row: dict[str, Any] = {"time_s": float(t)}
            for key, corrected in ((task.figure, False), (f"{task.figure}_shift_corrected", True)):
                for name, layer in layers.items():
                    later = arrays[name].wait(t) if t else arrays[name]
                    shift = later.noise.relaxation.mean_S(t) if corrected else 0.0
                    _show(layer, later.read(repeat=repeat) - shift)
                row[key] = task.evaluate(network)
            rows.append(row)
    finally:
        for name, layer in layers.items():
            state, counters = kept[name]
            layer.tile.W.state[...], layer.tile.counters[...] = state, counters
            layer.tile.forget()
    return rows


def _show(layer: AnalogLayer, g_S: Floats) -> None:
    """Let the tile compute with these conductances [S], outside the bounds too: a read may show them."""
    bank = layer.tile.W
    layer.tile.show(((g_S - bank.reference_S) / bank.unit_S).astype(np.float32))
