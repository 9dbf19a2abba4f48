"""The hopping fit: exact without noise, covering with noise, honest about what it cannot see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compact_model.model import CompactModel
from compact_model.published_cell import hop_distance_for, published_hopping
from device_physics.dome_response import Response
from fits.hopping.fit import fit_hopping
from fits.hopping.result import HoppingFit, StateCurve
from fits.hopping.state_curves import state_curves
from fits.hopping.synthetic import synthetic_curves, synthetic_sweeps, write_synthetic_sweeps
from fits.reading.measurement import Measurement
from fits.reading.readers import read_iv
from fits.results.identifiability import Fixed
from ground.errors import InputError

AMBIENTS = (260.0, 293.15, 330.0)


@pytest.fixture(scope="module")
def table() -> Response:
    return Response.default()


@pytest.fixture(scope="module")
def truth(table: Response) -> Any:
    return published_hopping(hop_distance_for(18e3, response=table))


@pytest.fixture(scope="module")
def fit(table: Response, truth: Any) -> HoppingFit:
    return fit_hopping(synthetic_curves(truth, ambients_K=AMBIENTS, seed=1, response=table), table)


def test_the_synthetic_lrs_has_the_resistance_it_was_made_for(table: Response, truth: Any) -> None:
    lrs = synthetic_curves(truth, noise=0.0, response=table)[0]
    at = int(np.argmin(np.abs(np.abs(lrs.voltage_V) - 0.2)))
    assert lrs.voltage_V[at] / lrs.current_A[at] == pytest.approx(18e3, rel=1e-6)
    assert lrs.synthetic


def test_without_noise_the_parameters_come_back_exactly(table: Response, truth: Any) -> None:
    exact = fit_hopping(synthetic_curves(truth, ambients_K=AMBIENTS, noise=1e-9, response=table), table)
    for name, p in exact.parameters.items():
        assert p.value == pytest.approx(getattr(truth, name), rel=1e-4), name
    assert exact.residual_rms < 1e-5


def _covered(
    data_sets: int, points: int, ambients: tuple[float, ...], table: Response, truth: Any
) -> dict[str, list[bool]]:
    """For every identified parameter, whether its interval held the truth: 2 % noise, offset, compliance, through the reader's path."""
    out: dict[str, list[bool]] = {}
    for seed in range(data_sets):
        sweeps = synthetic_sweeps(
            truth, ambients_K=ambients, points=points, offset_A=2e-8, compliance=0.9, seed=seed, response=table
        )
        for name, p in fit_hopping(sweeps, table).parameters.items():
            if p.identified:
                out.setdefault(name, []).append(p.low <= getattr(truth, name) <= p.high)
    return out


def test_intervals_cover_with_noise_offset_and_compliance(table: Response, truth: Any) -> None:
    """25 data sets of 256 points: 95 % of 25 is 24; fewer than 20 happens once in a thousand by chance."""
    covered = _covered(25, 128, (293.15,), table, truth)
    assert {"hop_distance_m", "trap_density_lrs_m3", "barrier_lrs_eV", "barrier_hrs_eV"} <= set(covered)
    for name, hits in covered.items():
        if len(hits) == 25:
            assert sum(hits) >= 20, name


@pytest.mark.slow
def test_intervals_cover_in_92_to_98_percent_of_200_data_sets(table: Response, truth: Any) -> None:
    for name, hits in _covered(200, 128, (293.15,), table, truth).items():
        if len(hits) >= 190:
            assert 0.92 <= np.mean(hits) <= 0.98, name


def test_a_compliance_unseen_by_the_segmentation_does_not_bend_the_fit(table: Response, truth: Any) -> None:
    """The HRS current is limited for two or three points only: kept, they would pull the barrier by several errors."""
    sweeps = synthetic_sweeps(truth, points=128, compliance=0.9, seed=3, response=table)
    hrs = next(c for c in state_curves(sweeps) if c.state == "HRS")
    assert np.abs(hrs.voltage_V).max() < 0.875
    whole = next(
        c for c in state_curves(synthetic_sweeps(truth, points=128, seed=3, response=table)) if c.state == "HRS"
    )
    assert np.abs(whole.voltage_V).max() == pytest.approx(0.9)


