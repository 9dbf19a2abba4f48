"""Figures 4a-e: what time does to programmed levels.

The relaxation law is published and put in; levels, their overlap, clipping at the bounds and read noise are simulated.
What each published panel shows: its page https://arxiv.org/html/2502.04524v3 and descriptions of its image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ground.paper import paper
from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.published_array import IN_TIME, TEN_YEARS_s, relaxed

if TYPE_CHECKING:
    from compact_model.relaxation_statistics import RelaxationStatistics

_TEN_MINUTES_s, _HOUR_s = 600.0, 3600.0
_CURVE_s = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 600.0, 1000.0, 3600.0)
_LONG_s = {"1 s": 1.0, "1 h": 3600.0, "1 day": 86400.0, "1 week": 604800.0, "10 years": TEN_YEARS_s}
_INPUT = (
    "Put in: the published law of relaxation (mean and width against ln t) and of read noise, and the population of devices. Ours: "
    "programming to 0.2 % and its width, one Brownian path per device, bounds, and the statistics."
)


def figures() -> list[Figure]:
    """Return figures 4a to 4e."""
    fewer = "64 devices instead of 1,024"
    return [
        Figure("4a", "35 levels ten minutes after programming", _levels_later, IN_TIME, fewer),
        Figure("4b", "Width of the levels, programmed and ten minutes later", _widths, IN_TIME, fewer),
        Figure("4c", "Conductance against time", _over_time, IN_TIME, fewer),
        Figure("4d", "Change after one hour", _hour, IN_TIME, fewer),
        Figure("4e", "One level from 1 s to 10 years", _long, IN_TIME, "256 devices instead of 4,096"),
    ]


def _run(effort: Effort) -> RelaxationStatistics:
    return relaxed(8 if effort.quick else 32, _CURVE_s)


def _at(run: RelaxationStatistics, t_s: float) -> Any:
    """Return conductances (levels, devices) as read at t_s [uS], NaN where a programming failed."""
    g = np.where(run.programming.converged, run.g_S[int(np.flatnonzero(run.time_s == t_s)[0])], np.nan)
    return 1e6 * g.reshape(g.shape[0], -1)


def _programmed(run: RelaxationStatistics) -> Any:
    g = np.where(run.programming.converged, run.programming.g_S, np.nan)
    return 1e6 * g.reshape(g.shape[0], -1)


def _targets(run: RelaxationStatistics) -> Any:
    target = run.programming.target_S
    return 1e6 * target.reshape(target.shape[0], -1)[:, 0]


def _settings(run: RelaxationStatistics) -> dict[str, Any]:
    return {"population": "published", "noise": "published", "devices": list(run.programming.g_S.shape[1:]), "seed": 0}


def _normal(x: Any, mean: Any, std: Any) -> Any:
    return np.exp(-0.5 * ((x - mean) / std) ** 2)


def _levels_later(effort: Effort) -> Drawing:
    run = _run(effort)
    now, target = _at(run, _TEN_MINUTES_s), _targets(run)
    mean, std = np.nanmean(now, 1), np.nanstd(now, 1, ddof=1)
    overlap = float(run.overlap[list(run.time_s).index(_TEN_MINUTES_s)])
    misread = float(run.misread[list(run.time_s).index(_TEN_MINUTES_s)])
    published = paper()["relaxation"]["overlap_35_levels_10min_percent"]["value"]
    figure, (axis, close) = style.new_figure(1, 2, width=4.4, gridspec_kw={"width_ratios": [2.0, 1]})
    for m, s, colour in zip(mean, std, style.levels_colours(mean.size), strict=True):
        x = np.linspace(m - 4 * s, m + 4 * s, 121)
        axis.fill_between(x, _normal(x, m, s), color=colour, alpha=0.35, lw=0)
        axis.plot(x, _normal(x, m, s), color=colour, lw=0.8)
    axis.set(xlabel="conductance [uS]", ylabel="density / its maximum [1]", ylim=(0, 1.25))
    words = f"common area of neighbours: {100 * overlap:.1f} %, published {published:g} %"
    style.title(axis, words)
    middle = mean.size // 2
    for i, colour in ((middle - 1, style.OURS), (middle, style.SECOND)):
        edges = np.linspace(mean[i] - 4 * std[i], mean[i] + 4 * std[i], 17)
        counts, _ = np.histogram(now[i][np.isfinite(now[i])], edges)
        own = counts / (np.isfinite(now[i]).sum() * np.diff(edges) / (std[i] * np.sqrt(2 * np.pi)))
        close.stairs(own, edges, fill=True, color=colour, alpha=0.3)
        x = np.linspace(edges[0], edges[-1], 121)
        close.plot(x, _normal(x, mean[i], std[i]), color=colour, lw=1)
        close.axvline(target[i], color=colour, ls=":", lw=1)
    close.set(xlabel="conductance [uS]")
    style.title(close, "two neighbours (dotted: targets)")
    data = style.table(
        {"target": (target, "uS")},
        mean=("target", mean, "uS"),
        std=("target", std, "uS"),
        conductance=(("target", "device"), now, "uS", "as read; NaN where a programming failed"),
        overlap=((), overlap, "1", "common area of the normal laws of neighbouring levels, mean over neighbours"),
        misread=((), misread, "1", "share of devices nearer to another level"),
        published_overlap=((), published / 100, "1"),
    )
    caption = (
        f"Normal laws of the {target.size} levels ten minutes after programming to 0.2 %, {now.shape[1]} devices; right: two levels with "
        f"the devices themselves. Overlap {100 * overlap:.1f} % (published {published:g} %, definition not stated: ours is the common "
        f"area); {100 * misread:.0f} % of the devices are nearer to another level, shift included. {_INPUT}"
    )
    return Drawing(figure, data, caption, _settings(run))


def _widths(effort: Effort) -> Drawing:
    run = _run(effort)
    target, at_once, later = _targets(run), _programmed(run), _at(run, _TEN_MINUTES_s)
    std = np.array([np.nanstd(g, 1, ddof=1) for g in (at_once, later)])
    error = std / np.sqrt(2 * (at_once.shape[1] - 1))
    law = paper()["relaxation"]["sigma"]
    expected = law["constant"] + law["per_ln_t"] * np.log(_TEN_MINUTES_s)
    published = paper()["relaxation"]["sigma_10min_uS"]["value"]
    figure, axis = style.new_figure(width=4.6, height=3.2)
    for row, colour, name in zip(
        (0, 1), (style.FOURTH, style.THIRD), ("programmed to 0.2 %", "10 min later"), strict=True
    ):
        axis.errorbar(target, std[row], error[row], fmt="o", ms=3, lw=0.8, color=colour, label=name)
    axis.axhline(expected, color=style.THIRD, lw=1, label=f"law put in: {expected:.2f} uS")
    axis.axhline(published, color=style.PUBLISHED, ls="--", lw=1, label=f"published, in words: about {published:g} uS")
    axis.set(xlabel="target conductance [uS]", ylabel="standard deviation over devices [uS]", ylim=(0, 1.15))
    style.legend(axis, loc="upper left", ncols=2)
    data = style.table(
        {"target": (target, "uS"), "moment": ([0.0, _TEN_MINUTES_s], "s")},
        std=(("moment", "target"), std, "uS"),
        std_stderr=(("moment", "target"), error, "uS"),
        law=((), expected, "uS", "published width of relaxation at 10 min"),
        published=((), published, "uS"),
    )
    caption = (
        f"Standard deviation over {at_once.shape[1]} devices of each level, right after programming and ten minutes later (mean "
        f"{std[1].mean():.2f} uS; the reading adds its own noise to the {expected:.2f} uS of the law). {_INPUT}"
    )
    return Drawing(figure, data, caption, _settings(run))


def _over_time(effort: Effort) -> Drawing:
    run = _run(effort)
    target = _targets(run)
    g = np.array([_at(run, t) for t in run.time_s])
    mean, std = np.nanmean(g, 2), np.nanstd(g, 2, ddof=1)
    figure, axis = style.new_figure(width=4.8, height=3.8)
    for i, colour in enumerate(style.levels_colours(target.size)):
        axis.fill_between(run.time_s, mean[:, i] - std[:, i], mean[:, i] + std[:, i], color=colour, alpha=0.35, lw=0)
        axis.plot(run.time_s, mean[:, i], "-", color=colour, lw=0.9)
    slope = paper()["relaxation"]["mean_shift"]["per_ln_t"]
    for t in target[:: target.size // 6]:
        axis.plot(run.time_s, t + slope * np.log(run.time_s), "--", color=style.PUBLISHED, lw=0.7)
    axis.plot([], [], "--", color=style.PUBLISHED, lw=0.7, label="law put in, some levels")
    axis.set(xlabel="time since programming [s]", ylabel="conductance [uS]", xscale="log", ylim=(5, 101))
    style.legend(axis, loc="upper right")
    data = style.table(
        {"time": (run.time_s, "s"), "target": (target, "uS")},
        mean=(("time", "target"), mean, "uS"),
        std=(("time", "target"), std, "uS"),
        law_per_ln_t=((), slope, "uS", "published shift of the mean per unit of ln(t/s)"),
    )
    caption = (
        f"Mean over {g.shape[2]} devices and one standard deviation of each level, from 1 s to 1 h after programming to 0.2 % (published: "
        f"1 s to about 1,000 s). {_INPUT}"
    )
    return Drawing(figure, data, caption, _settings(run))


def _hour(effort: Effort) -> Drawing:
    run = _run(effort)
    target, change = _targets(run), _at(run, _HOUR_s) - _programmed(run)
    n = np.isfinite(change).sum(1)
    mean, std = np.nanmean(change, 1), np.nanstd(change, 1, ddof=1)
    whole = float(np.nanmean(change))
    published = paper()["relaxation"]["mean_shift_1h_uS"]["value"]
    law = paper()["relaxation"]["mean_shift"]["per_ln_t"] * np.log(_HOUR_s)
    figure, axis = style.new_figure(width=4.6, height=3.2)
    axis.plot(np.repeat(target, 32), change[:, :32].ravel(), ".", ms=2, color=style.QUIET, zorder=0)
    axis.fill_between(target, mean - std, mean + std, color=style.OURS, alpha=0.15, lw=0, label="1 sigma of devices")
    axis.errorbar(
        target,
        mean,
        std / np.sqrt(n),
        fmt="o",
        ms=3,
        lw=0.8,
        color=style.OURS,
        label=f"level means; all: {whole:.2f} uS",
    )
    axis.axhline(published, ls="--", lw=1, color=style.PUBLISHED, label=f"published mean, in words: {published:g} uS")
    axis.axhline(law, ls=":", lw=1.2, color=style.SECOND, label=f"law put in: {law:.2f} uS")
    axis.set(xlabel="target conductance [uS]", ylabel="conductance at 1 h - programmed [uS]", ylim=(-4, 4))
    style.legend(axis, ncols=2, loc="upper left")
    data = style.table(
        {"target": (target, "uS")},
        change=(
            ("target", "device"),
            change,
            "uS",
            "as read at 1 h less as programmed; NaN where a programming failed",
        ),
        mean=("target", mean, "uS"),
        std=("target", std, "uS"),
        mean_of_all=((), whole, "uS"),
        law=((), law, "uS"),
        published=((), published, "uS"),
    )
    caption = (
        f"Change between programming and one hour later, {change.shape[1]} devices (dots: 32 of them) at {target.size} levels: mean "
        f"{whole:.2f} uS (published -0.7 in words, -0.68 in the panel), independent of the level. {_INPUT}"
    )
    return Drawing(figure, data, caption, _settings(run))


def _long(effort: Effort) -> Drawing:
    from compact_model.array import Array
    from compact_model.population import Population

    side, target = (16 if effort.quick else 64), 50.0
    array = Array.from_population(Population.published(), (side, side), 0).program(1e-6 * target, 0.002)
    g = []
    for t in _LONG_s.values():
        array = array.wait(t - array.clock_s)
        g.append(1e6 * array.read().ravel())
    mean, std = np.mean(g, 1), np.std(g, 1, ddof=1)
    times = np.array(list(_LONG_s.values()))
    law = paper()["relaxation"]
    figure, axes = style.new_figure(1, 3, width=3.4, height=3.0, gridspec_kw={"width_ratios": [1.5, 1, 1]})
    x = np.linspace(target - 8, target + 5, 400)
    for m, s, name, colour in zip(mean, std, _LONG_s, style.sequence_colours(len(_LONG_s)), strict=True):
        axes[0].plot(x, _normal(x, m, s) / (s * np.sqrt(2 * np.pi)), color=colour, lw=1.4, label=name)
    axes[0].axvline(target, color=style.QUIET, lw=1, zorder=0)
    axes[0].set(xlabel="conductance [uS]", ylabel="density [1/uS]")
    style.legend(axes[0], loc="upper left")
    line = np.logspace(0, np.log10(times[-1]), 60)
    axes[1].errorbar(times, mean, std / np.sqrt(side**2), fmt="o", ms=4, color=style.OURS, label="simulated")
    axes[1].plot(
        line,
        target + law["mean_shift"]["per_ln_t"] * np.log(line),
        "--",
        color=style.PUBLISHED,
        lw=1,
        label="law put in",
    )
    axes[1].set(ylabel="mean [uS]")
    axes[2].errorbar(times, std, std / np.sqrt(2 * side**2), fmt="o", ms=4, color=style.OURS, label="simulated")
    width = law["sigma"]["constant"] + law["sigma"]["per_ln_t"] * np.log(line)
    axes[2].plot(line, width, "--", color=style.PUBLISHED, lw=1, label="law put in")
    axes[2].set(ylabel="standard deviation [uS]", ylim=(0, None))
    for axis in axes[1:]:
        axis.set(xlabel="time since programming [s]", xscale="log")
        style.legend(axis)
    data = style.table(
        {"time": (times, "s")},
        conductance=(("time", "device"), np.array(g), "uS", "as read"),
        mean=("time", mean, "uS"),
        std=("time", std, "uS"),
        law_mean=("time", target + law["mean_shift"]["per_ln_t"] * np.log(times), "uS"),
        law_std=(
            "time",
            law["sigma"]["constant"] + law["sigma"]["per_ln_t"] * np.log(times),
            "uS",
            "without read noise",
        ),
    )
    caption = (
        f"{side * side} devices programmed to {target:g} uS within 0.2 % and read at five times; left: normal laws of the readings. The "
        f"clock of one array runs, so a device's readings belong together. Beyond about an hour the law is extrapolated, as published. "
        f"{_INPUT}"
    )
    return Drawing(
        figure,
        data,
        caption,
        {"population": "published", "noise": "published", "devices": [side, side], "seed": 0},
        synthetic=True,
    )
