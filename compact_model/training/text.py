"""Next-character prediction with a two-layer LSTM: War and Peace, 87 different bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from compact_model.training.task import Task
from ground.errors import InputError


class CharacterNetwork(torch.nn.Module):
    """One-hot characters, LSTM, and one score per character."""

    def __init__(self, tokens: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.lstm = torch.nn.LSTM(tokens, hidden, layers, batch_first=True)
        self.out = torch.nn.Linear(hidden, tokens)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, time, tokens) of the next character; x (batch, time) whole numbers."""
        return self.out(self.lstm(torch.nn.functional.one_hot(x, self.tokens).float())[0])


class Text(Task):
    """A text as sequences of characters; its end is the test.

    test_bytes : how many characters that end has; None for the last tenth. The paper does not say; the usual split of War and Peace
    (Karpathy, Johnson and Fei-Fei 2015) keeps 325,000 of 3,258,246, a tenth but for 825.
    length : characters of a sequence.  Every sequence starts from an empty state (the paper does not say).
    """

    figure = "perplexity"

    def __init__(
        self,
        path: str | Path | None,
        *,
        length: int = 100,
        batch: int = 32,
        hidden: int = 64,
        layers: int = 2,
        test_bytes: int | None = None,
    ) -> None:
        if path is None:
            raise InputError("text: give the text file with --data FILE (the paper used War and Peace).")
        path = Path(path)
        try:
            raw = np.frombuffer(path.read_bytes(), np.uint8)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}. A text file was expected.") from None
        if raw.size < 20 * (length + 1):
            raise InputError(
                f"{path}: has {raw.size} characters; at least {20 * (length + 1)} are needed for sequences of {length}."
            )
        kinds, tokens = np.unique(raw, return_inverse=True)  # bytes: any one-byte encoding, iso-8859-1 included
        self.name, self.length, self.batch = "text", length, batch
        self.tokens, self.hidden_size, self.layers = len(kinds), hidden, layers
        cut = int(0.9 * tokens.size) if test_bytes is None else tokens.size - test_bytes
        if not length * batch < cut < tokens.size - length:
            raise InputError(
                f"{path}: has {tokens.size} characters, {tokens.size - cut} of them for the test; expected more than {length} there and "
                f"more than {length * batch} (one batch of sequences) before: change test_bytes or batch."
            )
        self.train_text, self.test_text = (torch.from_numpy(t.astype(np.int64)) for t in (tokens[:cut], tokens[cut:]))

    def network(self) -> torch.nn.Module:
        """Return the LSTM: 87-64-64-87, 78 k parameters."""
        return CharacterNetwork(self.tokens, self.hidden_size, self.layers)

    def steps(self) -> int:
        """Return the batches of one epoch."""
        return (len(self.train_text) - 1) // (self.length * self.batch)

    def batches(self, epoch: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield (characters, the characters after them), each (batch, length), from an offset drawn for the epoch."""
        rng = np.random.default_rng([seed, epoch, 78])
        start = int(rng.integers(0, self.length))
        starts = start + self.length * rng.permutation((len(self.train_text) - 1 - start) // self.length)
        for k in range(min(self.steps(), len(starts) // self.batch)):
            rows = [self.train_text[s : s + self.length + 1] for s in starts[k * self.batch : (k + 1) * self.batch]]
            both = torch.stack(rows)
            yield both[:, :-1], both[:, 1:]

    def loss(self, network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy of the next character."""
        return torch.nn.functional.cross_entropy(network(x).flatten(0, 1), y.flatten())

    def scores(self, network: torch.nn.Module) -> dict[str, float]:
        """Return mean cross entropy [nat] of the test text and its exponential, the perplexity, in sequences of `length`."""
        whole = (len(self.test_text) - 1) // self.length * self.length
        x, y = (self.test_text[k : k + whole].reshape(-1, self.length) for k in (0, 1))
        total = 0.0
        with torch.no_grad():
            for a, b in zip(x.split(256), y.split(256), strict=True):
                total += self.loss(network, a, b).item() * len(a)
        return {"loss": total / len(x), "perplexity": math.exp(min(total / len(x), 700.0))}
