"""The population as a picture: devices and the 1- and 2-sigma ellipses of G1 and G2. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.devices.population_fit import EXPONENTS, STATES, PopulationFit
from ground.plotting import load_matplotlib

_LABELS = {
    "n_states": "number of states [1]",
    "sp_skew": "skew of the symmetry point [1]",
    "gamma": "exponent gamma [1]",
    "gamma_up_down": "asymmetry of the exponents [1]",
}


def figure_of(fit: PopulationFit) -> Any:
    """Return the devices with the ellipses of both laws."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    angle = np.linspace(0, 2 * np.pi, 181)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    for axis, law, names, title in zip(
        axes, (fit.states, fit.exponents), (STATES, EXPONENTS), ("G1", "G2"), strict=True
    ):
        a, b = names
        axis.plot(fit.parameters[a], fit.parameters[b], "o", ms=4, mfc="none", label="devices")
        for share, style in ((0.393, "-"), (0.865, "--")):
            ellipse = law.law.at(circle * np.sqrt(-2 * np.log(1 - share)))
            axis.plot(*ellipse, style, color="tab:red", lw=1, label=f"{100 * share:.0f} % of the law")
        axis.set(
            xlabel=_LABELS[a], ylabel=_LABELS[b], title=f"{title}: Henze-Zirkler p = {law.p_value:.2g}, n = {law.n}"
        )
        axis.legend(fontsize=8)
    figure.suptitle("SYNTHETIC data" if fit.synthetic else "measured data", fontsize=9)
    return figure
