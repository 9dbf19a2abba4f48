"""How fine the mesh is, how much of the box is meshed, or which file the mesh comes from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from ground.errors import InputError
from ground.spec import GrownSpec
from ground.units import Quantity

AXISYMMETRIC = {"rim_size_m": 2e-11, "dome_divisions": 24.0}


class MeshOptions(GrownSpec):
    """Grading of the mesh.

    domain : "quarter" (two mirror planes), "full", or "axisymmetric": the plane (r, z) of a disc as large as the square.
    rim_size_m : edge length at the rims of the filaments [m], where the field is singular; a plane mesh is cheap, and its
    default is finer.  growth : increase of the edge length per distance from the rims.  size_max_m : largest edge [m].
    dome_divisions : radius of a dome over the largest edge in it; the roundness of the dome, and so its mean field, follow it.
    file : a gmsh .msh file to take instead, with a physical group per region.  file_unit : its unit of length.
    """

    added = ("dome_divisions", "file", "file_unit")

    domain: Literal["quarter", "full", "axisymmetric"] = "quarter"
    rim_size_m: Annotated[float, Quantity("m", 5e-13, 1e-8)] = 1.5e-10
    growth: Annotated[float, Quantity("", 0.05, 2.0)] = 0.3
    size_max_m: Annotated[float, Quantity("m", 1e-9, 1e-6)] = 3e-8
    dome_divisions: Annotated[float, Quantity("", 2.0, 200.0)] = 6.0
    file: str | None = None
    file_unit: Literal["m", "um", "nm"] = "nm"

    @model_validator(mode="before")
    @classmethod
    def _finer_in_the_plane(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("domain") == "axisymmetric":
            given = {"rim_size_m" if name == "rim_size" else name for name in data}
            return {**data, **{name: value for name, value in AXISYMMETRIC.items() if name not in given}}
        return data

    @model_validator(mode="after")
    def _sizes_are_in_order(self) -> Self:
        if self.size_max_m < self.rim_size_m:
            raise InputError(
                f"MeshOptions.size_max_m={self.size_max_m:g} is not allowed: expected at least rim_size_m = {self.rim_size_m:g} m."
            )
        return self
