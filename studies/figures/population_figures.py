"""Figures S8 and S9: soft bounds fitted to traces of devices, and the laws of their parameters.

S9: descriptions of its image. No text or image of S8 was found: what stands there is inferred from its neighbours.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.pulse_figures import ARRAY, DOWN, PUT_IN, UP, draw_trace, pulse_axis, pulsed, settings
from studies.published_array import PULSED

if TYPE_CHECKING:
    from fits.devices.population_fit import PopulationFit
    from fits.pulses.fit import PulseFit


def figures() -> list[Figure]:
    """Return figures S8 and S9."""
    return [
        Figure("S8", "Soft-bounds model fitted to a trace (content of S8 inferred from S7 and S9)", _fitted, PULSED),
        Figure("S9", "Laws of the device parameters, G1 and G2", _laws, PULSED, "99 resamplings of the fit, not 999"),
    ]


@cache
def _pulse_fits() -> tuple[PulseFit, ...]:
    """Return the fit of every device of the 8 x 4 array to its own trace."""
    from fits.pulses.survey import fit_survey
    from fits.pulses.trace import PulseTrace

    _, trace, _ = pulsed(ARRAY)
    g = trace.g_S.reshape(trace.g_S.shape[0], -1)[1:]
    traces = [PulseTrace(g[:, k], trace.direction, f"device {k + 1}", synthetic=True) for k in range(g.shape[1])]
    return fit_survey(traces, read_noise="none").fits


def _fitted(effort: Effort) -> Drawing:
    from fits.pulses.likelihood import step_of

    middle = int(np.argmin(np.abs(np.array([f.parameters["n_states"].value for f in _pulse_fits()]) - 22)))
    fit = _pulse_fits()[middle]
    law, g, sign = fit.general.law, fit.trace.g, fit.trace.direction
    before, step = g[:-1], np.diff(g)
    figure, (left, right) = style.new_figure(1, 2, width=4.4, height=3.2)
    draw_trace(left, 1e6 * np.concatenate([[g[0]], g]), sign, 1.6)
    left.axhline(
        1e6 * fit.parameters["g_sp"].value, color=style.SECOND, ls="--", lw=1, label="symmetry point of the fit"
    )
    pulse_axis(left)
    style.legend(left, loc="lower right")
    line = np.linspace(law.g_min_S, law.g_max_S, 200)
    at, mean, error, curve = [], [], [], []
    for direction, colour, name in ((1, UP, "up"), (-1, DOWN, "down")):
        mine = sign[1:] == direction
        edges = np.quantile(before[mine], np.linspace(0, 1, 16))
        bins = [mine & (before >= a) & (before <= b) for a, b in itertools.pairwise(edges)]
        at.append([1e6 * before[b].mean() for b in bins])
        mean.append([1e6 * step[b].mean() for b in bins])
        error.append([1e6 * step[b].std() / np.sqrt(b.sum()) for b in bins])
        curve.append(1e6 * step_of(line, law, direction))
        right.errorbar(at[-1], mean[-1], error[-1], fmt="o", ms=3, lw=0.8, color=colour, label=f"{name}, binned trace")
        right.plot(1e6 * line, curve[-1], "-", lw=1.2, color=colour, label=f"{name}, fitted law")
    right.axhline(0, color=style.PUBLISHED, lw=0.6)
    right.set(xlabel="conductance before the pulse [uS]", ylabel="mean step [uS]")
    style.legend(right, ncols=2, loc="upper right")
    names = ("n_states", "sp_skew", "nsr", "gamma_up", "gamma_down")
    p = [fit.parameters[n] for n in names]
    data = style.table(
        {"direction": ([1, -1], "1"), "g_line": (1e6 * line, "uS"), "parameter": (list(names), "1")},
        conductance=("pulse", 1e6 * g, "uS", "after every pulse"),
        bin_conductance=(("direction", "bin"), at, "uS"),
        bin_step=(("direction", "bin"), mean, "uS"),
        bin_step_stderr=(("direction", "bin"), error, "uS"),
        law_step=(("direction", "g_line"), curve, "uS"),
        value=("parameter", [q.value for q in p], "1"),
        stderr=("parameter", [q.stderr for q in p], "1"),
    )
    words = ", ".join(f"{n} {q.value:.3g} ± {q.stderr:.2g}" for n, q in zip(names, p, strict=True))
    caption = (
        "No text or image of S8 was found; inferred from its neighbours (traces of all devices, laws of their parameters), this is the "
        f"step between them: generalised soft bounds fitted by likelihood to one trace (left), as mean steps (right). {words}. The trace "
        f"is synthetic, of the published population. {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(ARRAY), synthetic=True)


def _population_fit(replicas: int) -> PopulationFit:
    from fits.devices.population_fit import fit_population

    names = {
        "n_states": "n_states",
        "sp_skew": "sp_skew",
        "gamma": "gamma",
        "gamma_up_down": "gamma_up_down",
        "nsr": "nsr",
    }
    values = {a: [f.parameters[b].value for f in _pulse_fits()] for a, b in names.items()}
    return fit_population(values, seed=0, replicas=replicas, source="32 synthetic traces", synthetic=True)


def _laws(effort: Effort) -> Drawing:
    fit = _population_fit(99 if effort.quick else 999)
    p = fit.parameters
    exp = {
        "n_states": p["n_states"],
        "up_down": 1 - 2 * p["sp_skew"],
        "gamma": p["gamma"],
        "gamma_up_down": p["gamma_up_down"],
    }
    rng, count = np.random.default_rng(0), 400
    states, exponents = (law.law.at(rng.normal(size=(2, count))) for law in (fit.states, fit.exponents))
    drawn = {"n_states": states[0], "up_down": 1 - 2 * states[1], "gamma": exponents[0], "gamma_up_down": exponents[1]}
    figure, axes = style.new_figure(1, 2, width=3.7, height=3.3)
    labels = {
        "n_states": "N_states [1]",
        "up_down": "up_down [1]",
        "gamma": "gamma [1]",
        "gamma_up_down": "gamma_up_down [1]",
    }
    angle = np.linspace(0, 2 * np.pi, 181)
    ring = 2 * np.stack([np.cos(angle), np.sin(angle)])
    for axis, (a, b), law, name in zip(
        axes,
        (("n_states", "up_down"), ("gamma", "gamma_up_down")),
        (fit.states, fit.exponents),
        ("G1", "G2"),
        strict=True,
    ):
        axis.plot(
            drawn[a], drawn[b], "D", ms=2.5, mew=0, color=style.SECOND, alpha=0.55, label="drawn from the fitted law"
        )
        axis.plot(exp[a], exp[b], "o", ms=4, color="black", label="devices, each fitted to its trace")
        ellipse = law.law.at(ring)
        axis.plot(
            ellipse[0],
            1 - 2 * ellipse[1] if b == "up_down" else ellipse[1],
            "-",
            color=style.THIRD,
            lw=1,
            label="2 sigma of the law",
        )
        axis.set(xlabel=labels[a], ylabel=labels[b])
        style.title(axis, name)
    axes[0].set(xscale="log", xlim=(8, 120), ylim=(-1, 1))
    axes[1].set(xlim=(0, 3), ylim=(-0.75, 0.75))
    style.legend(axes[1], loc="upper right", fontsize=6.5)
    data = style.table(
        {},
        **{f"device_{k}": ("device", v, "1") for k, v in exp.items()},
        **{f"drawn_{k}": ("draw", v, "1") for k, v in drawn.items()},
        g1_mean=("of_g1", fit.states.law.mean, "1", "N_states, skew"),
        g1_sigma=("of_g1", fit.states.law.sigma, "1"),
        g2_mean=("of_g2", fit.exponents.law.mean, "1", "gamma, gamma_up_down"),
        g2_sigma=("of_g2", fit.exponents.law.sigma, "1"),
    )
    caption = (
        f"Parameters of 32 devices, each fitted to its own trace (black), the bivariate normal laws fitted to them, and {count} draws. "
        "The published black points are measured and not public: ours are synthetic, of the published population, so this shows that "
        "measuring, fitting and drawing close the loop, and no agreement with the measured points. up_down is taken as 1 - 2 SP_skew (not "
        f"defined in print). {PUT_IN}"
    )
    return Drawing(figure, data, caption, settings(ARRAY), synthetic=True)
