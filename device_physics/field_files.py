"""Fields as files: VTU, which ParaView opens and the picture is drawn from. Needs pyvista."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from device_physics.solution import Fields, Solution
from ground.errors import MissingLibrary
from ground.files import atomic


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


def grid(fields: Fields) -> Any:
    """Return the fields as a pyvista UnstructuredGrid (metres): point data V, T; cell data region, E_mean, power density."""
    pyvista = load_pyvista()
    nodes = fields.cells.shape[1]
    packed = np.column_stack([np.full(len(fields.cells), nodes), fields.cells]).ravel()
    out = pyvista.UnstructuredGrid(packed, fields.cell_types.astype(np.uint8), fields.points)
    out.point_data["V [V]"], out.point_data["T [K]"] = fields.V, fields.T
    out.cell_data["region"] = fields.region
    out.cell_data["E [V/m]"], out.cell_data["power density [W/m3]"] = fields.E_mean, fields.power
    return out


def write_vtu(solution: Solution, path: str | Path) -> None:
    """Write the fields of a solution as VTU, whole or not at all."""
    with atomic(Path(path).with_suffix(".vtu")) as temporary:
        grid(solution.fields).save(temporary)
