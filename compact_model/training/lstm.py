"""A long short-term memory whose two matrices per layer are tiles."""

from __future__ import annotations

import torch

from compact_model.training.layers import AnalogLinear

State = tuple[torch.Tensor, torch.Tensor]


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
        last_h, last_c = [], []
        for k in range(layers):
            h, c = state[0][k], state[1][k]
            driven, out = self.inputs[k](x), []
            for t in range(x.shape[1]):
                i, f, g, o = (driven[:, t] + self.recurrent[k](h)).chunk(4, dim=1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
                out.append(h)
            x = torch.stack(out, dim=1)
            last_h.append(h)
            last_c.append(c)
        return x, (torch.stack(last_h), torch.stack(last_c))
