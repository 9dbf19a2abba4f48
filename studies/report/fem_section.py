"""What the FEM gave: mesh, fields in 3D and on the cross-section, scalars and balances, sweeps."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from device_physics.sweep_plot import BALANCE_MAX
from ground.errors import InputError, MissingLibrary
from ground.page import Badge, Facts, Figure, Heading, Note, Part, Section, Table, Text
from studies.report.amounts import amount
from studies.report.field_view import field_view
from studies.report.shelf import Item, Shelf, drawing, each, picture, shown

VIEWS_MAX = 4  # of the fields of many solves only the first are drawn in 3D
_SURFACE_FLUX_MAX = 0.05  # it misses what flows at the rims, where the mesh is never fine enough
_BALANCES = {
    "current": "current in minus out",
    "power": "Joule integral minus V·I",
    "heat": "heat leaving minus Joule power",
    "surface_flux": "current through the bottom face minus I (a check of the mesh)",
}


def mesh(shelf: Shelf) -> list[Section]:
    """Return the section of the mesh: its picture, and how large it is."""
    parts: list[Part] = []
    for item in [i for i in shelf.all("picture") if PurePosixPath(i.stem).name == "mesh"]:
        shelf.used.add(item.name)
        parts += shown(item, picture("Cells cut by the plane through the axis, coloured by region"))
    sizes = [(i.name, i.data["cells"], i.data["dofs"]) for i in shelf.all("solution") if "cells" in i.data]
    if parts and sizes:
        parts.append(Table("", ("solved in", "cells", "degrees of freedom"), sizes))
    return [Section("Mesh", parts)] if parts else []


def fields(shelf: Shelf) -> list[Section]:
    """Return the section of solved fields: scalars, 3D view, cross-section, balances."""
    parts = each(shelf.all("solution"), _facts)
    views = shelf.all("fields")
    for item in views[:VIEWS_MAX]:
        parts += _view(shelf, item, named=len(views) > 1)
    if len(views) > VIEWS_MAX:
        parts.append(Text(f"{len(views) - VIEWS_MAX} more files of fields are not drawn: see the list of files."))
    for item in [i for i in shelf.all("picture") if PurePosixPath(i.stem).name in ("fields", "cutaway")]:
        if item.name not in shelf.used:
            shelf.used.add(item.name)
            parts += shown(item, picture("Fields of the solved device"))
    for item in shelf.all("solution"):
        parts += shown(item, _balances)
    return [Section("Fields", parts)] if parts else []


def sweeps(shelf: Shelf) -> list[Section]:
    """Return the section of FEM sweeps over biases and fields of the device."""
    parts = each(shelf.all("FEM sweep"), lambda item: _sweep(shelf, item))
    return [Section("FEM sweeps", parts)] if parts else []


def _facts(item: Item) -> list[Part]:
    d = item.data
    dome = d["dome"]
    rows = [
        ("bias", amount(d["bias_V"], "V"), ""),
        ("current", amount(d["current_A"], "A"), ""),
        ("resistance", amount(d["resistance_ohm"], "Ω"), ""),
    ]
    if dome["T_mean_K"] is not None:
        rows += [
            ("dome temperature", f"{dome['T_mean_K']:.1f} K", f"mean; largest {dome['T_max_K']:.1f} K"),
            ("dome field", amount(dome["E_mean_V_per_m"], "V/m"), "mean"),
            ("thermal resistance", amount(d["r_th_K_per_W"], "K/W"), "dome to surroundings"),
        ]
    return [Facts(rows)]


def _balances(item: Item) -> list[Part]:
    found: dict[str, Any] = item.data["balances"]
    rows = []
    for name, meaning in _BALANCES.items():
        value = found.get(name)
        limit = _SURFACE_FLUX_MAX if name == "surface_flux" else BALANCE_MAX
        if value is not None:
            good = abs(float(value)) <= limit
            rows.append(
                (meaning, float(value), limit, Badge("holds" if good else "does NOT hold", "good" if good else "off"))
            )
    head = ("balance (relative)", "value", "expected at most", "")
    return [Table(f"Balances of {item.name}", head, rows)]


def _view(shelf: Shelf, item: Item, *, named: bool) -> list[Part]:
    """The 3D view with the cut-away picture for browsers that cannot draw it; the picture alone where it cannot be made."""
    pictures = shelf.pictures(item, "cutaway")
    still = next((p for p in pictures if PurePosixPath(p.stem).name == "cutaway"), None)
    parts: list[Part] = [Heading(item.name)] if named else []
    ready = shown(still, picture("The device, a quadrant cut away")) if still else []
    usable = still.file.path if still and isinstance(ready[0], Figure) else None
    parts += shown(item, lambda i: [_three_d(i.file.path, usable)])
    if isinstance(parts[-1], Note) or not usable:
        parts += ready
    for other in [p for p in pictures if p is not still]:
        parts += shown(
            other, picture("Cross-section through the axis: regions, potential, temperature, field, current, power")
        )
    return parts


def _three_d(path: Path, still: Path | None) -> Part:
    from device_physics.field_surface import field_surface

    try:
        return field_view(field_surface(path), "Fields of the solved device.", still)
    except MissingLibrary as error:
        raise InputError(f"no 3D view: {error}") from None


def _sweep(shelf: Shelf, item: Item) -> list[Part]:
    from device_physics.sweep_plot import draw_sweep

    failed = [str(r) for r in item.data["failure"].values.ravel() if r]
    count = int(item.data["failure"].size)
    parts: list[Part] = [Text(f"{count} points, {len(failed)} failed.")]
    parts += [Note(f"failed: {reason}") for reason in sorted(set(failed))[:5]]
    ready = shelf.figures(item, "FEM sweep")
    if ready or len(failed) == count:
        return parts + ready
    return [*parts, Figure(drawing(lambda path: draw_sweep(item.data, path)), f"FEM sweep ({item.name})")]
