"""One picture of the fields: T and |E| on the cross-section through the axis.

It is drawn in a process of its own, from a VTU file: VTK and the system's PETSc bring C++ libraries that do not always live
together, and a broken graphics stack ends the process that uses it. Neither may take a solve down.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.field_files import load_pyvista, write_vtu
from device_physics.solution import Solution
from ground.errors import MissingLibrary
from ground.files import atomic

_HALF_WIDTH_nm = 50.0  # of the part that is shown: the cell with its surroundings


def draw_cross_section(solution: Solution, path: str | Path) -> None:
    """Draw T and |E| on the plane through the axis, mirrored to both sides, as one PNG.

    Raises MissingLibrary where pyvista is not installed or this machine cannot render; nothing is left behind then.
    """
    load_pyvista()
    title = f"bias {solution.bias_V:g} V, {solution.current_A * 1e6:.3g} uA"
    with tempfile.TemporaryDirectory() as folder, atomic(path) as temporary:
        fields = Path(folder) / "fields.vtu"
        write_vtu(solution, fields)
        command = [sys.executable, "-m", "device_physics.field_picture", str(fields), str(temporary), title]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not temporary.stat().st_size:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise MissingLibrary(
                f"{path}: this machine cannot draw 3D pictures (the drawing process ended with {done.returncode}: {reason}). "
                "On Debian/Ubuntu `apt-get install libgl1 libegl1 libxrender1` brings what VTK needs; the VTU file has the "
                "same fields and opens in ParaView."
            )


def _draw(fields: str, picture: str, title: str) -> None:
    pyvista = load_pyvista()
    whole = pyvista.read(fields)
    whole.points = whole.points * 1e9
    parts = [
        _cut(whole.threshold((tag - 0.5, tag + 0.5), scalars="region")) for tag in np.unique(whole.cell_data["region"])
    ]
    cut, outlines = _merge([p for p, _ in parts]), _merge([o for _, o in parts])
    top = float(np.max(cut.point_data["E [V/m]"]))
    shown = (("T [K]", "inferno", None, title), ("E [V/m]", "viridis", (top * 1e-4, top), "magnitude of the field"))
    plotter = pyvista.Plotter(shape=(1, 2), off_screen=True, window_size=(2000, 1000), border=False)
    for column, (name, colours, limits, text) in enumerate(shown):
        plotter.subplot(0, column)
        bar = {
            "title": name,
            "title_font_size": 28,
            "label_font_size": 24,
            "fmt": "%.3g",
            "width": 0.6,
            "position_x": 0.2,
            "position_y": 0.86,
        }
        plotter.add_mesh(
            cut.copy(),
            scalars=name,
            cmap=colours,
            log_scale=limits is not None,
            clim=limits,
            scalar_bar_args=bar,
            lighting=False,
        )
        plotter.add_mesh(outlines, color="white", line_width=1.5, lighting=False)
        plotter.add_text(text, position=(0.03, 0.02), viewport=True, font_size=14)
        plotter.show_bounds(
            bounds=cut.bounds,
            xtitle="x [nm]",
            ytitle="",
            ztitle="z [nm]",
            show_yaxis=False,
            show_ylabels=False,
            font_size=26,
            location="front",
            grid=None,
            n_xlabels=5,
            n_zlabels=5,
            use_3d_text=False,
            fmt="%.0f",
        )
        plotter.view_xz()
        plotter.enable_parallel_projection()
        plotter.camera.zoom(0.95)
    plotter.screenshot(picture)
    plotter.close()


def _cut(part: Any) -> tuple[Any, Any]:
    """Cut one region on the plane of the axis: the cut with its mirror image, and its outline likewise.

    Cell means become nodal means inside the region, so that the field is smooth in it and jumps where materials do.
    """
    plane = {"normal": (0, 1, 0), "origin": (0, 1e-3, 0)}
    smooth = part.cell_data_to_point_data(pass_cell_data=False)
    flat = part.bounds[2] == part.bounds[3]  # the axisymmetric half-section is the cut already
    cut = smooth.extract_surface() if flat else smooth.slice(**plane)
    edge = cut.extract_feature_edges(
        boundary_edges=True, feature_edges=False, manifold_edges=False, non_manifold_edges=False
    )
    edge = edge.extract_cells(np.abs(edge.cell_centers().points[:, 0]) > 1e-2)  # not the mirror line itself
    half = min(_HALF_WIDTH_nm, cut.bounds[1])
    return tuple(_mirrored(piece).clip_box((-half, half, -1, 1, -1e6, 1e6), invert=False) for piece in (cut, edge))


def _mirrored(piece: Any) -> Any:
    if piece.n_points == 0 or piece.bounds[0] < -1e-6:  # the full box has both sides already
        return piece
    other = piece.copy()
    other.points[:, 0] *= -1
    return piece.merge(other, merge_points=False)


def _merge(pieces: list[Any]) -> Any:
    out = pieces[0]
    for piece in pieces[1:]:
        out = out.merge(piece, merge_points=False)
    return out


if __name__ == "__main__":
    _draw(*sys.argv[1:4])
