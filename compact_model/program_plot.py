"""A programmed array as a picture: where the devices ended, and how wide the levels are. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from compact_model.programming_statistics import ProgramStatistics
from ground.files import atomic
from ground.paper import paper
from ground.plotting import load_matplotlib


def draw_programming(
    statistics: Sequence[ProgramStatistics], path: str | Path, *, title: str = "Closed-loop programming"
) -> None:
    """Draw the reached conductances of the first result, and level width against target for all of them, as PNG."""
    plt = load_matplotlib()
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    first = statistics[0]
    count = len(first.target_uS)
    reached = np.sort(first.result.g_S.reshape(count, -1) * 1e6, axis=1)
    share = (np.arange(reached.shape[1]) + 0.5) / reached.shape[1]
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.95, count))
    for values, colour in zip(reached, colours, strict=True):
        left.plot(values, share, color=colour, lw=1.2)
    left.set(
        xlabel="conductance [uS]",
        ylabel="cumulative share of devices",
        title=f"{count} levels, acceptance {first.result.acceptance:.1%}: {first.result.mean_pulses:.0f} pulses on average",
    )
    published = {0.002: "acceptance_0p2_percent", 0.02: "acceptance_2_percent"}
    for s, colour in zip(statistics, ("tab:blue", "tab:orange", "tab:green"), strict=False):
        a, line, t = s.result.acceptance, s.sigma_line, s.target_uS
        right.loglog(t, s.sigma_uS, "o", color=colour, ms=4, label=f"simulated, {a:.1%}")
        right.loglog(t, line.c0 + line.c1 * t, "-", color=colour, lw=1)
        right.loglog(t, a / np.sqrt(3) * t, ":", color=colour, lw=1, label=f"uniform law in the band, {a:.1%}")
        if a in published:
            c0, c1 = paper()["program_verify"]["sigma_prog"][published[a]]
            right.loglog(t, c0 + c1 * t, "--", color="black", lw=1, label=f"published, {a:.1%} (not an input)")
    right.set(xlabel="target conductance [uS]", ylabel="rms deviation from the target [uS]", title="Level width")
    right.legend(fontsize=8)
    figure.suptitle(title)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
