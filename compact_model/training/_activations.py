"""The numba kernels between the tiles of a chain: bias and activation, their way back, and the loss at the end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from compact_model.compiled import njit
from compact_model.training._lanes import sigmoid
from compact_model.training._normals import SERIAL

_F = np.float32
NONE, SIGMOID, TANH, RELU = range(4)


@njit(**SERIAL)
def activate(y: Any, bias: Any, kind: int) -> None:
    """Replace y (vectors, lines) by the activation of y + bias, right to 3e-6; bias (lines,), or (0,) for none."""
    for s in range(y.shape[0]):
        own = y[s]
        for j in range(bias.size):
            own[j] += bias[j]
        if kind == RELU:
            for j in range(own.size):
                own[j] = max(own[j], _F(0.0))
        elif kind != NONE:
            times = _F(2.0) if kind == TANH else _F(1.0)  # tanh y = 2 sigmoid(2 y) - 1
            for j in range(own.size):
                own[j] = times * sigmoid(times * own[j]) - (times - _F(1.0))


@njit(**SERIAL)
def go_back(d: Any, y: Any, kind: int, bias: Any, lr: Any) -> None:
    """Multiply d by the slope of the activation that gave y, both (vectors, lines), and move the bias by -lr times its gradient."""
    for s in range(d.shape[0]):
        own, of = d[s], y[s]
        if kind == SIGMOID:
            for j in range(own.size):
                own[j] *= of[j] * (_F(1.0) - of[j])
        elif kind == TANH:
            for j in range(own.size):
                own[j] *= _F(1.0) - of[j] * of[j]
        elif kind == RELU:
            for j in range(own.size):
                own[j] = own[j] if of[j] > _F(0.0) else _F(0.0)
        for j in range(bias.size):
            bias[j] -= lr * own[j]


@njit(cache=True, error_model="numpy")  # no fast mathematics: what is no number has to show
def cross_entropy(y: Any, labels: Any) -> float:
    """Return the mean cross entropy [nat] of outputs y (vectors, classes), and put its gradient in their place."""
    vectors, classes = y.shape
    loss = 0.0
    for s in range(vectors):
        most = y[s].max()
        total = 0.0
        for j in range(classes):
            total += math.exp(y[s, j] - most)
        loss += math.log(total) + most - y[s, labels[s]]
        for j in range(classes):
            share = math.exp(y[s, j] - most) / total - (j == labels[s])
            y[s, j] = share / vectors
    return loss / vectors
