"""torch layers whose weights are devices: AnalogLinear and AnalogConv2d."""

from __future__ import annotations

from typing import Any

import torch

from compact_model.training.line_rates import LineRates
from compact_model.training.tile import Tile
from ground.errors import InputError


class _Product(torch.autograd.Function):
    """y = W x + b, W x on the tile; its gradient is W^T d on the tile, and (x, d) is kept until the optimiser asks for the update."""

    @staticmethod
    def forward(
        context: Any, x: torch.Tensor, anchor: torch.Tensor, bias: torch.Tensor | None, layer: Any
    ) -> torch.Tensor:
        context.save_for_backward(x)
        context.layer = layer
        tile = layer.tile
        y = tile.forward(x) if tile.takes_tensors else torch.from_numpy(tile.forward(x.numpy()))
        return y if bias is None else y.add_(bias)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (x,), layer, d = context.saved_tensors, context.layer, gradients[0].contiguous()
        layer.pending.append((x.detach(), d))
        wanted, tile, back = context.needs_input_grad, layer.tile, None
        if wanted[0]:
            back = tile.backward(d) if tile.takes_tensors else torch.from_numpy(tile.backward(d.numpy()))
        return back, None, d.sum(0) if wanted[2] else None, None


class AnalogLayer(torch.nn.Module):
    """Base of layers with one tile. pending : products seen since the last update, (vectors, columns) and (vectors, rows).

    bias, scale (rows,) : digital and learned; scale multiplies what the tile gives. None where there is none.
    line_rates : see `LineRates`, or None, where every line has the rate of the optimiser.
    """

    def __init__(self, tile: Tile, bias: torch.Tensor | None, scale: torch.Tensor | None = None) -> None:
        super().__init__()
        self.tile = tile
        self.pending: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.bias, self.scale = (None if p is None else torch.nn.Parameter(p.detach().clone()) for p in (bias, scale))
        self.line_rates: LineRates | None = None
        self._anchor = torch.zeros(
            (), requires_grad=True
        )  # so that autograd comes here even for an input without gradient

    def product(self, x: torch.Tensor) -> torch.Tensor:
        """Return scale W x + bias for x (..., columns)."""
        flat = x.reshape(-1, x.shape[-1]).contiguous()
        if self.scale is None:
            y = _Product.apply(flat, self._anchor, self.bias, self)
        else:
            y = self.scale * _Product.apply(flat, self._anchor, None, self)
            y = y if self.bias is None else y + self.bias
        return y.reshape(*x.shape[:-1], -1)

    def learn(self, lr: float) -> None:
        """Give the tile the pulses of everything pending, in the order in which it came."""
        if not self.pending:
            return
        x, d = (parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*self.pending, strict=True))
        self.pending.clear()
        if self.line_rates is not None:
            x, d = self.line_rates(x, d)
        if self.tile.takes_tensors:
            self.tile.update(x, d, lr=lr)
        else:
            self.tile.update(x.numpy(), d.numpy(), lr=lr)


class AnalogLinear(AnalogLayer):
    """y = s W x + b, W (outputs, inputs) on devices, b and s (outputs,) digital; s is 1 where none is given."""

    def __init__(self, tile: Tile, bias: torch.Tensor | None = None, scale: torch.Tensor | None = None) -> None:
        super().__init__(tile, bias, scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return s W x + b; x (..., inputs)."""
        return self.product(x)


class AnalogConv2d(AnalogLayer):
    """A two-dimensional convolution as one product per place: W (channels out, channels in x height x width) on devices."""

    def __init__(self, tile: Tile, like: torch.nn.Conv2d, scale: torch.Tensor | None = None) -> None:
        super().__init__(tile, like.bias, scale)
        if like.groups != 1 or like.padding_mode != "zeros" or isinstance(like.padding, str):
            raise InputError("AnalogConv2d: expected groups=1, padding_mode='zeros' and padding in numbers.")
        self.kernel_size, self.stride, self.padding, self.dilation = (
            like.kernel_size,
            like.stride,
            like.padding,
            like.dilation,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution of x (batch, channels, height, width)."""
        how = {
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
        }
        columns = torch.nn.functional.unfold(x, **how).transpose(1, 2)
        y = self.product(columns).transpose(1, 2)
        size = zip(x.shape[-2:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        height, width = ((n + 2 * int(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in size)
        return y.reshape(x.shape[0], -1, height, width)
