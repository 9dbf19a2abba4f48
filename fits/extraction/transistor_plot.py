"""The transistor fit as a picture: measured and fitted current against drain voltage, and residuals. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from compact_model.transistor import Transistor
from fits.extraction.transistor_fit import TransistorFit
from ground.plotting import load_matplotlib


def figure_of(fit: TransistorFit) -> Any:
    """Return the drain current of every gate voltage with the model, and the relative residuals below."""
    plt = load_matplotlib()
    d = fit.data
    gates = np.unique(np.round(d.gate_V, 9))
    several = gates.size <= 12
    x = d.drain_V - d.source_V if several else d.gate_V
    label = "drain-source voltage [V]" if several else "gate voltage [V]"
    groups = gates if several else np.unique(np.round(d.drain_V, 9))
    model = Transistor(**fit.values).current(d.gate_V, d.drain_V, d.source_V, d.ambient_K)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 7), sharex=True, height_ratios=(3, 1), layout="constrained")
    for value, colour in zip(groups, plt.get_cmap("viridis")(np.linspace(0, 0.9, groups.size)), strict=True):
        own = np.flatnonzero(np.isclose(d.gate_V if several else d.drain_V, value))
        own = own[np.argsort(x[own], kind="stable")]
        name = f"{'gate' if several else 'drain'} {value:g} V"
        top.plot(x[own], 1e6 * d.drain_A[own], "o", ms=3, mfc="none", color=colour, label=name)
        top.plot(x[own], 1e6 * model[own], "-", lw=1, color=colour)
        used = own[np.abs(d.drain_A[own]) > 1e-6 * np.abs(d.drain_A).max()]
        bottom.plot(x[used], 100 * (d.drain_A[used] / model[used] - 1), ".", ms=3, color=colour)
    kind = "SYNTHETIC data" if d.synthetic else "measured data"
    top.set(ylabel="drain current [uA]", title=f"EKV transistor ({kind}; lines: fit)")
    top.legend(fontsize=8, ncols=2)
    bottom.set(xlabel=label, ylabel="residual [%]")
    return figure
