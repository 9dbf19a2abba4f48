"""A sweep as plots over the bias: current, dome temperature and field, thermal resistance, balances. Needs matplotlib."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.field_files import checked_path
from device_physics.solution import Solution
from ground.errors import InputError
from ground.files import atomic
from ground.plotting import load_matplotlib

ENDINGS = (".png", ".pdf")
BALANCE_MAX = 1e-6  # a solve whose balances are worse is not to be trusted
_LEGEND_MAX = 12
# column, label, log, factor: what the panels show, in reading order
_PANELS = (
    (("current_A",), "|current| [A]", True, 1.0),
    (("current_A",), "current [µA]", False, 1e6),
    (("T_mean_K", "T_max_K"), "dome temperature [K]", False, 1.0),
    (("E_mean_V_per_m",), "dome field, mean [V/nm]", False, 1e-9),
    (("r_th_K_per_W",), "thermal resistance [K/µW]", False, 1e-6),
    (("balance_current", "balance_power", "balance_heat"), "relative imbalance", True, 1.0),
)
_NAMES = {
    "T_mean_K": "mean",
    "T_max_K": "maximum",
    "balance_current": "current in − out",
    "balance_power": "Joule − V·I",
    "balance_heat": "heat out − Joule",
}
Curve = dict[str, NDArray[Any]]
_LINES = ("-", "--", ":")


def load_sweep(path: str | Path) -> Any:
    """Return the xarray Dataset of a file that `reram sweep` wrote. Raises InputError where it is none."""
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="h5netcdf") as data:
            return data.load()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except Exception as error:  # h5netcdf raises whatever the damage leads to
        raise InputError(f"{path}: cannot be read as a sweep ({type(error).__name__}: {error}).") from None


def check_plot(path: str | Path) -> None:
    """Raise InputError or MissingLibrary where `draw_sweep` could not write `path`: asked before a long computation."""
    checked_path(path, "a plot", ENDINGS)
    load_matplotlib()


def draw_sweep(table: Any, path: str | Path) -> None:
    """Draw a sweep (an xarray Dataset of `sweep`, or Solutions of one device at several biases) as PNG or PDF.

    One curve for every combination of the varied fields; biases of failed points are crosses on the current's axis.
    Raises InputError for another ending or where every point failed, MissingLibrary without matplotlib.
    """
    path = checked_path(path, "a plot", ENDINGS)
    curves = _of_solutions(table) if isinstance(table, Sequence) else _of_dataset(table)
    if not any(np.isfinite(c["current_A"]).any() for _, c in curves):
        raise InputError(
            "draw_sweep: every point of this sweep failed, there is nothing to draw; `failure` has the reasons."
        )
    plt = load_matplotlib()
    plt.rcParams.update({"font.size": 12})
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.88, len(curves))) if len(curves) > 1 else ["tab:blue"]
    figure, axes = plt.subplots(2, 3, figsize=(16, 9), layout="constrained")
    for axis, panel in zip(axes.flat, _PANELS, strict=True):
        for (label, curve), colour in zip(curves, colours, strict=True):
            _draw_curve(axis, panel, curve, colour, label)
        _finish(axis, panel, curves)
    _mark_failures(axes[0, 0], curves, colours)
    _legend(figure, axes, curves)
    figure.suptitle(_title(table, curves), fontsize=16)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=160)
    plt.close(figure)


def _of_dataset(table: Any) -> list[tuple[str, Curve]]:
    """Return (label, columns over the bias) for every combination of the varied fields."""
    if "bias_V" not in getattr(table, "dims", ()) or "current_A" not in table:
        raise InputError("draw_sweep: this is no sweep: expected the table that `reram sweep` writes, over bias_V.")
    varied = [d for d in table["current_A"].dims if d != "bias_V"]
    columns = [c for names, *_ in _PANELS for c in names if c in table] + ["failure"]
    out = []
    for corner in itertools.product(*(range(table.sizes[d]) for d in varied)):
        one = table.isel(dict(zip(varied, corner, strict=True)))
        label = ", ".join(f"{d} = {_value(one[d].values)}" for d in varied if table.sizes[d] > 1)
        out.append((label, _sorted({"bias_V": one["bias_V"].values} | {c: one[c].values for c in columns})))
    return out


def _of_solutions(solutions: Sequence[Solution]) -> list[tuple[str, Curve]]:
    rows = [
        {
            "bias_V": s.bias_V,
            "current_A": s.current_A,
            "T_mean_K": s.dome.T_mean_K,
            "T_max_K": s.dome.T_max_K,
            "E_mean_V_per_m": s.dome.E_mean_V_per_m,
            "r_th_K_per_W": s.r_th_K_per_W,
            "balance_current": s.balances.current,
            "balance_power": s.balances.power,
            "balance_heat": s.balances.heat,
        }
        for s in solutions
    ]
    if not rows:
        raise InputError("draw_sweep: the list of solutions is empty.")
    curve = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    return [("", _sorted(curve | {"failure": np.full(len(rows), "")}))]


def _sorted(curve: Curve) -> Curve:
    order = np.argsort(curve["bias_V"])
    return {name: np.asarray(values)[order] for name, values in curve.items()}


def _value(value: Any) -> str:
    return f"{value:.4g}" if np.issubdtype(np.asarray(value).dtype, np.floating) else str(value)


def _draw_curve(axis: Any, panel: Any, curve: Curve, colour: Any, label: str) -> None:
    columns, _, log, factor = panel
    for column, line in zip(columns, _LINES, strict=False):
        values = factor * curve[column].astype(float)
        if log:
            values = np.where(values == 0.0, np.nan, np.abs(values))
        name = label if column == columns[0] else None
        axis.plot(curve["bias_V"], values, line, color=colour, lw=1.5, marker="o", ms=3.5, mfc="white", label=name)


def _finish(axis: Any, panel: Any, curves: list[tuple[str, Curve]]) -> None:
    columns, label, log, _ = panel
    axis.set(xlabel="bias [V]", ylabel=label)
    axis.grid(alpha=0.25)
    if not any(np.isfinite(c[name].astype(float)).any() for _, c in curves for name in columns):
        axis.text(0.5, 0.5, "this device has no dome", transform=axis.transAxes, ha="center", color="grey")
        return
    if log:
        axis.set_yscale("log")
    if len(columns) > 1:
        handles = [axis.plot([], [], line, color="black")[0] for line in _LINES[: len(columns)]]
        names = [_NAMES[name] for name in columns]
        if "balance_heat" in columns:
            handles.append(axis.axhline(BALANCE_MAX, color="tab:red", lw=1))
            names.append("largest allowed")
        axis.legend(handles, names, fontsize=10)


def _mark_failures(axis: Any, curves: list[tuple[str, Curve]], colours: Any) -> None:
    """Put a cross at the foot of the axis at the bias of every failed point."""
    first = True
    for (_, curve), colour in zip(curves, colours, strict=True):
        failed = curve["bias_V"][curve["failure"] != ""]
        if len(failed):
            foot = np.full(len(failed), 0.03)
            place = axis.get_xaxis_transform()
            axis.plot(failed, foot, "x", color=colour, ms=8, mew=2, transform=place, label="failed" if first else None)
            first = False


def _legend(figure: Any, axes: Any, curves: list[tuple[str, Curve]]) -> None:
    handles, labels = axes[0, 0].get_legend_handles_labels()
    shown = [(h, la) for h, la in zip(handles, labels, strict=True) if la]
    if not shown:
        return
    if len(shown) > _LEGEND_MAX:  # the ends, and a few between them
        shown = [shown[i] for i in np.unique(np.linspace(0, len(shown) - 1, _LEGEND_MAX).round().astype(int))]
    figure.legend(*zip(*shown, strict=True), loc="outside lower center", ncols=min(len(shown), 3), fontsize=11)


def _title(table: Any, curves: list[tuple[str, Curve]]) -> str:
    points = sum(len(c["bias_V"]) for _, c in curves)
    failed = sum(int(np.count_nonzero(c["failure"] != "")) for _, c in curves)
    fixed = [] if isinstance(table, Sequence) else [d for d in table["current_A"].dims if table.sizes[d] == 1]
    held = "".join(f", {d} = {_value(table[d].values[0])}" + (" V" if d == "bias_V" else "") for d in fixed)
    return f"Sweep of {points} points" + (f", {failed} failed" if failed else "") + held
