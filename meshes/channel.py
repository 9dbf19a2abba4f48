"""A filament with its dome, placed in the stack: the one description that checks, meshes and volumes are made from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meshes.parts import Dome, Filament


@dataclass(frozen=True)
class Channel:
    """A filament from `floor_m` [m above the bottom of the stack] over `length_m` [m], and the dome on one of its ends.

    filament_region, dome_region : their names in the mesh; dome_region is None where there is no dome.
    dome_is_above : the dome (or its layer) is at the ceiling, otherwise at the floor.
    """

    filament: Filament
    dome: Dome
    filament_region: str
    dome_region: str | None
    floor_m: float
    length_m: float
    dome_is_above: bool

    @property
    def ceiling_m(self) -> float:
        """Height of the upper end [m]."""
        return self.floor_m + self.length_m

    @property
    def contact_m(self) -> float:
        """Height of the end that carries the dome [m]."""
        return self.ceiling_m if self.dome_is_above else self.floor_m

    @property
    def dome_radius_m(self) -> float:
        """Radius of the dome [m]: its own, or the filament's; 0 where there is none."""
        return 0.0 if self.dome_region is None else self.dome.radius_m or self.filament.radius_m

    @property
    def radius_floor_m(self) -> float:
        """Radius of the filament at its lower end [m]."""
        far = self.filament.radius_far_m or self.filament.radius_m
        return far if self.dome_is_above else self.filament.radius_m

    @property
    def radius_ceiling_m(self) -> float:
        """Radius of the filament at its upper end [m]."""
        far = self.filament.radius_far_m or self.filament.radius_m
        return self.filament.radius_m if self.dome_is_above else far

    @property
    def widest_m(self) -> float:
        """Largest radius of the filament [m]."""
        return max(self.radius_floor_m, self.radius_ceiling_m)

    @property
    def is_centred(self) -> bool:
        """True where the axis of the filament is that of the box."""
        return self.filament.x_m == 0.0 and self.filament.y_m == 0.0

    @property
    def filament_volume_m3(self) -> float:
        """Volume of the (truncated) cone [m3]."""
        a, b = self.radius_floor_m, self.radius_ceiling_m
        return math.pi / 3 * self.length_m * (a * a + a * b + b * b)

    @property
    def dome_volume_m3(self) -> float:
        """Volume of the half-ball [m3]."""
        return 2 / 3 * math.pi * self.dome_radius_m**3

    @property
    def rims(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(radius, height) [m] of both ends' edges, where the fields are singular."""
        return (self.radius_floor_m, self.floor_m), (self.radius_ceiling_m, self.ceiling_m)

    def distance_m(self, other: Channel) -> float:
        """Distance between the axes [m]."""
        return math.hypot(self.filament.x_m - other.filament.x_m, self.filament.y_m - other.filament.y_m)
