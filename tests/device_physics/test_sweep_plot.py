"""The plot of a sweep: every curve, failed points, units, and what is said about files that are no sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_physics.sweep_plot import check_plot, draw_sweep, load_sweep
from device_physics.sweeps import COLUMNS, save_sweep
from ground.errors import InputError

pytestmark = pytest.mark.plot
xarray = pytest.importorskip("xarray")
pyplot = pytest.importorskip("matplotlib.pyplot")
BIASES = np.array([1.0, -1.0, 0.0, 0.5])  # in no order


def made(radii: list[str], dome: bool = True) -> Any:
    """A SYNTHETIC sweep of ohmic devices; the last point of the last device failed."""
    shape = (len(radii), len(BIASES))
    conductance = 1e-5 * np.arange(1, len(radii) + 1)[:, None]
    power = conductance * BIASES**2
    nothing = np.full(shape, np.nan)
    values = {
        "current_A": conductance * BIASES,
        "conductance_S": np.broadcast_to(conductance, shape),
        "power_W": power,
        "T_mean_K": 293.15 + 1e6 * power if dome else nothing,
        "T_max_K": 293.15 + 2e6 * power if dome else nothing,
        "E_mean_V_per_m": np.broadcast_to(5e7 * np.abs(BIASES), shape) if dome else nothing,
        "r_th_K_per_W": np.full(shape, 1e6) if dome else nothing,
        **{name: np.full(shape, 1e-12) for name in COLUMNS if name.startswith("balance")},
    }
    dims = ("filament.radius", "bias_V")
    failure = np.full(shape, "", dtype="<U20")
    failure[-1, -1] = "it ran away"
    data = {n: (dims, np.where(failure == "", v, np.nan)) for n, v in values.items()}
    return xarray.Dataset(data | {"failure": (dims, failure)}, coords={"filament.radius": radii, "bias_V": BIASES})


def figure(table: Any, path: Path) -> Any:
    """Draw, and give the figure that went into the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyplot, "close", lambda figure: None)
        draw_sweep(table, path)
    drawn = pyplot.gcf()
    pyplot.close(drawn)
    return drawn


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The figure of a sweep over two devices, one point failed."""
    return figure(made(["9 nm", "11 nm"]), tmp_path_factory.mktemp("two") / "a.png")


def test_every_device_is_a_curve_over_rising_bias(two: Any) -> None:
    lines = {line.get_label(): line for line in two.axes[1].get_lines()}
    for radius, conductance in (("9 nm", 1e-5), ("11 nm", 2e-5)):
        line = lines[f"filament.radius = {radius}"]
        assert list(line.get_xdata()) == [-1.0, 0.0, 0.5, 1.0]
        good = np.isfinite(line.get_ydata())
        assert line.get_ydata()[good] == pytest.approx(1e6 * conductance * line.get_xdata()[good])  # microamperes
    assert two.axes[0].get_yscale() == "log" and two.axes[5].get_yscale() == "log"
    assert [t.get_text() for t in two.legends[0].get_texts()] == [
        "filament.radius = 9 nm",
        "filament.radius = 11 nm",
        "failed",
    ]


def test_a_failed_point_is_a_cross_at_its_bias_and_a_gap_in_its_curve(two: Any) -> None:
    crosses = [line for line in two.axes[0].get_lines() if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[0.5]]
    assert "8 points, 1 failed" in two.get_suptitle()
    second = two.axes[1].get_lines()[1]
    assert np.isnan(second.get_ydata()[list(second.get_xdata()).index(0.5)])


def test_every_axis_has_a_unit_and_the_picture_is_not_blank(tmp_path: Path) -> None:
    drawn = figure(made(["9 nm"]), tmp_path / "a.png")
    assert [a.get_xlabel() for a in drawn.axes] == ["bias [V]"] * 6
    labels = [a.get_ylabel() for a in drawn.axes]
    assert all("[" in label for label in labels[:5]) and labels[5] == "relative imbalance"
    assert "filament.radius = 9 nm" in drawn.get_suptitle()  # the same for all points: no legend
    pixels = pyplot.imread(tmp_path / "a.png")
    assert pixels.shape[1] > 2000 and len(np.unique(pixels[::3, ::3, :3].reshape(-1, 3), axis=0)) > 50
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_device_without_a_dome_says_so(tmp_path: Path) -> None:
    drawn = figure(made(["9 nm"], dome=False), tmp_path / "a.pdf")
    assert [any("no dome" in t.get_text() for t in a.texts) for a in drawn.axes] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.fem
def test_solutions_of_a_bias_list_are_one_curve(tmp_path: Path) -> None:
    from device_physics.device import Device
    from device_physics.electrothermal import solve

    mesh = {"domain": "axisymmetric", "rim_size": "1 nm", "growth": 0.6, "dome_divisions": 6.0}
    device = Device.from_tables({"mesh": mesh})
    solutions = [solve(device, v) for v in (0.5, -0.5)]
    drawn = figure(solutions, tmp_path / "a.png")
    (line,) = drawn.axes[1].get_lines()
    assert line.get_ydata() == pytest.approx([1e6 * solutions[1].current_A, 1e6 * solutions[0].current_A])
    assert drawn.axes[2].get_lines()[1].get_ydata()[0] == pytest.approx(solutions[1].dome.T_max_K)


def test_a_written_sweep_is_read_back(tmp_path: Path) -> None:
    table = made(["9 nm", "11 nm"])
    save_sweep(table, tmp_path / "a.nc")
    back = load_sweep(tmp_path / "a.nc")
    assert str(back["failure"].values[-1, -1]) == "it ran away"
    assert back.equals(table)


def test_what_is_no_sweep_or_no_plot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.svg: the ending '.svg' is not allowed for a plot: expected .png or .pdf"):
        check_plot(tmp_path / "a.svg")
    with pytest.raises(InputError, match=r"none.nc: there is no such file"):
        load_sweep(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no table", encoding="utf-8")
    with pytest.raises(InputError, match=r"text.nc: cannot be read as a sweep"):
        load_sweep(tmp_path / "text.nc")
    with pytest.raises(InputError, match="this is no sweep: expected the table that `reram sweep` writes"):
        draw_sweep(made(["9 nm"]).drop_vars("current_A"), tmp_path / "a.png")
    with pytest.raises(InputError, match="the list of solutions is empty"):
        draw_sweep([], tmp_path / "a.png")
    failed = made(["9 nm"])
    failed["current_A"][:] = np.nan
    with pytest.raises(InputError, match="every point of this sweep failed"):
        draw_sweep(failed, tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["text.nc"]
