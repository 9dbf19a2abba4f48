"""Figures 5a-c, 6a and S7: open-loop pulses of devices drawn from the published population.

What each published panel shows: its page https://arxiv.org/html/2502.04524v3 and descriptions of its image. The traces of all devices
are a figure of the supplement whose number we could not see; as they belong to figure 5 they stand as S7.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ground.paper import paper
from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.published_array import PULSED

if TYPE_CHECKING:
    from compact_model.open_loop import OpenLoopMetrics, OpenLoopTrace
    from compact_model.pulsed_device import PulsedDevices

ARRAY = (8, 4)
_EDGES = (0, 400, 800, 1200, 1600, 2100)
_AFTER = 1200
UP, DOWN = "#c0392b", style.OURS
_METRICS = {
    "n_states": "number of states [1]",
    "sp_skew": "skew of the symmetry point [%]",
    "nsr": "noise to signal [%]",
}
PUT_IN = (
    "Put in: the published means of N_states, skew and NSR; their spreads, the exponents and the bounds are assumed (Population.published "
    "names each)."
)


def figures() -> list[Figure]:
    """Return figures 5a to 5c, 6a and S7."""
    fewer = "256 devices instead of 4,096"
    return [
        Figure("5a", "Open-loop pulses of one device", _one, PULSED),
        Figure("5b", "Open-loop pulses of an array", _array, PULSED, fewer),
        Figure("5c", "Metrics of the array", _metrics, PULSED, fewer),
        Figure("6a", "Soft-bounds devices as weights", _weights, PULSED),
        Figure("S7", "Open-loop pulses of every device (number inferred)", _every, PULSED),
    ]


@cache
def pulsed(shape: tuple[int, int]) -> tuple[PulsedDevices, OpenLoopTrace, OpenLoopMetrics]:
    """Return devices of the published population, their traces under the published pulses, and what these say."""
    from compact_model.open_loop import run_open_loop
    from compact_model.population import Population

    devices = Population.published().sample(shape, 0)
    trace = run_open_loop(devices, seed=0)
    return devices, trace, trace.metrics()


def _side(effort: Effort) -> tuple[int, int]:
    return (16, 16) if effort.quick else (64, 64)


def settings(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what a drawing of an array of this shape says it computed."""
    return {"population": "published", "devices": list(shape), "seed": 0, "protocol": paper()["open_loop"]["protocol"]}


def _flat(trace: OpenLoopTrace) -> Any:
    """Return conductances (pulses + 1, devices) [uS]."""
    return 1e6 * trace.g_S.reshape(trace.g_S.shape[0], -1)


def pulse_axis(axis: Any) -> None:
    """Give an axis the numbers of the pulses and conductance on a logarithmic scale."""
    axis.set(xlabel="pulse number [1]", ylabel="conductance [uS]", yscale="log", xlim=(0, _EDGES[-1]), ylim=(1.2, 150))
    axis.set_xticks(_EDGES)
    axis.set_yticks([3, 10, 30, 100], ["3", "10", "30", "100"])
    axis.minorticks_off()


def draw_trace(axis: Any, g: Any, direction: Any, size: float = 1.0) -> None:
    """Draw conductances g [uS] before the first and after every pulse, coloured by the direction of the pulse."""
    number = np.arange(1, g.size)
    for sign, colour in ((1, UP), (-1, DOWN)):
        own = direction == sign
        axis.plot(number[own], g[1:][own], ".", ms=size, color=colour, rasterized=True)


def _bounds(axis: Any, m: OpenLoopMetrics, place: Any, width: float = 1.0) -> None:
    for value, colour, name in (
        (m.g_max_S, UP, "G_max"),
        (m.g_sp_S, style.SECOND, "G_sp"),
        (m.g_min_S, DOWN, "G_min"),
    ):
        level = 1e6 * float(np.ravel(value)[place])
        axis.axhline(level, color=colour, ls="--", lw=width, label=f"{name} {level:.3g} uS")


