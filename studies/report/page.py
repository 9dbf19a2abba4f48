"""The report of a run folder: every file that is known gets its place, every other one is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import check_writable
from ground.page import Badge, Facts, Part, Section, Table, save_page
from studies.report import (
    array_section,
    data_section,
    device_section,
    evaluation_section,
    fem_section,
    model_section,
    origin_section,
    reproduction_section,
    training_section,
    uncertainty_section,
)
from studies.report.amounts import amount, duration
from studies.report.evaluation_section import figure_of_merit
from studies.report.run_folder import run_files
from studies.report.shelf import Item, Shelf, shown

NAME = "report.html"
_ROOMS = (
    device_section.device,
    fem_section.mesh,
    fem_section.fields,
    fem_section.sweeps,
    data_section.measured,
    data_section.fits,
    model_section.model,
    model_section.cycle,
    array_section.array,
    array_section.mvm,
    uncertainty_section.uncertainty,
    training_section.training,
    evaluation_section.evaluation,
    reproduction_section.reproduction,
    array_section.tables,
    origin_section.exports,
    origin_section.pictures,
    origin_section.texts,
    origin_section.provenance,
    origin_section.files,
)


def write_report(folder: str | Path, output: str | Path | None = None) -> dict[str, Any]:
    """Write the page of a run folder, whole or not at all, and return what it shows.

    output : the page (default: report.html in the folder). Returned: path, bytes, sections, files (shown), files_left_out (how many are
    counted only), unknown (names), notes.
    Raises InputError where the folder is missing, holds nothing that is known, or the page cannot be written. A damaged file
    is no error: the page says so.
    """
    folder = Path(folder)
    page = Path(output) if output is not None else folder / NAME
    found, left_out = run_files(folder, page)
    check_writable(page)
    shelf = Shelf.of(found, left_out)
    if not shelf.is_known:
        names = ", ".join(f.name for f in found[:5])
        told = "; ".join([names, *shelf.notes[:3]])
        raise InputError(
            f"{folder}: holds nothing that a report can show: {told}. Known are the results of `reram` commands (JSON, NetCDF, "
            "VTU), measured sweeps and pictures."
        )
    sections = [*_overview(shelf), *(s for room in _ROOMS for s in room(shelf))]
    records = [r for i in shelf.all("summary") if isinstance(r := i.data["provenance"], dict)]
    made = [str(r["made_at"])[:10] for r in records if "made_at" in r]
    title = f"Run report: {folder.resolve().name}"
    save_page(page, title, sections, subtitle=f"CMO/HfOx ReRAM{', ' + made[0] if made else ''}", notes=_notes(shelf))
    return {
        "report": str(page),
        "bytes": page.stat().st_size,
        "sections": [s.title for s in sections],
        "files": len(shelf.items),
        "files_left_out": sum(group.count for group in left_out),
        "unknown": [i.name for i in shelf.items if not i.kind],
        "notes": shelf.notes,
    }


def _notes(shelf: Shelf) -> list[str]:
    made_up = [i.name for i in shelf.items if i.kind == "sweeps" and i.data.synthetic]
    synthetic = [
        f"This run uses SYNTHETIC data ({len(made_up)} files): it shows the way from data to arrays, not a measured device."
    ]
    return [*(synthetic if made_up else []), *shelf.notes]


def _overview(shelf: Shelf) -> list[Section]:
    """The numbers a reader asks for first, and what became of every stage of a pipeline."""
    facts = [fact for kind, of in _FACTS.items() for item in shelf.all(kind)[:1] for fact in _fact(item, of)]
    parts: list[Part] = [Facts(facts)] if facts else []
    for item in shelf.all("summary"):
        parts += shown(item, _stages)
    return [Section("Overview", parts)] if parts else []


def _stages(item: Item) -> list[Part]:
    rows = [
        (s["stage"], Badge(s["status"], "good" if s["status"] == "done" else "off"), s["what"], float(s["seconds"]))
        for s in item.data["stages"]
    ]
    return [Table("", ("stage", "status", "result", "time [s]"), rows)]


def _fact(item: Item, of: Any) -> list[tuple[str, str, str]]:
    try:
        return [of(item.data)]
    except (KeyError, IndexError, TypeError, ValueError):
        return []  # the section of the file says what is wrong with it


_FACTS = {
    "solution": lambda d: (
        "resistance",
        amount(d["resistance_ohm"], "Ω"),
        f"dome at {d['dome']['T_mean_K']:.0f} K, {d['bias_V']:g} V",
    ),
    "hopping fit": lambda d: ("hopping fit", f"{d['residual_rms']:.1%}", f"rms residual, {d['points']} points"),
    "programming": lambda d: (
        "programming",
        f"{d['results'][0]['mean_pulses']:.0f} pulses",
        f"per level at {d['results'][0]['acceptance']:.1%}",
    ),
    "mvm": lambda d: ("products in memory", f"{d['rmse'][0]:.3f}", f"RMSE, {d['size']} × {d['size']}"),
    "training": lambda d: (f"{d['task']}: {d['figure']}", f"{d['best']:.4g}", f"best of {d['epochs']} epochs"),
    "training seeds": lambda d: (f"{d['task']}: {d['figure']}", f"{d['mean']:.4g}", f"mean of {len(d['seeds'])} seeds"),
    "evaluation": lambda d: (
        f"{d['task']} in arrays: {d['figure']}",
        figure_of_merit(d["figure"], d["in_time"][-1][d["figure"]]),
        f"after {duration(d['in_time'][-1]['time_s'])}",
    ),
    "uncertainty": lambda d: (
        "known to",
        f"{d['bands']['rmse']['parameters']['p05'][-1]:.3g} to {d['bands']['rmse']['parameters']['p95'][-1]:.3g}",
        f"RMSE of products after {duration(d['times_s'][-1])}, 5..95 %",
    ),
    "scoreboard": lambda d: ("published numbers reproduced", str(d["counts"]["reproduced"]), f"of {len(d['rows'])}"),
}
