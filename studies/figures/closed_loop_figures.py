"""Figure S5: the closed loop at an acceptance of 2 %, and the voltages of its three windows."""

from __future__ import annotations

import numpy as np

from ground.paper import paper
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.style import OURS, PUBLISHED, SECOND, cumulative, legend, levels_colours, new_figure, table
from studies.published_array import PULSED

_ACCEPTANCE = 0.02
_DEVICES = (8, 4)  # as published


def figures() -> list[Figure]:
    """Return figure S5."""
    inputs = ("program_verify.windows", *PULSED)
    return [Figure("S5", "35 levels programmed to 2 %, and the windows of the closed loop", _loop, inputs)]


def _loop(effort: Effort) -> Drawing:
    from compact_model.cell import Cell
    from compact_model.population import Population
    from compact_model.programming_statistics import program_statistics
    from compact_model.pulse_windows import published_windows

    p, population = paper()["program_verify"], Population.published()
    windows = {
        "one open-loop pulse in every window": (),
        "each window's own voltages": published_windows(Cell.published()),
    }
    found = {
        n: program_statistics(population, _DEVICES, p["levels"], _ACCEPTANCE, seed=0, windows=w)
        for n, w in windows.items()
    }
    first = next(iter(found.values()))
    targets = first.target_uS
    reached = first.result.g_S.reshape(targets.size, -1) * 1e6
    figure, (levels, volts, pulses) = new_figure(1, 3, width=4.0, height=3.3)
    for values, colour in zip(reached, levels_colours(targets.size), strict=True):
        x, share = cumulative(values)
        levels.plot(x, share, color=colour, lw=1.2, marker=".", ms=2)
    levels.set(xlabel="conductance [µS]", ylabel="cumulative share of devices")
    levels.set_title(f"{p['levels']} levels to within {_ACCEPTANCE:.0%}, {reached.shape[1]} devices", fontsize=9)
    for w in p["windows"]:
        for name, colour, label in (("v_set_V", "#b5383b", "set"), ("v_reset_V", OURS, "reset")):
            volts.plot(w["g_uS"], [abs(w[name])] * 2, color=colour, lw=3, solid_capstyle="butt",
                       label=label if w is p["windows"][0] else "_")  # fmt: skip
            volts.annotate(f"{w[name]:+g} V".replace("-", "\N{MINUS SIGN}"), (np.mean(w["g_uS"]), abs(w[name])), xytext=(0, 4),
                           textcoords="offset points", ha="center", fontsize=7.5)  # fmt: skip
    volts.set(xlabel="target conductance [µS]", ylabel="|pulse| [V]", ylim=(1.2, 1.6))
    volts.set_title("reset first; then read, and set below or reset above the band", fontsize=9)
    legend(volts, loc="upper center", ncols=2)
    variables = {}
    for i, (name, s) in enumerate(found.items()):
        mean = s.result.pulses.reshape(targets.size, -1).mean(1)
        pulses.semilogy(
            targets,
            mean,
            "o-",
            ms=3.5,
            lw=1,
            color=(OURS, SECOND)[i],
            label=f"ours, {name}: {s.result.mean_pulses:.1f}",
        )
        variables[f"pulses_{i}"] = ("target_uS", mean, "1", name)
    published = p["mean_iterations"]["acceptance_2_percent"]
    pulses.axhline(published, color=PUBLISHED, ls="--", lw=1.1, label=f"published mean: {published}")
    pulses.set(xlabel="target conductance [µS]", ylabel="pulses to reach it, mean", ylim=(5, 300))
    legend(pulses, loc="upper left")
    data = table(
        {"target_uS": (targets, "uS"), "device": (np.arange(reached.shape[1]), "1"), "window": (np.arange(len(p["windows"])), "1")},
        reached_uS=(("target_uS", "device"), reached, "uS"),
        v_set_V=("window", [w["v_set_V"] for w in p["windows"]], "V"),
        v_reset_V=("window", [w["v_reset_V"] for w in p["windows"]], "V"),
        **variables,
    )  # fmt: skip
    caption = (
        "The published picture shows the distributions at 2 % and the flowchart of the loop; its number S5 is inferred "
        "from the order of the "
        "supplement. Left: every device ends inside its band, the loop sees to that. Middle: the published windows "
        "(input). Right: pulses per "
        "level, with the open-loop pulse everywhere, and with each window's own voltages as the physical cell turns "
        "them into steps."
    )
    return Drawing(figure, data, caption, {"devices": list(_DEVICES), "acceptance": _ACCEPTANCE, "seed": 0})
