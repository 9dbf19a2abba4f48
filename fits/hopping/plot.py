"""The hopping fit as a picture: measured current, model with its interval, and residuals. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fits.hopping.result import HoppingFit
from ground.plotting import load_matplotlib


def figure_of(fit: HoppingFit) -> Any:
    """Return the figure: |I| against |V| of every curve with the model and its 95 % band; relative residuals below."""
    plt = load_matplotlib()
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 7), sharex=True, height_ratios=(3, 1), layout="constrained")
    ambients = sorted({c.ambient_K for c in fit.curves})
    colours = plt.get_cmap("plasma")(np.linspace(0.1, 0.8, len(ambients)))
    many = len(fit.curves) > 12
    for curve, ln_model, residual, width in zip(
        fit.curves, fit.model_ln_current, fit.residuals, half_widths(fit), strict=True
    ):
        colour = colours[ambients.index(curve.ambient_K)]
        order = np.argsort(np.abs(curve.voltage_V))
        V, I, model, band = (
            np.abs(curve.voltage_V)[order],
            np.abs(curve.current_A)[order],
            ln_model[order],
            width[order],
        )
        marker = "o" if curve.state == "LRS" else "s"
        label = None if many else f"{curve.state}, {curve.ambient_K:.0f} K"
        top.semilogy(V, I, marker, color=colour, ms=4, mfc="none", label=label)
        top.semilogy(V, np.exp(model), "-", color=colour, lw=1)
        top.fill_between(V, np.exp(model - band), np.exp(model + band), color=colour, alpha=0.3, lw=0)
        bottom.plot(V, 100 * residual[order], marker, color=colour, ms=3, mfc="none")
        bottom.fill_between(V, -100 * band, 100 * band, color=colour, alpha=0.3, lw=0)
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    top.set(ylabel="|current| [A]", title=f"Hopping fit of LRS and HRS together\n({kind}; lines: model, bands: 95 %)")
    if not many:
        top.legend(ncols=2, fontsize=8)
    bottom.axhline(0, color="grey", lw=0.8)
    bottom.set(xlabel="|voltage| [V]", ylabel="residual [%]")
    return figure


def half_widths(fit: HoppingFit) -> list[NDArray[np.float64]]:
    """95 % half-width of ln I of the model at every point, from the covariance of the fit (linear)."""
    problem, solved = fit.problem, fit.solved
    values, names = dict(solved.result.params.valuesdict()), list(solved.result.var_names)
    out = []
    for d in solved.seen:
        columns = []
        for name in names:
            step = 1e-4 * max(abs(values[name]), 1e-2)
            up, down = ({**values, name: values[name] + s} for s in (step, -step))
            columns.append(
                (problem.shift(up, d, solved.reference_K) - problem.shift(down, d, solved.reference_K)) / (2 * step)
            )
        J = np.stack(columns, axis=1)
        out.append(1.96 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", J, solved.result.covar, J), 0.0)))
    return out
