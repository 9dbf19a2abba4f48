"""A quasi-static cycle as a picture: current, dome temperature and state over the bias. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compact_model.cycle import Cycle
from ground.files import atomic
from ground.plotting import load_matplotlib


def draw_cycle(cycle: Cycle, path: str | Path, *, title: str = "Quasi-static cycle of one cell") -> None:
    """Draw |I|, dome temperature and state against the bias across cell and transistor, as PNG."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    current = np.where(
        cycle.current_A == 0.0, np.nan, np.abs(cycle.current_A)
    )  # no current has no place on a logarithmic axis
    shown = (
        (current, "|current| [A]"),
        (cycle.T_K, "dome temperature [K]"),
        (cycle.x, "state x (0: HRS, 1: LRS)"),
    )
    turn = int(np.argmax(cycle.bias_V < 0))  # the sample before it, at 0 V, ends one half and begins the other
    halves = (
        (slice(0, turn), "tab:blue", "positive half (SET)"),
        (slice(turn - 1, None), "tab:red", "negative half (RESET)"),
    )
    for axis, (values, label) in zip(axes, shown, strict=True):
        for half, colour, name in halves:
            axis.plot(cycle.bias_V[half], values[half], color=colour, lw=1.5, label=name)
        axis.set(xlabel="bias across cell and transistor [V]", ylabel=label)
    axes[0].set_yscale("log")
    axes[0].set_ylim(bottom=1e-8)
    axes[2].legend(fontsize=8)
    figure.suptitle(title)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
