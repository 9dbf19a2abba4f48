"""A long short-term memory whose two matrices per layer are tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from compact_model.training._cell import step, step_back
from compact_model.training.layers import AnalogLinear
from compact_model.training.tile import Tile

State = tuple[torch.Tensor, torch.Tensor]


class _Recurrence(torch.autograd.Function):
    """All time steps of one layer as one function of torch, which would spend more on asking for them than they take.

    driven (time, batch, 4 hidden) = W_ih x + b.  h, c (batch, hidden) : before the first step.  recurrent : layer of W_hh.
    scale (4 hidden,) : of that layer, or None.
    Returns h of every step (time, batch, hidden) and the last c.
    """

    @staticmethod
    def forward(
        context: Any,
        driven: torch.Tensor,
        h: torch.Tensor,
        c: torch.Tensor,
        anchor: torch.Tensor,
        scale: torch.Tensor | None,
        recurrent: Any,
    ) -> State:
        times, batch, hidden = driven.shape[0], h.shape[0], h.shape[1]
        inputs, gates = driven.contiguous().numpy(), np.empty(driven.shape, np.float32)
        hs, cs = (np.empty((times + 1, batch, hidden), np.float32) for _ in range(2))
        squashed = np.empty((times, batch, hidden), np.float32)
        hs[0], cs[0] = h.numpy(), c.numpy()
        factor, seen = (None, None) if scale is None else (scale.numpy(), np.empty(driven.shape, np.float32))
        for t in range(times):
            fed_back = recurrent.tile.forward(hs[t])
            if seen is not None:
                seen[t], fed_back = fed_back, fed_back * factor
            step(inputs[t], fed_back, cs[t], gates[t], cs[t + 1], squashed[t], hs[t + 1])
        context.layer, context.kept = recurrent, (gates, hs, cs, squashed, factor, seen)
        return torch.from_numpy(hs[1:]), torch.from_numpy(cs[-1].copy())

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        gates, hs, cs, squashed, factor, seen = context.kept
        of_h, dc = gradients[0].contiguous().numpy(), gradients[1].contiguous().numpy().copy()
        d, dh = np.empty_like(gates), np.zeros_like(dc)
        of_tile = d if factor is None else np.empty_like(d)
        for t in range(len(gates) - 1, -1, -1):
            step_back(of_h[t] + dh, dc, cs[t], gates[t], squashed[t], d[t])
            if factor is not None:
                of_tile[t] = d[t] * factor
            dh = context.layer.tile.backward(of_tile[t])
        lines = (torch.from_numpy(a.reshape(-1, a.shape[-1])) for a in (hs[:-1], of_tile))
        context.layer.pending.append(tuple(lines))
        of_scale = None if seen is None else torch.from_numpy((d * seen).sum(axis=(0, 1)))
        return torch.from_numpy(d), torch.from_numpy(dh), torch.from_numpy(dc), None, of_scale, None


class AnalogLSTM(torch.nn.Module):
    """As torch.nn.LSTM (batch_first, one direction): gates i, f, g, o = W_ih x + W_hh h + b, both matrices on devices."""

    def __init__(self, inputs: list[AnalogLinear], recurrent: list[AnalogLinear]) -> None:
        super().__init__()
        self.inputs, self.recurrent = torch.nn.ModuleList(inputs), torch.nn.ModuleList(recurrent)
        self.hidden_size = recurrent[0].tile.shape[1]

    def forward(self, x: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Return (output (batch, time, hidden), (h, c) each (layers, batch, hidden)); x (batch, time, features)."""
        layers, batch = len(self.inputs), x.shape[0]
        if state is None:
            state = (x.new_zeros(layers, batch, self.hidden_size), x.new_zeros(layers, batch, self.hidden_size))
        x, last_h, last_c = x.transpose(0, 1), [], []
        for k in range(layers):
            recurrent: Any = self.recurrent[k]
            driven, h, c = self.inputs[k](x), state[0][k], state[1][k]
            if type(recurrent.tile) is Tile and recurrent.bias is None and driven.dtype == torch.float32:
                x, c = _Recurrence.apply(driven, h, c, recurrent._anchor, recurrent.scale, recurrent)
            else:
                x, c = _step_by_step(driven, h, c, recurrent)
            last_h.append(x[-1])
            last_c.append(c)
        return x.transpose(0, 1), (torch.stack(last_h), torch.stack(last_c))


def _step_by_step(driven: torch.Tensor, h: torch.Tensor, c: torch.Tensor, recurrent: torch.nn.Module) -> State:
    """Return what `_Recurrence` returns, in torch's own operations: for any tile, on a GPU too."""
    out = []
    for own in driven:
        i, f, g, o = (own + recurrent(h)).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        out.append(h)
    return torch.stack(out), c
