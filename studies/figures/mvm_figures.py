"""Figures 4f and S6: products in memory against floating point, over time, array size, converters and IR drop.

What each published panel shows: its page https://arxiv.org/html/2502.04524v3 and descriptions of its image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ground.paper import paper
from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.published_array import IDEAL, IN_TIME, WAN, TEN_YEARS_s, multiplied, rmse

if TYPE_CHECKING:
    from compact_model.mvm.study import MvmStudy

_INPUTS = (
    "mvm.size",
    "mvm.inputs",
    "mvm.dac_bits",
    "mvm.adc_bits",
    "mvm.r_wire_segment_ohm",
    "mvm.g_window_uS",
    *IN_TIME,
)
_KINDS = ("aihwkit", "exact")
_SCATTER_s = {"programmed": 0.0, "1 s": 1.0, "1 h": 3600.0, "10 years": TEN_YEARS_s}
_TIMES_s = (0.0, 1.0, 60.0, 3600.0, 86400.0, 604800.0, 3.1536e7, TEN_YEARS_s)
_SHOWN_VECTORS = 20
_LARGE = 512
_INPUT = (
    "Put in: converters, wire, window, the laws of relaxation and read noise, and the population of devices as published. Ours: the "
    "closed loop at 0.2 %, crossbar and chain. RMSE is plain, for weights and inputs uniform in -1..1; the paper does not state its own, "
    "and no choice tried gives all its numbers at once."
)
_TWO_KINDS = (
    "IR drop in two ways: aihwkit's static formula (as the paper's) and the exact solution of all wires, with neither gain nor offset "
    "taken off."
)


def figures() -> list[Figure]:
    """Return figures 4f and S6."""
    return [
        Figure("4f", "Products of a 64 x 64 array against floating point", _products, _INPUTS, "2 matrices instead of 10"),
        Figure(
            "S6", "Converters, IR drop and array size", _sizes, _INPUTS,
            "2 matrices instead of 10; at 512 x 512 one instead of 2, 10 vectors instead of 100, and only 1 s",
        ),
    ]  # fmt: skip


def _studies(seeds: int, times_s: tuple[float, ...] = (), **changes: Any) -> list[MvmStudy]:
    return [multiplied(times_s or _TIMES_s, seed, **changes) for seed in range(seeds)]


def _line(
    axis: Any, times_s: Any, found: Any, colour: str, label: str, marker: str = "o", dashed: bool = False
) -> None:
    """Draw the mean over matrices and the range of them; 0 s, which a logarithm does not know, is a dotted level."""
    later = np.asarray(times_s) > 0
    look: dict[str, Any] = {"ls": "--", "mfc": "none"} if dashed else {"ls": "-"}
    look |= {"marker": marker, "ms": 4, "lw": 1, "label": label}
    style.mean_and_range(axis, np.asarray(times_s)[later], found[:, later], colour, **look)
    if not later[0]:
        axis.axhline(found[:, 0].mean(), color=colour, ls=":", lw=0.9)


def _time_axis(axis: Any) -> None:
    axis.set(xscale="log", yscale="log", xlim=(0.5, 1.2e9), xlabel="time since programming [s]", ylabel="RMSE [1]")
    style.remark(axis, "dotted: just programmed", 0.97, 0.03, fontsize=6.5)


def _products(effort: Effort) -> Drawing:
    seeds, numbers = (2 if effort.quick else 10), paper()["mvm"]
    runs = {k: _studies(seeds, ir_drop=k) for k in _KINDS}
    wan = rmse(_studies(seeds, times_s=(1.0,), ir_drop="aihwkit", **WAN))
    figure, axes = style.new_figure(1, 3, width=3.7, height=3.4)
    colours = dict(zip(_SCATTER_s, style.sequence_colours(len(_SCATTER_s)), strict=True))
    shown = np.empty((len(_KINDS), len(_SCATTER_s), _SHOWN_VECTORS * numbers["size"]))
    for i, (kind, axis) in enumerate(zip(_KINDS, axes, strict=False)):
        study = runs[kind][0]
        exact = study.y_fp[:_SHOWN_VECTORS].ravel()
        for j, (name, t) in reversed(list(enumerate(_SCATTER_s.items()))):
            k = study.times_s.index(t)
            shown[i, j] = study.y[k, :_SHOWN_VECTORS].ravel()
            label = f"{name}: RMSE {rmse(runs[kind])[:, k].mean():.3f}"
            axis.plot(exact, shown[i, j], ".", ms=1.6, color=colours[name], label=label, rasterized=True)
        ends = np.array([-1, 1]) * np.abs(exact).max()
        axis.plot(ends, ends, "-", color=style.PUBLISHED, lw=0.8)
        axis.set(xlabel="product in floating point [1]", ylabel="product in memory [1]")
        style.title(axis, f"IR drop: {kind}")
        axis.legend(fontsize=7, frameon=False, markerscale=4, loc="upper left", handletextpad=0.2)
    for kind, colour, marker in zip(_KINDS, (style.OURS, style.SECOND), "os", strict=True):
        _line(axes[2], _TIMES_s, rmse(runs[kind]), colour, f"IR drop: {kind}", marker)
    published = {1.0: numbers["rmse_1s"]["value"], TEN_YEARS_s: numbers["rmse_10y"]["value"]}
    axes[2].plot(
        list(published), list(published.values()), "D", ms=5, mfc="none", color=style.PUBLISHED, label="published"
    )
    axes[2].plot([1.0], [wan.mean()], "^", ms=5, color=style.FOURTH, label="Wan 2022, same chain")
    other = numbers["rmse_wan2022_same_conditions"]["value"]
    axes[2].plot([1.0], [other], "^", ms=5, mfc="none", color=style.PUBLISHED, label="Wan 2022, published")
    _time_axis(axes[2])
    axes[2].set_ylim(0.01, 3.0)
    style.legend(axes[2], loc="upper left", fontsize=6.5)
    data = style.table(
        {"ir_drop": (list(_KINDS), "1"), "time": (list(_TIMES_s), "s"), "matrix": (np.arange(seeds), "1")},
        rmse=(("ir_drop", "matrix", "time"), np.array([rmse(runs[k]) for k in _KINDS]), "1"),
        rmse_wan_2022=("matrix", wan[:, 0], "1", "at 1 s, IR drop as in aihwkit"),
        scatter_time=("moment", list(_SCATTER_s.values()), "s"),
        product=(("ir_drop", "moment", "point"), shown, "1", "in memory, first matrix"),
        product_fp=("point", runs["exact"][0].y_fp[:_SHOWN_VECTORS].ravel(), "1", "in floating point"),
        published_time=("published", list(published), "s"),
        published_rmse=("published", list(published.values()), "1"),
        published_rmse_wan_2022=((), other, "1"),
    )
    at = [_TIMES_s.index(t) for t in published]
    ours = [" and ".join(f"{rmse(runs[k])[:, i].mean():.3g}" for i in at) for k in _KINDS]
    caption = (
        f"64 x 64, 6 bit in, 8 bit out, {numbers['inputs']} vectors, {seeds} matrices (bands: their range; left and middle: the first, "
        f"{_SHOWN_VECTORS} vectors). RMSE at 1 s and 10 years: {ours[0]} (aihwkit), {ours[1]} (exact); published "
        f"{published[1.0]:g} and {published[TEN_YEARS_s]:g}. {_TWO_KINDS} {_INPUT}"
    )
    return Drawing(figure, data, caption, {"size": 64, "matrices": seeds, "population": "published"})


def _sizes(effort: Effort) -> Drawing:
    quick, numbers = effort.quick, paper()["mvm"]
    seeds = 2 if quick else 10
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        ("6/8 bit", {}, style.THIRD, "X"),
        ("ideal I/O", IDEAL, style.OURS, "s"),
    ]
    figure, (left, right) = style.new_figure(1, 2, width=4.6, height=3.6)
    names, curves = [], []
    for name, changes, colour, marker in cases:
        for kind, dashed in zip(_KINDS, (False, True), strict=True):
            found = rmse(_studies(seeds, ir_drop=kind, **changes))
            _line(left, _TIMES_s, found, colour, f"IR drop {kind}, {name}", marker, dashed)
            names.append(f"{kind}, {name}")
            curves.append(found)
    found = rmse(_studies(seeds, ir_drop="none", **IDEAL))
    _line(left, _TIMES_s, found, style.SECOND, "no IR drop, ideal I/O", "o")
    names.append("none, ideal I/O")
    curves.append(found)
    value = numbers["rmse_programmed_32bit_no_ir_drop"]["value"]
    left.axhline(value, color=style.PUBLISHED, ls="--", lw=0.9, label="published: programmed, no IR drop, 32 bit")
    style.title(left, "64 x 64")
    large_s = (1.0,) if quick else (1.0, 3600.0, 86400.0, 3.1536e7, TEN_YEARS_s)
    few, vectors = (1, 10) if quick else (2, numbers["inputs"])
    large = []
    for kind, dashed, small in zip(_KINDS, (False, True), (curves[0], curves[1]), strict=True):
        large.append(rmse(_studies(few, size=_LARGE, inputs=vectors, times_s=large_s, ir_drop=kind)))
        _line(right, large_s, large[-1], style.MEASURED, f"{_LARGE} x {_LARGE}, {kind}, 6/8 bit", "D", dashed)
        _line(right, _TIMES_s, small, style.THIRD, f"64 x 64, {kind}, 6/8 bit", "X", dashed)
    style.title(right, f"up to {_LARGE} x {_LARGE}")
    for axis in (left, right):
        _time_axis(axis)
        axis.set_ylim(2e-3, 3e2 if axis is right else 3e1)
        style.legend(axis, loc="upper left", fontsize=6.5, handlelength=2.6)
    data = style.table(
        {
            "case": (names, "1"),
            "time": (list(_TIMES_s), "s"),
            "large_time": (list(large_s), "s"),
            "ir_drop": (list(_KINDS), "1"),
        },
        rmse=(("case", "matrix", "time"), np.array(curves), "1", "64 x 64; case: kind of IR drop, bits in and out"),
        rmse_large=(
            ("ir_drop", "large_matrix", "large_time"),
            np.array(large),
            "1",
            f"{_LARGE} x {_LARGE}, 6 and 8 bit",
        ),
        published_programmed=((), value, "1", "32 bit, no IR drop, just programmed"),
    )
    second, ideal = [f"{r[:, 0].mean():.3g}" for r in large], curves[-1][:, 0].mean()
    caption = (
        f"RMSE over time, {seeds} matrices of 64 x 64 (left) and {few} of {_LARGE} x {_LARGE} (right; at 1 s {second[0]} with aihwkit's "
        f"IR drop, {second[1]} exact), bands: range of the matrices. Programmed, ideal converters (published: 32 bit), no IR drop: "
        f"{ideal:.2g} (published {value:g}). {_TWO_KINDS} {_INPUT}"
    )
    return Drawing(
        figure,
        data,
        caption,
        {"matrices": seeds, "large": _LARGE, "large_matrices": few, "large_inputs": vectors},
        synthetic=True,
    )
