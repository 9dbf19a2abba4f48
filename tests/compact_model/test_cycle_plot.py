"""The picture of a cycle: each half on its own side of zero, and no line where there is no current."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compact_model.cell import Cell
from compact_model.cycle import quasi_static_cycle


def test_halves_meet_at_zero_volt_and_the_logarithm_has_a_gap_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    from compact_model.cycle_plot import draw_cycle

    close = plt.close
    monkeypatch.setattr(plt, "close", lambda figure: None)
    draw_cycle(quasi_static_cycle(Cell.published(), x0=0.05), tmp_path / "cycle.png")
    axes = plt.gcf().axes
    for axis in axes:
        positive, negative = axis.lines
        assert np.all(positive.get_xdata() >= 0) and np.all(negative.get_xdata() <= 0)
        assert positive.get_xdata()[-1] == negative.get_xdata()[0] == 0.0
        assert "[" in axis.get_xlabel() and axis.get_ylabel()
    for line in axes[0].lines:
        at_rest = line.get_xdata() == 0
        assert np.all(np.isnan(line.get_ydata()[at_rest])) and np.all(line.get_ydata()[~at_rest] > 0)
    close(plt.gcf())
