"""Pictures of the fields: all of them on the cross-section through the axis, and one of them on a 3D cut-away.

They are drawn in a process of their own, from a VTU file: VTK and the system's PETSc bring C++ libraries that do not always
live together, and a broken graphics stack ends the process that uses it. Neither may take a solve down.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from device_physics.field_files import checked_path, load_pyvista, write_vtu
from device_physics.field_scales import scale
from device_physics.solution import Solution
from ground.errors import MissingLibrary
from ground.files import atomic
from ground.plotting import load_matplotlib

ENDINGS = (".png", ".pdf")
_PATIENCE_s = 600


def draw_cross_section(solution: Solution, path: str | Path) -> None:
    """Draw V, T, |E|, |J| and power density on the plane through the axis, with the regions, as one PNG or PDF.

    Raises InputError for another ending, and MissingLibrary where pyvista or matplotlib is not installed; nothing is left
    behind then. Under MPI the first rank draws.
    """
    _draw(solution, path, {"what": "section"})


def draw_cutaway(solution: Solution, path: str | Path, field: str = "T") -> None:
    """Draw one field ("V", "T", "E", "J" or "power") on the whole device in 3D, a quadrant of it cut away, as PNG or PDF.

    A quarter is completed by its mirror images, an axisymmetric half-section by turning it.
    Raises InputError for another ending or field, and MissingLibrary where this machine cannot render.
    """
    _draw(solution, path, {"what": "cutaway", "field": field})


def check_picture(path: str | Path, field: str = "T") -> Path:
    """Return the path of a picture that can be drawn; raises as the drawing would. Asked before a long computation."""
    scale(field)
    path = checked_path(path, "a picture", ENDINGS)
    load_pyvista()
    load_matplotlib()
    return path


def _draw(solution: Solution, path: str | Path, job: dict[str, Any]) -> None:
    path = check_picture(path, job.get("field", "T"))
    if not len(solution.fields.cells):
        return
    with tempfile.TemporaryDirectory() as folder, atomic(path) as temporary:
        vtu = Path(folder) / "fields.vtu"
        write_vtu(solution, vtu)
        job |= {"vtu": str(vtu), "picture": str(temporary), "device": stack_name(solution), "state": state(solution)}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "device_physics.field_picture", json.dumps(job)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_s,
            check=False,
        )
        if done.returncode or not temporary.stat().st_size:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise MissingLibrary(
                f"{path}: the fields cannot be drawn here (the drawing process ended with {done.returncode}: {reason}). "
                "Where it is the graphics: on Debian/Ubuntu `apt-get install libgl1 libegl1 libxrender1` brings what VTK needs. "
                "The VTU file (--vtu) has the same fields and opens in ParaView."
            )


def stack_name(solution: Solution) -> str:
    """Return the materials bottom to top and the first filament, such as "TiN / HfOx / CMO / TiN, filament radius 11 nm"."""
    stack = solution.provenance["settings"]["device"]["stack"]
    filaments = stack.get("filaments", [stack["filament"]] if "filament" in stack else [])
    radii = ", ".join(f"{f['radius_m'] * 1e9:g}" for f in filaments)
    layers = " / ".join(layer["material"] for layer in stack["layers"])
    return layers + (f", filament radius {radii} nm" if filaments else "")


def state(solution: Solution) -> str:
    """Return bias, current and the dome's temperature in one line."""
    text = f"{solution.bias_V:g} V, {solution.current_A * 1e6:.4g} µA"
    if solution.dome.T_mean_K is not None:
        text += f", dome {solution.dome.T_mean_K:.0f} K (max {solution.dome.T_max_K:.0f} K)"
    return text.replace("-", "\N{MINUS SIGN}")


def _main(job: dict[str, Any]) -> None:
    if job["what"] == "section":
        from device_physics.field_section import draw_section

        draw_section(job)
    else:
        from device_physics.field_cutaway import draw_quadrants

        draw_quadrants(job)


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
