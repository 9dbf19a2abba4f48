"""After training: the arrays the run leaves, whose clock runs, read through the same chain as any other array."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch

from compact_model.array import Array
from compact_model.mvm.chain import Mvm, Tile, cuts
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Noise
from compact_model.pulsed_device import Floats, PulsedDevices
from compact_model.training.evaluation import Evaluation
from compact_model.training.in_memory import InputScale, MatrixInMemory
from compact_model.training.layers import AnalogLayer
from compact_model.training.network_in_arrays import Data, default_chain, scores_over_time
from ground.errors import InputError

MOMENTS_S = (0.0, 1.0, 3600.0, 86400.0, 3.1536e8)
References = Literal["fixed", "relaxing"]
_OTHER = 1 << 40  # number of the first reference device: none of the trained ones


def trained_arrays(network: torch.nn.Module, noise: Noise | None = None) -> dict[str, Array]:
    """Return the array W of every analog layer, by the layer's name, as the last update left it."""
    return {
        name: trained_array(m, noise or Noise.published())
        for name, m in network.named_modules()
        if isinstance(m, AnalogLayer)
    }


def trained_array(layer: AnalogLayer, noise: Noise) -> Array:
    """Return the array W of a layer."""
    layer.tile.state()  # brings back what stands on a GPU
    return Array(layer.tile.W.devices, layer.tile.W.g_S, layer.tile.seed, noise)


def evaluate_trained(
    network: torch.nn.Module,
    data: Data,
    settings: MvmSettings | None = None,
    *,
    noise: Noise | None = None,
    times: Iterable[float | str] = MOMENTS_S,
    references: References = "fixed",
    input_scale: InputScale = "vector",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Return the scores of a network on devices as time passes after its last update: nothing is programmed again.

    Every device stands beside its reference, which holds the conductance of weight 0, in neighbouring columns; their currents are
    subtracted before the ADC.  references : "fixed", as in training, or "relaxing": devices like the others, written at the same
    time, whose mean drift then cancels that of the weights.
    settings : the chain; scheme, window and programming follow from the training (default: as in `evaluate`).
    Raises InputError where the network has no layer on devices.
    """
    if references not in ("fixed", "relaxing"):
        raise InputError(f"references={references!r} is not allowed: expected 'fixed' or 'relaxing'.")
    if not any(isinstance(m, AnalogLayer) for m in network.modules()):
        raise InputError(
            "the network has no layer on devices: it was trained in floating point; program it (`evaluate`)."
        )
    chain, law = settings or default_chain(), noise or Noise.published()

    def place(weights: Floats, layer: AnalogLayer | None) -> MatrixInMemory:
        if layer is None:
            raise InputError(
                "a layer of the network is digital still: convert all with to_analog, or program it (`evaluate`)."
            )
        return MatrixInMemory(trained_matrix(layer, chain, law, references), 1.0, input_scale)

    used = chain.replace(scheme="pair", programming="ideal", low_S=0.0)
    state = f"as trained, {references} references"
    return scores_over_time(network, data, lambda seed: place, used, times, (0,), state, progress)


def trained_matrix(layer: AnalogLayer, settings: MvmSettings, noise: Noise, references: References = "fixed") -> Mvm:
    """Return the matrix (inputs, outputs) of a layer as its devices stand, with a reference beside each."""
    array, bank = trained_array(layer, noise), layer.tile.W
    chain = settings.replace(scheme="pair", low_S=0.0, high_S=bank.unit_S, programming="ideal")
    tiles = []
    for rows, columns in cuts(bank.shape[1], bank.shape[0], chain):
        state = _BesideReferences(
            _part(array, columns, rows), bank.reference_S[columns, rows], references == "relaxing"
        )
        tiles.append(Tile(rows, columns, state.at(0.0, read_noise=False), state))
    return Mvm(bank.weights.T.astype(float), chain, tuple(tiles))


@dataclass(frozen=True, eq=False)
class _BesideReferences:
    """State of an array (outputs, inputs) on word lines that are the inputs: device and reference columns in turn."""

    array: Array
    reference_S: Floats
    relaxing: bool

    def at(self, t_s: float, *, relaxation: bool = True, read_noise: bool = True) -> Floats:
        device = _shown(self.array, t_s, relaxation, read_noise)
        reference = self.reference_S
        if self.relaxing:
            a = self.array
            numbers = {f.name: getattr(a.devices, f.name) for f in fields(a.devices)}
            devices = PulsedDevices(**{**numbers, "device_id": a.devices.device_id + _OTHER})
            reference = _shown(Array(devices, self.reference_S, a.seed, a.noise), t_s, relaxation, read_noise)
        return np.stack([device.T, reference.T], axis=2).reshape(device.shape[1], 2 * device.shape[0])


def _shown(array: Array, t_s: float, relaxation: bool, read_noise: bool) -> Floats:
    g = array.wait(t_s).g_S if relaxation else array.g_written_S
    if read_noise:
        g = array.noise.read.read_S(g, t_s, array.devices.device_id, seed=array.seed, trial=array.writes)
    return np.maximum(g, 0.0)


def _part(array: Array, rows: slice, columns: slice) -> Array:
    parts = {f.name: getattr(array.devices, f.name)[rows, columns] for f in fields(array.devices)}
    return Array(PulsedDevices(**parts), array.g_written_S[rows, columns], array.seed, array.noise)
