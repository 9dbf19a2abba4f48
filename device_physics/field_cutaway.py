"""One field on the whole device in 3D, a quadrant of it cut away: rendered by pyvista, lettered by matplotlib.

The view is isometric and parallel, so that a length along x, y or z is the same length everywhere in the picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_physics.field_files import is_channel, load_pyvista, regions_of
from device_physics.field_quadrants import three_quadrants
from device_physics.field_scales import SCALES, FieldScale
from device_physics.field_section import halo, norm_of, round_length
from ground.plotting import load_matplotlib, matplotlib_part

Array = NDArray[np.float64]
_PIXELS = (1500, 1000)
_RIGHT, _UP = np.array([1.0, 1.0, 0.0]) / np.sqrt(2), np.array([-1.0, 1.0, 2.0]) / np.sqrt(6)  # of the picture
_TOWARDS = np.array([1.0, -1.0, 1.0])  # the eye; the quadrant x > 0, y < 0 is the one that is cut away
_MARGIN = 1.1
_LINE = 0.06  # of half the height of the picture: a line of text


def draw_quadrants(job: dict[str, Any]) -> None:
    """Draw the picture that `field_picture` asks for: the whole device, and the filament with its surroundings."""
    pyvista, field = load_pyvista(), SCALES[job["field"]]
    whole = pyvista.read(job["vtu"])
    whole.points = whole.points * 1e9
    regions = regions_of(whole)
    pieces, edges, axis = three_quadrants(whole, regions)
    limits = field.limits(np.concatenate([np.asarray(p.point_data[field.array]) for p in pieces]))
    plotter = _scene(pyvista, pieces, edges, field, limits)
    boxes = {name: box_of([region]) for name, region in regions.items()}
    views = [_whole_view(pieces)]
    channel = first_channel(boxes)
    if channel:
        low = np.min([b[:, 0] for b in channel.values()], axis=0)
        high = np.max([b[:, 1] for b in channel.values()], axis=0)
        views.append((np.array([*axis, 0.5 * (low[2] + high[2])]), 1.6 * max(high[0] - axis[0], high[2] - low[2])))
    shots = [(_photograph(plotter, *view), *view) for view in views]
    plotter.close()
    figure, axes = _figure(job, field, limits, shots)
    _name_layers(axes[0], {n: b for n, b in boxes.items() if not is_channel(n)}, pieces, views[0])
    if len(views) > 1:
        _name_channel(axes[1], channel, axis, views[1])
    figure.savefig(job["picture"], dpi=180, bbox_inches="tight", pad_inches=0.15)


def box_of(parts: list[Any]) -> Array:
    """Return the bounds of some parts, (3, 2) [nm]."""
    bounds = np.array([p.bounds for p in parts]).reshape(-1, 3, 2)
    return np.stack([bounds[:, :, 0].min(axis=0), bounds[:, :, 1].max(axis=0)], axis=1)


def first_channel(boxes: dict[str, Array]) -> dict[str, Array]:
    """Return the boxes of the first filament and its dome, the one that the device is cut through."""
    channels = {n: b for n, b in boxes.items() if is_channel(n)}
    number = next(iter(channels), "").partition("_")[2]
    return {n: b for n, b in channels.items() if n.partition("_")[2] == number}


def _scene(
    pyvista: Any, pieces: list[Any], edges: list[Any], field: FieldScale, limits: tuple[float, float, bool]
) -> Any:
    low, high, log = limits
    plotter = pyvista.Plotter(off_screen=True, window_size=_PIXELS, border=False)
    plotter.set_background("white")
    for piece in pieces:
        plotter.add_mesh(
            piece,
            scalars=field.array,
            cmap=field.colours,
            clim=(low, high),
            log_scale=log,
            lighting=False,
            show_scalar_bar=False,
        )
    for edge in edges:
        if edge.n_cells:
            shown = edge.copy()
            shown.points = shown.points + 0.05 * _TOWARDS  # in front of the faces they border
            plotter.add_mesh(shown, color="white", line_width=4, lighting=False)
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_parallel_projection()
    return plotter


def _whole_view(pieces: list[Any]) -> tuple[Array, float]:
    """Return the centre of the picture [nm], and half its height, that shows all pieces."""
    seen = np.concatenate([np.asarray(p.points) for p in pieces]) @ np.transpose([_RIGHT, _UP])
    low, high = seen.min(axis=0), seen.max(axis=0)
    middle, (wide, tall) = 0.5 * (low + high), 0.5 * (high - low)
    return middle[0] * _RIGHT + middle[1] * _UP, _MARGIN * max(tall, wide * _PIXELS[1] / _PIXELS[0])


def _seen(point: Any) -> Array:
    """Return where a point [nm] is in the picture, (right, up) [nm]."""
    return np.array([_RIGHT @ np.asarray(point), _UP @ np.asarray(point)])


def _photograph(plotter: Any, centre: Array, half_height: float) -> Any:
    plotter.camera_position = [centre + 1e4 * _TOWARDS, centre, (0, 0, 1)]
    plotter.camera.parallel_scale = half_height
    plotter.renderer.ResetCameraClippingRange()
    plotter.render()
    return plotter.screenshot(return_img=True)


def _figure(job: dict[str, Any], field: FieldScale, limits: tuple[float, float, bool], shots: list[Any]) -> Any:
    plt = load_matplotlib()
    plt.rcParams.update({"font.size": 14})
    count = len(shots)
    figure, axes = plt.subplots(1, count, figsize=(8.0 * count + 1.5, 6.8), layout="compressed", squeeze=False)
    titles = ("(a) Whole device, one quadrant cut away", "(b) Filament and its surroundings")
    for axis, (image, centre, half), title in zip(axes[0], shots, titles, strict=False):
        wide = half * _PIXELS[0] / _PIXELS[1]
        x, y = _seen(centre)
        axis.imshow(image, extent=(x - wide, x + wide, y - half, y + half), interpolation="antialiased")
        _draw_scale_bar(axis, _seen(centre), wide, half)
        axis.set_title(title, loc="left", fontsize=15)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(title.startswith("(b)"))
    low, high, log = limits
    colours = matplotlib_part("cm").ScalarMappable(norm_of(low, high, log), field.colours)
    figure.colorbar(colours, ax=axes, label=field.label, extend="min" if log else "neither", pad=0.01)
    figure.suptitle(f"{job['device']}\n{job['state']}", fontsize=18)
    return figure, axes[0]


def _draw_scale_bar(axis: Any, centre: Array, wide: float, half: float) -> None:
    """Draw a length along x, the way the picture shows it."""
    length = round_length(0.35 * wide)
    along = np.array([_RIGHT[0], _UP[0]]) * length
    start = centre + np.array([-0.95 * wide, -0.63 * half])
    axis.plot(
        *np.transpose([start, start + along]), color="black", lw=5, solid_capstyle="butt", path_effects=halo(8, "white")
    )
    axis.text(*(start - (0, 0.19 * half)), f"{length:g} nm", ha="left", va="top", path_effects=halo(3, "white"))


def _name_layers(axis: Any, layers: dict[str, Array], pieces: list[Any], view: tuple[Array, float]) -> None:
    """Write the layers' names beside the left edge, bottom to top, where there is room for them."""
    points = np.concatenate([np.asarray(p.points) for p in pieces])
    edge = points[np.argmin(points @ _RIGHT)]
    last = -np.inf
    for name, layer in sorted(layers.items(), key=lambda item: item[1][2, 0]):
        x, y = _seen((*edge[:2], layer[2].mean()))
        if y - last >= _LINE * view[1]:
            axis.text(x - 0.03 * view[1], y, name.replace("_", " "), ha="right", va="center_baseline", fontsize=11)
            last = y


def _name_channel(axis: Any, channel: dict[str, Array], at: tuple[float, float], view: tuple[Array, float]) -> None:
    """Point at the first filament and its dome from the right."""
    style = {"arrowstyle": "-", "color": "black", "lw": 1.2, "path_effects": halo(3, "white")}
    for name, box in channel.items():
        low, high = box[2]
        tip = _seen((at[0] + 0.7 * (box[0, 1] - at[0]), at[1], 0.5 * (low + high)))
        place = (_seen(view[0])[0] + 0.95 * view[1], tip[1] + (0.25 if name.startswith("dome") else -0.25) * view[1])
        axis.annotate(
            name.replace("_", " "), tip, place, arrowprops=style, path_effects=halo(3, "white"), va="center", ha="left"
        )
