"""FEM in the loop: the table gives what the FEM gives, and what the one dome conductivity costs is reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compact_model.published_cell import hop_distance_for, published_hopping
from device_physics.dome_response import Response
from fits.hopping.fem_check import check_fem
from fits.hopping.fit import fit_hopping
from fits.hopping.synthetic import synthetic_curves
from ground.errors import InputError


@pytest.mark.fem
def test_the_table_is_the_fem_and_the_low_field_current_agrees() -> None:
    table = Response.default()
    truth = published_hopping(hop_distance_for(18e3, response=table))
    fit = fit_hopping(synthetic_curves(truth, ambients_K=(260.0, 293.15), seed=1, response=table), table)
    check = check_fem(fit, table, biases=(0.02, 0.5))
    assert len(check.points) == 4 and check.ambient_K == 293.15
    for p in check.points:
        assert p.table_error < 2e-3
        assert 0.2 < p.shape_factor < 1.0
    low = [p for p in check.points if abs(p.bias_V) < 0.03]
    for p in low:  # one conductivity or a local one: the same where the law is linear
        assert p.fem_current_A == pytest.approx(p.current_A, rel=0.05)
        assert p.fem_T_K == pytest.approx(p.T_K, abs=0.1)
    report = replace(fit, fem=check).report()
    assert "FEM check at 293 K" in report and report.count("interpolation of the table") == 4


def test_a_table_without_its_device_cannot_be_checked() -> None:
    table = Response.default()
    truth = published_hopping(hop_distance_for(18e3, response=table))
    fit = fit_hopping(synthetic_curves(truth, ambients_K=(260.0, 293.15), seed=1, response=table), table)
    with pytest.raises(InputError, match="the response table does not carry the device it was made for"):
        check_fem(fit, replace(table, provenance={}))
