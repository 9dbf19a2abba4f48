"""What a solve is asked to write about its fields: refused before the solve where it cannot be written, written after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_physics.field_files import checked_path, load_pyvista, write_vtu, write_vtx
from device_physics.field_picture import check_picture, draw_cross_section, draw_cutaway
from device_physics.field_scales import scale
from device_physics.solution import Solution
from ground.stamp import stamp


@dataclass(frozen=True)
class FieldRequests:
    """Files to write, or None: fields as VTU and VTX, the cross-section, and the cut-away of one field."""

    vtu: Path | None = None
    vtx: Path | None = None
    picture: Path | None = None
    cutaway: Path | None = None
    field: str = "T"

    def check(self) -> None:
        """Raise InputError or MissingLibrary for what could not be written."""
        scale(self.field)
        for path in (self.picture, self.cutaway):
            if path:
                check_picture(path)
        if self.vtu:
            checked_path(self.vtu, "a VTU file", (".vtu",))
            load_pyvista()
        if self.vtx:
            from device_physics._dolfinx import check_vtx

            check_vtx(checked_path(self.vtx, "VTX output", (".bp",)))

    def write(self, solution: Solution) -> None:
        """Write everything that was asked for."""
        if self.vtu:
            write_vtu(solution, self.vtu)
        if self.vtx:
            write_vtx(solution, self.vtx)
        if self.picture:
            draw_cross_section(solution, self.picture)
        if self.cutaway:
            draw_cutaway(solution, self.cutaway, self.field)

    def stamp(self, record: Mapping[str, Any]) -> None:
        """Put the record of the solve into every file that was written (VTX is a folder, and has none)."""
        for path in (self.vtu, self.picture, self.cutaway):
            if path:
                stamp(path, record)
