"""Whether a mesh can show a stack at all: its part of the box, its finest edge, and how many cells it would take."""

from __future__ import annotations

import math

from ground.errors import InputError
from meshes.options import MeshOptions
from meshes.stack import Stack

CELLS_MAX = 3e7  # tens of gigabytes in the solver


def check_options(stack: Stack, options: MeshOptions) -> None:
    """Raise InputError where the mesh cannot show the whole device, misses its parts, or would never be finished."""
    _check_domain(stack, options)
    if options.file is not None:
        return
    for channel in stack.channels:
        sizes = {
            f"radius of '{channel.filament_region}'": min(channel.radius_floor_m, channel.radius_ceiling_m),
            f"thickness of layer '{channel.filament.layer}'": channel.length_m,
        }
        what, size = min(sizes.items(), key=lambda pair: pair[1])
        if options.rim_size_m > size:
            raise InputError(
                f"MeshOptions.rim_size_m={options.rim_size_m:g} is not allowed: expected at most {size:g} m, the {what}; "
                f"for a resistance within 1 % about a fiftieth of that."
            )
    cells = expected_cells(stack, options)
    if cells > CELLS_MAX:
        raise InputError(
            f"MeshOptions: rim_size_m={options.rim_size_m:g}, growth={options.growth:g}, size_max_m={options.size_max_m:g} "
            f"would make about {cells:.0e} cells; expected at most {CELLS_MAX:.0e}. Give a larger growth, size_max or rim_size."
        )


def expected_cells(stack: Stack, options: MeshOptions) -> float:
    """Return about how many cells a mesh has, within a factor of a few: the box at its largest edge, and tubes about the rims.

    The edge at a distance d from a rim of length L is h = rim + growth d: the integral of 2 pi d L dd / (h^3 / 8.5).
    """
    g, rim, largest = options.growth, options.rim_size_m, min(options.size_max_m, stack.width_m)
    lengths = [2 * math.pi * radius for c in stack.channels for radius, _ in c.rims]
    if options.domain == "axisymmetric":
        tubes = 2.3 * len(lengths) * 2 * math.pi * max(math.log(largest / rim), 1.0) / g**2
        return tubes + 2.3 * stack.width_m * stack.height_m / largest**2
    tubes = sum(8.5 * 2 * math.pi * length / (2 * g**2 * rim) for length in lengths)
    whole = tubes + 8.5 * stack.width_m**2 * stack.height_m / largest**3
    return whole / (4 if options.domain == "quarter" else 1)


def _check_domain(stack: Stack, options: MeshOptions) -> None:
    if options.domain == "full":
        return
    for channel in stack.channels:
        if not channel.is_centred:
            raise InputError(
                f"MeshOptions.domain={options.domain!r} is not allowed: '{channel.filament_region}' stands off-centre at "
                f'({channel.filament.x_m:g}, {channel.filament.y_m:g}) m, and only domain = "full" has no symmetry.'
            )
