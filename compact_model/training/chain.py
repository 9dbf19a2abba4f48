"""Layers in a row that learn classes without torch's bookkeeping, which takes longer than what it keeps the books of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from compact_model.training._activations import NONE, RELU, SIGMOID, TANH, activate, cross_entropy, go_back
from compact_model.training.layers import AnalogLinear
from ground.errors import InputError

_KINDS: dict[type, int] = {torch.nn.Sigmoid: SIGMOID, torch.nn.Tanh: TANH, torch.nn.ReLU: RELU}
_NO_BIAS = np.empty(0, np.float32)
Link = tuple[AnalogLinear, int, Any]  # layer, kind of the activation behind it, bias


def links_of(network: torch.nn.Module) -> list[Link] | None:
    """Return the links of a Sequential of AnalogLinear on numba tiles, each with Sigmoid, Tanh, ReLU or nothing behind it.

    None where the network is anything else: a layer used twice, a bias that does not learn, a scale that does, rates per line or
    a hook on a layer included.
    """
    links: list[Link] = []
    if type(network) is not torch.nn.Sequential or network._forward_hooks or network._forward_pre_hooks:
        return None
    for module in network._modules.values():
        kind = _KINDS.get(type(module), NONE)
        if module is None or module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
            return None
        if type(module) is AnalogLinear and not module.tile.takes_tensors:
            bias = module.bias
            fixed, again = bias is not None and not bias.requires_grad, any(module is layer for layer, _, _ in links)
            if fixed or again or module.scale is not None or module.line_rates is not None:
                return None
            links.append((module, NONE, _NO_BIAS if bias is None else bias.detach().numpy()))
        elif kind and links and links[-1][1] == NONE:
            links[-1] = (links[-1][0], kind, links[-1][2])
        else:
            return None
    return links


def learn_classes(links: list[Link], x: torch.Tensor, labels: torch.Tensor, lr: float) -> float:
    """Take one step down the mean cross entropy [nat] of a batch and return it; nothing is changed where it is no finite number.

    x (vectors, inputs), labels (vectors,). To the law of autograd and `AnalogOptimiser`, with the same random numbers.
    """
    values, truth = [x.contiguous().numpy()], labels.numpy()
    for layer, kind, bias in links:
        y = layer.tile.forward(values[-1])
        activate(y, bias, kind)
        values.append(y)
    if truth.max() >= y.shape[1]:
        raise InputError(
            f"a label is {truth.max()}, but the network has {y.shape[1]} outputs: make its last layer wider."
        )
    d = y.copy() if links[-1][1] else y
    loss = cross_entropy(d, truth)
    if math.isfinite(loss):
        for n in range(len(links) - 1, -1, -1):
            layer, kind, bias = links[n]
            go_back(d, values[n + 1], kind, bias, lr)
            back = layer.tile.backward(d) if n else d
            layer.tile.update(values[n], d, lr=lr)
            d = back
    return loss
