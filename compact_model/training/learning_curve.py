"""The learning curve: one row per epoch, as csv and as a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from ground.files import atomic, write_text


class LearningCurve:
    """rows : dicts of epoch, loss, figure ("accuracy" or "perplexity") and pulses given."""

    def __init__(self, figure: str) -> None:
        self.figure = figure
        self.rows: list[dict[str, Any]] = []

    @classmethod
    def from_rows(cls, figure: str, rows: list[dict[str, Any]]) -> Self:
        """Return the curve a checkpoint holds."""
        curve = cls(figure)
        curve.rows = list(rows)
        return curve

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, epoch: int, loss: float, figure: float, pulses: int) -> None:
        """Add an epoch."""
        self.rows.append({"epoch": epoch, "loss": loss, self.figure: figure, "pulses": pulses})

    @property
    def best(self) -> dict[str, Any]:
        """Return the row with the best figure (the first of equals)."""
        sign = 1 if self.figure == "accuracy" else -1
        return max(self.rows, key=lambda row: sign * row[self.figure])

    @property
    def epochs_since_best(self) -> int:
        """Return how many epochs ago the best figure was; 0 before the first."""
        return self.rows[-1]["epoch"] - self.best["epoch"] if self.rows else 0

    def words(self) -> str:
        """Return the last figure in words."""
        value = self.rows[-1][self.figure]
        return f"accuracy {100 * value:.2f} %" if self.figure == "accuracy" else f"perplexity {value:.4f}"

    def save_csv(self, path: str | Path) -> None:
        """Write the rows as csv; values at full precision, so that two runs can be compared."""
        names = ["epoch", "loss", self.figure, "pulses"]
        lines = [",".join(names), *(",".join(repr(row[n]) for n in names) for row in self.rows)]
        write_text(path, "\n".join(lines) + "\n")

    def save_plot(self, path: str | Path) -> None:
        """Draw figure and loss against the epoch."""
        from ground.plotting import load_matplotlib

        pyplot = load_matplotlib()
        figure, axes = pyplot.subplots(2, 1, sharex=True, figsize=(6, 6), layout="constrained")
        epochs = [row["epoch"] for row in self.rows]
        scale, unit = (100.0, "accuracy [%]") if self.figure == "accuracy" else (1.0, "perplexity")
        axes[0].plot(epochs, [scale * row[self.figure] for row in self.rows], marker=".")
        axes[0].set_ylabel(unit)
        axes[1].plot(epochs, [row["loss"] for row in self.rows], marker=".")
        axes[1].set_ylabel("training loss [nat]")
        axes[1].set_xlabel("epoch")
        with atomic(path) as temporary:
            figure.savefig(temporary)
        pyplot.close(figure)
