"""The picture at the top of README: `python -m studies.overview_picture runs/demo runs/reproduce docs/overview.png`.

Made from the pictures of a demonstration (make demo) and of the comparison with the paper (make reproduce).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ground.errors import InputError
from ground.files import atomic
from ground.plotting import load_matplotlib

PANELS = (
    ("demo", "cutaway.png", "fields", "3D current and heat: T and E in the dome"),
    ("reproduce", "figures/2d.png", "cell", "hopping fit of LRS and HRS, with intervals"),
    ("reproduce", "figures/3e.png", "array", "form, program, wait, read"),
    ("reproduce", "figures/6b.png", "network", "train on it, then wait ten years"),
)


def draw_overview(demo: Path, reproduce: Path, path: Path) -> None:
    """Draw the four pictures side by side, joined by arrows. Raises InputError where one is not there."""
    plt = load_matplotlib()
    folders = {"demo": demo, "reproduce": reproduce}
    files = [folders[kind] / name for kind, name, _, _ in PANELS]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: there is no such picture. Run `make demo` and `make reproduce` first.")
    images = [_trimmed(plt.imread(file)) for file in files]
    ratios = [image.shape[1] / image.shape[0] for image in images]
    figure, gap = plt.figure(figsize=(16, 16 * 0.95 / sum(ratios) / 0.76)), 0.05 / 3
    left = 0.0
    for number, (image, ratio, (_, _, name, what)) in enumerate(zip(images, ratios, PANELS, strict=True)):
        width = ratio / sum(ratios) * 0.95
        axis = figure.add_axes((left, 0.0, width, 0.76))
        axis.imshow(image)
        axis.set_axis_off()
        arrow = "" if number == 0 else "\u279c  "
        figure.text(left + width / 2, 0.89, arrow + name, ha="center", fontsize=17, fontweight="bold", color="#1f4e79")
        figure.text(left + width / 2, 0.79, what, ha="center", fontsize=11)
        left += width + gap
    with atomic(path) as beside:
        figure.savefig(beside, format="png", dpi=110)
    plt.close(figure)


def _trimmed(image: Any) -> Any:
    """Return the picture without its white margin."""
    ink = (image[..., :3].min(axis=2) < 0.98).nonzero()
    return image[ink[0].min() : ink[0].max() + 1, ink[1].min() : ink[1].max() + 1]


if __name__ == "__main__":
    draw_overview(*map(Path, sys.argv[1:4]))
