"""Arrays and what they compute: programming statistics, forming, cycling, pulses, relaxation, matrix-vector products."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ground.page import Facts, Figure, Note, Part, Section, Table, Text
from ground.plotting import load_matplotlib
from studies.report.amounts import duration
from studies.report.shelf import Item, Shelf, drawing, each

_LISTED = 24  # variables of a NetCDF file that are listed


def array(shelf: Shelf) -> list[Section]:
    """Return the section of arrays: closed-loop programming, and every result of `reram array`."""
    parts = each(shelf.all("programming"), lambda item: _programming(shelf, item))
    parts += each(shelf.all("array"), lambda item: _record(shelf, item))
    return [Section("Array", parts)] if parts else []


def mvm(shelf: Shelf) -> list[Section]:
    """Return the section of matrix-vector products: records as JSON, or inside NetCDF."""
    items = [*shelf.all("mvm"), *(i for i in shelf.all("table") if "record" in i.data.attrs)]
    parts = each(items, lambda item: _mvm(shelf, item))
    return [Section("Matrix-vector products", parts)] if parts else []


def tables(shelf: Shelf) -> list[Section]:
    """Return the section of NetCDF tables that belong to nothing else on the page: their variables with units and ranges."""
    items = [i for i in shelf.all("table") if "record" not in i.data.attrs and i.name not in shelf.used]
    parts = each(items, lambda item: _table(shelf, item))
    return [Section("Tables", parts)] if parts else []


def _programming(shelf: Shelf, item: Item) -> list[Part]:
    results: Sequence[dict[str, Any]] = item.data["results"]
    made = item.data["provenance"]["settings"]
    facts = [("devices", f"{made['rows']} × {made['columns']}", f"{made['levels']} levels")]
    facts += [
        (f"pulses at {r['acceptance']:.1%}", f"{r['mean_pulses']:.0f}", f"{r['converged_fraction']:.1%} converged")
        for r in results
    ]
    ready = shelf.figures(item, "Reached conductances, and level width against target")
    if not ready:
        ready = [Figure(_widths(results), f"Level width against target ({item.name})")]
    rows = []
    for r in results:
        line = r["sigma_uS_vs_target"]
        rows.append(
            (r["acceptance"], r["mean_pulses"], r["converged_fraction"], line["c0"], line["c1"], r["misread_fraction"])
        )
    head = ("acceptance", "mean pulses", "converged", "width c0 [µS]", "width c1 [1]", "nearer to another level")
    return [Facts(facts), *ready, Table("Closed-loop programming (width = c0 + c1 × target)", head, rows)]


def _widths(results: Sequence[dict[str, Any]]) -> bytes:
    plt = load_matplotlib()
    figure, axis = plt.subplots(figsize=(8, 4.4), layout="constrained")
    for r in results:
        axis.loglog(
            r["levels"]["target_uS"],
            r["levels"]["sigma_uS"],
            "o-",
            ms=4,
            lw=0.8,
            label=f"acceptance {r['acceptance']:.1%}",
        )
    axis.set(xlabel="target conductance [µS]", ylabel="rms deviation from the target [µS]")
    axis.grid(alpha=0.25, which="both")
    if results:
        axis.legend()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    plt.close(figure)
    return stream.getvalue()


def _record(shelf: Shelf, item: Item) -> list[Part]:
    """One JSON record of `reram array`: its numbers, and those with a spread as mean and sigma."""
    d = {k: v for k, v in item.data.items() if k not in ("provenance", "levels")}
    plain = [(k, v) for k, v in d.items() if isinstance(v, (int, float, str, bool))]
    spread = [(k, v["mean"], v["sigma"]) for k, v in d.items() if isinstance(v, dict) and set(v) == {"mean", "sigma"}]
    parts: list[Part] = [Text(f"Made by {item.data['provenance']['made_by']}."), *shelf.figures(item, "Array")]
    if spread:
        parts.append(Table("", ("quantity", "mean", "sigma"), spread))
    return [*parts, Table("", ("number", "value"), plain)]


def _mvm(shelf: Shelf, item: Item) -> list[Part]:
    from compact_model.mvm.plots import plot_study

    d = item.data if item.kind == "mvm" else json.loads(item.data.attrs["record"])
    rows = [(duration(t), float(t), e, r) for t, e, r in zip(d["times_s"], d["rmse"], d["rmse_over_std"], strict=True)]
    ready = shelf.figures(item, "Error of products in memory over time")
    if not ready:
        ready = [
            Figure(drawing(lambda path: plot_study(d, path)), f"Error of products in memory over time ({item.name})")
        ]
    facts = [
        ("matrix", f"{d['size']} × {d['size']}", f"{d['inputs']} vectors"),
        ("RMSE", f"{d['rmse'][0]:.4f}", f"after {duration(d['times_s'][0])}"),
    ]
    if len(rows) > 1:
        facts.append(("RMSE", f"{d['rmse'][-1]:.4f}", f"after {duration(d['times_s'][-1])}"))
    note = [Note("Devices are drawn from a model: SYNTHETIC.")] if d.get("provenance", {}).get("synthetic") else []
    settings = [(k, json.dumps(v) if isinstance(v, (list, dict)) else v) for k, v in d["settings"].items()]
    head = ("time after programming", "time [s]", "RMSE [1]", "RMSE / std of y [1]")
    return [
        *note,
        Facts(facts),
        *ready,
        Table("Error", head, rows),
        Table("Settings", ("setting", "value"), settings, folded=True),
    ]


def _table(shelf: Shelf, item: Item) -> list[Part]:
    rows = []
    for name in list(item.data.variables)[:_LISTED]:
        v = item.data[name]
        shape = " × ".join(f"{d} {n}" for d, n in v.sizes.items()) or "one"
        numbers = np.asarray(v.values)
        ends: tuple[float | None, float | None] = (None, None)
        if numbers.size and np.issubdtype(numbers.dtype, np.number) and np.isfinite(numbers.astype(float)).any():
            ends = (float(np.nanmin(numbers)), float(np.nanmax(numbers)))
        rows.append((name, shape, v.attrs.get("units", ""), *ends))
    title = str(item.data.attrs.get("title", ""))
    made = [Text(title)] if title else []
    head = ("variable", "shape", "unit", "smallest", "largest")
    more = len(item.data.variables) - _LISTED
    rest = [Text(f"{more} more variables.")] if more > 0 else []
    return [
        *made,
        *shelf.figures(item, title or "Picture beside it"),
        Table("", head, rows),
        *rest,
    ]
