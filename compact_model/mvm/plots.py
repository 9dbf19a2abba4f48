"""Figures of an MVM study: error over time with its sources (as Fig. 4f), products against floating point (as Fig. S6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compact_model.mvm.study import MvmStudy
from ground.files import atomic
from ground.plotting import load_matplotlib


def plot_study(record: dict[str, Any], path: str | Path) -> None:
    """Draw the RMSE of a record of `reram mvm` over time; with a budget also each source alone. 0 s stands at 0.1 s."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    times = np.maximum(record["times_s"], 0.1)
    axes.loglog(times, record["rmse"], "k-o", label="all sources")
    for name, kinds in record.get("budget", {}).items():
        if name != "all":
            values = np.array(kinds["alone"])
            axes.loglog(times, np.where(values > 0, values, np.nan), "--s", ms=4, label=f"{name} alone")
    settings = record["settings"]
    axes.set(
        xlabel="time after programming [s] (0 s drawn at 0.1 s)",
        ylabel="RMSE of y, inputs and weights uniform in -1..1",
        title=f"{settings['device']}, {record['size']} x {record['size']}, IR drop: {settings['ir_drop']}",
    )
    axes.legend(fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)


def plot_products(
    studies: Sequence[MvmStudy], labels: Sequence[str], path: str | Path, *, time_index: int = -1
) -> None:
    """Draw products in memory against floating point at one time, one panel per study."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, len(studies), figsize=(4.2 * len(studies), 4.2), layout="constrained", squeeze=False)
    for study, label, panel in zip(studies, labels, axes[0], strict=True):
        exact, found = study.y_fp.ravel(), study.y[time_index].ravel()
        ends = [exact.min(), exact.max()]
        panel.plot(exact, found, ".", ms=2)
        panel.plot(ends, ends, "k-", lw=1)
        panel.set(
            xlabel="y in floating point [1]",
            ylabel="y in memory [1]",
            title=f"{label}, {study.times_s[time_index]:.3g} s: RMSE {study.rmse[time_index]:.3g}",
        )
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
