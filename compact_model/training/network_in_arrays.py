"""A trained network run through arrays: its figure of merit over time, with converters, wires, drift and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from compact_model.array import Array
from compact_model.model import CompactModel
from compact_model.moments import moments_s
from compact_model.mvm.chain import Mvm
from compact_model.mvm.devices import DeviceSource
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Noise, check_time
from compact_model.population import Population
from compact_model.pulsed_device import PulsedDevices
from compact_model.streams import check_seed
from compact_model.training.evaluation import Evaluation
from compact_model.training.in_memory import DigitalMatrix, Floats, InputScale, MatrixInMemory, network_with
from compact_model.training.layers import AnalogLayer
from compact_model.training.task import Task, class_scores
from ground.errors import InputError

TIMES = (0, "1 s", "1 h", "10 y")
Data = Task | tuple[torch.Tensor, torch.Tensor]
Place = Callable[[Floats, AnalogLayer | None], MatrixInMemory]


def evaluate(
    network: torch.nn.Module,
    data: Data,
    model: CompactModel | Population | Array | None = None,
    settings: MvmSettings | None = None,
    *,
    times: Iterable[float | str] = TIMES,
    repeats: int = 1,
    seed: int = 0,
    noise: Noise | None = None,
    input_scale: InputScale = "vector",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Program a trained network into arrays and return its scores at several times after that, the same devices at all times.

    network : any torch module with Linear, Conv2d or LSTM (batch_first) layers, from torch or from `to_analog`; biases and what
    stands between the layers stay digital.  data : a `Task`, or (x, y) with y the numbers of the classes.
    model : where devices come from: a model (population and noise), a population, or an array, whose own devices are taken one
    after another; default: the published ones.  settings : the chain; default: `default_chain`, with the closed loop simulated
    where a model is given (a stated width knows no population).
    times : seconds or texts such as "1 h".  repeats : programmings, with the seeds seed, seed + 1, ...: other devices (of an array:
    the same) and other noise.  noise : instead of the model's.  input_scale : see `MatrixInMemory`.
    Each matrix is divided by its largest weight, which then stands at the end of the window.
    """
    used = settings or default_chain(simulated=model is not None)
    source, law = _devices(model, noise, used)
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise InputError(f"repeats={repeats!r} is not allowed: expected a whole number of 1 or more.")
    check_seed(seed)

    def programmed(number: int) -> Place:
        first = [0]

        def place(weights: Floats, layer: AnalogLayer | None) -> MatrixInMemory:
            scale = float(np.abs(weights).max()) or 1.0
            how: dict[str, Any] = {"noise": law, "population": source, "first_device": first[0]}
            mvm = Mvm.program(weights.T / scale, used, seed=number, **how)
            first[0] += sum(t.targets_S.size for t in mvm.tiles)
            return MatrixInMemory(mvm, scale, input_scale)

        return place

    return scores_over_time(network, data, programmed, used, times, range(seed, seed + repeats), "programmed", progress)


