"""Figures 2c and S3: how the voltages and currents of forming are distributed over the array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ground.paper import paper
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.style import (
    OURS,
    PUBLISHED,
    QUIET,
    THIRD,
    draw_cumulative,
    legend,
    new_figure,
    probability_axis,
    remark,
    table,
)
from studies.published_array import FORMING, formed

SHOWN, _MANY = 32, 4096  # cells as published, and enough to show the law


def figures() -> list[Figure]:
    """Return figures 2c and S3."""
    return [
        Figure("2c", "Distribution of the forming voltage of the ReRAM", _distribution, FORMING),
        Figure("S3", "Forming voltage and current of 1T1R, triode resistance, forming voltage of the ReRAM", _cumulatives, FORMING),
    ]  # fmt: skip


def _distribution(effort: Effort) -> Drawing:
    many, few = formed(_MANY), formed(SHOWN)
    v = many.v_reram_V[many.formed]
    f = paper()["forming"]["v_forming_reram_V"]
    edges = np.linspace(2.8, 3.4, 49)
    density, _ = np.histogram(v, edges, density=True)
    middle = 0.5 * (edges[1:] + edges[:-1])
    normal = np.exp(-0.5 * ((middle - f["mean"]) / f["sigma"]) ** 2) / (f["sigma"] * np.sqrt(2 * np.pi))
    figure, axis = new_figure(width=4.4, height=3.3)
    axis.bar(middle, density / normal.max(), np.diff(edges), color=OURS, alpha=0.35, label=f"ours, {_MANY} cells")
    axis.plot(few.v_reram_V, np.full(SHOWN, -0.04), "|", color=OURS, ms=8, label=f"ours, the first {SHOWN}")
    axis.plot(middle, normal / normal.max(), "--", color=PUBLISHED, lw=1.3,
              label=f"published: {f['mean']:g} V, σ {f['sigma'] * 1e3:g} mV (as a normal law)")  # fmt: skip
    axis.axvline(f["mean"], color=PUBLISHED, lw=0.8, ls=":")
    axis.set(xlabel="forming voltage of the ReRAM [V]", ylabel="probability density, normalised", ylim=(-0.09, 1.5))
    legend(axis, loc="upper left")
    remark(axis, f"ours: {v.mean():.3f} V, σ {v.std() * 1e3:.0f} mV", 0.04, 0.72)
    data = table(
        {"v_forming_V": (middle, "V"), "cell": (np.arange(SHOWN), "1")},
        density=("v_forming_V", density, "1/V"),
        published_normal=("v_forming_V", normal, "1/V"),
        v_reram_V=("cell", few.v_reram_V, "V"),
    )
    caption = (
        "Mean and standard deviation are inputs: they set the two constants of the hazard of breakdown. What comes out "
        "is the shape, "
        "a Gumbel law with its long side towards low voltages."
    )
    return Drawing(figure, data, caption, {"cells": _MANY, "seed": 0})


def _cumulatives(effort: Effort) -> Drawing:
    few, many, f = formed(SHOWN), formed(_MANY), paper()["forming"]
    shown = (
        ("v_1t1r_V", 1.0, "1T1R forming voltage [V]", f["v_forming_1t1r_V"]["mean"], "V", OURS),
        ("current_A", 1e6, "1T1R forming current [µA]", f["i_forming_1t1r_uA"]["mean"], "µA", "#b5383b"),
        ("v_reram_V", 1.0, "ReRAM forming voltage [V]", f["v_forming_reram_V"]["mean"], "V", THIRD),
    )
    figure, axes = new_figure(2, 2, width=3.9, height=2.9)
    variables: dict[str, Any] = {}
    for axis, (name, scale, label, published, unit, colour) in zip(axes.flat[[0, 1, 3]], shown, strict=True):
        values = getattr(few, name) * scale
        for result, style in (
            (many, {"ls": "-", "lw": 1, "color": QUIET}),
            (few, {"ls": "", "marker": "o", "ms": 4, "color": colour}),
        ):
            draw_cumulative(axis, (getattr(result, name) * scale)[result.formed], **style)
        axis.axvline(published, color=PUBLISHED, ls="--", lw=1.1, label=f"published mean: {published:g} {unit}")
        axis.axvline(values.mean(), color=colour, lw=0.9, label=f"ours: {values.mean():.4g} {unit}")
        span = {"V": (2.0, 4.0), "µA": (100, 500)}[unit]
        probability_axis(axis)
        axis.set(xlabel=label, xlim=span, ylabel="share of cells [%]")
        legend(axis, loc="center right" if unit == "µA" else "upper left")
        variables[name] = ("cell", getattr(few, name), "A" if name == "current_A" else "V")
    t, drain = few.transistor, np.linspace(0.0, 4.0, 201)
    current, r_ds = t.current(few.forming.gate_V, drain, 0.0), f["r_ds_triode_ohm"]["value"]
    triode = axes[1, 0]
    triode.plot(drain, current * 1e3, color=OURS, lw=1.6, label=f"ours, gate {few.forming.gate_V:g} V")
    triode.plot([0, 0.4], [0, 400 / r_ds], "--", color=PUBLISHED, lw=1.2, label=f"published: {r_ds / 1e3:g} kΩ")
    triode.set(xlabel="drain-source voltage [V]", ylabel="drain current [mA]", xlim=(0, 4), ylim=(0, 0.8))
    legend(triode, loc="upper left")
    for axis, letter in zip(axes.flat, "abcd", strict=True):
        axis.set_title(letter, loc="left", fontweight="bold", fontsize=10)
    data = table(
        {"cell": (np.arange(SHOWN), "1"), "drain_V": (drain, "V")}, **variables, triode_A=("drain_V", current, "A")
    )
    caption = (
        f"Points: {SHOWN} cells as published; grey: {_MANY}. V(ReRAM) = V(1T1R) − R_DS I, the published definition. "
        "The current is that "
        "of the transistor in saturation, all but one value: the published spread of the current (about 200 to 400 µA) is that of "
        "transistors, which are all alike here. The number S3 is inferred: of the supplement a description of this picture "
        "was at hand, without its number."
    )
    return Drawing(figure, data, caption, {"cells": SHOWN, "seed": 0})
