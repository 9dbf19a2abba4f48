"""The device of a run: sketch to scale, layers, and the constants in use with their sources."""

from __future__ import annotations

from typing import Any

from ground.page import Badge, Part, Raw, Section, Table, escape
from meshes.stack import Stack
from studies.report.amounts import amount
from studies.report.shelf import Item, Shelf, shown
from studies.report.sketch import STYLE, sketches

_CONSTANTS = {"electrical_conductivity": "S/m", "thermal_conductivity": "W/m/K"}


def device(shelf: Shelf) -> list[Section]:
    """Return the section of the device: from a solution, a summary or a device file; each different one once."""
    parts: list[Part] = []
    seen: list[Any] = []
    for item in shelf.all("device", "solution", "summary"):
        found = _specification(item)
        if found is None or found in seen:
            continue
        seen.append(found)
        parts += shown(item, lambda _, found=found: _parts(found))  # type: ignore[misc]
    return [Section("Device", parts)] if parts else []


def _specification(item: Item) -> dict[str, Any] | None:
    """The tables of the device as they were recorded; None where there are none."""
    if item.kind == "device":
        found: Any = item.data
    else:
        made = item.data["provenance"]
        settings = made.get("settings") if isinstance(made, dict) else None
        found = settings.get("device") if isinstance(settings, dict) else None
    return found if isinstance(found, dict) and isinstance(found.get("stack"), dict) else None


def _parts(tables: dict[str, Any]) -> list[Part]:
    stack = Stack.model_validate(tables["stack"])
    drawn = "".join(
        f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>" for svg, caption in sketches(stack)
    )
    return [Raw(f'<div class="grid">{drawn}</div>', style=STYLE), _layers(stack), _materials(tables, stack)]


def _layers(stack: Stack) -> Table:
    rows: list[Any] = [(la.name, la.material, f"{la.thickness_m * 1e9:.3g} nm thick") for la in reversed(stack.layers)]
    for c in stack.channels:
        far = f" to {1e9 * c.filament.radius_far_m:.3g} nm" if c.filament.radius_far_m else ""
        at = "" if c.is_centred else f", at ({1e9 * c.filament.x_m:.3g}, {1e9 * c.filament.y_m:.3g}) nm"
        size = f"{c.filament.shape}, radius {1e9 * c.filament.radius_m:.3g} nm{far}, {1e9 * c.length_m:.3g} nm long{at}"
        rows.append((c.filament_region, c.filament.material, size))
        if c.dome_region:
            rows.append(
                (
                    c.dome_region,
                    c.dome.material or f"that of {c.dome.layer}",
                    f"half-ball, radius {1e9 * c.dome_radius_m:.3g} nm",
                )
            )
    rows.append(("ambient", "", f"{stack.ambient_K:g} K on all outer faces; width {amount(stack.width_m, 'm')}"))
    return Table("Regions, top to bottom", ("region", "material", "size"), rows)


def _materials(tables: dict[str, Any], stack: Stack) -> Table:
    used = {la.material for la in stack.layers} | {c.filament.material for c in stack.channels}
    used |= {c.dome.material for c in stack.channels if c.dome.material}
    rows = []
    for name in sorted(used):
        material = tables["materials"][name]
        for constant, unit in _CONSTANTS.items():
            value = next(v for k, v in material.items() if k.startswith(constant))
            source = material["sources"].get(constant, {})
            status = str(source.get("status", "given"))
            badge = Badge(status, "good" if status == "published" else "off" if status == "substituted" else "")
            rows.append((name, constant.replace("_", " "), value, unit, badge, source.get("source", "")))
    return Table(
        "Constants in use, with their sources",
        ("material", "constant", "value", "unit", "status", "source"),
        rows,
        folded=True,
    )
