"""Figures 2d and 2e: quasi-static cycles of the array with the transport law over them, and the two resistance states."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ground.paper import paper
from studies.figures.figure import RESPONSE, Drawing, Effort, Figure
from studies.figures.style import (
    OURS,
    PUBLISHED,
    SECOND,
    draw_cumulative,
    legend,
    new_figure,
    probability_axis,
    remark,
    table,
)
from studies.published_array import cycled

_CELLS = (8, 4)  # as published
_CYCLING = ("cycling.r_lrs_ohm", "cycling.r_hrs_ohm.mean", "open_loop.n_states, sp_skew")
_TRANSPORT = ("transport.n_e, delta_e",)
_AMBIENTS_K = (260.0, 293.15, 330.0)


def figures() -> list[Figure]:
    """Return figures 2d and 2e."""
    both = (
        "Quasi-static cycles of the array, and the transport law in both states",
        "Distributions of both states over cells and cycles",
    )
    return [
        Figure("2d", both[0], _cycles, (*_CYCLING, *_TRANSPORT), files=RESPONSE),
        Figure("2e", both[1], _states, _CYCLING, files=RESPONSE),
    ]


def _cycles(effort: Effort) -> Drawing:
    from studies.published_cell import table_transport

    found, law = cycled(*_CELLS), table_transport()
    current = np.abs(found.current_A).reshape(-1, found.bias_V.size)
    median = np.median(current, axis=0)
    figure, (cycles, fitted) = new_figure(1, 2, width=4.6, height=3.6)
    for one in current:
        cycles.semilogy(found.bias_V, np.maximum(one, 1e-12), color=OURS, lw=0.4, alpha=0.12)
    cycles.semilogy(
        found.bias_V, np.maximum(median, 1e-12), color=OURS, lw=1.8, label="ours: median of 32 cells, 5 cycles"
    )
    lines = {}
    for state, end, colour in (("LRS", -1.0, "#b5383b"), ("HRS", 0.9, SECOND)):
        V = np.linspace(end / 60, end, 60)
        N = law.hopping.trap_density_lrs_m3 if state == "LRS" else law.hopping.trap_density_hrs_m3
        point = law.at(V, N)
        lines[state] = (V, point.current_A)
        p = paper()["transport"]
        label = (
            f"eq. (6), {state}: published $N_e$ = {p[f'n_e_{state.lower()}_per_cm3']:.2g} cm⁻³, "
            f"ΔE = {p[f'delta_e_{state.lower()}_meV']} meV"
        )
        cycles.semilogy(V, np.abs(point.current_A), "--", color=colour, lw=1.7, label=label)
    c = paper()["cycling"]
    cycles.set(xlabel="voltage across cell and transistor [V]", ylabel="|current| [A]", ylim=(1e-8, 3e-3))
    how = [
        f"{n} {c[f'v_{n}_V']:g} V (gate {c[f'v_gate_{n}_V']:g} V)".replace("-", "\N{MINUS SIGN}")
        for n in ("set", "reset")
    ]
    cycles.set_title(", ".join(how), fontsize=9)
    legend(cycles, loc="upper center")
    fit = _fit()
    _draw_fit(fitted, fit)
    data = table(
        {"bias_V": (np.arange(found.bias_V.size), "1"), "run": (np.arange(current.shape[0]), "1"), "point": (np.arange(60), "1")},
        bias=("bias_V", found.bias_V, "V", "across cell and transistor, in the order of the cycle"),
        current=(("run", "bias_V"), current, "A", "absolute value; runs are cycles of cells"),
        median=("bias_V", median, "A"),
        **{f"{s.lower()}_bias": ("point", v, "V") for s, (v, _) in lines.items()},
        **{f"{s.lower()}_current": ("point", i, "A", "eq. (6) with the published N and dE") for s, (_, i) in lines.items()},
    )  # fmt: skip
    shown = ", ".join(
        f"{n} {q.value:.4g}" + ("" if q.stderr is None else f" ± {q.stderr:.1g}")
        for n, q in fit.parameters.items()
        if q.source == "fit"
    )
    caption = (
        "Left: simulated cycles of 32 cells (spread set by the published σ/mean of the LRS) with eq. (6) at the "
        "published densities and "
        "barriers, T and E of the dome from the FEM response table, and the hop distance that gives the LRS its "
        "published resistance. Densities "
        "and barriers as published make the HRS 75 times less conducting at one temperature and field, not 15: the "
        "cycled cells have "
        "the density that gives the published resistance instead. Ion barriers are fitted to the published open-loop steps, so "
        "the loops' shape is a consequence. Right: the same law fitted to SYNTHETIC sweeps at three ambients, LRS and HRS "
        f"together, with 95 % bands: {shown}."
    )
    return Drawing(
        figure,
        data,
        caption,
        {"cells": list(_CELLS), "cycles": c["cycles"], "ambients_K": list(_AMBIENTS_K), "seed": 0},
        synthetic=True,
    )


@cache
def _fit() -> Any:
    from compact_model.published_cell import hop_distance_for, published_hopping
    from fits.hopping.fit import fit_hopping
    from fits.hopping.synthetic import synthetic_curves

    hopping = published_hopping(hop_distance_for(paper()["cycling"]["r_lrs_ohm"]["mean"]))
    return fit_hopping(
        synthetic_curves(hopping, ambients_K=_AMBIENTS_K), r_cf_m=paper()["forming_fit"]["r_cf_nm"]["value"] * 1e-9
    )


def _draw_fit(axis: Any, fit: Any) -> None:
    from fits.hopping.plot import half_widths

    colours = dict(zip(_AMBIENTS_K, ("#3b6fb6", "#6f4a8e", "#c8553d"), strict=True))
    for curve, ln_model, width in zip(fit.curves, fit.model_ln_current, half_widths(fit), strict=True):
        order = np.argsort(curve.voltage_V)
        V, colour = curve.voltage_V[order], colours[curve.ambient_K]
        mark, label = ("o", f"{curve.ambient_K:.0f} K") if curve.state == "LRS" else ("s", None)
        axis.semilogy(V, np.abs(curve.current_A)[order], mark, color=colour, ms=2.8, mfc="none", mew=0.7, label=label)
        model, band = ln_model[order], width[order]
        axis.semilogy(V, np.exp(model), color=colour, lw=1)
        axis.fill_between(V, np.exp(model - band), np.exp(model + band), color=colour, alpha=0.25, lw=0)
    axis.set(xlabel="voltage across the cell [V]", ylabel="|current| [A]")
    axis.set_title("hopping fit of SYNTHETIC data, 2 % noise", fontsize=9)
    legend(axis, loc="lower left", title="ambient", title_fontsize=7.5)
    remark(axis, f"rms residual {100 * fit.residual_rms:.2f} %", 0.97, 0.04)


def _states(effort: Effort) -> Drawing:
    found, c = cycled(*_CELLS), paper()["cycling"]
    figure, axis = new_figure(width=4.8, height=3.9)
    variables: dict[str, Any] = {}
    for name, values, published, colour in (
        ("LRS", found.r_lrs_ohm, c["r_lrs_ohm"], "#b5383b"),
        ("HRS", found.r_hrs_ohm, c["r_hrs_ohm"], OURS),
    ):
        shares = draw_cumulative(
            axis,
            values / 1e3,
            marker="o",
            ls="",
            ms=3,
            mfc="none",
            color=colour,
            label=f"ours, {name}: {values.mean() / 1e3:.3g} kΩ, σ/mean {values.std() / values.mean():.2f}",
        )
        law = published["mean"] * (1.0 + published["sigma_over_mean"] * shares)
        axis.semilogx(
            law / 1e3,
            shares,
            "--",
            color=PUBLISHED,
            lw=1.1,
            label="_" if name == "LRS" else "published mean and σ/mean, as normal laws",
        )
        axis.annotate(
            f"published:\n{published['mean'] / 1e3:g} kΩ",
            (published["mean"] / 1e3, 0),
            xytext=(12, -22),
            textcoords="offset points",
            fontsize=7.5,
        )
        variables[f"r_{name.lower()}_ohm"] = (("cycle", "row", "column"), values, "ohm")
    s = found.summary()
    probability_axis(axis)
    axis.set(xlabel=f"resistance at {c['v_read_V']:g} V [kΩ]", ylabel="share of cells and cycles [%]")
    figure.legend(loc="outside upper center", fontsize=7.5, frameon=False)
    axis.set_title(f"HRS/LRS: ours {s['hrs_over_lrs']:.1f}, published about {c['hrs_over_lrs']['value']}", fontsize=9)
    data = table(
        {n: (np.arange(k), "1") for n, k in zip(("cycle", "row", "column"), found.r_lrs_ohm.shape, strict=True)},
        **variables,
    )
    caption = (
        f"{found.r_lrs_ohm.size} half cycles of 32 cells in 5 cycles. Both means and the spread of the LRS are inputs "
        "of the cell; the spread of "
        "the HRS, the shape of both laws and that the cycles reach their ends at all come out."
    )
    return Drawing(figure, data, caption, {"cells": list(_CELLS), "cycles": c["cycles"], "seed": 0})