def test_the_offset_is_a_fitted_nuisance(table: Response, truth: Any) -> None:
    clean = synthetic_curves(truth, ambients_K=AMBIENTS, seed=4, response=table)
    moved = [replace(c, current_A=c.current_A + 1.5e-8) for c in clean]
    fitted = fit_hopping(moved, table)
    assert fitted.offset_A == pytest.approx([1.5e-8] * 6, abs=1.5e-8)
    hrs = [o for o, c in zip(fitted.offset_A, clean, strict=True) if c.state == "HRS"]
    assert hrs == pytest.approx([1.5e-8] * 3, rel=0.15)
    assert fitted.parameters["barrier_hrs_eV"].low < truth.barrier_hrs_eV < fitted.parameters["barrier_hrs_eV"].high
    biased = fit_hopping(moved, table, offset="none")
    assert biased.residual_rms > 2 * fitted.residual_rms
    assert fit_hopping(moved, table, offset="shared").offset_A == pytest.approx([1.5e-8] * 6, rel=0.1)


def test_several_ambients_identify_everything(fit: HoppingFit) -> None:
    assert all(p.identified for p in fit.parameters.values())
    assert not fit.weak
    assert fit.residual_rms == pytest.approx(0.02, rel=0.2)
    assert "no weak direction" in fit.report()
    assert "SYNTHETIC" in fit.report()


def test_one_ambient_and_little_heating_says_what_it_cannot_see(table: Response, truth: Any) -> None:
    blind = fit_hopping(synthetic_curves(truth, lrs_max_V=0.25, hrs_max_V=0.3, response=table), table)
    lost = {n for n, p in blind.parameters.items() if not p.identified}
    assert lost == {"trap_density_lrs_m3", "trap_density_hrs_m3", "barrier_lrs_eV", "barrier_hrs_eV"}
    report = blind.report()
    assert report.count("NOT IDENTIFIED") == 4
    assert "only the product N exp(-dE/kT) is seen" in report
    assert "to separate N from dE: measure at two more ambients (for example " in report
    assert any("ln_trap_density_hrs" in w and "barrier_eV_hrs" in w for w in blind.weak)
    with pytest.raises(InputError, match="the data do not identify .*trap_density_lrs_m3.* so no model is exported"):
        blind.to_compact_model()


def test_a_barrier_fixed_with_a_source_is_exported(table: Response, truth: Any, tmp_path: Path) -> None:
    given = {"barrier_lrs_eV": Fixed(0.065, "figure 2d"), "barrier_hrs_eV": Fixed(0.08, "figure 2d")}
    curves = synthetic_curves(truth, lrs_max_V=0.6, hrs_max_V=0.6, response=table)
    held = fit_hopping(curves, table, fixed=given)
    assert held.parameters["barrier_hrs_eV"].source == "figure 2d"
    assert held.parameters["barrier_hrs_eV"].stderr == 0.0
    assert held.parameters["trap_density_hrs_m3"].low < 1.2e24 < held.parameters["trap_density_hrs_m3"].high
    held.to_compact_model().save(tmp_path / "m.json")
    loaded = CompactModel.load(tmp_path / "m.json")
    assert loaded.cell is not None
    assert loaded.cell.hopping.barrier_hrs_eV == 0.08
    assert loaded.synthetic


def test_the_model_carries_covariance_and_validity(fit: HoppingFit) -> None:
    model = fit.to_compact_model()
    assert model.covariance is not None
    assert model.covariance.names[0] == "ln_hop_distance"
    assert model.validity["T_dome_K"] == fit.temperature_range_K
    assert model.cell is not None
    assert model.cell.hopping == fit.hopping
    assert "SYNTHETIC" in model.name


def test_the_fit_is_that_of_the_cell(fit: HoppingFit, table: Response) -> None:
    """Fit and cell share one law: the fitted cell carries the model currents of the fit."""
    model = fit.to_compact_model()
    assert model.cell is not None
    transport = model.cell.transport(table)
    for curve, ln_model in zip(fit.curves, fit.model_ln_current, strict=True):
        density = getattr(fit.hopping, f"trap_density_{curve.state.lower()}_m3")
        current = transport.at(curve.voltage_V, density, ambient_K=curve.ambient_K).current_A
        assert np.log(np.abs(current)) == pytest.approx(ln_model, abs=1e-4)  # self-consistent: the fit's own currents


