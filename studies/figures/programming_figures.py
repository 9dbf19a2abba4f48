"""Figures 3a-e: closed-loop programming, simulated pulse by pulse on devices drawn from the published population.

What each published panel shows: its page https://arxiv.org/html/2502.04524v3 and descriptions of its image.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ground.paper import paper
from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.published_array import PULSED

if TYPE_CHECKING:
    from compact_model.programming_statistics import ProgramStatistics

_BOTH = {0.002: "acceptance_0p2_percent", 0.02: "acceptance_2_percent"}
_COLOUR = {0.002: style.FOURTH, 0.02: style.SECOND}
_SWEPT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
_PUT_IN = (
    "Put in: the population of devices (means of N_states, skew and NSR as published; spreads and exponents assumed), and the open-loop "
    "pulse in every window. Not put in: pulses, widths, failures."
)


def figures() -> list[Figure]:
    """Return figures 3a to 3e."""
    fewer = "64 devices instead of 1,024"
    return [
        Figure("3a", "35 levels programmed to 0.2 %", _levels, PULSED),
        Figure("3b", "Identical-pulse closed loop of one device", _one_loop, PULSED),
        Figure("3c", "Pulses against target", _pulses, PULSED, fewer),
        Figure("3d", "Programming noise against pulses", _noise_and_pulses, PULSED, fewer),
        Figure("3e", "Programming noise against target", _noise, PULSED, fewer),
    ]


@cache
def _programmed(acceptance: float, shape: tuple[int, int]) -> ProgramStatistics:
    """Return every device of an array programmed to each of the published levels."""
    from compact_model.population import Population
    from compact_model.programming_statistics import program_statistics

    return program_statistics(Population.published(), shape, paper()["program_verify"]["levels"], acceptance, seed=0)


def _shape(effort: Effort) -> tuple[int, int]:
    return (8, 8) if effort.quick else (32, 32)


def _settings(shape: tuple[int, ...], **more: Any) -> dict[str, Any]:
    return {
        "population": "published",
        "devices": list(shape),
        "levels": paper()["program_verify"]["levels"],
        "seed": 0,
        **more,
    }


def _levels(effort: Effort) -> Drawing:
    shape, acceptance = (8, 4), 0.002
    found = _programmed(acceptance, shape)
    count = found.target_uS.size
    reached = np.sort(found.result.g_S.reshape(count, -1) * 1e6, axis=1)
    share = (np.arange(reached.shape[1]) + 0.5) / reached.shape[1]
    figure, (left, right) = style.new_figure(1, 2, width=4.2, gridspec_kw={"width_ratios": [2.2, 1]})
    for values, colour in zip(reached, style.levels_colours(count), strict=True):
        left.plot(values, share, "o-", ms=1.8, lw=0.6, color=colour)
    left.set(xlabel="conductance [uS]", ylabel="cumulative share of devices [1]", xlim=(5, 95))
    style.title(left, f"{count} levels, within {100 * acceptance:g} % of the target, {reached.shape[1]} devices")
    middle = count // 2
    target, edge = found.target_uS[middle], acceptance * found.target_uS[middle]
    right.axvspan(-edge, edge, color=style.QUIET, alpha=0.5, lw=0, label="accepted")
    right.plot(reached[middle] - target, share, "o", ms=3, color=style.OURS, label=f"target {target:.4g} uS")
    right.plot([-edge, edge], [0, 1], "--", color=style.PUBLISHED, lw=0.8, label="uniform law")
    right.set(xlabel="conductance - target [uS]")
    style.title(right, "one level")
    style.legend(right, loc="upper left")
    missed = int(np.sum(~found.result.converged))
    data = style.table(
        {"level": (np.arange(1, count + 1), "1")},
        target=("level", found.target_uS, "uS"),
        conductance=(("level", "rank"), reached, "uS", "reached, sorted over devices"),
        share=("rank", share, "1", "cumulative share of devices"),
    )
    caption = (
        f"Cumulative distributions of {count} levels of 10 to 90 uS in an 8 x 4 array programmed until within {100 * acceptance:g} % of "
        f"the target (left; colour: level), and the level in the middle close by (right). {missed} of {reached.size} programmings failed; "
        f"{found.misread_fraction:.1%} lie nearer to another level. {_PUT_IN}"
    )
    return Drawing(figure, data, caption, _settings(shape, acceptance=acceptance))


def _one_loop(effort: Effort) -> Drawing:
    from compact_model.array import Array
    from compact_model.population import Population

    verify, target, acceptance, seed = paper()["program_verify"], 50e-6, 0.02, 5
    window = next(w for w in verify["windows"] if w["g_uS"][0] < 1e6 * target <= w["g_uS"][1])
    array = Array.from_population(Population.published(), (1,), seed)
    g: list[float] = [float(array.g_S[0])]
    sign: list[int] = []
    while abs(g[-1] - target) > acceptance * target and len(sign) < 500:
        sign.append(1 if g[-1] < target else -1)
        array = array.pulse(sign[-1])
        g.append(float(array.g_S[0]))
    volts = np.where(np.array(sign) > 0, window["v_set_V"], window["v_reset_V"])
    number, after = np.arange(1, len(sign) + 1), 1e6 * np.array(g)
    figure, (top, bottom) = style.new_figure(2, 1, width=5.6, height=1.9, sharex=True)
    for up, colour, name in ((True, "#c0392b", "SET"), (False, style.OURS, "RESET")):
        own = (volts > 0) == up
        top.bar(number[own], volts[own], 0.45, color=colour, label=f"{name} {volts[own][0]:g} V" if own.any() else name)
    top.bar(number + 0.5, verify["read_V"], 0.2, color=style.MEASURED, label=f"read {verify['read_V']:g} V")
    top.axhline(0, color="black", lw=0.6)
    top.set(ylabel="voltage [V]", ylim=(-1.7, 2.6))
    style.title(top, "identical pulses of 2.5 us, a read after each (not to scale)")
    style.legend(top, ncols=3, loc="upper right")
    edge = 1e6 * acceptance * target
    bottom.axhspan(1e6 * target - edge, 1e6 * target + edge, color=style.THIRD, alpha=0.3, lw=0, label="accepted, 2 %")
    bottom.plot(np.arange(after.size) + 0.5, after, "o-", color=style.OURS, ms=3, lw=0.9, label="read")
    bottom.set(xlabel="pulse number [1]", ylabel="conductance [uS]")
    style.legend(bottom, loc="lower right")
    data = style.table(
        {"pulse": (np.arange(after.size), "1")},
        conductance=("pulse", after, "uS", "read after the pulse"),
        voltage=("pulse", np.concatenate([[0.0], volts]), "V", "of the pulse before the read; 0 for the first read"),
        target=((), 1e6 * target, "uS"),
        acceptance=((), acceptance, "1"),
    )
    caption = (
        f"One device from its HRS to {1e6 * target:g} uS within 2 %: {number.size} pulses (the published panel is a sketch in arbitrary "
        f"units; this is a run of the model). {_PUT_IN}"
    )
    return Drawing(figure, data, caption, _settings((1,), acceptance=acceptance, seed=seed))


def _pulses(effort: Effort) -> Drawing:
    published = {a: paper()["program_verify"]["mean_iterations"][key] for a, key in _BOTH.items()}
    figure, axis = style.new_figure(width=4.6, height=3.4)
    mean, error, shown, words = [], [], [], []
    for acceptance, value in published.items():
        found = _programmed(acceptance, _shape(effort))
        pulses = found.result.pulses.reshape(found.target_uS.size, -1)
        colour = _COLOUR[acceptance]
        mean.append(pulses.mean(1))
        error.append(pulses.std(1, ddof=1) / np.sqrt(pulses.shape[1]))
        shown.append(pulses[:, :32])
        axis.plot(np.repeat(found.target_uS, 32), pulses[:, :32].ravel(), ".", ms=1.5, color=style.QUIET, zorder=0)
        ours = found.result.mean_pulses
        axis.fill_between(
            found.target_uS, mean[-1] - 2 * error[-1], mean[-1] + 2 * error[-1], color=colour, alpha=0.3, lw=0
        )
        axis.plot(
            found.target_uS,
            mean[-1],
            "o-",
            ms=3,
            lw=0.8,
            color=colour,
            label=f"{100 * acceptance:g} %, mean {ours:.0f}",
        )
        axis.axhline(value, ls="--", lw=1, color=colour, label=f"{100 * acceptance:g} %, published mean {value:g}")
        words.append(f"{ours:.0f} at {100 * acceptance:g} % (published {value:g})")
    axis.set(xlabel="target conductance [uS]", ylabel="pulses until accepted [1]", yscale="log", ylim=(0.8, 1200))
    style.legend(axis, ncols=2, loc="lower center")
    target = _programmed(0.002, _shape(effort)).target_uS
    data = style.table(
        {"acceptance": (list(_BOTH), "1"), "target": (target, "uS")},
        pulses=(("acceptance", "target", "device"), np.array(shown), "1", "of the devices that are drawn as dots"),
        mean_pulses=(("acceptance", "target"), np.array(mean), "1", "over all devices"),
        mean_pulses_stderr=(("acceptance", "target"), np.array(error), "1"),
        published_mean=("acceptance", list(published.values()), "1", "over all targets"),
    )
    caption = (
        f"Pulses after the first reset, for both acceptances: dots, 32 devices; lines, means over {found.result.pulses[0].size} devices "
        f"with 2 standard errors. Means over all: {'; '.join(words)}. {_PUT_IN} With each window's own voltages the physical cell needs "
        "other numbers of pulses: see the scoreboard's note."
    )
    return Drawing(figure, data, caption, _settings(_shape(effort)))


def _noise_and_pulses(effort: Effort) -> Drawing:
    runs = [_programmed(a, _shape(effort)) for a in _SWEPT]
    per_device = np.array([r.result.pulses.reshape(r.target_uS.size, -1).mean(0) for r in runs])
    low, high = np.quantile(per_device, [0.16, 0.84], axis=1)
    mean = per_device.mean(1)
    noise = np.array([r.pooled * a / np.sqrt(3) for r, a in zip(runs, _SWEPT, strict=True)])
    figure, axis = style.new_figure(width=4.4, height=3.2)
    bars = np.stack([mean - low, high - mean])
    axis.errorbar(
        mean,
        100 * noise,
        xerr=bars,
        fmt="o-",
        ms=4,
        lw=1,
        capsize=2,
        color=style.OURS,
        label="simulated, 16..84 % of devices",
    )
    for x, y, a in zip(mean, noise, _SWEPT, strict=True):
        axis.annotate(f"{100 * a:g} %", (x, 100 * y), (5, 4), textcoords="offset points", fontsize=style.SMALL)
    verify = paper()["program_verify"]
    published = np.array([[verify["mean_iterations"][k], verify["sigma_prog"][k][1]] for k in _BOTH.values()])
    axis.plot(
        published[:, 0],
        100 * published[:, 1],
        "D",
        ms=5,
        mfc="none",
        color=style.PUBLISHED,
        label="published, 0.2 % and 2 %",
    )
    axis.set(xlabel="mean pulses until accepted [1]", ylabel="rms deviation / target [%]", xscale="log", yscale="log")
    style.legend(axis)
    data = style.table(
        {"acceptance": (list(_SWEPT), "1")},
        mean_pulses=("acceptance", mean, "1"),
        pulses_of_devices=(("acceptance", "device"), per_device, "1", "mean over the levels"),
        relative_noise=("acceptance", noise, "1", "rms deviation from the target over the target"),
        published_acceptance=("published", list(_BOTH), "1"),
        published_pulses=("published", published[:, 0], "1"),
        published_noise=("published", published[:, 1], "1", "slope of the published sigma over conductance"),
    )
    caption = (
        "What precision costs: rms deviation from the target against the mean number of pulses, for seven acceptances (labels). The "
        f"published panel is qualitative (low to high); its two numbers are marked. {_PUT_IN}"
    )
    return Drawing(figure, data, caption, _settings(_shape(effort), acceptances=list(_SWEPT)))


def _noise(effort: Effort) -> Drawing:
    figure, axis = style.new_figure(width=4.6, height=3.4)
    sigma, error, lines, words = [], [], [], []
    for a, key in _BOTH.items():
        found = _programmed(a, _shape(effort))
        t, line, colour = found.target_uS, found.sigma_line, _COLOUR[a]
        n = found.result.converged.reshape(t.size, -1).sum(1)
        sigma.append(found.sigma_uS)
        error.append(found.sigma_uS / np.sqrt(2 * n))
        lines.append([line.c0, line.c1, line.c0_stderr, line.c1_stderr])
        axis.errorbar(
            t, 1e3 * sigma[-1], 1e3 * error[-1], fmt="o", ms=3, lw=0.8, color=colour, label=f"simulated, {100 * a:g} %"
        )
        axis.plot(t, 1e3 * (line.c0 + line.c1 * t), "-", lw=1, color=colour)
        c0, c1 = paper()["program_verify"]["sigma_prog"][key]
        axis.plot(
            t, 1e3 * (c0 + c1 * t), "--", lw=1.1, color=style.PUBLISHED, label="published" if a == 0.002 else None
        )
        words.append(
            f"{1e3 * line.c1:.3g} ± {1e3 * line.c1_stderr:.1g} nS/uS at {100 * a:g} % (published {1e3 * c1:.3g})"
        )
    axis.set(xlabel="target conductance [uS]", ylabel="rms deviation from the target [nS]", xscale="log", yscale="log")
    axis.set_xticks([10, 20, 40, 90], ["10", "20", "40", "90"])
    axis.minorticks_off()
    style.legend(axis)
    published = [paper()["program_verify"]["sigma_prog"][k] for k in _BOTH.values()]
    data = style.table(
        {"acceptance": (list(_BOTH), "1"), "target": (t, "uS")},
        sigma=(("acceptance", "target"), np.array(sigma), "uS", "rms deviation from the target"),
        sigma_stderr=(("acceptance", "target"), np.array(error), "uS", "of a normal law"),
        devices=(("acceptance",), [found.result.g_S[0].size] * 2, "1"),
        c0=("acceptance", np.array(lines)[:, 0], "uS", "sigma = c0 + c1 target"),
        c1=("acceptance", np.array(lines)[:, 1], "1"),
        c1_stderr=("acceptance", np.array(lines)[:, 3], "1"),
        published_c0=("acceptance", [p[0] for p in published], "uS"),
        published_c1=("acceptance", [p[1] for p in published], "1"),
    )
    caption = (
        f"Width of the levels against their target, {found.result.g_S[0].size} devices, with standard errors and the fitted line. Slopes: "
        f"{'; '.join(words)}. A uniform law within the accepted band has acceptance/sqrt(3). {_PUT_IN}"
    )
    return Drawing(figure, data, caption, _settings(_shape(effort)))
