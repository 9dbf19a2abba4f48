"""Whether the parts of a stack fit together; every refusal names field, value and what is allowed."""

from __future__ import annotations

import math
import re
from itertools import combinations
from typing import TYPE_CHECKING

from ground.errors import InputError, nearest

if TYPE_CHECKING:
    from meshes.channel import Channel
    from meshes.stack import Stack

_RESERVED = re.compile(r"(filament|dome)(_\d+)?|bottom|top|side|symmetry|axis")


def check_stack(stack: Stack) -> None:
    """Raise InputError unless names, contacts, filaments and domes fit together."""
    names = [layer.name for layer in stack.layers]
    for name in names:
        if names.count(name) > 1 or _RESERVED.fullmatch(name) or "/" in name:
            raise InputError(
                f"Stack.layers: the name '{name}' is used twice or reserved; every layer needs its own name "
                "(not filament, dome, bottom, top, side, symmetry or axis, and without '/')."
            )
    if len(names) < 3:
        raise InputError(
            f"Stack.layers has {len(names)} layers; at least 3 are needed (electrode, oxide, ..., electrode)."
        )
    _check_contacts(stack, names)
    for filament in stack.filaments:
        if filament.layer not in names:
            raise InputError(
                f"Filament.layer={filament.layer!r} is no layer of the stack. {nearest(filament.layer, names)}"
            )
    if not stack.filaments:
        _check_no_dome_is_asked_for(stack)
    for channel in stack.channels:
        _check_filament(stack, names, channel)
        if channel.dome_region:
            _check_dome(stack, names, channel)
    for one, other in combinations(stack.channels, 2):
        _check_apart(one, other)


def _check_contacts(stack: Stack, names: list[str]) -> None:
    for name in stack.contact_layers:
        if name not in names:
            raise InputError(f"Stack.contacts={name!r} is no layer of the stack. {nearest(name, names)}")
    bottom, top = (names.index(n) for n in stack.contact_layers)
    if not bottom < top - 1:
        raise InputError(
            f"Stack.contacts={list(stack.contact_layers)} is not allowed: expected [bottom electrode, top electrode], the "
            f"lower one first and at least one layer between them; bottom to top: {', '.join(names)}."
        )


def _check_no_dome_is_asked_for(stack: Stack) -> None:
    dome = stack.dome
    given = [n for n in ("radius_m", "material", "electrical_conductivity_S_per_m") if getattr(dome, n) is not None]
    if given and dome.shape != "none":
        raise InputError(
            f"Dome.{given[0]}={getattr(dome, given[0])!r} is not allowed without a filament: the dome sits on the end of one. "
            "Leave [dome] out, or give [filament] a shape."
        )


def _check_filament(stack: Stack, names: list[str], channel: Channel) -> None:
    filament = channel.filament
    bottom, top = (names.index(n) for n in stack.contact_layers)
    if not bottom < names.index(filament.layer) < top:
        raise InputError(
            f"Filament.layer={filament.layer!r} is an outer electrode or lies outside Stack.contacts; the filament runs "
            f"through the oxide between: {', '.join(names[bottom + 1 : top])}."
        )
    limit = 0.45 * stack.width_m
    widest = "radius_m" if channel.widest_m == filament.radius_m else "radius_far_m"
    if channel.widest_m > limit:
        raise InputError(
            f"Filament.{widest}={channel.widest_m:g} is not allowed: expected at most 0.45 of "
            f"Stack.width_m = {limit:g} m. The filament would be wider than the box."
        )
    for name in ("x_m", "y_m"):
        room = limit - channel.widest_m
        if abs(getattr(filament, name)) > room:
            raise InputError(
                f"Filament.{name}={getattr(filament, name):g} is not allowed: expected {-room:g}..{room:g} m, so that a "
                f"filament of radius {channel.widest_m:g} m stays inside Stack.width_m = {stack.width_m:g} m."
            )


def _check_dome(stack: Stack, names: list[str], channel: Channel) -> None:
    dome, filament = channel.dome, channel.filament
    if dome.layer not in names:
        raise InputError(f"Dome.layer={dome.layer!r} is no layer of the stack. {nearest(dome.layer, names)}")
    if abs(names.index(dome.layer) - names.index(filament.layer)) != 1:
        raise InputError(
            f"Dome.layer={dome.layer!r} does not touch Filament.layer={filament.layer!r}: "
            "the dome sits on the end of the filament, so the two layers must be neighbours."
        )
    off = max(abs(filament.x_m), abs(filament.y_m))
    limit = min(stack.layer(dome.layer).thickness_m, 0.5 * stack.width_m - off)
    if channel.dome_radius_m >= limit:
        raise InputError(
            f"Dome.radius_m={channel.dome_radius_m:g} is not allowed: expected less than {limit:g} m, the "
            f"thickness of layer '{dome.layer}' and half of Stack.width_m{', less the offset' if off else ''}. "
            "Without dome.radius the dome is as wide as the filament: set dome.radius, or a thicker layer."
        )


def _check_apart(one: Channel, other: Channel) -> None:
    """Two filaments, two domes, or a dome and a filament of the other channel must not touch."""
    apart = one.distance_m(other)
    pairs = []
    if one.filament.layer == other.filament.layer:
        pairs.append((one.filament_region, other.filament_region, one.widest_m + other.widest_m, apart))
    for a, b in ((one, other), (other, one)):
        if b.dome_region and a.filament.layer == b.dome.layer:
            pairs.append((a.filament_region, b.dome_region, a.widest_m + b.dome_radius_m, apart))
    if one.dome_region and other.dome_region and one.dome.layer == other.dome.layer:
        centres = math.hypot(apart, one.contact_m - other.contact_m)
        pairs.append((one.dome_region, other.dome_region, one.dome_radius_m + other.dome_radius_m, centres))
    for a_name, b_name, needed, found in pairs:
        if found <= needed:
            raise InputError(
                f"Stack.filaments: regions '{a_name}' and '{b_name}' overlap: their axes are {found:g} m apart, expected "
                f"more than the sum of their radii, {needed:g} m. Move one (x, y), or make it narrower."
            )
