"""The optimiser: pulses for what is analog, SGD for what is digital."""

from __future__ import annotations

from typing import Any

import torch

from compact_model.training.layers import AnalogLayer


class AnalogOptimiser(torch.optim.SGD):
    """SGD over the digital parameters of a network; `step` also gives every tile its pulses."""

    def __init__(self, network: torch.nn.Module, lr: float, **settings: Any) -> None:
        self.layers = [m for m in network.modules() if isinstance(m, AnalogLayer)]
        parameters = list(network.parameters()) or [torch.nn.Parameter(torch.zeros(0))]
        super().__init__(parameters, lr=lr, **settings)

    def step(self, closure: Any = None) -> Any:
        """Update every tile, then the digital parameters."""
        for layer in self.layers:
            layer.learn(self.param_groups[0]["lr"])
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, those waiting for a tile included."""
        for layer in self.layers:
            layer.pending.clear()
        super().zero_grad(set_to_none)
