"""Published errors of products in memory (figure 4f and its text), with aihwkit's kind of IR drop and with the exact one.

One normalisation for all rows, that of `compact_model.mvm.study.NORMALISATION`: the plain root mean square error for weights and
inputs uniform in -1..1. The paper does not state its own; this is what the authors' first public script draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ground.paper import paper
from studies.published_array import IDEAL, WAN, TEN_YEARS_s, multiplied
from studies.target import Outcome, Target
from studies.uncertainty import SEEDS, spread

_IDEAL = {**IDEAL, "ir_drop": "none"}
_OVER = f"± over {SEEDS} draws of weights, inputs, devices and noise"
_INPUTS = (
    "mvm.dac_bits",
    "mvm.adc_bits",
    "mvm.r_wire_segment_ohm",
    "mvm.g_window_uS",
    "open_loop.n_states, sp_skew, nsr",
    "relaxation",
)


def mvm_targets() -> list[Target]:
    """Return the rows of figure 4f, each with both kinds of IR drop, and the two statements of the text."""
    p = paper()["mvm"]
    rows = [
        Target(
            "mvm_rmse_programmed_32bit_no_ir_drop",
            "4f",
            p["rmse_programmed_32bit_no_ir_drop"]["value"],
            0.25,
            lambda: _seeded(
                0.0, f"no quantisation, no IR drop; plain RMSE, weights and inputs uniform in -1..1; {_OVER}", _IDEAL
            ),
            _INPUTS,
        )
    ]
    cases: list[tuple[str, float, float, dict[str, Any]]] = [
        ("mvm_rmse_1s", p["rmse_1s"]["value"], 1.0, {}),
        ("mvm_rmse_10y", p["rmse_10y"]["value"], TEN_YEARS_s, {}),
        ("mvm_rmse_wan2022", p["rmse_wan2022_same_conditions"]["value"], 1.0, WAN),
    ]
    for name, published, t_s, changes in cases:
        for suffix, kind in (("", "aihwkit"), ("_exact_ir_drop", "exact")):
            rows.append(Target(name + suffix, "4f", published, 0.25, _row(t_s, kind, changes), _INPUTS))
    return [
        *rows,
        Target("mvm_quantisation_is_largest_until_s", "4f", 3600.0, 0.5, _quantisation_until, _INPUTS),
        Target(
            "mvm_ir_drop_is_largest_at_512_aihwkit", "S6", 1.0, 0.0, lambda: _ir_drop_is_largest("aihwkit"), _INPUTS
        ),
        Target("mvm_ir_drop_is_largest_at_512_exact", "S6", 1.0, 0.0, lambda: _ir_drop_is_largest("exact"), _INPUTS),
    ]


def _row(t_s: float, kind: str, changes: dict[str, Any]) -> Any:
    def compute() -> Outcome:
        without = _rmse(t_s, **{**_IDEAL, **changes})
        note = f"IR drop {kind}, DAC 6, ADC 8; {without:.3g} of it by the devices alone"
        if changes:
            note += (
                "; at 1 s, the time of the published value is not stated; spread as in aihwkit, mid-point of 0..40 uS"
            )
        elif t_s > 1.0:
            shifted = _rmse(t_s, ir_drop=kind, compensation="shift")
            note += f"; {shifted:.3g} with the mean drift taken off digitally"
        return _seeded(t_s, f"{note}; {_OVER}", {"ir_drop": kind, **changes})

    return compute


def _seeded(t_s: float, note: str, changes: dict[str, Any]) -> Outcome:
    """The error of seed 0, and its spread over seeds: other weights, inputs, devices and noise."""
    found = [_rmse(t_s, seed=seed, **changes) for seed in range(SEEDS)]
    return Outcome(found[0], note, spread(found))


def _rmse(t_s: float, size: int | None = None, seed: int = 0, **changes: Any) -> float:
    return float(multiplied((t_s,), seed, size=size, **changes).rmse[0])


def _alone(source: str, t_s: float, size: int, **changes: Any) -> float:
    from compact_model.mvm.study import SOURCES

    off = {k: v for name, change in SOURCES.items() if name != source for k, v in change.items()}
    return _rmse(t_s, size, **{**off, **changes})


def _quantisation_until() -> Outcome:
    """The time at which relaxation alone does as much as quantisation alone [s], on a grid of seven points per decade."""
    quantisation = _alone("quantisation", 0.0, 64)
    times = np.logspace(0.0, np.log10(TEN_YEARS_s), 60)
    relaxation = np.array([_alone("relaxation", float(t), 64) for t in times])
    later = np.flatnonzero(relaxation > quantisation)
    note = f"quantisation alone {quantisation:.3g}, relaxation alone {relaxation[0]:.3g} at 1 s and {relaxation[-1]:.3g} at 10 years"
    return Outcome(float(times[later[0]]) if later.size else None, note)


def _ir_drop_is_largest(kind: str) -> Outcome:
    """1 if IR drop alone does more than any other source alone, at 512 x 512 and 1 h; otherwise 0."""
    errors = {name: _alone(name, 3600.0, 512) for name in ("quantisation", "programming", "relaxation", "read noise")}
    drop = _alone("IR drop", 3600.0, 512, ir_drop=kind)
    largest = max(errors, key=lambda name: errors[name])
    return Outcome(float(drop > errors[largest]), f"IR drop {drop:.3g}, next {largest} {errors[largest]:.3g}, at 1 h")
