"""The hopping fit as a picture: measured current, model, and residuals. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fits.hopping_fit import HoppingFit
from ground.files import atomic
from ground.plotting import load_matplotlib


def draw_fit(fit: HoppingFit, path: str | Path) -> None:
    """Draw |I| against |V| for every curve with its model, and the relative residuals below, as PNG."""
    plt = load_matplotlib()
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 7), sharex=True, height_ratios=(3, 1), layout="constrained")
    ambients = sorted({c.ambient_K for c in fit.curves})
    colours = plt.get_cmap("plasma")(np.linspace(0.1, 0.8, len(ambients)))
    for curve, ln_model in zip(fit.curves, fit.model_ln_current, strict=True):
        colour = colours[ambients.index(curve.ambient_K)]
        order = np.argsort(np.abs(curve.voltage_V))
        V, I = np.abs(curve.voltage_V)[order], np.abs(curve.current_A)[order]
        marker = "o" if curve.state == "LRS" else "s"
        label = f"{curve.state}, {curve.ambient_K:.0f} K"
        top.semilogy(V, I, marker, color=colour, ms=4, mfc="none", label=label)
        top.semilogy(V, np.exp(ln_model[order]), "-", color=colour, lw=1)
        bottom.plot(V, 100 * (np.log(I) - ln_model[order]), marker, color=colour, ms=3, mfc="none")
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    top.set(ylabel="|current| [A]", title=f"Hopping fit of LRS and HRS together ({kind}; lines: model)")
    top.legend(ncols=2, fontsize=8)
    bottom.axhline(0, color="grey", lw=0.8)
    bottom.set(xlabel="|voltage| [V]", ylabel="residual [%]")
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
