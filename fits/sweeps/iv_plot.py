"""Measured sweeps as a picture: every current, and the resistances read before and after switching. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.sweeps.iv_summary import IvSummary
from ground.plotting import load_matplotlib

_COLOURS = {"LRS": "tab:red", "HRS": "tab:blue", "unknown": "grey"}
_NAMED = 10  # more files than this are not named one by one


def figure_of(summary: IvSummary) -> Any:
    """Return |I| against V of every file, and below, where states were read, the resistance against the sweep."""
    plt = load_matplotlib()
    sweeps = [s for f in summary.data["files"] if f["states"] for s in f["states"]["sweeps"]]
    count = 2 if sweeps else 1
    figure, axes = plt.subplots(count, 1, figsize=(7, 4 * count), squeeze=False, layout="constrained")
    top = axes[0, 0]
    for m in summary.measurements:
        label = (m.source or "from arrays") if len(summary.measurements) <= _NAMED else None
        top.semilogy(m.voltage, np.where(m.current == 0, np.nan, np.abs(m.current)), ".", ms=2, label=label)
    kind = "SYNTHETIC data" if summary.data["synthetic"] else "measured data"
    top.set(xlabel="voltage on the driven terminal [V]", ylabel="|current| [A]", title=f"Sweeps ({kind})")
    if len(summary.measurements) <= _NAMED:
        top.legend(fontsize=8)
    if sweeps:
        _states(axes[1, 0], sweeps, summary.data["v_read_V"])
    return figure


def _states(axis: Any, sweeps: list[dict[str, Any]], v_read_V: float) -> None:
    """Draw what was read before (open) and after (full) switching, against the number of the sweep."""
    for state, colour in _COLOURS.items():
        for when, fill in (("before", "none"), ("after", colour)):
            read = [(k + 1, s[f"r_{when}_ohm"]) for k, s in enumerate(sweeps) if s[f"state_{when}"] == state]
            read = [(k, r) for k, r in read if r is not None]
            if read:
                axis.semilogy(*zip(*read, strict=True), "o", ms=4, color=colour, mfc=fill, label=f"{state}, {when}")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="sweep [1]", ylabel=f"resistance at {v_read_V:g} V [ohm]")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, ncols=2)
