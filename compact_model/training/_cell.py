"""The numba kernels of one step of an LSTM cell, forward and backward, outside torch's bookkeeping."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._lanes import sigmoid
from compact_model.training._normals import SERIAL

_F = np.float32


@njit(**SERIAL)
def step(driven: Any, fed_back: Any, c: Any, gates: Any, c_next: Any, squashed: Any, h_next: Any) -> None:
    """Write gates, c, tanh(c) and h of one time step.

    driven = W_ih x + b and fed_back = W_hh h (batch, 4 hidden), in torch's order i, f, g, o.  c, c_next, squashed, h_next
    (batch, hidden).  c_next = f c + i g, h_next = o tanh(c_next).
    """
    batch, hidden = c.shape
    for s in range(batch):
        own, out = gates[s], h_next[s]
        for j in range(4 * hidden):
            own[j] = driven[s, j] + fed_back[s, j]
        for j in range(2 * hidden):
            own[j] = sigmoid(own[j])
        for j in range(2 * hidden, 3 * hidden):
            own[j] = _F(2.0) * sigmoid(_F(2.0) * own[j]) - _F(1.0)
        for j in range(3 * hidden, 4 * hidden):
            own[j] = sigmoid(own[j])
        for j in range(hidden):
            c_next[s, j] = own[hidden + j] * c[s, j] + own[j] * own[2 * hidden + j]
        for j in range(hidden):
            squashed[s, j] = _F(2.0) * sigmoid(_F(2.0) * c_next[s, j]) - _F(1.0)  # tanh
            out[j] = own[3 * hidden + j] * squashed[s, j]


@njit(**SERIAL)
def step_back(dh: Any, dc: Any, c: Any, gates: Any, squashed: Any, d: Any) -> None:
    """Write into d (batch, 4 hidden) what the loss changes with the arguments of the gates; dc becomes that of the step before.

    dh, dc (batch, hidden) : what it changes with h and c of this step.  c : of the step before.
    """
    batch, hidden = c.shape
    for s in range(batch):
        own, to = gates[s], d[s]
        for j in range(hidden):
            i, f, g, o = own[j], own[hidden + j], own[2 * hidden + j], own[3 * hidden + j]
            t = squashed[s, j]
            inner = dc[s, j] + dh[s, j] * o * (_F(1.0) - t * t)
            to[j] = inner * g * i * (_F(1.0) - i)
            to[hidden + j] = inner * c[s, j] * f * (_F(1.0) - f)
            to[2 * hidden + j] = inner * i * (_F(1.0) - g * g)
            to[3 * hidden + j] = dh[s, j] * t * o * (_F(1.0) - o)
            dc[s, j] = inner * f
