"""What is learned: data, network, loss and the figure of merit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from compact_model.training.chain import learn_classes, links_of
from compact_model.training.optimiser import AnalogOptimiser
from ground.errors import InputError


class Task:
    """Classification of vectors; the base of every task.

    x, y : training data, y whole numbers below `classes`.  x_test, y_test : what is evaluated.  hidden : widths of the hidden
    layers.  name : for messages.  figure : "accuracy" (higher is better) or "perplexity" (lower is better).
    """

    figure = "accuracy"

    def __init__(
        self,
        name: str,
        x: ArrayLike,
        y: ArrayLike,
        x_test: ArrayLike,
        y_test: ArrayLike,
        *,
        hidden: tuple[int, ...],
        batch: int = 32,
    ) -> None:
        self.name, self.hidden, self.batch = name, hidden, batch
        self.x, self.y = _checked(name, "training", x, y)
        self.x_test, self.y_test = _checked(name, "test", x_test, y_test)
        self.classes = int(self.y.max()) + 1
        if self.x.shape[1:] != self.x_test.shape[1:]:
            raise InputError(
                f"{name}: training vectors have shape {tuple(self.x.shape[1:])}, test vectors {tuple(self.x_test.shape[1:])}."
            )
        if int(self.y_test.max()) >= self.classes:
            raise InputError(
                f"{name}: test label {int(self.y_test.max())} never occurs in training (labels 0..{self.classes - 1})."
            )

    @property
    def better(self) -> int:
        """Return +1 where a higher figure is better, else -1."""
        return 1 if self.figure == "accuracy" else -1

    def network(self) -> torch.nn.Module:
        """Return a fresh network: fully connected, sigmoid between, torch's own start (uniform in +-1/sqrt(inputs))."""
        sizes, layers = [self.x.shape[1], *self.hidden, self.classes], []
        for inputs, outputs in pairwise(sizes):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.Sigmoid()]
        return torch.nn.Sequential(*layers[:-1])

    def steps(self) -> int:
        """Return the batches of one epoch."""
        return -(-len(self.x) // self.batch)

    def batches(self, epoch: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the batches of an epoch; the order follows from (seed, epoch) alone."""
        order = torch.from_numpy(np.random.default_rng([seed, epoch, 77]).permutation(len(self.x)))
        for part in order.split(self.batch):
            yield self.x[part], self.y[part]

    def loss(self, network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of a batch."""
        return torch.nn.functional.cross_entropy(network(x), y)

    def learn(self, network: torch.nn.Module, optimiser: AnalogOptimiser, x: torch.Tensor, y: torch.Tensor) -> float:
        """Take one step of training on a batch and return its loss; nothing is changed where it is no finite number.

        A plain chain of analog layers (see `links_of`) takes the short way, everything else the one through autograd.
        """
        one_rate = optimiser.clip is None and optimiser.digital_lr is None
        short = type(self).loss is Task.loss and x.dim() == 2 and one_rate
        links = links_of(network) if short else None
        if links:
            return learn_classes(links, x, y, optimiser.param_groups[0]["lr"])
        optimiser.zero_grad()
        loss = self.loss(network, x, y)
        value = loss.item()
        if math.isfinite(value):
            loss.backward()
            optimiser.step()
        return value

    def scores(self, network: torch.nn.Module) -> dict[str, float]:
        """Return {"loss": mean cross entropy [nat], figure: ...} on the test data."""
        return class_scores(network, self.x_test, self.y_test)

    def evaluate(self, network: torch.nn.Module) -> float:
        """Return the figure of merit on the test data."""
        return self.scores(network)[self.figure]

    def to(self, device: torch.device | str) -> Task:
        """Move the data to a torch device and return the task."""
        for name, value in vars(self).items():
            if isinstance(value, torch.Tensor):
                setattr(self, name, value.to(device))
        return self


def class_scores(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Return mean cross entropy [nat] and the fraction of vectors put into the right class."""
    right, loss = 0, 0.0
    with torch.no_grad():
        for part, labels in zip(x.split(1000), y.split(1000), strict=True):
            found = network(part)
            right += int((found.argmax(1) == labels).sum())
            loss += float(torch.nn.functional.cross_entropy(found, labels, reduction="sum"))
    return {"loss": loss / len(x), "accuracy": right / len(x)}


def _checked(name: str, what: str, x: ArrayLike, y: ArrayLike) -> tuple[torch.Tensor, torch.Tensor]:
    data: Any = torch.as_tensor(np.asarray(x, np.float32))
    labels: Any = np.asarray(y)
    if len(data) != len(labels) or not len(data):
        raise InputError(f"{name}: {len(data)} {what} vectors with {len(labels)} labels; are the files of one set?")
    if not bool(torch.isfinite(data).all()):
        raise InputError(f"{name}: the {what} vectors hold values that are no finite numbers.")
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise InputError(f"{name}: {what} labels must be whole numbers of 0 or more, one per vector.")
    return data, torch.from_numpy(labels.astype(np.int64))
