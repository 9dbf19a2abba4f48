"""Named interfaces between the bodies of a stack, such as "HfOx/CMO", and what heat meets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity
from meshes.stack import Stack

BoundaryResistance = Annotated[float, Quantity("m^2 K/W", 1e-12, 1e-4)]
Pair = frozenset[str]


class Interface(Spec):
    """thermal_boundary_resistance_m2K_per_W : temperature jump over heat flux [m2 K/W].  source : where the number is from."""

    thermal_boundary_resistance_m2K_per_W: BoundaryResistance
    source: str = "given in the device file"


@dataclass(frozen=True)
class Interfaces:
    """The interfaces of a device that resist heat.

    body : region name -> its body.  touching : pairs of bodies that share faces.  resistance : pair -> resistance [m2 K/W].
    """

    body: dict[str, str]
    touching: set[Pair]
    resistance: dict[Pair, float]

    @classmethod
    def of(cls, stack: Stack, interfaces: Mapping[str, Interface]) -> Interfaces | None:
        """Return them, or None where there are none; raises InputError for a name that is no interface, or twice."""
        return cls(bodies(stack), touching(stack), resistive(stack, interfaces)) if interfaces else None


def bodies(stack: Stack) -> dict[str, str]:
    """Region name -> name of its body: a dome is a part of its layer, every other region is a body of its own."""
    domes = {c.dome_region: c.dome.layer for c in stack.channels if c.dome_region}
    return {name: domes.get(name, name) for name in stack.region_names}


def touching(stack: Stack) -> set[Pair]:
    """Pairs of bodies that share a face: neighbouring layers, and each filament with what lies around and at its ends."""
    names = [layer.name for layer in stack.layers]
    pairs = {frozenset(p) for p in pairwise(names)}
    for channel in stack.channels:
        at = names.index(channel.filament.layer)
        pairs |= {frozenset((channel.filament_region, n)) for n in names[max(at - 1, 0) : at + 2]}
    return pairs


def resistive(stack: Stack, interfaces: Mapping[str, Interface]) -> dict[Pair, float]:
    """Pair of bodies -> thermal boundary resistance [m2 K/W]; raises InputError for a name that is no interface, or twice."""
    known = {"/".join(_ordered(stack, pair)): pair for pair in touching(stack)}
    out: dict[Pair, float] = {}
    for name, interface in interfaces.items():
        pair = frozenset(part.strip() for part in name.split("/"))
        if pair not in known.values():
            raise InputError(
                f"interfaces.{name!r} is no interface of this stack. {nearest(name, sorted(known))} "
                f"Interfaces here: {', '.join(sorted(known))}."
            )
        if pair in out:
            raise InputError(
                f"interfaces.{name!r} is given twice (the order of the two names does not matter): keep one."
            )
        out[pair] = interface.thermal_boundary_resistance_m2K_per_W
    return out


def _ordered(stack: Stack, pair: Pair) -> list[str]:
    """The two names, lower layer first and filaments before layers."""
    names = [layer.name for layer in stack.layers]
    return sorted(pair, key=lambda n: names.index(n) if n in names else -1)
