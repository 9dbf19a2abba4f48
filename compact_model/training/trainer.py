"""One training run: epochs, checkpoints, early stop, and stopping with a reason where it goes wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from compact_model.population import Population
from compact_model.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from compact_model.training.convert import to_analog, torch_device
from compact_model.training.learning_curve import LearningCurve
from compact_model.training.optimiser import AnalogOptimiser
from compact_model.training.settings import TrainSettings
from compact_model.training.start import START
from compact_model.training.task import Task
from ground.errors import InputError, NotConverged


@dataclass(frozen=True)
class TrainResult:
    """network : as the last epoch left it.  curve : loss and figure of every epoch.  stopped_early : by patience."""

    network: torch.nn.Module
    curve: LearningCurve
    stopped_early: bool


def fresh_network(task: Task, settings: TrainSettings, population: Population) -> torch.nn.Module:
    """Return the network of a task on devices, before the first epoch; follows from the settings alone."""
    state = torch.random.get_rng_state()
    torch.manual_seed(settings.seed)
    digital = task.network()
    torch.random.set_rng_state(state)
    how: dict[str, Any] = {"trains": settings.trains, "converters": settings.converters, "seed": settings.seed}
    how |= {"reach": settings.reach, "learn_scales": settings.learn_scales, "line_rates": settings.line_rates}
    how |= {"layers": settings.layers, "wires": settings.wires}
    return to_analog(digital, population, settings.law, device=settings.device, **how)


def train(
    task: Task,
    settings: TrainSettings,
    population: Population,
    *,
    folder: Path | None = None,
    resume: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainResult:
    """Train, or with `resume` go on from the checkpoint in `folder`: bit for bit what one uninterrupted run gives.

    With settings.start the first state is START in `folder`, its epochs count, and the rates decay from there on.
    A checkpoint is written after every epoch. Products run in one torch thread, for their sums depend on the number of threads.
    Raises NotConverged where loss or weights are no numbers any more, the loss runs away, or no device is pulsed any more;
    the last good checkpoint stays.
    """
    torch.set_num_threads(1)
    task.to(torch_device(settings.device))
    network = fresh_network(task, settings, population)
    curve = LearningCurve(task.figure)
    path = None if folder is None else folder / CHECKPOINT
    if resume and path is not None and path.exists():
        record = load_checkpoint(path, network)
        if record["settings"] != settings.content:
            raise InputError(f"{path}: was made with other settings; give the same ones, or another folder.")
        curve = LearningCurve.from_rows(task.figure, record["curve"])
        say(f"resumed after epoch {len(curve)}")
    elif settings.start is not None:
        if folder is None:
            raise InputError(f"TrainSettings.start={settings.start} needs a folder that holds {START}.")
        record = load_checkpoint(folder / START, network, of_another=True)
        curve = LearningCurve.from_rows(task.figure, record["curve"])
        say(f"started from another run after its epoch {len(curve)}")
    optimiser = AnalogOptimiser(network, lr=settings.law.lr, clip=settings.clip, digital_lr=settings.digital_lr)
    start, begun = time.monotonic(), len(curve)
    first = 0 if settings.start is None else settings.start.epoch
    early = False
    for epoch in range(begun, settings.epochs):
        if early := settings.patience > 0 and curve.epochs_since_best >= settings.patience:
            say(f"stopped: no better {task.figure} for {settings.patience} epochs")
            break
        before = _pulses(optimiser)
        optimiser.param_groups[0]["lr"] = settings.law.lr * settings.law.decay ** (epoch - first)
        loss = _epoch(task, network, optimiser, epoch, settings.seed, progress)
        pulses = [int(b - a) for a, b in zip(before, _pulses(optimiser), strict=True)]
        _check(task, network, optimiser, epoch + 1, loss, curve, pulses)
        curve.add(epoch + 1, loss, task.evaluate(network), sum(pulses))
        if path is not None:
            save_checkpoint(path, network, {"settings": settings.content, "curve": curve.rows})
        gone = time.monotonic() - start
        left = gone / (epoch + 1 - begun) * (settings.epochs - epoch - 1)
        say(
            f"epoch {epoch + 1}/{settings.epochs}  loss {loss:.4f}  {curve.words()}  {gone:.0f} s gone, about {left:.0f} s left"
        )
    return TrainResult(network, curve, early)


def _epoch(
    task: Task, network: torch.nn.Module, optimiser: AnalogOptimiser, epoch: int, seed: int, progress: Any
) -> float:
    """Run all batches of an epoch and return the mean loss."""
    total, steps = 0.0, task.steps()
    for k, (x, y) in enumerate(task.batches(epoch, seed)):
        total += task.learn(network, optimiser, x, y)
        if not math.isfinite(total):
            break
        progress(k + 1, steps)
    return total / (k + 1)


def _pulses(optimiser: AnalogOptimiser) -> list[int]:
    return [int(layer.tile.pulses.sum()) for layer in optimiser.layers]


def _check(
    task: Task,
    network: torch.nn.Module,
    optimiser: AnalogOptimiser,
    epoch: int,
    loss: float,
    curve: LearningCurve,
    pulses: list[int],
) -> None:
    """Raise NotConverged where the epoch must not become a checkpoint."""
    kept = f"The checkpoint after epoch {epoch - 1} is kept." if epoch > 1 else "There is no checkpoint yet."
    finite = all(bool(torch.isfinite(p).all()) for p in network.parameters())
    if not math.isfinite(loss) or not finite:
        raise NotConverged(
            f"epoch {epoch}: the loss or a weight is no finite number any more; lower lr or fast_lr. {kept}"
        )
    if len(curve) and loss > 4.0 * curve.rows[0]["loss"] + 1.0:
        raise NotConverged(
            f"epoch {epoch}: the loss ran away from {curve.rows[0]['loss']:.3g} to {loss:.3g}; lower lr. {kept}"
        )
    for layer, given in zip(optimiser.layers, pulses, strict=True):
        state = layer.tile.state()["W"]
        if given == 0:
            raise NotConverged(
                f"epoch {epoch}: a tile of {layer.tile.shape[0]} x {layer.tile.shape[1]} got no pulse at all: it is dead; "
                f"raise lr or fast_lr, or the number of slots. {kept}"
            )
        if float(((state <= 0.0) | (state >= 1.0)).mean()) > 0.9:
            raise NotConverged(f"epoch {epoch}: nine tenths of a tile stand at their bounds; lower lr. {kept}")
