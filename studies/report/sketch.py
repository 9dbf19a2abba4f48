"""The device as it is specified, drawn to scale with its dimensions: SVG made from the stack alone, no mesh and no library."""

from __future__ import annotations

from dataclasses import dataclass

from device_physics.field_section import PASTELS
from ground.page import escape
from meshes.channel import Channel
from meshes.stack import Stack

_WIDE, _TALL, _MARGIN, _LABELS, _LINE = 350.0, 260.0, 68.0, 215.0, 26.0  # px of the drawing


@dataclass(frozen=True)
class _Window:
    """What is seen: left, bottom [nm], and the scale [px/nm]; the drawing is `wide` x `tall` px."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def scale(self) -> float:
        return min(_WIDE / (self.right - self.left), _TALL / (self.top - self.bottom))

    @property
    def wide(self) -> float:
        return (self.right - self.left) * self.scale

    @property
    def tall(self) -> float:
        return (self.top - self.bottom) * self.scale

    def at(self, x_nm: float, z_nm: float) -> tuple[float, float]:
        return _MARGIN + (x_nm - self.left) * self.scale, _MARGIN + (self.top - z_nm) * self.scale


def sketches(stack: Stack) -> list[tuple[str, str]]:
    """Return (SVG, caption) of the whole cross-section, and of the first filament with its surroundings where there is one."""
    half, height = 0.5e9 * stack.width_m, 1e9 * sum(layer.thickness_m for layer in stack.layers)
    whole = _Window(-half, 0.0, half, height)
    out = [(_drawing(stack, whole, _whole_dimensions(stack, whole)), "Cross-section through the axis, to scale")]
    if stack.channels:
        c = stack.channels[0]
        reach = 2.4e9 * max(c.widest_m, c.dome_radius_m)
        x, z = 1e9 * c.filament.x_m, 1e9 * c.contact_m
        near = _Window(x - reach, max(0.0, z - 0.75 * reach), x + reach, min(height, z + 0.75 * reach))
        out.append((_drawing(stack, near, _channel_dimensions(c, near)), "Filament and dome, to scale"))
    return out


def _drawing(stack: Stack, window: _Window, dimensions: list[str]) -> str:
    """Return the regions with their names, and the dimensions over them."""
    names = [la.name for la in stack.layers]
    names += [n for c in stack.channels for n in (c.filament_region, c.dome_region) if n]
    colours = {n: PASTELS[i % len(PASTELS)] for i, n in enumerate(names)}
    shapes, labels, floor = [], [], 0.0
    for layer in stack.layers:
        ceiling = floor + 1e9 * layer.thickness_m
        shapes.append(
            _polygon(window, [(-1e6, floor), (1e6, floor), (1e6, ceiling), (-1e6, ceiling)], colours[layer.name])
        )
        low, high = max(floor, window.bottom), min(ceiling, window.top)
        if high > low:
            labels.append(
                (window.at(0, 0.5 * (low + high))[1], f"{layer.name.replace('_', ' ')}, {_nm(layer.thickness_m)}")
            )
        floor = ceiling
    shapes += [_channel(window, c, colours) for c in stack.channels]
    (x0, y0), (x1, y1) = window.at(window.left, window.top), window.at(window.right, window.bottom)
    frame = f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"'
    clip = f"clip-{window.scale:.4f}-{window.bottom:.1f}".replace(".", "-")
    named, last = _labels(labels, x1)
    return (
        f'<svg class="sketch" viewBox="0 0 {x1 + _LABELS:.0f} {max(y1 + _MARGIN, last + _LINE):.0f}" role="img" '
        f'aria-label="Device to scale"><clipPath id="{clip}">{frame}/></clipPath>'
        f'<g clip-path="url(#{clip})">{"".join(shapes)}</g>{frame} class="frame"/>{named}{"".join(dimensions)}</svg>'
    )


def _channel(window: _Window, c: Channel, colours: dict[str, str]) -> str:
    x, low, high = 1e9 * c.filament.x_m, 1e9 * c.floor_m, 1e9 * c.ceiling_m
    a, b = 1e9 * c.radius_floor_m, 1e9 * c.radius_ceiling_m
    out = _polygon(window, [(x - a, low), (x + a, low), (x + b, high), (x - b, high)], colours[c.filament_region])
    if c.dome_region:
        r = 1e9 * c.dome_radius_m
        (x0, y), (x1, _), size = window.at(x - r, 1e9 * c.contact_m), window.at(x + r, 0), r * window.scale
        sweep = 1 if c.dome_is_above else 0
        arc = f"M{x0:.1f},{y:.1f} A{size:.1f},{size:.1f} 0 0 {sweep} {x1:.1f},{y:.1f} Z"
        out += f'<path d="{arc}" fill="{colours[c.dome_region]}" class="edge"/>'
    return out


def _polygon(window: _Window, corners: list[tuple[float, float]], colour: str) -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in (window.at(*c) for c in corners))
    return f'<polygon points="{at}" fill="{colour}" class="edge"/>'


def _labels(labels: list[tuple[float, str]], x: float) -> tuple[str, float]:
    """Return names right of the drawing, apart from each other, each with a line to its layer; and where the last one stands."""
    out, last = "", -1e9
    for y, text in sorted(labels):
        last = max(y, last + _LINE)
        out += f'<path class="lead" d="M{x:.1f},{y:.1f} L{x + 14:.1f},{last:.1f} h6"/>'
        out += f'<text x="{x + 24:.1f}" y="{last + 6:.1f}">{escape(text)}</text>'
    return out, last


def _whole_dimensions(stack: Stack, window: _Window) -> list[str]:
    (x0, top), (x1, bottom) = window.at(window.left, window.top), window.at(window.right, window.bottom)
    bottom_contact, top_contact = stack.contact_layers
    ends = ((top_contact, top - 30, "bias"), (bottom_contact, bottom + 12, "0 V"))
    middle = 0.5 * (x0 + x1)
    text = [
        f'<text class="middle" x="{middle:.1f}" y="{y + 14:.1f}">{what} on {escape(name.replace("_", " "))}</text>'
        for name, y, what in ends
    ]
    return [
        _across(x0, x1, bottom + 40, _nm(stack.width_m)),
        _along(x0 - 20, top, bottom, _nm(sum(la.thickness_m for la in stack.layers))),
        *text,
    ]


def _channel_dimensions(c: Channel, window: _Window) -> list[str]:
    x, contact = 1e9 * c.filament.x_m, 1e9 * c.contact_m
    end = 1e9 * (c.floor_m if c.dome_is_above else c.ceiling_m)
    r = 1e9 * c.filament.radius_m
    (x0, bottom), (x1, _) = window.at(x - r, window.bottom), window.at(x + r, window.bottom)
    out = [_across(x0, x1, bottom + 24, f"filament ⌀ {2 * r:.3g} nm")]
    (_, y0), (_, y1) = sorted(
        (window.at(x, contact), window.at(x, max(window.bottom, min(window.top, end)))), key=lambda p: p[1]
    )
    out.append(_along(window.at(window.left, 0)[0] - 14, y0, y1, f"{abs(contact - end):.3g} nm"))
    if c.dome_region:
        size = 1e9 * c.dome_radius_m
        (xa, ya) = window.at(x, contact)
        (xb, yb) = window.at(x + 0.7071 * size, contact + (0.7071 if c.dome_is_above else -0.7071) * size)
        out.append(f'<path class="radius" d="M{xa:.1f},{ya:.1f} L{xb:.1f},{yb:.1f}"/>')
        out.append(
            f'<text class="on" x="{xb + 8:.1f}" y="{yb + (-4 if c.dome_is_above else 16):.1f}">r = {size:.3g} nm</text>'
        )
    return out


def _across(x0: float, x1: float, y: float, text: str) -> str:
    return (
        f'<path class="arrow" d="M{x0:.1f},{y - 5:.1f} v10 M{x0:.1f},{y:.1f} H{x1:.1f} M{x1:.1f},{y - 5:.1f} v10"/>'
        f'<text class="middle" x="{0.5 * (x0 + x1):.1f}" y="{y + 22:.1f}">{escape(text)}</text>'
    )


def _along(x: float, y0: float, y1: float, text: str) -> str:
    middle = 0.5 * (y0 + y1)
    return (
        f'<path class="arrow" d="M{x - 5:.1f},{y0:.1f} h10 M{x:.1f},{y0:.1f} V{y1:.1f} M{x - 5:.1f},{y1:.1f} h10"/>'
        f'<text class="middle" x="{x - 8:.1f}" y="{middle:.1f}" transform="rotate(-90 {x - 8:.1f} {middle:.1f})">{escape(text)}</text>'
    )


def _nm(metres: float) -> str:
    return f"{1e9 * metres:.3g} nm" if metres < 1e-6 else f"{1e6 * metres:.3g} µm"


STYLE = """.sketch { display: block; width: 100%; max-width: 44rem; height: auto; font-size: 19px; fill: var(--ink); }
.sketch .edge { stroke: #444; stroke-width: .8; } .sketch .frame { fill: none; stroke: var(--ink); stroke-width: 1.2; }
.sketch .lead { fill: none; stroke: var(--soft); } .sketch .arrow { fill: none; stroke: var(--ink); stroke-width: 1.2; }
.sketch .radius { stroke: #111; stroke-width: 1.2; }
.sketch .middle { text-anchor: middle; } .sketch .on { fill: #111; }
"""
