"""From an ordinary torch network to one on devices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch

from compact_model.model import CompactModel
from compact_model.population import Population
from compact_model.streams import check_seed
from compact_model.training.agad import AGAD
from compact_model.training.algorithm import Algorithm
from compact_model.training.bank import DeviceBank
from compact_model.training.converters import Converters
from compact_model.training.layers import AnalogConv2d, AnalogLayer, AnalogLinear
from compact_model.training.line_rates import LineRates
from compact_model.training.lstm import AnalogLSTM
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.tile import Tile
from compact_model.training.torch_tile import TorchTile
from compact_model.training.wires import TrainWires
from ground.errors import InputError, nearest


def to_analog(
    network: torch.nn.Module,
    model: CompactModel | Population | None = None,
    algorithm: Algorithm | None = None,
    *,
    trains: PulseTrains | None = None,
    converters: Converters | None = None,
    reach: float = 1.0,
    learn_scales: bool = False,
    line_rates: float | None = None,
    layers: Mapping[str, Mapping[str, float]] | None = None,
    wires: TrainWires | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> torch.nn.Module:
    """Return a copy of a network whose Linear, Conv2d and LSTM layers compute and learn on devices.

    model : where the devices come from (default: the published population).  algorithm : default AGAD.
    reach : weight at the end of the devices' mean window; what the ADC sees is multiplied by it in digital. 0.01 to 100.
    learn_scales : that factor is one number per row (output), which starts at `reach` and is learned with the biases.
    line_rates : floor of `LineRates`, 0 to 1, which every layer then has; None for one rate.
    layers : what is different in some layers, by their names in the network: rates of the algorithm but lr and decay, and line_rates.
    wires : resistance of the lines, which products in training then see; None for perfect lines.
    Weights are taken over as they are, each held inside the bounds of its device; biases stay digital. With the
    floating-point algorithm the copy is the network itself. device : "cpu" for the numba kernels; "torch-cpu", or any other torch
    device ("cuda"), for the same law in torch; digital parameters are moved there too.
    Raises InputError where nothing can be converted, or torch cannot use the device.
    """
    algorithm, place = algorithm or AGAD(), torch_device(device)
    out = copy.deepcopy(network)
    if algorithm.code < 0:
        return out.to(place)
    population = model.population if isinstance(model, CompactModel) else (model or Population.published())
    check_seed(seed)
    if not 0.01 <= reach <= 100.0:
        raise InputError(
            f"reach={reach!r} is not allowed: expected 0.01 to 100, the largest weight a device is to hold."
        )
    of_bank, scale = (1.0, reach) if learn_scales else (reach, None)
    converters, used = (converters or Converters()).reaching(of_bank), [0]

    def bank(shape: tuple[int, int]) -> DeviceBank:
        first, used[0] = used[0], used[0] + shape[0] * shape[1]
        return DeviceBank(population.sample(shape, seed, first_device=first), reach=of_bank)

    def tile(weights: torch.Tensor) -> Tile:
        shape = (weights.shape[0], weights.shape[1])
        W = bank(shape)
        A = bank(shape) if algorithm.has_fast_array else None
        own_seed = (seed << 24) + used[0]
        how: dict[str, Any] = {"trains": trains, "forward": converters, "backward": converters, "seed": own_seed}
        how["wires"] = wires
        made = Tile(W, A, algorithm, **how) if device == "cpu" else TorchTile(W, A, algorithm, device=str(place), **how)
        made.write(weights.detach().cpu().numpy() / (scale or 1.0))
        return made

    if not convert_layers(out, tile, scale):
        raise InputError(
            "to_analog: the network has no Linear, Conv2d or LSTM layer; there is nothing to put on devices."
        )
    everywhere = {} if line_rates is None else {"line_rates": line_rates}
    for name, rates in [("", everywhere), *(layers or {}).items()]:
        _give_rates(out, name, rates)
    return out.to(place)


def _give_rates(network: torch.nn.Module, name: str, rates: Mapping[str, float]) -> None:
    """Change rates of the analog layers at and below `name`, or raise InputError naming the near ones."""
    known = {n: m for n, m in network.named_modules() if isinstance(m, AnalogLayer)}
    found = [m for n, m in known.items() if not name or n == name or n.startswith(f"{name}.")]
    if not found:
        raise InputError(f"layers: there is no analog layer {name!r} in the network. {nearest(name, known)}")
    for layer in found:
        changes = dict(rates)
        floor = changes.pop("line_rates", None)
        if floor is not None:
            if not 0.0 <= floor <= 1.0:
                raise InputError(f"line_rates={floor!r} is not allowed: expected 0 to 1, the weakest line told apart.")
            layer.line_rates = LineRates(*layer.tile.shape, floor)
        of_all = [rate for rate in ("lr", "decay") if rate in changes]
        if of_all:
            raise InputError(f"layers: {of_all[0]!r} of {name!r} is not allowed: it is one for the whole network.")
        layer.tile.algorithm = layer.tile.algorithm.replace(**changes)


def torch_device(name: str) -> torch.device:
    """Return the torch device of "cpu", "torch-cpu" or "cuda", "cuda:1"..., or raise InputError where it cannot be used."""
    kind, _, number = name.partition(":")
    if name in ("cpu", "torch-cpu"):
        return torch.device("cpu")
    if kind != "cuda" or (number and not number.isdigit()):
        raise InputError(
            f"device={name!r} is not known: expected cpu (numba kernels), torch-cpu (the same law in torch) or cuda, cuda:1 (a GPU)."
        )
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= found:
        why = "was built without CUDA" if torch.version.cuda is None else f"finds {found} of them"
        raise InputError(
            f"device={name!r} cannot be used: torch {torch.__version__} {why}. Install a torch with CUDA where there is a GPU, or "
            "leave --device out: the numba kernels are made for the CPU."
        )
    return torch.device(name)


def convert_layers(
    module: torch.nn.Module,
    tile: Callable[[torch.Tensor], Any],
    scale: float | None = None,
    made: dict[torch.nn.Module, torch.nn.Module] | None = None,
) -> int:
    """Replace the layers below `module`; return how many. A layer that stands in two places stays one layer.

    scale : at which the learned factors of the rows start; None for no such factors.
    """
    made = {} if made is None else made
    for name, child in list(module._modules.items()):
        if child is None:
            continue
        new = made.get(child)
        if new is not None:
            pass
        elif isinstance(child, torch.nn.Linear):
            new = AnalogLinear(tile(child.weight), child.bias, _scales(child.weight, scale))
        elif isinstance(child, torch.nn.Conv2d):
            new = AnalogConv2d(tile(child.weight.flatten(1)), child, _scales(child.weight, scale))
        elif isinstance(child, torch.nn.LSTM):
            new = _lstm(child, tile, scale)
        if new is None:
            convert_layers(child, tile, scale, made)
        else:
            setattr(module, name, new)
            made[child] = new
    return len(made)


def _scales(weights: torch.Tensor, start: float | None) -> torch.Tensor | None:
    """Return one factor per row of the weights (rows, ...), or None."""
    return None if start is None else torch.full((len(weights),), start)


def _lstm(lstm: torch.nn.LSTM, tile: Callable[[torch.Tensor], Any], scale: float | None) -> AnalogLSTM:
    if lstm.bidirectional or not lstm.batch_first or lstm.proj_size or not lstm.bias or lstm.dropout:
        raise InputError(
            "to_analog: an LSTM must be batch_first, of one direction, with bias, without projection and dropout."
        )
    inputs, recurrent = [], []
    for k in range(lstm.num_layers):
        bias = getattr(lstm, f"bias_ih_l{k}") + getattr(lstm, f"bias_hh_l{k}")
        W_ih, W_hh = getattr(lstm, f"weight_ih_l{k}"), getattr(lstm, f"weight_hh_l{k}")
        inputs.append(AnalogLinear(tile(W_ih), bias, _scales(W_ih, scale)))
        recurrent.append(AnalogLinear(tile(W_hh), None, _scales(W_hh, scale)))
    return AnalogLSTM(inputs, recurrent)