def scores_over_time(
    network: torch.nn.Module,
    data: Data,
    placed: Callable[[int], Place],
    settings: MvmSettings,
    times: Iterable[float | str],
    seeds: Sequence[int],
    state: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Return the scores of a network whose matrices `placed(seed)` puts into arrays; state : in words, for the record.

    Every moment is scored as it is read and, under `..._shift_corrected`, with the mean drift taken back as well.
    """
    moments = moments_s(times)
    for t in moments:
        check_time(t)
    figure = data.figure if isinstance(data, Task) else "accuracy"
    found: dict[str, list[list[float]]] = {}
    for number, seed in enumerate(seeds):
        place, matrices = placed(seed), list[MatrixInMemory]()
        running = network_with(network, _kept(place, matrices))
        rows: dict[str, list[float]] = {}
        for k, t in enumerate(moments):
            for name, value in _scores_at(t, running, matrices, data, figure, settings).items():
                rows.setdefault(name, []).append(value)
            progress(number * len(moments) + k + 1, len(seeds) * len(moments))
        for name, values in rows.items():
            found.setdefault(name, []).append(values)
    digital = _scores(network_with(network, lambda weights, _: DigitalMatrix(weights)), data)
    scores_of = {name: np.array(values) for name, values in found.items()}
    return Evaluation(figure, moments, tuple(seeds), scores_of, digital, settings, state)


def _kept(place: Place, matrices: list[MatrixInMemory]) -> Place:
    def kept(weights: Floats, layer: AnalogLayer | None) -> MatrixInMemory:
        matrices.append(place(weights, layer))
        return matrices[-1]

    return kept


def _scores_at(
    t_s: float,
    running: torch.nn.Module,
    matrices: list[MatrixInMemory],
    data: Data,
    figure: str,
    settings: MvmSettings,
) -> dict[str, float]:
    for matrix in matrices:
        matrix.read(t_s)
    scores = _scores(running, data)
    for matrix in matrices:
        matrix.compensate(_WITH_SHIFT.get(settings.compensation, settings.compensation))
    return {**scores, f"{figure}_shift_corrected": _scores(running, data)[figure]}


_WITH_SHIFT: dict[str, Any] = {"none": "shift", "gain": "gain and shift"}


TILE = 64  # rows and columns of devices, as published: along longer lines 0.35 ohm per segment lose much of the product


def default_chain(*, simulated: bool = False, **changes: Any) -> MvmSettings:
    """Return the published chain in pairs, on arrays of 64 x 64 devices, with tabulated IR drop; `changes` as in `replace`.

    In pairs, because inputs of a network are rarely balanced: what the wires take from the mid-point of single devices adds up
    over inputs of one sign, and is no longer what the digital side takes off.
    """
    start = {"ir_drop": "tabulated", "scheme": "pair", "tile_rows": TILE, "tile_columns": TILE}
    return MvmSettings.published(**{**start, "programming": "simulated" if simulated else "stated", **changes})


def _scores(network: torch.nn.Module, data: Data) -> dict[str, float]:
    return data.scores(network) if isinstance(data, Task) else class_scores(network, *data)


@dataclass(frozen=True, eq=False)
class _OfArray:
    """The devices of an array, one after another, as a source of devices."""

    array: Array

    def sample(self, shape: tuple[int, ...], seed: int, *, first_device: int = 0) -> PulsedDevices:
        devices, end = self.array.devices, first_device + int(np.prod(shape))
        if end > int(np.prod(devices.shape)):
            raise InputError(
                f"the array has {int(np.prod(devices.shape))} devices; the network needs {end} or more "
                "(one per weight, two in pairs)."
            )
        parts = {f.name: getattr(devices, f.name).ravel()[first_device:end].reshape(shape) for f in fields(devices)}
        return PulsedDevices(**parts)


def _devices(
    model: CompactModel | Population | Array | None, noise: Noise | None, settings: MvmSettings
) -> tuple[DeviceSource | None, Noise | None]:
    """Return source and noise, or raise InputError where the chain would pay no attention to the devices given."""
    if model is None:
        return None, noise
    if isinstance(model, (Population, Array)) and (settings.programming, settings.device) != ("simulated", "CMO/HfOx"):
        raise InputError(
            f"evaluate: a {type(model).__name__} was given, but the chain has programming={settings.programming!r} and "
            f"device={settings.device!r}, which know nothing of its devices: expected programming='simulated'."
        )
    if isinstance(model, Array):
        if settings.reference == "wired":
            raise InputError(
                "evaluate: an Array was given, but reference='wired' needs devices beside those of the weights: give a Population "
                "or a model, or choose reference='digital' or 'column'."
            )
        return _OfArray(model), noise or model.noise
    if isinstance(model, Population):
        return model, noise
    return model.population, noise or model.noise
