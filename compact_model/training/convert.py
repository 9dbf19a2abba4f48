"""From an ordinary torch network to one on devices."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch

from compact_model.model import CompactModel
from compact_model.population import Population
from compact_model.streams import check_seed
from compact_model.training.agad import AGAD
from compact_model.training.algorithm import Algorithm
from compact_model.training.bank import DeviceBank
from compact_model.training.converters import Converters
from compact_model.training.layers import AnalogConv2d, AnalogLinear
from compact_model.training.lstm import AnalogLSTM
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.tile import Tile
from compact_model.training.torch_tile import TorchTile
from ground.errors import InputError


def to_analog(
    network: torch.nn.Module,
    model: CompactModel | Population | None = None,
    algorithm: Algorithm | None = None,
    *,
    trains: PulseTrains | None = None,
    converters: Converters | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> torch.nn.Module:
    """Return a copy of a network whose Linear, Conv2d and LSTM layers compute and learn on devices.

    model : where the devices come from (default: the published population).  algorithm : default AGAD.
    Weights are taken over as they are, each held inside the bounds of its device; biases stay digital. With the
    floating-point algorithm the copy is the network itself. device : "cpu" for the numba kernels, any other torch device
    ("cuda") for the same law in torch; digital parameters are moved there too.  Raises InputError where nothing can be converted.
    """
    algorithm = algorithm or AGAD()
    out = copy.deepcopy(network)
    if algorithm.code < 0:
        return out
    population = model.population if isinstance(model, CompactModel) else (model or Population.published())
    check_seed(seed)
    used = [0]

    def bank(shape: tuple[int, int]) -> DeviceBank:
        first, used[0] = used[0], used[0] + shape[0] * shape[1]
        return DeviceBank(population.sample(shape, seed, first_device=first))

    def tile(weights: torch.Tensor) -> Tile:
        shape = (weights.shape[0], weights.shape[1])
        W = bank(shape)
        A = bank(shape) if algorithm.has_fast_array else None
        place = (seed << 24) + used[0]
        how: dict[str, Any] = {"trains": trains, "forward": converters, "backward": converters, "seed": place}
        made = Tile(W, A, algorithm, **how) if device == "cpu" else TorchTile(W, A, algorithm, device=device, **how)
        made.write(weights.detach().cpu().numpy())
        return made

    if not _convert(out, tile):
        raise InputError(
            "to_analog: the network has no Linear, Conv2d or LSTM layer; there is nothing to put on devices."
        )
    return out.to(device)


def _convert(module: torch.nn.Module, tile: Callable[[torch.Tensor], Tile]) -> int:
    """Replace the layers below `module`; return how many."""
    done = 0
    for name, child in module.named_children():
        new: torch.nn.Module | None = None
        if isinstance(child, torch.nn.Linear):
            new = AnalogLinear(tile(child.weight), child.bias)
        elif isinstance(child, torch.nn.Conv2d):
            new = AnalogConv2d(tile(child.weight.reshape(child.out_channels, -1)), child)
        elif isinstance(child, torch.nn.LSTM):
            new = _lstm(child, tile)
        if new is None:
            done += _convert(child, tile)
        else:
            setattr(module, name, new)
            done += 1
    return done


def _lstm(lstm: torch.nn.LSTM, tile: Callable[[torch.Tensor], Tile]) -> AnalogLSTM:
    if lstm.bidirectional or not lstm.batch_first or lstm.proj_size or not lstm.bias or lstm.dropout:
        raise InputError(
            "to_analog: an LSTM must be batch_first, of one direction, with bias, without projection and dropout."
        )
    inputs, recurrent = [], []
    for k in range(lstm.num_layers):
        bias = getattr(lstm, f"bias_ih_l{k}") + getattr(lstm, f"bias_hh_l{k}")
        inputs.append(AnalogLinear(tile(getattr(lstm, f"weight_ih_l{k}")), bias))
        recurrent.append(AnalogLinear(tile(getattr(lstm, f"weight_hh_l{k}"))))
    return AnalogLSTM(inputs, recurrent)