def _one(effort: Effort) -> Drawing:
    _, trace, m = pulsed(ARRAY)
    loop = paper()["open_loop"]
    middle = int(np.argmin(sum(np.abs(np.ravel(getattr(m, k)) / loop[k]["mean"] - 1) for k in _METRICS)))
    g = _flat(trace)[:, middle]
    figure, axis = style.new_figure(width=5.4, height=3.2)
    draw_trace(axis, g, trace.direction, 2.0)
    _bounds(axis, m, middle)
    pulse_axis(axis)
    for (low, high), word in zip(
        itertools.pairwise(_EDGES), ("up", "down", "up", "down", "up, down, ..."), strict=True
    ):
        axis.text(
            0.5 * (low + high),
            1.02,
            f"{high - low} {word}",
            transform=axis.get_xaxis_transform(),
            ha="center",
            fontsize=7,
        )
    style.legend(axis, loc="lower right", ncols=3)
    found = [float(np.ravel(getattr(m, k))[middle]) for k in _METRICS]
    data = style.table(
        {"pulse": (np.arange(g.size), "1")},
        conductance=("pulse", g, "uS", "before the first and after every pulse"),
        direction=("pulse", np.concatenate([[0], trace.direction]), "1", "of the pulse before: +1 up, -1 down"),
        g_max=((), 1e6 * float(np.ravel(m.g_max_S)[middle]), "uS"),
        g_min=((), 1e6 * float(np.ravel(m.g_min_S)[middle]), "uS"),
        g_sp=((), 1e6 * float(np.ravel(m.g_sp_S)[middle]), "uS"),
        **{k: ((), v, "1") for k, v in zip(_METRICS, found, strict=True)},
    )
    caption = (
        f"The device of an 8 x 4 array that is nearest to the published means, pulsed as published ({loop['v_set_V']:g} V up, "
        f"{loop['v_reset_V']:g} V down, 2.5 us): red after up pulses, blue after down pulses. N_states {found[0]:.3g}, skew "
        f"{found[1]:.2f}, NSR {found[2]:.2f}. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(ARRAY))


def _array(effort: Effort) -> Drawing:
    _, trace, _ = pulsed(_side(effort))
    g = _flat(trace)
    mean, std = g.mean(1), g.std(1, ddof=1)
    figure, (axis, side) = style.new_figure(1, 2, width=4.2, gridspec_kw={"width_ratios": [2, 1]})
    number = np.arange(mean.size)
    axis.fill_between(
        number, mean - std, mean + std, color=style.QUIET, lw=0, label="1 sigma of devices", rasterized=True
    )
    axis.plot(number, mean, color="black", lw=0.7, label="mean over devices")
    axis.axvline(_AFTER, color=style.SECOND, ls="--", lw=1, label=f"after {_AFTER} pulses")
    pulse_axis(axis)
    style.legend(axis, loc="lower center", ncols=3)
    side.hist(g[_AFTER], bins=24, color=style.SECOND, alpha=0.7)
    side.axvline(mean[_AFTER], color="black", lw=1)
    side.axvspan(mean[_AFTER] - std[_AFTER], mean[_AFTER] + std[_AFTER], color=style.QUIET, alpha=0.5, lw=0, zorder=0)
    side.set(xlabel="conductance [uS]", ylabel="devices [1]")
    style.title(side, f"after {_AFTER} pulses: {mean[_AFTER]:.1f} ± {std[_AFTER]:.1f} uS")
    data = style.table(
        {"pulse": (number, "1")},
        mean=("pulse", mean, "uS"),
        std=("pulse", std, "uS"),
        conductance_after_1200=("device", g[_AFTER], "uS"),
    )
    caption = (
        f"Mean and standard deviation of the conductance over {g.shape[1]} devices under the published pulses (published: 32 measured "
        f"devices), and their distribution after {_AFTER} pulses. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(_side(effort)))


def _metrics(effort: Effort) -> Drawing:
    devices, _, m = pulsed(_side(effort))
    loop = paper()["open_loop"]
    figure, axes = style.new_figure(1, 3, width=2.9, height=2.8)
    found, words = {}, []
    for axis, (name, label) in zip(axes, _METRICS.items(), strict=True):
        scale = 1.0 if name == "n_states" else 100.0
        values, published = np.ravel(getattr(m, name)), loop[name]["mean"]
        found[name] = values
        axis.hist(scale * values, bins=25, color=style.OURS, alpha=0.65)
        error = values.std(ddof=1) / np.sqrt(values.size)
        axis.axvline(
            scale * values.mean(),
            color=style.OURS,
            lw=1.4,
            label=f"mean {scale * values.mean():.3g} ± {scale * error:.1g}",
        )
        axis.axvline(
            scale * published, color=style.PUBLISHED, ls="--", lw=1.2, label=f"published mean {scale * published:.3g}"
        )
        axis.set(xlabel=label, ylim=(0, axis.get_ylim()[1] * 1.3))
        style.legend(axis, loc="upper right", fontsize=7)
        words.append(f"{scale * values.mean():.3g} ({scale * published:.3g})")
    low, high = loop["n_states"]["range"]
    axes[0].axvspan(low, high, color=style.QUIET, alpha=0.4, lw=0, zorder=0)
    axes[0].set_ylabel("devices [1]")
    data = style.table(
        {},
        **{name: ("device", values, "1") for name, values in found.items()},
        **{f"published_{name}": ((), loop[name]["mean"], "1", "mean") for name in found},
        published_n_states_range=("end", loop["n_states"]["range"], "1"),
    )
    caption = (
        f"N_states, skew and NSR that the published protocol (eqs 1-3, the first 100 alternating pulses left out) reads off {devices.size} "
        f"devices drawn with the published means: means {', '.join(words)}, published in brackets; grey: published range of N_states. What "
        f"comes back differs from what went in, for the protocol takes the extremes of noisy traces. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(_side(effort)))


def _weights(effort: Effort) -> Drawing:
    devices, trace, _ = pulsed(ARRAY)
    from compact_model.pulsed_device import symmetry_point_S

    some = np.arange(4)
    low, high, sp = (1e6 * np.ravel(a)[some] for a in (devices.g_min_S, devices.g_max_S, symmetry_point_S(devices)))
    weight = 2 * (_flat(trace)[:, some] - sp) / (high - low)
    figure, axis = style.new_figure(width=5.4, height=3.2)
    for k, colour in zip(some, style.sequence_colours(some.size), strict=True):
        axis.plot(weight[:, k], "D", ms=1.6, mew=0, color=colour, label=f"device {k + 1}", rasterized=True)
    axis.axhline(0, color=style.PUBLISHED, lw=0.6)
    axis.set(
        xlabel="pulse number [1]",
        ylabel="weight against the symmetry point [1]",
        xlim=(0, _EDGES[-1]),
        ylim=(-1.2, 2.2),
    )
    axis.set_xticks(_EDGES)
    style.legend(axis, ncols=4, loc="upper center", markerscale=3)
    data = style.table(
        {"pulse": (np.arange(weight.shape[0]), "1"), "device": (some, "1")},
        weight=(("pulse", "device"), weight, "1", "2 (G - G_sp)/(G_max - G_min) of the device"),
        g_sp=("device", sp, "uS"),
        g_min=("device", low, "uS"),
        g_max=("device", high, "uS"),
    )
    caption = (
        "Four devices of the generalised soft-bounds model, with noise from pulse to pulse and spread from device to device, under the "
        "published pulses. The published axis is 'weight' without a definition; ours is 2 (G - G_sp)/(G_max - G_min), so that 0 is the "
        f"device's own symmetry point. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(ARRAY))


def _every(effort: Effort) -> Drawing:
    _, trace, m = pulsed(ARRAY)
    g = _flat(trace)
    figure, axes = style.new_figure(*ARRAY, width=2.3, height=1.15, sharex=True, sharey=True)
    for k, axis in enumerate(np.ravel(axes)):
        draw_trace(axis, g[:, k], trace.direction, 0.8)
        _bounds(axis, m, k, 0.8)
        pulse_axis(axis)
        axis.set(xlabel="", ylabel="", ylim=(1.8, 130))
        axis.set_xticks([0, 800, 1600, 2100])
        style.remark(axis, f"{k + 1}", 0.99, 1.02, fontsize=6.5)
    figure.supxlabel("pulse number [1]", fontsize=9)
    figure.supylabel("conductance [uS]", fontsize=9)
    data = style.table(
        {"pulse": (np.arange(g.shape[0]), "1"), "device": (np.arange(1, g.shape[1] + 1), "1")},
        conductance=(("pulse", "device"), g, "uS"),
        direction=("pulse", np.concatenate([[0], trace.direction]), "1", "of the pulse before: +1 up, -1 down"),
        g_max=("device", 1e6 * np.ravel(m.g_max_S), "uS"),
        g_min=("device", 1e6 * np.ravel(m.g_min_S), "uS"),
        g_sp=("device", 1e6 * np.ravel(m.g_sp_S), "uS"),
    )
    caption = (
        "Every device of an 8 x 4 array under the published pulses, with its G_max (red), symmetry point (orange) and G_min (blue). That "
        f"the published picture of this is S7 is inferred from the order of the supplement. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(ARRAY))
