"""A folder of measured files: each extracted once, on several processes, kept by content; then one table of devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compact_model.transistor import Transistor
from device_physics.executors import Point, compute_points
from device_physics.points import PointStore, Progress
from fits.devices.one_file import EXTRACTION_VERSION, extract_file
from fits.devices.table import DeviceTable
from fits.reading.fields import AMBIENT, READ_VOLTAGE, checked
from fits.reading.layout import Layout, layout_of
from fits.reading.readers import WORKBOOKS
from fits.sweeps.series_drop import SeriesDrop
from ground.errors import InputError
from ground.files import cache_dir, file_hash

SUFFIXES = (".csv", ".tsv", ".txt", ".dat", *WORKBOOKS)


def read_folder(
    folder: str | Path,
    *,
    pattern: str | None = None,
    device_pattern: str | None = None,
    v_read_V: float = 0.2,
    ambient_K: float | None = None,
    layout: Layout | str | Path | None = None,
    voltage_column: str | None = None,
    current_column: str | None = None,
    r_series_ohm: float = 0.0,
    transistor: Transistor | None = None,
    gate_V: float | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    store: PointStore | None = None,
) -> DeviceTable:
    """Extract every measured file below a folder, and return one table over its devices.

    pattern : files to take, such as "*_set_*.csv"; else all csv, tsv, txt, dat, xlsx, xls.  device_pattern : regular
    expression for the name of the device in the path below the folder (its first group, else the whole match). Where
    the file names its devices itself, those names count; else the sub-folder is the name, else the file without suffix.
    v_read_V : read voltage of the states [V].  workers : processes.  progress : callback (done, total).
    r_series_ohm, transistor, gate_V : in series with the device, taken off the forming voltage.
    Finished files are kept by content, so a run that was stopped or killed goes on where it was.
    A file that cannot be read stands in `failed` with its reason. Raises InputError where there is no file, or every one failed.
    """
    root = Path(folder)
    paths = _files(root, pattern)
    chosen, series = layout_of(layout), SeriesDrop(r_series_ohm, transistor, gate_V)
    options = {
        "v_read_V": checked("v_read_V", v_read_V, READ_VOLTAGE),
        "ambient_K": None if ambient_K is None else checked("ambient_K", ambient_K, AMBIENT),
        "layout": None if chosen is None else chosen.model_dump(mode="json"),
        "voltage_column": voltage_column,
        "current_column": current_column,
        "r_series_ohm": series.r_ohm,
        "transistor": None if transistor is None else transistor.model_dump(mode="json"),
        "gate_V": series.gate_V,
    }
    name = _namer(root, device_pattern)
    rows = compute_points(
        extract_file,
        [_point(path, options) for path in paths],
        store=store or PointStore(cache_dir() / "folders"),
        workers=workers,
        progress=progress,
    )
    extracted: list[tuple[str, str, dict[str, Any]]] = []
    failed: dict[str, str] = {}
    for path, row in zip(paths, rows, strict=True):
        label = path.relative_to(root).as_posix()
        reason = row.get("failure") or name(path)[1]
        if reason:
            failed[label] = _short(reason, path)
        else:
            extracted += [(label, d["device"] or name(path)[0], d) for d in row["devices"]]
    if not extracted:
        first = next(iter(failed.items()))
        raise InputError(f"{root}: none of its {len(paths)} files could be read. The first, {first[0]}: {first[1]}")
    return DeviceTable.of(extracted, failed, folder=root.name, options=options, files=paths)


def _files(root: Path, pattern: str | None) -> list[Path]:
    if not root.is_dir():
        raise InputError(f"{root}: is not a folder; give the folder that holds the measured files.")
    try:
        found = [p for p in sorted(root.rglob(pattern or "*")) if p.is_file() and not p.name.startswith((".", "~$"))]
    except (ValueError, NotImplementedError) as error:
        raise InputError(f"pattern={pattern!r} is not allowed: {error}. Give one such as '*_set_*.csv'.") from None
    files = found if pattern else [p for p in found if p.suffix.lower() in SUFFIXES]
    if not files:
        raise InputError(
            f"{root}: holds no file {pattern or 'ending in ' + ', '.join(SUFFIXES)}; is this the folder of the data?"
        )
    return files


def _point(path: Path, options: Mapping[str, Any]) -> Point:
    try:
        sha256 = file_hash(path)
    except OSError:
        sha256 = ""  # the reader will say why
    key = {
        "what": "file",
        "extraction": EXTRACTION_VERSION,
        "name": path.name,
        "sha256": sha256,
        "options": dict(options),
    }
    return Point(key, (str(path), dict(options)))


def _namer(root: Path, device_pattern: str | None) -> Any:
    """Return a function path -> (name of the device, why there is none)."""
    try:
        search = re.compile(device_pattern).search if device_pattern else None
    except re.error as error:
        raise InputError(
            f"device_pattern={device_pattern!r} is not a regular expression: {error}. Example: '(D[0-9]+)_'."
        ) from None

    def name(path: Path) -> tuple[str, str]:
        below = path.relative_to(root)
        if search is None:
            return (below.parent.as_posix() if below.parent.parts else path.stem), ""
        match = search(below.as_posix())
        if match is None:
            return "", f"device_pattern={device_pattern!r} is not found in the path {below.as_posix()!r}."
        return (match[1] if match.groups() else match[0]) or "", ""

    return name


def _short(reason: str, path: Path) -> str:
    return reason.removeprefix(f"{path}: ")
