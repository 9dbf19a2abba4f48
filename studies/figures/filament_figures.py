"""Figures 2a and 2b: the sweeps that form the array, what filament and CMO are taken from, and the transistor that limits them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ground.paper import paper
from ground.plotting import load_matplotlib, matplotlib_part
from studies.figures.figure import RESPONSE, Drawing, Effort, Figure
from studies.figures.forming_figures import SHOWN
from studies.figures.style import OURS, PUBLISHED, SECOND, THIRD, legend, new_figure, table
from studies.published_array import FORMING, formed

_LOW_FIELD = ("forming_fit.r_cf_nm", "forming_fit.sigma_cmo_after_forming_S_per_cm")


def figures() -> list[Figure]:
    """Return figures 2a and 2b."""
    title = "Array forming, and the low-field resistance that filament and CMO are taken from"
    return [
        Figure("2a", title, _sweeps, (*FORMING, *_LOW_FIELD), files=RESPONSE),
        Figure("2b", "Output characteristic of the series transistor", _transistor, FORMING[1:]),
    ]


@cache
def _dome() -> Any:
    from device_physics.dome_response import Response

    return Response.default()


def _ohm(r_cf_m: float, sigma_S_per_m: Any) -> Any:
    """Low-field resistance [ohm] of the whole device by the response table, CMO and dome alike."""
    return 1.0 / _dome().at_radius(r_cf_m)(sigma_S_per_m, sigma_S_per_m).conductance_S


def _branch(resistance_ohm: float, bias_V: Any, gate_V: float) -> Any:
    """Current [A] of the published cell with series transistor, at the trap density that gives this low-field resistance [ohm]."""
    from scipy.optimize import brentq

    from compact_model.cell_dynamics import prepare
    from compact_model.cells import Cells
    from compact_model.published_cell import published_cell

    one, each = (prepare(Cells.of(published_cell(), n)) for n in (1, len(bias_V)))

    def gap(ln_density: float) -> float:
        point = one.points(np.exp(ln_density), 0.05, 3.3)
        return float(np.log(point["current_A"][0] / point["cell_V"][0] * resistance_ohm))

    density = np.exp(brentq(gap, np.log(1e24), np.log(4e26), xtol=1e-9))
    return each.points(density, bias_V, gate_V)["current_A"]


def _sweeps(effort: Effort) -> Drawing:
    cells, fit, first = formed(SHOWN), paper()["forming_fit"], paper()["first_negative_sweep"]
    names = ("sigma_cmo_after_forming_S_per_cm", "sigma_cmo_after_first_negative_sweep_S_per_cm")
    sigmas, r_cf = [fit[n]["value"] for n in names], fit["r_cf_nm"]["value"] * 1e-9
    ohms = [float(_ohm(r_cf, 100.0 * s)) for s in sigmas]
    down, reverse = np.linspace(0.01, cells.forming.v_stop_V, 90), np.linspace(-0.01, first["v_stop_V"], 60)
    branches = {
        "after_forming_A": ("down_V", _branch(ohms[0], down, cells.forming.gate_V), "A"),
        "negative_out_A": ("negative_V", _branch(ohms[0], reverse, first["v_gate_V"]), "A"),
        "negative_back_A": ("negative_V", _branch(ohms[1], reverse, first["v_gate_V"]), "A"),
    }
    radii, grid = np.linspace(7e-9, 15e-9, 33), np.geomspace(2.0, 80.0, 41)
    by_radius = np.array([float(_ohm(r, 100.0 * sigmas[0])) for r in radii])
    by_sigma = np.asarray(_ohm(r_cf, 100.0 * grid))
    figure, (left, middle, right) = new_figure(1, 3, width=4.0, height=3.4)
    _draw_sweeps(left, cells, first["v_gate_V"])
    said = (
        f"1  back from forming: {sigmas[0]:g} S/cm",
        "    first negative sweep, out",
        f"2  and back: {sigmas[1]:g} S/cm",
    )
    for (axis_V, amps, _), label, colour, style in zip(
        branches.values(), said, (SECOND, SECOND, THIRD), ("-", "--", "-"), strict=True
    ):
        left.plot(down if axis_V == "down_V" else reverse, np.abs(amps), style, color=colour, lw=1.7, label=label)
    legend(left, loc="lower left", bbox_to_anchor=(0.3, 0.0))
    middle.plot(radii * 1e9, by_radius / 1e3, color=OURS, lw=1.6, label=f"ours, CMO {sigmas[0]:g} S/cm (input)")
    _cross(middle, r_cf * 1e9, ohms[0] / 1e3, f"published fit: {r_cf * 1e9:g} nm")
    middle.set(xlabel="filament radius [nm]", ylabel="low-field resistance [kΩ]")
    middle.set_title("what the filament's fit inverts (0..0.2 V)", fontsize=9)
    legend(middle, loc="upper right")
    _draw_sigma(right, grid, by_sigma, sigmas, ohms, r_cf)
    bias, current = cells.sweep()
    data = table(
        {"cell": (np.arange(SHOWN), "1"), "bias_V": (bias, "V"), "r_cf_m": (radii, "m"), "sigma_cmo_S_per_m": (100 * grid, "S/m"),
         "down_V": (down, "V"), "negative_V": (reverse, "V")},
        current_A=(("cell", "bias_V"), current, "A", "after breakdown as the transistor limits it; 0 before"),
        **branches,
        resistance_at_radius_ohm=("r_cf_m", by_radius, "ohm", f"at {sigmas[0]:g} S/cm"),
        resistance_at_sigma_ohm=("sigma_cmo_S_per_m", by_sigma, "ohm", "at the published filament"),
    )  # fmt: skip
    caption = (
        f"Left: {SHOWN} simulated cells on the forming ramp. Breakdown is a chance event, before which the oxide is taken to "
        "carry nothing and after which the transistor sets the current. Thick: the static law (eq. (6) and transistor) at the "
        "trap densities that give the two published conductivities at low field; how the first negative sweep leads from the "
        "one to the other is not modelled. Middle and right: what the published fits invert, by the FEM response table. "
        f"{r_cf * 1e9:g} nm and {sigmas[0]:g} S/cm are {ohms[0] / 1e3:.3g} kΩ here, {sigmas[1]:g} S/cm are "
        f"{ohms[1] / 1e3:.3g} kΩ; the measured resistances are not printed, so neither fit can be repeated."
    )
    return Drawing(figure, data, caption, {"cells": SHOWN, "seed": 0})


def _draw_sweeps(axis: Any, cells: Any, negative_gate_V: float) -> None:
    bias, current = cells.sweep()
    colours = load_matplotlib().get_cmap("viridis")(np.linspace(0, 1, SHOWN))
    for one, v, colour in zip(current, cells.v_1t1r_V, colours, strict=True):
        at = int(np.argmax(one > 0))
        axis.semilogy([v, v, *bias[at:]], [1e-9, one[at], *one[at:]], color=colour, lw=0.7)
    volts, amps = paper()["forming"]["v_forming_1t1r_V"]["mean"], paper()["forming"]["i_forming_1t1r_uA"]["mean"]
    axis.plot(
        volts,
        amps * 1e-6,
        "P",
        color=PUBLISHED,
        ms=8,
        mec="white",
        zorder=5,
        label=f"published mean: {volts:g} V, {amps:g} µA",
    )
    axis.set(
        xlim=(-1.5, 3.7), ylim=(1e-9, 3e-3), xlabel="voltage across cell and transistor [V]", ylabel="|current| [A]"
    )
    axis.set_title(f"{SHOWN} cells, gate {cells.forming.gate_V:g} V (negative: {negative_gate_V:g} V)", fontsize=9)


def _draw_sigma(axis: Any, grid: Any, by_sigma: Any, sigmas: list[float], ohms: list[float], r_cf_m: float) -> None:
    axis.loglog(grid, by_sigma / 1e3, color=OURS, lw=1.6, label=f"ours, filament {r_cf_m * 1e9:g} nm (input)")
    for s, ohm in zip(sigmas, ohms, strict=True):
        _cross(axis, s, ohm / 1e3, f"published: {s:g} S/cm")
    r_lrs = paper()["cycling"]["r_lrs_ohm"]["mean"]
    own = float(np.exp(np.interp(-np.log(r_lrs), -np.log(by_sigma), np.log(grid))))
    axis.plot(
        own, r_lrs / 1e3, "o", color=SECOND, ms=5, label=f"published LRS of 2e, {r_lrs / 1e3:g} kΩ: {own:.3g} S/cm"
    )
    for which, ticks in ((axis.xaxis, (2, 5, 10, 20, 50)), (axis.yaxis, (2, 5, 10, 20, 50))):
        which.set_ticks(ticks, [str(t) for t in ticks])
        which.set_ticks([], minor=True)
    axis.set(xlabel="conductivity of the CMO [S/cm]", ylabel="low-field resistance [kΩ]", xlim=(1.8, 160))
    axis.set_title("what the fit of the CMO inverts (0..−0.2 V)", fontsize=9)
    legend(axis, loc="lower left")


def _cross(axis: Any, x: float, y: float, text: str) -> None:
    axis.plot(x, y, "P", color=PUBLISHED, ms=7, mec="white", mew=0.6, zorder=5)
    axis.annotate(text, (x, y), xytext=(7, 5), textcoords="offset points", fontsize=7.5)


def _transistor(effort: Effort) -> Drawing:
    t = formed(SHOWN).transistor
    gates, drain = np.arange(0.0, 3.01, 0.3), np.linspace(0.0, 4.0, 201)
    current = t.current(gates[:, None], drain, 0.0)
    f = paper()["forming"]
    gate, r_ds, limit = f["r_ds_triode_ohm"]["v_gate_V"], f["r_ds_triode_ohm"]["value"], f["i_forming_1t1r_uA"]["mean"]
    figure, axis = new_figure(width=4.6, height=3.9)
    colours = load_matplotlib().get_cmap("coolwarm")
    norm = matplotlib_part("colors").Normalize(0.0, 3.0)
    for g, one in zip(gates, current, strict=True):
        axis.plot(drain, one * 1e3, color=colours(norm(g)), lw=1.3)
    axis.plot(drain, t.current(gate, drain, 0.0) * 1e3, color="black", lw=1.6, label=f"ours at {gate:g} V")
    small = np.linspace(0.0, 0.45, 10)
    axis.plot(
        small, small / r_ds * 1e3, "--", color=PUBLISHED, lw=1.2, label=f"published: {r_ds / 1e3:g} kΩ at {gate:g} V"
    )
    axis.plot(paper()["forming"]["v_forming_1t1r_V"]["mean"], limit * 1e-3, "P", color=PUBLISHED, ms=8, mec="white",
              label=f"published: {limit:g} µA on forming")  # fmt: skip
    figure.colorbar(
        matplotlib_part("cm").ScalarMappable(norm, colours), ax=axis, label="gate voltage [V]", pad=0.02
    ).ax.tick_params(labelsize=8)
    axis.set(xlabel="drain-source voltage [V]", ylabel="drain current [mA]", xlim=(0, 4), ylim=(0, None))
    figure.legend(loc="outside upper left", fontsize=7.5, frameon=False)
    data = table({"gate_V": (gates, "V"), "drain_V": (drain, "V")}, current_A=(("gate_V", "drain_V"), current, "A"))
    caption = (
        "EKV law of one smooth piece. Two published numbers fix it (triode resistance, and the current of forming taken as "
        f"saturation), both at {gate:g} V: threshold {t.threshold_V:.2f} V, gain {t.gain_A_per_V2 * 1e3:.2f} mA/V². "
        "Every other gate is "
        "extrapolated; the published axis ends at 3 mA for 3 V."
    )
    return Drawing(figure, data, caption, t.model_dump(mode="json"))
