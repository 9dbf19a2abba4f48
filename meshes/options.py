"""How fine the mesh is, and how much of the symmetric box is meshed."""

from __future__ import annotations

from typing import Annotated, Literal

from ground.spec import Spec
from ground.units import Quantity


class MeshOptions(Spec):
    """Grading of the mesh.

    domain : "quarter" (two mirror planes) or "full".  rim_size_m : edge length at the rims of the filament [m], where the
    field is singular.  growth : increase of the edge length per distance from the rims.  size_max_m : largest edge [m].
    """

    domain: Literal["quarter", "full"] = "quarter"
    rim_size_m: Annotated[float, Quantity("m", 5e-12, 1e-8)] = 1.5e-10
    growth: Annotated[float, Quantity("", 0.05, 2.0)] = 0.3
    size_max_m: Annotated[float, Quantity("m", 1e-9, 1e-6)] = 3e-8
