"""One figure of the comparison made into files: picture, data, and the record that says what they are."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from ground.errors import MissingLibrary, ReramError
from ground.files import atomic
from ground.plotting import load_matplotlib
from ground.provenance import provenance, published
from ground.stamp import stamp
from studies.figures.figure import Drawing, Effort, Figure
from studies.kept import Kept, code_hash, content_key

_DPI = 170


def figure_key(figure: Figure, quick: bool) -> str:
    """Return the content key; where a quick run cuts nothing, quick and full are the same figure."""
    what = [figure.number, figure.title, list(figure.inputs), figure.reduced, quick and bool(figure.reduced)]
    return content_key(what, figure.files)


def make_figure(figure: Figure, kept: Kept, key: str, quick: bool) -> dict[str, Any]:
    """Draw a figure into NUMBER.png, NUMBER.nc and, last, NUMBER.json of the folder, and return that record.

    status : "made", or "not attempted" (something is missing) or "off" (it failed) with the reason in `caption`; then nothing of
    an earlier one is left, and nothing is kept, so that the next run tries again.
    """
    _clear(kept, figure.number)
    work = kept.folder.parent / "work" / figure.number
    work.mkdir(parents=True, exist_ok=True)
    cut = figure.reduced if quick else ""
    record = {
        "number": figure.number,
        "title": figure.title,
        "inputs": list(figure.inputs),
        "reduced": cut,
        "quick": quick,
    }
    start = time.perf_counter()
    try:
        drawing = figure.draw(Effort(quick, work))
    except ReramError as error:
        status = "not attempted" if isinstance(error, MissingLibrary) else "off"
        return {**record, "status": status, "caption": str(error), "seconds": _since(start), "files": {}}
    source = provenance(
        f"reram reproduce, figure {figure.number}",
        files=[*published(), *(p for p in figure.files if p.is_file())],
        synthetic=drawing.synthetic,
        **{"code_hash": code_hash(), "quick": quick, **drawing.settings},
    )
    _save(drawing, kept.folder / figure.number, source, figure)
    shutil.rmtree(work)
    record |= {
        "status": "made",
        "caption": drawing.caption,
        "settings": drawing.settings,
        "synthetic": drawing.synthetic,
    }
    files = [f"{figure.number}.png", f"{figure.number}.nc"]
    return kept.keep(figure.number, key, {**record, "seconds": _since(start), "provenance": source}, files)


def _clear(kept: Kept, number: str) -> None:
    kept.forget(number)
    for ending in ("png", "nc"):
        (kept.folder / f"{number}.{ending}").unlink(missing_ok=True)


def _save(drawing: Drawing, stem: Path, source: dict[str, Any], figure: Figure) -> None:
    with atomic(stem.parent / f"{stem.name}.png") as temporary:
        if isinstance(drawing.picture, (str, Path)):
            shutil.copyfile(drawing.picture, temporary)
        else:
            drawing.picture.savefig(temporary, dpi=_DPI, format="png")
            load_matplotlib().close(drawing.picture)
        stamp(temporary, source)
    texts = {"figure": figure.number, "title": figure.title, "caption": drawing.caption}
    data = drawing.data.assign_attrs(
        {**texts, "synthetic": str(drawing.synthetic).lower(), "provenance": json.dumps(source)}
    )
    with atomic(stem.parent / f"{stem.name}.nc") as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 2)
