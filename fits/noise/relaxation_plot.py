"""The relaxation as a picture: mean and spread against time with the law, and the width of programming. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.noise.relaxation_fit import NAMES, RelaxationFit
from ground.plotting import load_matplotlib


def figure_of(fit: RelaxationFit) -> Any:
    """Return the figure; error bars and bands are 95 %."""
    plt = load_matplotlib()
    count = 2 if fit.programming is None else 3
    figure, axes = plt.subplots(count, 1, figsize=(7, 3.2 * count), layout="constrained")
    t, n = fit.time_s, fit.change_S.shape[1]
    ln_t = np.log(t)
    m, s0, s1 = (fit.parameters[k].value for k in NAMES)
    C = fit.covariance
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    sigma = fit.sigma_at_S
    rows = (
        (fit.mean_S, sigma / np.sqrt(n), m * ln_t, np.sqrt(C[0, 0]) * ln_t, "mean change [uS]"),
        (
            sigma,
            sigma / np.sqrt(2 * (n - 1)),
            s0 + s1 * ln_t,
            np.sqrt(C[1, 1] + 2 * C[1, 2] * ln_t + C[2, 2] * ln_t**2),
            "spread [uS]",
        ),
    )
    for axis, (value, error, law, band, label) in zip(axes[:2], rows, strict=True):
        axis.errorbar(t, 1e6 * value, 1.96e6 * error, fmt="o", ms=4, color="0.3", label=f"{n} devices")
        axis.plot(t, 1e6 * law, "-", color="tab:red", label="law")
        axis.fill_between(t, 1e6 * (law - 1.96 * band), 1e6 * (law + 1.96 * band), color="tab:red", alpha=0.25, lw=0)
        axis.set(xscale="log", xlabel="time since programming [s]", ylabel=label)
        axis.legend(fontsize=8)
    axes[0].set_title(f"Relaxation ({kind})")
    if fit.programming is not None:
        target, width, number = fit.program_points.T
        axes[2].errorbar(target, width, 1.96 * width / np.sqrt(2 * number), fmt="o", ms=4, color="0.3", label="levels")
        axes[2].plot(target, fit.programming.c0 + fit.programming.c1 * target, "-", color="tab:red", label="line")
        axes[2].set(xlabel="target [uS]", ylabel="sigma of programming [uS]")
        axes[2].legend(fontsize=8)
    return figure
