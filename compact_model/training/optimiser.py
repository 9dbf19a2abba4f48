"""The optimiser: pulses for what is analog, plain SGD for what is digital."""

from __future__ import annotations

from typing import Any

import torch

from compact_model.training.layers import AnalogLayer


class AnalogOptimiser(torch.optim.Optimizer):
    """SGD over the digital parameters of a network; `step` also gives every tile its pulses.

    Without momentum and weight decay, which a device has not: torch's own SGD spends more on asking for them than on the biases.
    clip : largest norm of the digital gradient as a whole; a longer one is shortened to it. None: never.
    digital_lr : largest rate of what is digital, where lr is above it: factors of rows bear less than arrays do. None: lr.
    """

    def __init__(
        self, network: torch.nn.Module, lr: float, *, clip: float | None = None, digital_lr: float | None = None
    ) -> None:
        self.layers = [m for m in network.modules() if isinstance(m, AnalogLayer)]
        self.digital, self.clip, self.digital_lr = list(network.parameters()), clip, digital_lr
        super().__init__(self.digital or [torch.nn.Parameter(torch.zeros(0))], {"lr": lr})

    def step(self, closure: Any = None) -> Any:
        """Update every tile, then the digital parameters."""
        lr = self.param_groups[0]["lr"]
        for layer in self.layers:
            layer.learn(lr)
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.digital, self.clip)
        rate = lr if self.digital_lr is None else min(lr, self.digital_lr)
        with torch.no_grad():
            for p in self.digital:
                if p.grad is not None:
                    p.add_(p.grad, alpha=-rate)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, those waiting for a tile included."""
        for layer in self.layers:
            layer.pending.clear()
        for p in self.digital:
            p.grad = None
