"""The pulse fit as a picture: trace, steps against conductance with the law, residuals. Needs matplotlib."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any

import numpy as np

from fits.pulses.fit import PulseFit
from fits.pulses.likelihood import step_of
from ground.plotting import load_matplotlib

_BINS = 20


def figure_of(fit: PulseFit) -> Any:
    """Return the figure: conductance by pulse; mean steps with 95 % bands against the law; standardised residuals."""
    plt = load_matplotlib()
    trace, law, soft = fit.trace, fit.general.law, fit.soft.law
    scale, unit = (1.0, "1") if trace.normalised else (1e6, "uS")
    figure, axes = plt.subplots(3, 1, figsize=(7, 9.5), layout="constrained")
    top, middle, bottom = axes
    kind = "SYNTHETIC data" if trace.synthetic else "measured data"
    number = np.arange(1, trace.g.size + 1)
    top.plot(number, scale * trace.g, ".", ms=2, color="0.3", rasterized=True)
    top.axhline(scale * fit.parameters["g_sp"].value, color="tab:green", lw=1, label="symmetry point of the law")
    top.set(xlabel="pulse number [1]", ylabel=f"conductance [{unit}]", title=f"{trace.device or 'device'} ({kind})")
    top.legend(fontsize=8)
    g, step = trace.g[:-1], np.diff(trace.g)
    for direction, colour, name in ((1, "tab:red", "up"), (-1, "tab:blue", "down")):
        mine = trace.direction[1:] == direction
        edges = np.quantile(g[mine], np.linspace(0, 1, _BINS + 1))
        bins = [mine & (g >= a) & (g <= b) for a, b in itertools.pairwise(edges)]
        bins = [b for b in bins if b.sum() > 4]
        at, mean = np.array([g[b].mean() for b in bins]), np.array([step[b].mean() for b in bins])
        error = 1.96 * np.array([step[b].std() / np.sqrt(b.sum()) for b in bins])
        middle.errorbar(
            scale * at, scale * mean, scale * error, fmt="o", ms=3, color=colour, label=f"{name}, binned, 95 %"
        )
        line = np.linspace(max(law.g_min_S, g.min()), min(law.g_max_S, g.max()), 200)
        shown = step_of(line, law, direction)
        middle.plot(scale * line, scale * shown, "-", color=colour, lw=1.2, label=f"{name}, generalised soft bounds")
        middle.plot(
            scale * line,
            scale * step_of(line, soft, direction),
            ":",
            color=colour,
            lw=1.2,
            label=f"{name}, gamma = 1",
        )
    middle.set(
        xlabel=f"conductance before the pulse [{unit}]",
        ylabel=f"mean step [{unit}]",
        title=textwrap.fill(fit.comparison, 60),
    )
    middle.legend(fontsize=7, ncols=2)
    mu = np.abs(step_of(g, law, trace.direction[1:]))
    size = np.sqrt((law.step_noise * mu) ** 2 + 2.0 * fit.general.read_noise**2)
    residual = (step - np.sign(trace.direction[1:]) * mu)[size > 0] / size[size > 0]
    bottom.hist(np.clip(residual, -5, 5), bins=60, density=True, color="0.7", label="steps")
    x = np.linspace(-5, 5, 200)
    bottom.plot(x, np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), "k-", lw=1, label="standard normal")
    bottom.set(xlabel="residual of a step / its standard deviation [1]", ylabel="density [1]")
    bottom.legend(fontsize=8)
    return figure
