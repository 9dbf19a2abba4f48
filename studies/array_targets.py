"""Published numbers of the array: closed-loop programming, relaxation and open-loop pulses, and how we get ours."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ground.paper import paper
from studies.published_array import PULSED, relaxed
from studies.target import Outcome, Target
from studies.uncertainty import SEEDS, mean_error, spread

_DEVICES = (32, 32)  # more than the published 8 x 4, so that a row is the law and not the luck of 32 devices


def array_targets() -> list[Target]:
    """Return the targets of figures 3, 4a-d and 5."""
    p = paper()
    verify = p["program_verify"]
    population = PULSED
    relaxation = ("relaxation.mean_shift.per_ln_t", "relaxation.sigma", "relaxation.read_noise")
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
            "overlap_35_levels_10min_percent",
            "4b",
            p["relaxation"]["overlap_35_levels_10min_percent"]["value"],
            0.25,
            _overlap,
            (*population, *relaxation),
        ),
        Target("mean_shift_1h_uS", "4d", p["relaxation"]["mean_shift_1h_uS"]["value"], 0.1, _shift, relaxation, True),
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


@cache
def _statistics(acceptance: float, windows: bool = False) -> Any:
    from compact_model.population import Population
    from compact_model.programming_statistics import program_statistics

    levels = paper()["program_verify"]["levels"]
    return program_statistics(
        Population.published(), _DEVICES, levels, acceptance, seed=0, windows=_windows() if windows else ()
    )


@cache
def _windows() -> Any:
    from compact_model.cell import Cell
    from compact_model.pulse_windows import published_windows

    return published_windows(Cell.published())


def _pulses(acceptance: float) -> Outcome:
    other = _statistics(acceptance, windows=True).result.mean_pulses
    note = (
        f"every window with the open-loop pulse. With each window's own voltages, as the physical cell turns them into steps, {other:.0f}: "
        "its steps grow up to twelvefold and overshoot more"
    )
    pulses = _statistics(acceptance).result.pulses
    return Outcome(float(pulses.mean()), note, mean_error(pulses.reshape(pulses.shape[0], -1).mean(0)))


def _slope(acceptance: float) -> Outcome:
    line = _statistics(acceptance).sigma_line
    return Outcome(line.c1, f"a uniform law inside the band gives {acceptance / np.sqrt(3):.4g}", line.c1_stderr)


_MOMENTS_s = (600.0, 3600.0)


def _overlap() -> Outcome:
    r = relaxed(16, _MOMENTS_s)
    note = (
        "common area of the normal laws of neighbouring levels, 256 devices programmed within 0.2 %, relaxed and read; the paper does not "
        f"say how overlap is defined: {100 * float(r.misread[0]):.0f} % lie nearer to another level, shift included. ± over {SEEDS} seeds"
    )
    return Outcome(
        100.0 * float(r.overlap[0]),
        note,
        spread([100.0 * float(relaxed(16, _MOMENTS_s, s).overlap[0]) for s in range(SEEDS)]),
    )


def _shift() -> Outcome:
    note = f"the published law of the mean is an input; clipping at the bounds and read noise are ours. ± over {SEEDS} seeds"
    shifts = [float(relaxed(16, _MOMENTS_s, s).mean_shift_uS[1]) for s in range(SEEDS)]
    return Outcome(shifts[0], note, spread(shifts))


@cache
def _open_loop_metrics() -> Any:
    from compact_model.open_loop import run_open_loop
    from compact_model.population import Population

    return run_open_loop(Population.published().sample(_DEVICES, seed=0), seed=0).metrics()


def _open_loop(name: str) -> Outcome:
    value = getattr(_open_loop_metrics(), name)
    note = f"{value.size} devices drawn from the published means, measured by the published protocol; {value.min():.3g}..{value.max():.3g}"
    return Outcome(float(value.mean()), note, mean_error(value))
