"""The cross-section through the axis, drawn by matplotlib: regions, V, T, |E|, |J| and power density, each with its colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.field_files import is_channel, is_half, load_pyvista, regions_of, surface_of
from device_physics.field_scales import SCALES, FieldScale
from ground.plotting import load_matplotlib, matplotlib_part

Array = NDArray[np.float64]
_MARGIN = 3.5  # of the part that is shown, around the filaments and domes, in radii
_MARGIN_MIN_nm = 30.0
_SHADES = 96
PASTELS = ("#b8c4d6", "#fbe8a6", "#bfe3c8", "#d3bfe0", "#f7c6a3", "#f4a7a0", "#a8dadc", "#e5e5e5")
_TINY_nm = 1e-3  # the plane is this far off a mesh face, which a cut would miss or double


@dataclass(frozen=True)
class Part:
    """One region on the plane: points (n, 2) x, z [nm], triangles (m, 3), nodal values by array name, outline (k, 2, 2) [nm]."""

    name: str
    points: Array
    triangles: NDArray[np.int64]
    values: dict[str, Array]
    outline: Array

    @property
    def is_channel(self) -> bool:
        """True for filaments and domes, which the picture is about."""
        return is_channel(self.name)


def draw_section(job: dict[str, Any]) -> None:
    """Draw the picture that `field_picture` asks for."""
    parts = cross_section(load_pyvista().read(job["vtu"]))
    plt = load_matplotlib()
    plt.rcParams.update({"font.size": 12, "axes.titlesize": 13, "axes.titlelocation": "left"})
    left, right, bottom, top = window = shown_window(parts)
    height = 4.1 * (top - bottom) / (right - left)  # of a panel that is 4.1 inches wide
    figure, axes = plt.subplots(2, 3, figsize=(16, 2 * height + 2.2), layout="compressed")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    _draw_regions(axes[0, 0], parts, window)
    for axis, letter, field in zip(axes.flat[1:], "bcdef", SCALES.values(), strict=True):
        _draw_field(figure, axis, parts, field, window)
        axis.set_title(f"({letter}) {field.title}")
    for axis in axes.flat:
        axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[])
        axis.set_yticks([]) if axis not in axes[:, 0] else axis.set_ylabel("z [nm]")
    figure.suptitle(f"{job['device']}\n{job['state']}", fontsize=16)
    figure.savefig(job["picture"], dpi=160, bbox_inches="tight", pad_inches=0.15)


def cross_section(whole: Any) -> list[Part]:
    """Cut a grid in metres, as `field_files` writes it, by the plane y = that of the channels; both sides of the axis."""
    whole.points = whole.points * 1e9
    regions = regions_of(whole)
    first = next((g for n, g in regions.items() if is_channel(n)), whole)
    y = (0.0 if is_half(whole) else first.center[1]) + _TINY_nm
    parts = [_cut(name, region, y, mirrored=is_half(whole)) for name, region in regions.items()]
    return [p for p in parts if p is not None]


def _cut(name: str, region: Any, y: float, *, mirrored: bool) -> Part | None:
    is_flat = region.bounds[2] == region.bounds[3]  # the axisymmetric half-section is the cut already
    cut = surface_of(region) if is_flat else region.slice(normal=(0, 1, 0), origin=(0, y, 0))
    cut = cut.triangulate()
    if cut.n_cells == 0:
        return None
    points, triangles = np.asarray(cut.points)[:, [0, 2]], np.asarray(cut.regular_faces)
    edges = cut.clean().extract_feature_edges(feature_edges=False, manifold_edges=False, non_manifold_edges=False)
    lines = edges.points[edges.lines.reshape(-1, 3)[:, 1:]][:, :, [0, 2]] if edges.n_cells else np.empty((0, 2, 2))
    values = {s.array: np.asarray(cut.point_data[s.array], dtype=float) for s in SCALES.values()}
    if mirrored:
        lines = lines[np.abs(lines[:, :, 0]).max(axis=1) > 1e-2]  # the axis is no border
        mirror = np.array([-1.0, 1.0])
        triangles = np.concatenate([triangles, triangles + len(points)])
        points, lines = np.concatenate([points, points * mirror]), np.concatenate([lines, lines * mirror])
        values = {n: np.concatenate([v, v]) for n, v in values.items()}
    return Part(name, points, triangles, values, lines)


def shown_window(parts: list[Part]) -> tuple[float, float, float, float]:
    """Return left, right, bottom, top [nm]: filaments and domes with their surroundings, or all where there are none."""
    everything = np.concatenate([p.points for p in parts])
    (left, bottom), (right, top) = everything.min(axis=0), everything.max(axis=0)
    channels = [p.points for p in parts if p.is_channel]
    if channels:
        low, high = np.concatenate(channels).min(axis=0), np.concatenate(channels).max(axis=0)
        margin = max(_MARGIN * 0.5 * min(np.ptp(c[:, 0]) for c in channels), _MARGIN_MIN_nm)
        left, bottom = np.maximum((left, bottom), low - margin)
        right, top = np.minimum((right, top), high + margin)
    return float(left), float(right), float(bottom), float(top)


def _draw_field(figure: Any, axis: Any, parts: list[Part], field: FieldScale, window: tuple[float, ...]) -> None:
    low, high, log = field.limits(np.concatenate([p.values[field.array] for p in parts]))
    norm = norm_of(low, high, log)
    steps = np.geomspace(low, high, _SHADES + 1) if log else np.linspace(low, high, _SHADES + 1)
    steps[[0, -1]] += np.array([-1e-9, 1e-9]) * (low if log else high - low)  # the ends are drawn as well
    for part in parts:
        shown = np.clip(part.values[field.array], low, high)
        axis.tricontourf(
            *part.points.T, part.triangles, shown, levels=steps, norm=norm, cmap=field.colours, antialiased=False
        ).set_rasterized(True)
    _draw_outlines(axis, parts, "white")
    _draw_scale_bar(axis, window, "white")
    figure.colorbar(
        matplotlib_part("cm").ScalarMappable(norm, field.colours),
        cax=axis.inset_axes((1.025, 0.0, 0.045, 1.0)),
        label=field.label,
        extend="min" if log else "neither",
        extendfrac=0.03,
    )


def _draw_regions(axis: Any, parts: list[Part], window: tuple[float, float, float, float]) -> None:
    left, right, bottom, top = window
    for i, part in enumerate(parts):
        triangles = part.points[part.triangles]
        colour = PASTELS[i % len(PASTELS)]
        axis.add_collection(_collection("Poly", triangles, facecolors=colour, edgecolors=colour, rasterized=True))
        low = np.maximum(part.points.min(axis=0), (left, bottom))
        high = np.minimum(part.points.max(axis=0), (right, top))
        if high[1] > low[1]:
            x = 0.5 * (low[0] + high[0]) if part.is_channel else left + 0.03 * (right - left)
            side = "center" if part.is_channel else "left"
            axis.text(
                x, 0.5 * (low[1] + high[1]), part.name.replace("_", " "), ha=side, va="center_baseline", fontsize=11
            )
    _draw_outlines(axis, parts, "black")
    _draw_scale_bar(axis, window, "black")
    axis.set_title("(a) Regions")


def _draw_outlines(axis: Any, parts: list[Part], colour: str) -> None:
    """Draw the borders; light ones with a dark rim, to be seen on light and dark grounds."""
    for part in parts:
        if colour == "white":
            axis.add_collection(_collection("Line", part.outline, colors="black", linewidths=2.2, capstyle="round"))
        axis.add_collection(
            _collection("Line", part.outline, colors=colour, linewidths=1.1, capstyle="round", zorder=3)
        )


def _collection(kind: str, pieces: Array, **style: Any) -> Any:
    return getattr(matplotlib_part("collections"), f"{kind}Collection")(pieces, **style)


def _draw_scale_bar(axis: Any, window: tuple[float, ...], colour: str) -> None:
    left, right, bottom, top = window
    length = round_length(0.25 * (right - left))
    x, y = right - 0.04 * (right - left) - length, bottom + 0.06 * (top - bottom)
    rim = halo(7, "black") if colour == "white" else []
    axis.plot([x, x + length], [y, y], color=colour, lw=4, solid_capstyle="butt", path_effects=rim, zorder=4)
    rim = halo(2.5, "black") if colour == "white" else []
    text = f"{length:g} nm"
    axis.text(x + 0.5 * length, y + 0.025 * (top - bottom), text, color=colour, ha="center", path_effects=rim, zorder=4)


def norm_of(low: float, high: float, log: bool) -> Any:
    """Return matplotlib's map of values to 0..1."""
    colours = matplotlib_part("colors")
    return (colours.LogNorm if log else colours.Normalize)(low, high)


def halo(width: float, colour: str) -> list[Any]:
    """Return the path effect that puts a rim around lines and letters, to be read on any ground."""
    return [matplotlib_part("patheffects").withStroke(linewidth=width, foreground=colour)]


def round_length(length: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above `length`."""
    decade = 10.0 ** np.floor(np.log10(length))
    return float(max(f * decade for f in (1, 2, 5) if f * decade <= length * (1 + 1e-12)))
