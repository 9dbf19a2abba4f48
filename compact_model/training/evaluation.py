"""What running a network through arrays gave: scores over time and over programmings, as rows, csv and plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compact_model.mvm.settings import MvmSettings
from ground.files import atomic, write_text

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """figure : "accuracy" or "perplexity".  times_s : moments after the write [s].  seeds : one programming each.

    scores : by name ("loss" [nat], the figure, and the figure with the mean drift taken back), each (seeds, times).
    digital : loss and figure of the same weights in floating point.  settings, state : what was put in.
    """

    figure: str
    times_s: tuple[float, ...]
    seeds: tuple[int, ...]
    scores: Mapping[str, Floats]
    digital: Mapping[str, float]
    settings: MvmSettings
    state: str

    @property
    def mean(self) -> Floats:
        """Figure of merit over times, mean over programmings."""
        return np.asarray(self.scores[self.figure].mean(axis=0))

    @property
    def spread(self) -> Floats:
        """Standard deviation of the figure over programmings; 0 for one."""
        return _spread(self.scores[self.figure])

    def rows(self) -> list[dict[str, float]]:
        """Return one row per time: mean of every score, and its spread as `..._spread` where there are several programmings."""
        out = []
        for k, t in enumerate(self.times_s):
            row = {"time_s": t, **{name: float(values[:, k].mean()) for name, values in self.scores.items()}}
            if len(self.seeds) > 1:
                row |= {f"{name}_spread": float(_spread(values)[k]) for name, values in self.scores.items()}
            out.append(row)
        return out

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON-like data."""
        return {
            "figure": self.figure,
            "state": self.state,
            "floating_point": dict(self.digital),
            "seeds": list(self.seeds),
            "in_time": self.rows(),
            "single": {name: values.tolist() for name, values in self.scores.items()},
            "chain": self.settings.model_dump(mode="json"),
        }

    def save_csv(self, path: str | Path) -> None:
        """Write the rows as csv at full precision."""
        rows = self.rows()
        lines = [",".join(rows[0]), *(",".join(repr(v) for v in row.values()) for row in rows)]
        write_text(path, "\n".join(lines) + "\n")

    def save_plot(self, path: str | Path) -> None:
        """Draw the figure of merit over time, with its spread, and the floating-point value. 0 s stands at 0.1 s."""
        draw_in_time(self.rows(), self.figure, path, floating_point=self.digital[self.figure], title=self.state)


def draw_in_time(
    rows: Sequence[Mapping[str, float]],
    name: str,
    path: str | Path,
    *,
    floating_point: float | None = None,
    title: str = "",
) -> None:
    """Draw rows as `Evaluation.rows` gives them: figure of merit `name` over time_s, as far as it is there with the drift taken back."""
    from ground.plotting import load_matplotlib

    pyplot = load_matplotlib()
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    times = np.maximum([row["time_s"] for row in rows], 0.1)
    scale, label = (100.0, "accuracy [%]") if name == "accuracy" else (1.0, f"{name} [1]")
    for column, words in ((name, "as read"), (f"{name}_shift_corrected", "mean drift taken back")):
        if column in rows[0]:
            values, spread = (np.array([row.get(c, 0.0) for row in rows]) for c in (column, f"{column}_spread"))
            axes.errorbar(times, scale * values, scale * spread, marker="o", capsize=3, label=words)
    if floating_point is not None:
        axes.axhline(scale * floating_point, color="k", lw=1, label="floating point")
    axes.set(xscale="log", xlabel="time after the write [s] (0 s drawn at 0.1 s)", ylabel=label, title=title)
    axes.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    pyplot.close(figure)


def _spread(values: Floats) -> Floats:
    return np.asarray(values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1]))
