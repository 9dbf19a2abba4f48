"""What an array did, as pictures in the manner of figures 2, 4 and 5 of arXiv:2502.04524. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from compact_model.cycling import Cycling
from compact_model.forming import FormingResult
from compact_model.open_loop import OpenLoopMetrics, OpenLoopTrace
from compact_model.relaxation_statistics import RelaxationStatistics
from ground.files import atomic
from ground.plotting import load_matplotlib

_CURVES = 64  # of a family: more are one grey block


def _cumulative(axis: Any, values: ArrayLike, **style: Any) -> None:
    sorted_ = np.sort(np.ravel(values))
    axis.plot(sorted_, (np.arange(sorted_.size) + 0.5) / sorted_.size, **style)


def _save(figure: Any, path: str | Path, title: str, plt: Any) -> None:
    figure.suptitle(title)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)


def draw_forming(result: FormingResult, path: str | Path, *, title: str = "Forming") -> None:
    """Draw the currents of the forming ramp and the distribution of the forming voltages, as PNG."""
    plt = load_matplotlib()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    bias, current = result.sweep()
    for row in current.reshape(-1, bias.size)[:_CURVES]:
        left.plot(bias, row * 1e6, color="tab:grey", lw=0.7)
    left.set(
        xlabel="bias across cell and transistor [V]",
        ylabel="current [uA]",
        title=f"ramp at a gate of {result.forming.gate_V:g} V",
    )
    for values, name in ((result.v_reram_V, "cell (less R_DS I)"), (result.v_1t1r_V, "1T1R")):
        seen = values[result.formed]
        _cumulative(
            right, seen, marker=".", lw=1, label=f"{name}: {np.mean(seen):.3g} V, sigma {1e3 * np.std(seen):.0f} mV"
        )
    right.set(
        xlabel="forming voltage [V]",
        ylabel="cumulative share of formed cells",
        title=f"yield {result.yield_fraction:.1%}",
    )
    right.legend(fontsize=8)
    _save(figure, path, title, plt)


def draw_cycling(result: Cycling, path: str | Path, *, title: str = "Quasi-static cycles") -> None:
    """Draw the I-V family and the distributions of the resistance states, as PNG."""
    plt = load_matplotlib()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for row in result.current_A.reshape(-1, result.bias_V.size)[:_CURVES]:
        left.semilogy(result.bias_V, np.maximum(np.abs(row), 1e-9), color="tab:grey", lw=0.6)
    left.set(
        xlabel="bias across cell and transistor [V]",
        ylabel="|current| [A]",
        title=f"{result.current_A.shape[0]} cycles",
    )
    for values, name in ((result.r_lrs_ohm, "LRS"), (result.r_hrs_ohm, "HRS")):
        _cumulative(
            right,
            values / 1e3,
            marker=".",
            lw=1,
            label=f"{name}: {values.mean() / 1e3:.3g} kohm, sigma/mean {values.std() / values.mean():.2f}",
        )
    right.set(xscale="log", xlabel="resistance at 0.2 V [kohm]", ylabel="cumulative share of cells and cycles")
    right.legend(fontsize=8)
    _save(figure, path, title, plt)


def draw_pulses(
    trace: OpenLoopTrace, metrics: OpenLoopMetrics, path: str | Path, *, title: str = "Open-loop pulses"
) -> None:
    """Draw conductance against pulse number and the distributions of the three metrics, as PNG."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, 4, figsize=(15, 3.8), layout="constrained", width_ratios=[2, 1, 1, 1])
    g = trace.g_S.reshape(trace.g_S.shape[0], -1)[:, :8] * 1e6
    axes[0].plot(g, lw=0.5)
    axes[0].set(xlabel="pulse number", ylabel="conductance [uS]")
    for axis, name, label in zip(axes[1:], ("n_states", "sp_skew", "nsr"), ("N_states", "SP skew", "NSR"), strict=True):
        values = np.ravel(getattr(metrics, name))
        axis.hist(values, bins=min(max(values.size // 4, 5), 40), color="tab:blue")
        axis.set(xlabel=f"{label} [1]", ylabel="devices", title=f"mean {values.mean():.3g}")
    _save(figure, path, title, plt)


def draw_relaxation(result: RelaxationStatistics, path: str | Path, *, title: str = "Relaxation") -> None:
    """Draw the levels at the first and last time, and shift, width and overlap against time, as PNG."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, 4, figsize=(16, 3.8), layout="constrained")
    for axis, i in zip(axes[:2], (0, -1), strict=True):
        for level in result.g_S[i].reshape(result.g_S.shape[1], -1):
            _cumulative(axis, level * 1e6, lw=0.8)
        axis.set(xlabel="conductance [uS]", ylabel="cumulative share of devices", title=f"after {result.time_s[i]:g} s")
    later = result.time_s > 0
    for name, label, axis in (
        ("mean_shift_uS", "mean shift [uS]", axes[2]),
        ("sigma_uS", "standard deviation [uS]", axes[2]),
        ("overlap", "overlap of neighbouring levels [1]", axes[3]),
        ("misread", "nearer to another level [1]", axes[3]),
    ):
        axis.semilogx(result.time_s[later], getattr(result, name)[later], "o-", ms=4, label=label)
    for axis, label in ((axes[2], "change since programming [uS]"), (axes[3], "share [1]")):
        axis.set(xlabel="time since programming [s]", ylabel=label)
        axis.legend(fontsize=8)
    _save(figure, path, title, plt)
