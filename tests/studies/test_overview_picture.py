"""The picture of README: made from the pictures of two folders, or a message about the one that is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ground.errors import InputError
from ground.plotting import load_matplotlib
from studies.overview_picture import PANELS, draw_overview


@pytest.mark.plot
def test_it_is_made_of_the_four_pictures_or_says_which_is_missing(tmp_path: Path) -> None:
    plt = load_matplotlib()
    with pytest.raises(InputError, match=r"cutaway.png: there is no such picture. Run `make demo`"):
        draw_overview(tmp_path, tmp_path, tmp_path / "o.png")
    (tmp_path / "figures").mkdir()
    for number, (_, name, _, _) in enumerate(PANELS):
        image = np.ones((40, 60, 3))
        image[10:30, 10:50] = (0.2 * number, 0.5, 0.1)
        plt.imsave(tmp_path / name, image)
    draw_overview(tmp_path, tmp_path, tmp_path / "o.png")
    drawn = plt.imread(tmp_path / "o.png")[..., :3]
    for number in range(len(PANELS)):
        assert (np.abs(drawn - (0.2 * number, 0.5, 0.1)).max(axis=2) < 0.02).mean() > 0.05
