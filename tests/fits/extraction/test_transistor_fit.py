"""The EKV fit: synthetic characteristics (made by the same law, labelled) come back within their errors, which cover."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from compact_model.transistor import Transistor
from fits.cli import app
from fits.extraction.transistor_fit import NAMES, fit_transistor, load_transistor
from fits.reading.measurement import Measurement
from fits.reading.transistor_data import TransistorData, read_transistor
from fits.sweeps.forming_voltage import forming
from fits.sweeps.series_drop import SeriesDrop
from ground.errors import InputError

TRUE = Transistor.from_on_resistance(800.0, 1.2, threshold_V=0.55, slope=1.25)


def synthetic(seed: int = 0, gates=(0.4, 0.7, 0.9, 1.2), noise: float = 0.02, volts=None) -> TransistorData:
    rng = np.random.default_rng(seed)
    volts = np.r_[np.linspace(0, 0.1, 11), np.linspace(0.15, 1.2, 20)] if volts is None else volts
    gate, drain = map(np.ravel, np.meshgrid(gates, volts, indexing="ij"))
    amps = TRUE.current(gate, drain, 0 * gate)
    amps = amps * (1 + noise * rng.normal(size=amps.size)) + 5e-9 * noise * rng.normal(size=amps.size)
    return TransistorData(gate, drain, amps, 0 * gate, synthetic=True)


def test_round_trip_covers():
    scores = []
    for seed in range(60):
        fit = fit_transistor(synthetic(seed))
        top = fit.on_resistance[-1]
        scores.append([(fit.values[n] - getattr(TRUE, n)) / fit.stderr[n] for n in NAMES])
        scores[-1] += [(top.model_ohm - 800) / top.model_stderr_ohm, (top.measured_ohm - 800) / top.measured_stderr_ohm]
        assert not fit.unidentified and fit.rms_relative == pytest.approx(0.02, rel=0.4)
    inside = np.mean(np.abs(scores) < 1.96, axis=0)
    assert (inside > 0.85).all() and np.std(scores, axis=0) == pytest.approx(np.ones(5), abs=0.3)
    assert np.abs(np.mean(scores, axis=0)).max() < 0.45


def test_noise_free_data_give_the_truth_back():
    fit = fit_transistor(synthetic(noise=0.0))
    assert [fit.values[n] for n in NAMES] == pytest.approx([getattr(TRUE, n) for n in NAMES], rel=1e-6)


def test_one_gate_in_the_linear_range_says_only_the_resistance(tmp_path):
    data = synthetic(3, gates=(1.2,), volts=np.linspace(0, 0.1, 21))
    fit = fit_transistor(data)
    assert "threshold_V" in fit.unidentified and "NOT IDENTIFIED" in fit.report()
    with pytest.raises(
        InputError, match=r"threshold_V.* cannot be told from these data: measure at more gate voltages"
    ):
        _ = fit.model
    held = fit_transistor(data, fixed={"threshold_V": 0.55, "slope": 1.25})
    assert held.model.gain_A_per_V2 == pytest.approx(TRUE.gain_A_per_V2, rel=0.03) and held.stderr["slope"] == 0.0
    assert held.on_resistance[0].model_ohm == pytest.approx(800, rel=0.03)
    assert fit_transistor(data, fixed=TRUE.model_dump()).model == TRUE


@pytest.mark.parametrize(
    ("data", "fixed", "message"),
    [
        (
            TransistorData(np.ones(9), np.ones(9), np.zeros(9), np.zeros(9)),
            {},
            r"0 points carry current and 3 parameters",
        ),
        (TransistorData(np.ones(9), np.zeros(9), np.ones(9), np.zeros(9)), {}, r"expected more points, with a voltage"),
        (synthetic(), {"slop": 1.0}, r"fixed='slop' is not a parameter\. Did you mean 'slope'"),
    ],
)
def test_messages(data, fixed, message):
    with pytest.raises(InputError, match=message):
        fit_transistor(data, fixed=fixed)


def test_arrays_that_do_not_belong_together():
    with pytest.raises(InputError, match=r"drain_V has the shape \(2,\); expected one value per point"):
        TransistorData(np.ones(3), np.ones(2), np.ones(3), np.ones(3))
    with pytest.raises(InputError, match=r"drain_A=5.0 is not allowed"):
        TransistorData(np.ones(3), np.ones(3), np.full(3, 5.0), np.ones(3))


def test_the_command(tmp_path):
    pytest.importorskip("matplotlib")
    data = synthetic(1)
    rows = zip(data.gate_V, data.drain_V, 1e6 * data.drain_A, strict=True)
    text = "# synthetic: true\nVG (V),Vds (V),Id (uA)\n" + "\n".join(f"{g:g},{d:g},{i!r}" for g, d, i in rows)
    (tmp_path / "t.csv").write_text(text)
    assert read_transistor(tmp_path / "t.csv").drain_A == pytest.approx(data.drain_A, rel=1e-12)
    out, png = tmp_path / "t.json", tmp_path / "t.png"
    done = CliRunner().invoke(
        app, ["transistor", str(tmp_path / "t.csv"), "-o", str(out), "--plot", str(png), "--json"]
    )
    shown = json.loads(done.stdout)
    assert done.exit_code == 0 and shown["synthetic"] and shown["provenance"]["inputs"][0]["name"] == "t.csv"
    assert load_transistor(out).threshold_V == pytest.approx(0.55, abs=0.01) and png.read_bytes().startswith(b"\x89PNG")
    assert (
        json.loads(out.read_text())["covariance"]
        and "R_DS at 1.2 V" in CliRunner().invoke(app, ["transistor", str(tmp_path / "t.csv")]).stdout
    )
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(
        InputError, match=r"x\.json: holds no transistor; expected the file of `reram fit transistor -o`"
    ):
        load_transistor(tmp_path / "x.json")
    with pytest.raises(InputError, match=r"none\.json: cannot be read as JSON"):
        load_transistor(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VG,VD\n1,1\n", r"line 1: no drain_current column among 'VG', 'VD'; expected a name such as drain_current_A"),
        ("VG,VD,ID\n1,1,x\n", r"line 2, column 'ID': found 'x', expected a finite number"),
        ("VG,VD,ID (V)\n1,1,1\n", r"the column 'ID \(V\)' has the unit 'V', which is not one of drain_current"),
        ("VG (mV),VD,ID\n1e9,1,1\n", r"gate_V=1000000\.0 is not allowed"),
    ],
)
def test_files_that_are_refused(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_transistor(tmp_path / "t.csv")


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_drop_is_the_one_that_the_transistor_divides(sign):
    """`Transistor.divide` gives the cell voltage by Newton; the drop computed back from the current gives the same."""
    bias = sign * np.linspace(0.1, 3.0, 30)
    cell = TRUE.divide(bias, 1.2, 1e-4)
    back = SeriesDrop(0.0, TRUE, 1.2).device_V(bias, cell * 1e-4)
    assert back == pytest.approx(cell, rel=1e-6)
    assert SeriesDrop(500.0, TRUE, 1.2).device_V(bias, cell * 1e-4) == pytest.approx(cell - 500 * cell * 1e-4, rel=1e-6)
    assert SeriesDrop(0.0, TRUE, 1.2).device_V(sign, 0.0) == sign


def test_a_saturated_transistor_says_nothing_after_forming_and_all_before():
    up = np.linspace(0, 3, 301)
    limit = float(TRUE.current(0.9, 3.0, 0.0))
    amps = np.where(up >= 2.5 - 1e-9, limit, 1e-8 * up)
    m = Measurement.from_arrays(up, amps, synthetic=True)
    assert np.isnan(SeriesDrop(0.0, TRUE, 0.9).device_V(2.5, 1.01 * limit))
    found = forming(m.replace(current_A=1.01 * amps), transistor=TRUE, gate_V=0.9)
    assert found.v_forming_device_V is None and found.v_device_before_V == pytest.approx(2.49, abs=1e-3)
    assert "unknown (the transistor saturates)" in found.report() and json.dumps(found.to_dict(), allow_nan=False)
    with pytest.raises(InputError, match=r"transistor and gate_V belong together, and gate_V=None"):
        forming(m, transistor=TRUE)
