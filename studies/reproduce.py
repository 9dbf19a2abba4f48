"""The comparison with the paper as one resumable run: every figure and every number into one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ground.files import write_json
from ground.provenance import Source, provenance, published
from ground.stamp import stamp
from studies.figure_record import figure_key, make_figure
from studies.figures import all_figures, chosen
from studies.kept import Kept, code_hash, content_key
from studies.scoreboard import Row, compute_row, counts, row_of, targets
from studies.target import Target

Say = Callable[[str], None]
Record = dict[str, Any]


@dataclass(frozen=True)
class Reproduction:
    """What a folder holds: a record per figure (as in its JSON file), the rows, and what made them.

    What was not asked for in this run is there too where an earlier one made it and it is still current.
    """

    folder: Path
    figures: tuple[Record, ...]
    rows: tuple[Row, ...]
    provenance: Record

    def to_dict(self) -> Record:
        """Return the run as JSON-like values."""
        return {
            "folder": str(self.folder),
            "figures": list(self.figures),
            "counts": counts(self.rows),
            "rows": [asdict(r) for r in self.rows],
            "provenance": self.provenance,
        }


@dataclass(frozen=True)
class _Job:
    """One figure or row: what it is called, where its record is kept, and how it is made. asked : in this run."""

    name: str
    label: str
    kept: Kept
    key: str
    make: Callable[[], Record]
    asked: bool

    @property
    def is_figure(self) -> bool:
        return self.kept.folder.name == "figures"

    @property
    def data(self) -> Path:
        """The file that holds its numbers."""
        return self.kept.folder / f"{self.name}.{'nc' if self.is_figure else 'json'}"


def reproduce_paper(
    folder: str | Path,
    *,
    quick: bool = False,
    only: Sequence[str] = (),
    again: bool = False,
    say: Say = lambda text: None,
) -> Reproduction:
    """Make every figure and compute every row into `folder`: figures/, rows/, scoreboard.json and index.html.

    quick : figures make the reductions that they state (rows never do).  only : numbers of figures, see `figures.chosen`, and the
    rows that belong to them.  again : also what is finished and unchanged.  say : called with a line per figure and row.
    Raises InputError for an unknown number or a folder that cannot be made. What fails is kept with its reason; the run goes on.
    """
    from studies.reproduction_page import write_reproduction

    folder = Path(folder)
    jobs = [*_figure_jobs(folder, only, quick), *_row_jobs(folder, only)]
    records = _make_all(jobs, again, say)
    count = sum(job.is_figure for job in jobs)
    made = Reproduction(
        folder,
        tuple(r for r in records[:count] if r is not None),
        tuple(row_of(r) for r in records[count:] if r is not None),
        _record(folder, jobs, records, quick, only),
    )
    write_json(folder / "scoreboard.json", made.to_dict())
    write_reproduction(made, folder / "index.html")
    stamp(folder / "index.html", made.provenance)
    return made


def _record(
    folder: Path, jobs: Sequence[_Job], records: Sequence[Record | None], quick: bool, only: Sequence[str]
) -> Record:
    """What made the scoreboard and its page: the data of every figure and row that is there."""
    there = [(j, r) for j, r in zip(jobs, records, strict=True) if r is not None and "key" in r]
    files = [Source(j.data, "figure" if j.is_figure else "row") for j, _ in there]
    return provenance(
        "reram reproduce",
        files=files,
        near=folder / "scoreboard.json",
        code_hash=code_hash(),
        quick=quick,
        only=list(only),
    )


def _figure_jobs(folder: Path, only: Sequence[str], quick: bool) -> list[_Job]:
    figures = all_figures()
    asked = {f.number for f in chosen(figures, only)}
    kept = Kept(folder / "figures")
    jobs = []
    for f in figures:
        key = figure_key(f, quick)
        make = partial(make_figure, f, kept, key, quick)
        jobs.append(_Job(f.number, f"figure {f.number}, {f.title}", kept, key, make, f.number in asked))
    return jobs


def _row_jobs(folder: Path, only: Sequence[str]) -> list[_Job]:
    asked = {f.number for f in chosen(all_figures(), only)}
    kept = Kept(folder / "rows")
    jobs = []
    for t in targets():
        key = content_key([t.name, t.figure, t.published, t.tolerance, list(t.inputs), t.given], t.files)
        make = partial(_make_row, t, kept, key)
        jobs.append(_Job(t.name, f"number {t.name}", kept, key, make, not only or t.figure in asked))
    return jobs


def _make_row(target: Target, kept: Kept, key: str) -> Record:
    row, read = compute_row(target), [*published(), *(Source(p) for p in target.files if p.is_file())]
    source = provenance(f"reram reproduce, number {target.name}", files=read, code_hash=code_hash())
    record = {**asdict(row), "provenance": source}
    return kept.keep(target.name, key, record) if row.finished else record


def _make_all(jobs: Sequence[_Job], again: bool, say: Say) -> list[Record | None]:
    """Return each job's record; None for what was not asked for and is not there."""
    records = [None if again and j.asked else j.kept.current(j.name, j.key) for j in jobs]
    asked = sum(j.asked for j in jobs)
    todo = [i for i, j in enumerate(jobs) if j.asked and records[i] is None]
    done = asked - len(todo)
    if done:
        say(f"{done} of {asked} are finished and unchanged; --again makes them anew.")
    before = {i: (jobs[i].kept.record(jobs[i].name) or {}).get("seconds") for i in todo}
    start, spent = time.perf_counter(), []
    for i in todo:
        began = time.perf_counter()
        records[i] = record = jobs[i].make()
        spent.append(time.perf_counter() - began)
        del before[i]
        mean = sum(spent) / len(spent)
        left = sum(mean if s is None else s for s in before.values())
        say(
            f"[{done + len(spent)}/{asked}] {jobs[i].label}: {record['status']} in {spent[-1]:.1f} s   "
            f"({_clock(time.perf_counter() - start)} gone, about {_clock(left)} left)"
        )
    return records


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
