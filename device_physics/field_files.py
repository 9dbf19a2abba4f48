"""Fields as files that ParaView opens: VTU (needs pyvista), and VTX where dolfinx has ADIOS2. SI units stand in the names."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.solution import Fields, Solution
from ground.errors import InputError, MissingLibrary
from ground.files import atomic, check_writable

REGION = "region "  # field data "region dome" = 6: the names of the tags, as numbers, which every reader of VTU takes
_QUADRATIC = {
    69: 22,
    71: 24,
}  # VTK's Lagrange cells of degree 2 as its quadratic ones: the same nodes, known to more readers


def load_pyvista() -> Any:
    try:
        import pyvista
    except Exception as error:
        raise MissingLibrary(
            f"pyvista cannot be loaded ({type(error).__name__}: {error}). It writes VTU files and draws fields; "
            "install it with `pip install 'cmo-reram[plot]'`."
        ) from None
    pyvista.OFF_SCREEN = True
    return pyvista


def checked_path(path: str | Path, what: str, allowed: tuple[str, ...]) -> Path:
    """Return the path of a file to write, or raise InputError where its ending is not one of `allowed` or it cannot be written.

    An earlier VTX folder (.bp) is a file that can be written over; any other folder is not.
    """
    path = Path(path)
    if path.suffix.lower() not in allowed:
        raise InputError(
            f"{path}: the ending {path.suffix or '(none)'!r} is not allowed for {what}: expected {' or '.join(allowed)}."
        )
    if not (path.suffix == ".bp" and (path / "md.idx").is_file()):
        check_writable(path)
    return path


def grid(fields: Fields) -> Any:
    """Return the fields as a pyvista UnstructuredGrid in metres; quadratic cells stay quadratic.

    Point data V, T; cell data region and the cell averages E, J, power density. Field data: the tag of every region, and how
    many copies of the box make the device.
    """
    pyvista = load_pyvista()
    nodes = fields.cells.shape[1]
    packed = np.column_stack([np.full(len(fields.cells), nodes), fields.cells]).ravel()
    types = np.array([_QUADRATIC.get(int(t), int(t)) for t in fields.cell_types], dtype=np.uint8)
    out = pyvista.UnstructuredGrid(packed, types, fields.points)
    out.point_data["V [V]"], out.point_data["T [K]"] = fields.V, fields.T
    out.cell_data["region"] = fields.region
    out.cell_data["E [V/m]"], out.cell_data["J [A/m2]"] = fields.E_mean, fields.J_mean
    out.cell_data["power density [W/m3]"] = fields.power
    for name, tag in fields.regions.items():
        out.field_data[REGION + name] = [tag]
    out.field_data["copies"] = [fields.copies]
    return out


def regions_of(whole: Any) -> dict[str, Any]:
    """Return the regions of a grid that `grid` made or a VTU file holds, by name.

    Cell means become nodal means inside a region: smooth in it, with a jump where materials meet.
    """
    names = {n: int(whole.field_data[n][0]) for n in whole.field_data if n.startswith(REGION)}
    tags = whole.cell_data["region"]
    return {
        name.removeprefix(REGION): whole.extract_cells(tags == tag).cell_data_to_point_data(pass_cell_data=False)
        for name, tag in sorted(names.items(), key=lambda item: item[1])
    }


def surface_of(part: Any) -> Any:
    """Return faces and lines of the outside of a part; newer pyvista warns about a default that does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return part.extract_surface()


def is_channel(name: str) -> bool:
    """True for the regions of filaments and domes."""
    return name.split("_")[0] in ("filament", "dome")


def is_half(whole: Any) -> bool:
    """True for a quarter of the box and for a half-section: only x > 0 is there."""
    return bool(whole.bounds[0] > -1e-6 * whole.length)


def write_vtu(solution: Solution, path: str | Path) -> None:
    """Write the fields of a solution as VTU, whole or not at all. Under MPI the first rank writes all of them.

    Raises InputError for another ending than .vtu, and MissingLibrary without pyvista.
    """
    path = checked_path(path, "a VTU file", (".vtu",))
    fields = solution.fields
    if len(fields.cells):
        with atomic(path) as temporary:
            grid(fields).save(temporary)


def write_vtx(solution: Solution, path: str | Path) -> None:
    """Write V and T as a VTX folder (.bp, ADIOS2), in the degree they were solved in; all MPI ranks write it together.

    VTX holds functions of one space only, so |E|, |J| and power density, one value per cell, are in the VTU file alone.
    Raises InputError for another ending than .bp, and MissingLibrary where dolfinx was built without ADIOS2.
    """
    from device_physics import _dolfinx as door

    path = checked_path(path, "VTX output", (".bp",))
    door.check_vtx(path)
    temporary = path.with_name(f".{path.stem}-part.bp")  # the same name on every rank
    door.write_vtx(*solution.fields.nodal, temporary)
    if door.is_first_rank():
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
