"""low_field_conductance: exact on lines, honest standard errors, blind to offset, compliance and wild points."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fits.reading.measurement import Measurement
from fits.sweeps.low_field import low_field_conductance, robust_line
from fits.sweeps.segments import segment
from ground.errors import InputError


def triangle(v_top_V: float, n: int = 101) -> np.ndarray:
    up = np.linspace(0.0, v_top_V, n)
    return np.r_[up, up[::-1]]


def test_exact_line_with_offset():
    volts = triangle(1.0)
    result = low_field_conductance(Measurement.from_arrays(volts, volts / 2.5e4 + 3e-7, source="r.csv"))
    row = result["Run1", "forward +"]
    assert row.conductance_S == pytest.approx(4e-5, rel=1e-12) and row.resistance_ohm == pytest.approx(2.5e4, rel=1e-12)
    assert row.offset_A == pytest.approx(3e-7, rel=1e-9) and row.n_points == 21
    assert row.conductance_stderr_S < 1e-12 * row.conductance_S and len(result.rows) == 2


def test_standard_error_is_the_scatter_of_repeated_fits():
    rng = np.random.default_rng(7)
    volts = np.linspace(-0.2, 0.2, 41)
    lines = [robust_line(volts, volts * 1e-5 + rng.normal(0, 2e-8, 41)) for _ in range(1500)]
    slopes = np.array([line.conductance_S for line in lines])
    stated = np.sqrt(np.mean([line.conductance_stderr_S**2 for line in lines]))
    assert slopes.mean() == pytest.approx(1e-5, abs=4 * slopes.std() / 1500**0.5)
    assert stated == pytest.approx(slopes.std(), rel=0.06)
    offsets = np.array([line.offset_A for line in lines])
    assert np.sqrt(np.mean([line.offset_stderr_A**2 for line in lines])) == pytest.approx(offsets.std(), rel=0.06)


def test_wild_points_do_not_bend_the_line():
    rng = np.random.default_rng(3)
    volts = np.linspace(0, 0.2, 41)
    amps = volts * 1e-5 + rng.normal(0, 1e-9, 41)
    amps[[5, 6, 30]] += 2e-6
    line = robust_line(volts, amps)
    assert line.conductance_S == pytest.approx(1e-5, rel=0.01)
    assert np.polyfit(volts, amps, 1)[0] != pytest.approx(1e-5, rel=0.05)  # ordinary least squares is bent


def test_points_in_compliance_are_left_out_with_a_reason():
    volts = triangle(1.0)
    m = segment(
        Measurement.from_arrays(volts, np.where(np.arange(202) < 101, volts * 1e-6, np.minimum(volts * 1e-2, 1e-4)))
    )
    result = low_field_conductance(m)
    assert [r.branch for r in result.rows] == ["forward +"]
    assert result.left_out == ("Run1 cycle 1 return +: 1 usable points within 0.2 V, 20 in compliance; 4 are needed",)
    assert "left out: Run1 cycle 1 return +" in result.report()


def test_noise_alone_gives_no_resistance():
    rng = np.random.default_rng(0)
    result = low_field_conductance(Measurement.from_arrays(triangle(0.2), rng.normal(0, 1e-13, 202), synthetic=True))
    assert all(abs(r.conductance_S) < 4 * r.conductance_stderr_S for r in result.rows)
    unresolved = [r for r in result.rows if not r.resolved]
    assert unresolved and all(r.resistance_ohm is None and r.resistance_stderr_ohm is None for r in unresolved)
    assert "not resolved" in result.report() and "SYNTHETIC" in result.report()


def test_dictionary_is_json():
    volts = triangle(1.0)
    data = low_field_conductance(Measurement.from_arrays(volts, volts / 1e4)).to_dict()
    assert json.loads(json.dumps(data, allow_nan=False))["rows"][0]["resistance_ohm"] == pytest.approx(1e4)
    assert {"run", "cycle", "branch", "conductance_S", "conductance_stderr_S", "offset_A", "n_points"} <= data["rows"][
        0
    ].keys()


@pytest.mark.parametrize(
    ("v_max_V", "message"),
    [
        (200, r"v_max_V=200 is not allowed: expected 0\.0001\.\.10 V\. Did you mean 0\.2 \(you gave mV\)"),
        (float("nan"), r"v_max_V=nan is not allowed: not a finite number"),
        (-0.2, r"v_max_V=-0\.2 is not allowed"),
        (0.02, r"v_max_V=0\.02 leaves no branch to fit: Run1 cycle 1 forward \+: 3 usable points.*Raise v_max_V"),
    ],
)
def test_messages(v_max_V, message):
    with pytest.raises(InputError, match=message):
        low_field_conductance(Measurement.from_arrays(triangle(1.0), triangle(1.0) * 1e-5), v_max_V)


def test_unknown_row():
    result = low_field_conductance(Measurement.from_arrays(triangle(1.0), triangle(1.0) * 1e-5))
    with pytest.raises(
        InputError, match=r"no low-field line for \('Run2', 'forward \+'\)\. Known: \('Run1', 'forward \+'\)"
    ):
        _ = result["Run2", "forward +"]
