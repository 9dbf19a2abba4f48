"""Figures 2 and S1-S5: everything drawn has units, published numbers that were not put in are not in what is drawn as ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ground.paper import paper
from ground.plotting import load_matplotlib
from studies.figures import closed_loop_figures, cycling_figures, field_figures, filament_figures, forming_figures
from studies.figures.figure import Drawing, Effort

_ROOMS = (filament_figures, forming_figures, cycling_figures, field_figures, closed_loop_figures)
FIGURES = {f.number: f for room in _ROOMS for f in room.figures()}
FEM = ("S1", "S2", "S4")
_made: dict[str, Drawing] = {}


def drawing(number: str, folder: Path) -> Drawing:
    if number not in _made:
        _made[number] = FIGURES[number].draw(Effort(True, folder))
        load_matplotlib().close(_made[number].picture)
    return _made[number]


@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.fem) if n in FEM else n for n in FIGURES])
def test_every_variable_has_units_and_the_axes_too(number: str, tmp_path: Path) -> None:
    made = drawing(number, tmp_path)
    assert all(v.attrs.get("units") for v in made.data.variables.values())
    assert all(np.isfinite(v).all() for n, v in made.data.items() if v.dtype.kind == "f"), number
    for axis in made.picture.axes:
        labels = [axis.get_xlabel(), axis.get_ylabel()]
        assert all("[" in t or t.startswith(("probability", "cumulative", "error", "pulses")) for t in labels if t), (
            labels
        )
    assert len(made.caption) > 80 and FIGURES[number].inputs


def test_the_published_fits_need_these_resistances(tmp_path: Path) -> None:
    """35.4 kohm is what the 3D finite elements give for 11 nm and 5 S/cm; the two conductivities differ by 7.4 times in between."""
    data = drawing("2a", tmp_path).data
    assert float(np.interp(11e-9, data.r_cf_m, data.resistance_at_radius_ohm)) == pytest.approx(35.4e3, rel=0.01)
    by_sigma = np.interp(np.log([500.0, 3700.0]), np.log(data.sigma_cmo_S_per_m), data.resistance_at_sigma_ohm)
    assert 6.0 < by_sigma[0] / by_sigma[1] < 7.4
    low = data.after_forming_A.values[0] / data.down_V.values[0]
    assert 1.0 / low == pytest.approx(by_sigma[0] + 800.0, rel=0.02)  # the law's low field, and the transistor


def test_the_transistor_meets_both_published_numbers(tmp_path: Path) -> None:
    data = drawing("2b", tmp_path).data
    at = data.current_A.sel(gate_V=1.2, method="nearest")
    assert float(at.sel(drain_V=0.02, method="nearest")) == pytest.approx(0.02 / 800, rel=0.05)
    assert float(at[-1]) == pytest.approx(258e-6, rel=1e-3)


def test_the_forming_voltages_are_one_population(tmp_path: Path) -> None:
    two, three = drawing("2c", tmp_path).data, drawing("S3", tmp_path).data
    np.testing.assert_array_equal(two.v_reram_V, three.v_reram_V)
    width = np.diff(two.v_forming_V)[0]
    assert float(two.density.sum() * width) == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(three.v_1t1r_V - 800.0 * three.current_A, three.v_reram_V, rtol=1e-3)


def test_the_drawn_law_is_equation_6_and_says_that_the_published_hrs_is_too_insulating(tmp_path: Path) -> None:
    data, read = drawing("2d", tmp_path).data, paper()["cycling"]["v_read_V"]
    ohm = {
        s: read / np.interp(read, *np.sort(np.abs([data[f"{s}_bias"], data[f"{s}_current"]]))) for s in ("lrs", "hrs")
    }
    assert ohm["lrs"] == pytest.approx(18e3, rel=0.02)
    assert ohm["hrs"] / ohm["lrs"] > 30
    assert drawing("2d", tmp_path).synthetic


def test_both_states_are_apart_in_every_cycle(tmp_path: Path) -> None:
    data = drawing("2e", tmp_path).data
    assert data.r_lrs_ohm.shape == (5, 8, 4)
    assert float((data.r_hrs_ohm / data.r_lrs_ohm).min()) > 3.0


def test_every_device_of_the_closed_loop_is_inside_its_band(tmp_path: Path) -> None:
    data = drawing("S5", tmp_path).data
    assert float(np.abs(data.reached_uS / data.target_uS - 1.0).max()) <= 0.02


@pytest.mark.fem
def test_the_dome_heats_with_the_power_and_is_at_ambient_without(tmp_path: Path) -> None:
    data = drawing("S4", tmp_path).data
    for state, end in (("lrs", 0), ("hrs", -1)):
        T = data[f"{state}_T_mean_K"].values
        cold = int(np.argmin(np.abs(data[f"{state}_bias_V"].values)))
        assert T[cold] == pytest.approx(293.15, abs=1e-6)
        assert np.all(np.diff(T if end else -T) > 0)
        assert np.all(data[f"{state}_T_max_K"].values >= T - 1e-9)
