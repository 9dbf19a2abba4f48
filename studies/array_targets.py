"""Published numbers of the array: closed-loop programming, relaxation and open-loop pulses, and how we get ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from ground.paper import paper
from studies.target import Outcome, Target

_DEVICES = (32, 32)  # more than the published 8 x 4, so that a row is the law and not the luck of 32 devices


def array_targets() -> list[Target]:
    """Return the targets of figures 3, 4a-d and 5."""
    p = paper()
    verify = p["program_verify"]
    population = ("open_loop.n_states", "open_loop.sp_skew", "open_loop.nsr")
    slope = {
        a: verify["sigma_prog"][k][1] for a, k in ((0.002, "acceptance_0p2_percent"), (0.02, "acceptance_2_percent"))
    }
    return [
        Target(
            "program_pulses_0p2_percent",
            "3c",
            verify["mean_iterations"]["acceptance_0p2_percent"],
            0.25,
            lambda: _pulses(0.002),
            population,
        ),
        Target(
            "program_pulses_2_percent",
            "3c",
            verify["mean_iterations"]["acceptance_2_percent"],
            0.25,
            lambda: _pulses(0.02),
            population,
        ),
        Target("sigma_prog_slope_0p2_percent", "3e", slope[0.002], 0.1, lambda: _slope(0.002), population),
        Target("sigma_prog_slope_2_percent", "3e", slope[0.02], 0.1, lambda: _slope(0.02), population),
        Target(
            "overlap_35_levels_10min_percent", "4b", p["relaxation"]["overlap_35_levels_10min_percent"]["value"], 0.25
        ),
        Target("mean_shift_1h_uS", "4d", p["relaxation"]["mean_shift_1h_uS"]["value"], 0.1),
        Target(
            "n_states_measured",
            "5b",
            p["open_loop"]["n_states"]["mean"],
            0.1,
            lambda: _open_loop("n_states"),
            population,
        ),
        Target(
            "sp_skew_measured", "5b", p["open_loop"]["sp_skew"]["mean"], 0.1, lambda: _open_loop("sp_skew"), population
        ),
        Target("nsr_measured", "5b", p["open_loop"]["nsr"]["mean"], 0.1, lambda: _open_loop("nsr"), population),
    ]


def _statistics(acceptance: float) -> Any:
    from compact_model.population import Population
    from compact_model.program_statistics import program_statistics

    return program_statistics(Population.published(), _DEVICES, paper()["program_verify"]["levels"], acceptance, seed=0)


def _pulses(acceptance: float) -> Outcome:
    note = (
        "every window with the open-loop pulse; the published windows use their own voltages"
        if acceptance > 0.01
        else ""
    )
    return _statistics(acceptance).result.mean_pulses, note


def _slope(acceptance: float) -> Outcome:
    line = _statistics(acceptance).sigma_line
    return (
        line.c1,
        f"standard error {line.c1_stderr:.1e}; a uniform law inside the band gives {acceptance / np.sqrt(3):.4g}",
    )


def _open_loop(name: str) -> Outcome:
    from compact_model.open_loop import run_open_loop
    from compact_model.population import Population

    metrics = run_open_loop(Population.published().sample(_DEVICES, seed=0), seed=0).metrics()
    value = getattr(metrics, name)
    return (
        float(value.mean()),
        f"{value.size} devices drawn from the published means, measured by the published protocol; {value.min():.3g}..{value.max():.3g}",
    )