def test_sweeps_written_and_read_give_the_same_fit(tmp_path: Path, truth: Any) -> None:
    files = write_synthetic_sweeps(tmp_path)
    assert all("synthetic" in f.name for f in files)
    measured = [read_iv(f) for f in files]
    assert all(m.synthetic for m in measured)
    assert sorted({m.ambient_K for m in measured}) == list(AMBIENTS)
    curves = state_curves(measured)
    assert sorted(c.state for c in curves) == ["HRS"] * 3 + ["LRS"] * 3
    found = fit_hopping(measured)
    assert found.synthetic
    assert found.parameters["hop_distance_m"].value == pytest.approx(truth.hop_distance_m, rel=0.02)


def _sweep(ohm: float, end: float, ambient: float = 293.15) -> Measurement:
    half = np.linspace(0, end, 21)
    voltage = np.concatenate([half, half[-2::-1]])
    return Measurement.from_arrays(voltage, voltage / ohm, ambient_K=ambient)


def test_branches_are_labelled_by_their_resistance() -> None:
    curves = state_curves([_sweep(2e4, -1.0), _sweep(3e5, 0.9)])
    assert [c.state for c in curves] == ["LRS", "HRS"]
    assert [c.state for c in state_curves([_sweep(2e4, -1.0), _sweep(2.5e4, 0.9)])] == ["LRS", "LRS"]


def test_a_series_resistance_is_subtracted() -> None:
    (curve,) = state_curves(_sweep(2e4, 1.0), r_series_ohm=5e3)
    assert curve.voltage_V / curve.current_A == pytest.approx(1.5e4)


def test_no_usable_branch_is_said() -> None:
    up = Measurement.from_arrays(np.linspace(0, 1, 30), np.linspace(0, 1e-5, 30))
    with pytest.raises(InputError, match="no return branch has 5 usable points .* a sweep in one direction only"):
        state_curves(up)


V = np.linspace(0.05, 0.5, 10)


@pytest.mark.parametrize(
    ("voltage", "current", "message"),
    [
        (V, V[:5] / 2e4, r"voltage \(10,\) and current \(5,\) are not allowed"),
        (V[:2], V[:2] / 2e4, "at least 3 points"),
        (V, np.full(10, np.nan), "a voltage or current is not finite"),
        (V, -V / 2e4, r"at 0.05 V the current is -2.5e-06 A: zero or of the other sign"),
    ],
)
def test_curves_that_cannot_be_are_refused(voltage: Any, current: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        StateCurve(voltage, current, "LRS")


def test_what_does_not_fit_the_table_or_lacks_an_lrs_is_said(table: Response) -> None:
    hrs = StateCurve(V, V / 3e5, "HRS")
    with pytest.raises(InputError, match=r"no LRS curve at ambient_K=293.15; the HRS needs it"):
        fit_hopping([hrs], table)
    with pytest.raises(InputError, match=r"conductance_S=.* is not allowed: at r_CF = 11 nm"):
        fit_hopping([StateCurve(V, V / 10.0, "LRS")], table)
    with pytest.raises(InputError, match=r"no LRS point with \|V\| <= 0.2 V"):
        fit_hopping([StateCurve(V + 0.3, (V + 0.3) / 2e4, "LRS")], table)
    few = StateCurve(V[:3], V[:3] / 2e4, "LRS")
    with pytest.raises(InputError, match="3 points for 4 parameters"):
        fit_hopping([few], table)


def test_an_lrs_alone_has_no_pair_of_states(table: Response, truth: Any) -> None:
    curves = [c for c in synthetic_curves(truth, ambients_K=AMBIENTS, response=table) if c.state == "LRS"]
    alone = fit_hopping(curves, table)
    assert alone.parameters["trap_density_lrs_m3"].identified
    with pytest.raises(InputError, match="the data held one resistance state only"):
        _ = alone.hopping


def test_a_real_device_is_fitted_or_says_why(shared: Path) -> None:
    folder = shared / "data" / "iv" / "keithley_dc_sweeps" / "csv"
    found = fit_hopping([read_iv(folder / f"H16248L_M12_04_endurance_{k}_Run7.csv") for k in ("set", "reset")])
    assert not found.synthetic
    assert not found.parameters["trap_density_hrs_m3"].identified  # one ambient: as the fit says itself
    assert found.weak
    assert any("barrier_hrs_eV" in d and "is negative" in d for d in found.doubts)
    assert "NOT THIS DEVICE? barrier_hrs_eV" in found.report()
    with pytest.raises(InputError, match="no model is exported: barrier_hrs_eV = .* is negative: no barrier"):
        found.to_compact_model()
