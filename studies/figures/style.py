"""One look for all figures, and the small things that every one of them needs. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ground.plotting import load_matplotlib

OURS, SECOND, THIRD, FOURTH = "#1f5fa8", "#d9822b", "#2e8b57", "#8e4585"
PUBLISHED = "#222222"
MEASURED, QUIET = "#8a8a8a", "#c8c8c8"
SMALL = 8  # legends, ticks, remarks [pt]


def new_figure(rows: int = 1, columns: int = 1, *, width: float = 3.6, height: float = 3.0, **kwargs: Any) -> Any:
    """Return (figure, axes) with our look; width and height are of one panel [inch]. axes : one, or an array of them."""
    plt = load_matplotlib()
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), layout="constrained", dpi=150, **kwargs
    )
    for axis in np.ravel(axes):
        dress(axis)
    return figure, axes


def dress(axis: Any) -> Any:
    """Give an axis our look: open frame, small ticks, and return it."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=SMALL, direction="out", width=0.8)
    axis.xaxis.label.set_size(9)
    axis.yaxis.label.set_size(9)
    return axis


def title(axis: Any, text: str) -> None:
    """Write a small title."""
    axis.set_title(text, fontsize=9)


def legend(axis: Any, **kwargs: Any) -> None:
    """Draw the legend without a frame, small."""
    axis.legend(**{"fontsize": SMALL - 0.5, "frameon": False, "handlelength": 1.6, "labelspacing": 0.3, **kwargs})


def remark(axis: Any, text: str, x: float = 0.03, y: float = 0.97, **kwargs: Any) -> None:
    """Write a few words into a corner of the axis (coordinates of the axis, upper left by default)."""
    place = {"ha": "left" if x < 0.5 else "right", "va": "top" if y > 0.5 else "bottom"}
    axis.text(x, y, text, transform=axis.transAxes, **{"fontsize": SMALL, **place, **kwargs})


def cumulative(values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sorted values and the share of all at or below each, (i + 1/2)/n."""
    x = np.sort(np.ravel(np.asarray(values, float)))
    return x, (np.arange(x.size) + 0.5) / x.size


def draw_cumulative(axis: Any, values: ArrayLike, **look: Any) -> NDArray[np.float64]:
    """Draw values on a `probability_axis`, and return where they stand on it."""
    x, share = cumulative(values)
    axis.plot(x, probit(share), **look)
    return probit(share)


def mean_and_range(axis: Any, x: ArrayLike, values: NDArray[np.float64], colour: str, **look: Any) -> None:
    """Draw the mean of runs (runs, points), and a band from the lowest to the highest of them."""
    axis.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.25, lw=0)
    axis.plot(x, values.mean(0), color=colour, **look)


def levels_colours(count: int) -> Any:
    """Return one colour per level, blue for the first to red for the last, as in the published figures."""
    return load_matplotlib().get_cmap("coolwarm")(np.linspace(0.0, 1.0, count))


def sequence_colours(count: int) -> Any:
    """Return one colour for each of a few lines that follow each other, dark first."""
    return load_matplotlib().get_cmap("viridis")(np.linspace(0.0, 0.85, count))


def table(coordinates: dict[str, tuple[ArrayLike, str]], **variables: tuple[Any, ...]) -> xr.Dataset:
    """Return a Dataset in which everything has units.

    coordinates : name -> (values, unit).  variables : name=(dimensions, values, unit) or (dimensions, values, unit, long name).
    """
    coords = {k: (k, np.asarray(v), {"units": unit}) for k, (v, unit) in coordinates.items()}
    data = {}
    for name, (dims, values, unit, *long) in variables.items():
        data[name] = (dims, np.asarray(values), {"units": unit, **({"long_name": long[0]} if long else {})})
    return xr.Dataset(data, coords)


def probit(share: ArrayLike) -> NDArray[np.float64]:
    """Return where a share stands on a probability axis: a normal law is a straight line on it."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.asarray(share, float)))


def probability_axis(axis: Any) -> None:
    """Make the vertical axis, drawn in `probit`, a probability axis in percent."""
    ticks = np.array([2, 10, 40, 70, 95])
    axis.set_yticks(probit(ticks / 100), [str(t) for t in ticks])
    axis.set_ylim(*probit([0.01, 0.995]))
