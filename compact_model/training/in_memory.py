"""A trained network whose matrices stand in arrays: every layer multiplies as its array does at one moment."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from compact_model.mvm.chain import Mvm
from compact_model.mvm.reading import Reading
from compact_model.mvm.settings import Compensation
from compact_model.training.convert import convert_layers
from compact_model.training.layers import AnalogLayer
from ground.errors import InputError

Floats = NDArray[np.float64]
InputScale = Literal["vector"] | float


class Matrix(Protocol):
    """What takes the place of a tile where nothing is learned."""

    takes_tensors: bool
    shape: tuple[int, int]

    def forward(self, x: NDArray[Any]) -> NDArray[Any]: ...


class DigitalMatrix:
    """W (rows, columns) in floating point."""

    takes_tensors = False

    def __init__(self, weights: Floats) -> None:
        self.weights, self.shape = weights, (weights.shape[0], weights.shape[1])

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return W x; x (vectors, columns), result (vectors, rows) of the same kind of number."""
        return (x @ self.weights.T).astype(x.dtype)


class MatrixInMemory:
    """W (rows, columns) as `scale` times the matrix that `mvm` holds, (columns, rows) there: inputs go to its word lines.

    input_scale : what stands for the full scale of the DAC: "vector", the largest magnitude of each vector, found and put back
    digitally; or a number, beyond which inputs are cut.
    """

    takes_tensors = False

    def __init__(self, mvm: Mvm, scale: float, input_scale: InputScale = "vector") -> None:
        self.mvm, self.scale, self.input_scale = mvm, scale, check_input_scale(input_scale)
        self.shape = (mvm.weights.shape[1], mvm.weights.shape[0])
        self._reading: Reading | None = None

    def read(self, t_s: float) -> None:
        """Let every product from now on see the devices t_s after they were written."""
        self._reading = self.mvm.at(t_s)

    def compensate(self, how: Compensation) -> None:
        """Change the digital compensation; the devices stay as they were read."""
        self._reading = self.reading.compensated(how)

    @property
    def reading(self) -> Reading:
        """Return the read that products see; the one at 0 s where none was asked for."""
        if self._reading is None:
            self.read(0.0)
        assert self._reading is not None
        return self._reading

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return W x as the chain gives it; x (vectors, columns), result (vectors, rows) of the same kind of number."""
        if self.input_scale == "vector":
            full = np.abs(x).max(axis=1, keepdims=True).astype(float)
            full[full == 0.0] = 1.0
        else:
            full = np.full((len(x), 1), float(self.input_scale))
        y = self.reading.multiply(np.clip(x / full, -1.0, 1.0))
        return (self.scale * full * y).astype(x.dtype)


def network_with(network: torch.nn.Module, matrix: Callable[[Floats, AnalogLayer | None], Matrix]) -> torch.nn.Module:
    """Return a copy of a network, on the CPU, every Linear, Conv2d and LSTM of which multiplies with what `matrix` makes.

    matrix : called with the weights (outputs, inputs) and, for a layer on devices, the layer; in the order of the network.
    Biases stay digital. Raises InputError where there is no such layer, or one that cannot be converted.
    """
    out = torch.nn.Sequential(copy.deepcopy(network).cpu())
    done = convert_layers(out, lambda w: matrix(w.detach().cpu().double().numpy(), None))
    for layer in list(out.modules()):
        if isinstance(layer, AnalogLayer) and not isinstance(layer.tile, (DigitalMatrix, MatrixInMemory)):
            layer.tile = matrix(np.asarray(layer.tile.weights, float), layer)  # type: ignore[assignment]
            done += 1
    if not done:
        raise InputError("the network has no Linear, Conv2d or LSTM layer; there is nothing to put into arrays.")
    return out[0].eval()


def check_input_scale(given: Any) -> InputScale:
    """Return "vector" or a number above 0, or raise InputError."""
    if given == "vector" or (isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < np.inf):
        return given
    raise InputError(
        f"input_scale={given!r} is not allowed: expected 'vector', or the full scale of the inputs, above 0."
    )
