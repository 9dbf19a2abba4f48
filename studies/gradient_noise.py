"""How noisy the gradient is that an algorithm with a fast array gathers, layer by layer, in a run as its checkpoint left it.

python -m studies.gradient_noise RUN [BATCHES]

Weights and everything digital are held while some batches go by. What every device has collected in H is then compared with the
sum of the exact gradients: H = slope * sum + noise. Signal and noise are given in units of the rms gradient of one batch, times
the root of the number of batches; so gradients that know nothing of each other have a signal of 1, and a noise of 2 means that the
pulses on A add twice the noise that the choice of the batches brings anyway. `--fast-lr` (more pulses) lowers it until devices of A
get several pulses between two reads, `--transfer-every` (fewer or more reads) has a smallest noise in between. Bias is what the first
and the second half of the batches have left in common, in units of the rms gradient of one batch: no lower rate averages it away, the
weights come to rest where the gradient cancels it. Large `--fast-lr` brings it to layers whose errors are many small ones of one sign
and few large ones of the other; `--spread-trains` all but takes it away. Some 160 batches tell a bias of 0.1.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ground.errors import InputError, MissingLibrary

_QUIET = 1e6  # threshold at which no device of W gets a pulse
_IDLE = 1e-3  # devices with so small a part of the mean power of the gradient are left out


@dataclass(frozen=True)
class LayerNoise:
    """slope : of H over the exact sum.  signal : rms of that sum.  noise, bias : of what is left, over the slope; units see above.

    spread : rms by which slopes of single devices differ from that of the layer, as a fraction.
    """

    layer: str
    slope: float
    signal: float
    noise: float
    bias: float
    spread: float


def gradient_noise(network: Any, task: Any, settings: Any, *, batches: int = 20, warm: int = 8) -> list[LayerNoise]:
    """Return the noise of every layer of an analog network; the network is used up.

    settings : `TrainSettings` of the run.  batches : that count, after `warm` that let the choppers settle.
    Raises InputError where the algorithm has no hidden matrix that reads of a fast array fill.
    """
    from compact_model.training.algorithm import Buffered
    from compact_model.training.layers import AnalogLayer
    from compact_model.training.optimiser import AnalogOptimiser

    layers = {name: m for name, m in network.named_modules() if isinstance(m, AnalogLayer)}
    if not layers or any(not isinstance(m.tile.algorithm, Buffered) or m.tile.takes_tensors for m in layers.values()):
        raise InputError("gradient noise: expected a run with ttv2, c-ttv2 or agad on the CPU, whose H can be read.")
    sums = {name: _Sum(layer.tile) for name, layer in layers.items()}
    optimiser = AnalogOptimiser(network, lr=settings.law.lr, clip=settings.clip, digital_lr=settings.digital_lr)
    digital = [p.detach().clone() for p in optimiser.digital]
    epochs = (task.batches(epoch, settings.seed) for epoch in count())
    for n, (x, y) in enumerate(islice(chain.from_iterable(epochs), warm + batches)):
        if n == warm:
            for each in sums.values():
                each.begin()
        if n == warm + batches // 2:
            for each in sums.values():
                each.mark()
        task.learn(network, optimiser, x, y)
        for p, before in zip(optimiser.digital, digital, strict=True):
            p.data.copy_(before)
    return [each.result(name, batches) for name, each in sums.items()]


class _Sum:
    """Stands before a tile's update and sums the exact gradients of what it is given."""

    def __init__(self, tile: Any) -> None:
        tile.algorithm = tile.algorithm.replace(threshold=_QUIET)
        tile.digital[..., 0] = 0.0  # in the old unit, beside which what comes now would be lost
        self.tile, self.update, tile.update = tile, tile.update, self
        self.sum: NDArray[Any] = np.zeros(tile.shape)
        self.power: NDArray[Any] = np.zeros(tile.shape)
        self.begin()

    def __call__(self, x: Any, d: Any, *, lr: float) -> None:
        exact = -(lr / (_QUIET * self.tile.W.grain)) * (d.T.astype(float) @ x.astype(float))
        self.sum, self.power = self.sum + exact, self.power + exact**2
        self.update(x, d, lr=lr)

    def begin(self) -> None:
        """Start to count."""
        self.at_start: NDArray[Any] = self.tile.digital[..., 0].astype(float)
        self.sum, self.power = np.zeros(self.tile.shape), np.zeros(self.tile.shape)
        self.mark()

    def mark(self) -> None:
        """Begin the second half."""
        self.half: tuple[NDArray[Any], NDArray[Any]] = self._found(), self.sum.copy()

    def _found(self) -> NDArray[Any]:
        """Return what H has collected since the beginning."""
        return self.tile.digital[..., 0].astype(float) - self.at_start

    def result(self, name: str, batches: int) -> LayerNoise:
        found, unit = self._found(), np.sqrt(self.power.mean())
        slope = float(np.sum(found * self.sum) / np.sum(self.sum**2))
        rms = lambda a: float(np.sqrt(np.mean(a**2)) / unit)  # noqa: E731
        left, first = found - slope * self.sum, self.half[0] - slope * self.half[1]
        bias, spread = self._shared(first, left - first)
        halves = (batches // 2) * -(-batches // 2)
        bias *= np.sqrt(batches / halves)
        return LayerNoise(name, slope, rms(self.sum), rms(left) / abs(slope), bias / abs(slope), spread / abs(slope))

    def _shared(self, first: NDArray[Any], second: NDArray[Any]) -> tuple[float, float]:
        """Return (bias, spread): first * second is bias^2 + spread^2 times the exact sums of both halves, all over the device's power."""
        used = self.power > _IDLE * self.power.mean()
        over = lambda a, b: (a * b)[used] / self.power[used]  # noqa: E731
        exact, found = over(self.half[1], self.sum - self.half[1]), over(first, second)
        slope, constant = np.polyfit(exact, found, 1)
        return float(np.sqrt(max(constant, 0.0))), float(np.sqrt(max(slope, 0.0)))


def main(arguments: list[str]) -> None:
    """Print the table of one run."""
    from compact_model.training import load_training

    load_training()
    from compact_model.training.finished import load_run

    if len(arguments) not in (1, 2) or not all(a.isdigit() and int(a) > 1 for a in arguments[1:]):
        raise InputError(
            f"gradient noise: got {arguments}; expected RUN, a folder of `reram train`, and a number of batches."
        )
    found = load_run(Path(arguments[0]))
    print(f"{'layer':<24} {'slope':>6} {'signal':>7} {'noise':>6} {'bias':>6} {'spread':>7}")
    for row in gradient_noise(found.network, found.task, found.settings, batches=int((arguments[1:] or ["20"])[0])):
        print(f"{row.layer:<24} {row.slope:6.2f} {row.signal:7.2f} {row.noise:6.2f} {row.bias:6.3f} {row.spread:7.2f}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (InputError, MissingLibrary) as error:
        raise SystemExit(f"error: {error}") from None
