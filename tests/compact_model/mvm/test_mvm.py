"""Multiplication in memory: what each part of the chain must do alone, and that devices stay the same in any chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from compact_model.crossbar import Crossbar, Wires
from compact_model.model import CompactModel
from compact_model.mvm import Converter, Mapping, Mvm, MvmSettings, error_budget, mvm_study, mvm_sweep
from compact_model.mvm.settings import Compensation
from compact_model.published_cell import published_cell
from ground.errors import InputError
from ground.spec import Spec

IDEAL = {
    "dac_bits": None,
    "adc_bits": None,
    "ir_drop": "none",
    "programming": "ideal",
    "relaxation": False,
    "read_noise": False,
}


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (20, 12)), rng.uniform(-1, 1, (30, 20))


@pytest.mark.parametrize("scheme", ["single", "pair"])
@pytest.mark.parametrize("reference", ["digital", "column"])
def test_an_ideal_chain_multiplies(problem, scheme: str, reference: str) -> None:
    w, x = problem
    mvm = Mvm.program(w, MvmSettings.published(**IDEAL, scheme=scheme, reference=reference))
    assert mvm.multiply(x, 3600.0) == pytest.approx(x @ w, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 12), st.floats(-2, 2))
def test_converter_rounds_to_its_step_and_clips(bits: int, value: float) -> None:
    c = Converter(bits, 1.0)
    out = float(c(np.array(value)))
    assert abs(out - np.clip(value, -1, 1)) <= c.step / 2 + 1e-12
    assert out / c.step == pytest.approx(round(out / c.step), abs=1e-9)
    assert c(np.array(0.0)) == 0.0


def test_rounding_noise_of_the_dac_is_that_of_a_uniform_law() -> None:
    """RMSE of a DAC alone: step/sqrt(12) per input, so step/sqrt(12) sqrt(rows/3) of y."""
    s = mvm_study(64, 200, [0.0], MvmSettings.published(**{**IDEAL, "dac_bits": 6}))
    step = 1.0 / 31
    assert s.rmse[0] == pytest.approx(step / np.sqrt(12) * np.sqrt(64 / 3), rel=0.05)


@pytest.mark.parametrize("scheme", ["single", "pair"])
def test_mapping_goes_there_and_back(problem, scheme: str) -> None:
    m = Mapping(9e-6, 89e-6, scheme)  # type: ignore[arg-type]
    g = m.conductances_S(problem[0])
    assert g.min() >= 9e-6 - 1e-20
    assert g.max() <= 89e-6 + 1e-20
    assert m.weights(g) == pytest.approx(problem[0], abs=1e-12)


def test_exact_ir_drop_is_that_of_the_crossbar(problem) -> None:
    w, x = problem
    chain = MvmSettings.published(**{**IDEAL, "ir_drop": "exact", "wire_ohm": 5.0})
    y = Mvm.program(w, chain).multiply(x)
    g, volts = chain.mapping.conductances_S(w), 0.2 * x
    current = Crossbar(g, Wires.uniform(5.0)).forward(volts).bit_A - 49e-6 * volts.sum(axis=1, keepdims=True)
    assert y == pytest.approx(current / (40e-6 * 0.2), rel=1e-9)


def test_ir_drop_of_both_kinds_of_lines_exceeds_each_and_vanishes_without_resistance(problem) -> None:
    error = {
        kind: mvm_study(32, 20, [0.0], MvmSettings.published(**{**IDEAL, "ir_drop": kind})).rmse[0]
        for kind in ("exact", "word lines", "bit lines", "aihwkit")
    }
    assert error["exact"] > max(error["word lines"], error["bit lines"])
    assert error["aihwkit"] > 0
    for kind in error:
        none = MvmSettings.published(**{**IDEAL, "ir_drop": kind, "wire_ohm": 0.0})
        assert mvm_study(32, 20, [0.0], none).rmse[0] < 1e-12


def test_tiles_add_up_and_shorter_lines_lose_less() -> None:
    whole = MvmSettings.published(**{**IDEAL, "ir_drop": "exact"})
    cut = whole.replace(tile_rows=16, tile_columns=16)
    assert mvm_study(48, 10, [0.0], cut.replace(ir_drop="none")).rmse[0] < 1e-12
    assert mvm_study(48, 10, [0.0], cut).rmse[0] < 0.5 * mvm_study(48, 10, [0.0], whole).rmse[0]


def test_devices_are_the_same_at_all_times_and_in_all_chains(problem) -> None:
    w, x = problem
    mvm = Mvm.program(w, MvmSettings.published(), seed=3)
    quiet = mvm.with_settings(dac_bits=None, ir_drop="none")
    assert np.array_equal(mvm.conductances_S(3600.0)[0], quiet.conductances_S(3600.0)[0])
    again = Mvm.program(w, MvmSettings.published(), seed=3)
    later = again.multiply(x, 3.1536e8)
    assert np.array_equal(mvm.multiply(x, 1.0), again.multiply(x, 1.0))  # asked in another order
    assert np.array_equal(mvm.multiply(x, 3.1536e8), later)
    one = mvm.multiply(x[7], 3600.0)
    assert np.array_equal(one[0], mvm.multiply(x, 3600.0)[7])  # and in any batch


def test_relaxation_spreads_products_as_its_law_says() -> None:
    """Without anything else: variance rows/3 (sigma^2 + mean^2)/40 uS^2 of the weights' errors."""
    chain = MvmSettings.published(**{**IDEAL, "relaxation": True})
    t = 3600.0
    found = mvm_study(96, 400, [t], chain, seed=5).rmse[0]
    shift, sigma = -0.08900206 * np.log(t), 0.41183342 + 0.04201137 * np.log(t)
    assert found == pytest.approx(np.sqrt(96 / 3) * np.hypot(shift, sigma) / 40.0, rel=0.08)


def test_compensation_takes_off_the_common_drift() -> None:
    chain = MvmSettings.published(**{**IDEAL, "relaxation": True})
    year = 3.1536e8
    plain, shift, both = (
        mvm_study(64, 50, [year], chain.replace(compensation=how)).rmse[0]
        for how in ("none", "shift", "gain and shift")
    )
    sigma = 0.41183342 + 0.04201137 * np.log(year)
    assert shift < 0.75 * plain
    assert shift == pytest.approx(np.sqrt(64 / 3) * sigma / 40.0, rel=0.1)
    assert both < 1.05 * shift


@pytest.mark.parametrize("ir_drop", ["exact", "tabulated", "bit lines"])
@pytest.mark.parametrize("how", ["shift", "gain and shift"])
def test_behind_wires_compensation_takes_off_the_drift_that_arrives_there(ir_drop: str, how: Compensation) -> None:
    """Inputs of one sign: of a shift of all devices by the same amount, long lines lose a part."""
    rng = np.random.default_rng(0)
    w, x, year = rng.uniform(-1, 1, (64, 64)), rng.uniform(0, 1, (30, 64)), 3.1536e8
    chain = MvmSettings.published(**{**IDEAL, "relaxation": True, "ir_drop": ir_drop, "wire_ohm": 1.0})
    then = Mvm.program(w, chain, seed=1).multiply(x, 0.0).mean()
    drift = Mvm.program(w, chain, seed=1).multiply(x, year).mean() - then
    left = Mvm.program(w, chain.replace(compensation=how), seed=1).multiply(x, year).mean() - then
    assert drift < -0.3 and abs(left) < 0.01 * abs(drift)


def test_simulated_closed_loop_is_as_wide_as_the_published_line() -> None:
    chain = MvmSettings.published(**{**IDEAL, "programming": "simulated"})
    closed = mvm_study(32, 50, [0.0], chain).rmse[0]
    line = mvm_study(32, 50, [0.0], chain.replace(programming="stated")).rmse[0]
    assert closed == pytest.approx(line, rel=0.2)


def test_budget_names_the_sources_and_each_off_is_not_worse() -> None:
    budget = error_budget(24, 40, [0.0, 3600.0])
    assert set(budget) == {"all", "quantisation", "IR drop", "programming", "relaxation", "read noise"}
    assert budget["relaxation"]["alone"][0] < 1e-14
    assert budget["relaxation"]["alone"][1] > budget["quantisation"]["alone"][1]
    assert budget["relaxation"]["without"][1] < budget["all"]["without"][1]


def test_a_read_through_the_cell_bends_small_inputs_down() -> None:
    """At the full read voltage it is the linear read; below, the hopping law carries less than in proportion."""
    rng = np.random.default_rng(8)
    w, x = rng.uniform(-1, 1, (20, 12)), rng.uniform(-1, 1, (7, 20))
    linear = MvmSettings.published(**IDEAL)
    for gate in (None, 3.3):
        mvm = Mvm.program(w, linear.replace(cell=published_cell(), gate_V=gate))
        assert mvm.multiply(np.ones(20)) == pytest.approx(np.ones((1, 20)) @ w, abs=1e-9)
        small, full = (np.abs(mvm.multiply(np.eye(20)[:3] * s)) / s for s in (0.1, 1.0))
        assert np.mean(small) != pytest.approx(np.mean(full), rel=1e-3)
    pairs = Mvm.program(w, linear.replace(cell=published_cell(), scheme="pair", low_S=1e-6))
    assert pairs.multiply(np.ones(20)) == pytest.approx(np.ones((1, 20)) @ w, abs=1e-9)
    assert np.all(np.abs(pairs.multiply(0.1 * np.eye(20))) < 0.1 * np.abs(w) + 1e-12)
    wired = linear.replace(cell=published_cell(), ir_drop="exact", wire_ohm=2.0)
    off = Mvm.program(w, wired).multiply(x) - Mvm.program(w, wired.replace(ir_drop="none")).multiply(x)
    bends = Mvm.program(w, wired.replace(cell=None)).multiply(x) - x @ w
    assert off == pytest.approx(bends, abs=0.3 * np.abs(bends).max())


@pytest.mark.parametrize("change", [{"scheme": "pair"}, {"reference": "wired", "reference_every": 5}])
def test_a_tabulated_read_through_the_cell_is_the_exact_one_but_for_wires_times_bends(change: dict[str, Any]) -> None:
    """Without wires to the error of the table; with them a twentieth of what linear devices miss."""
    rng = np.random.default_rng(9)
    w, x = rng.uniform(-1, 1, (40, 12)), rng.uniform(-1, 1, (6, 40))
    exact = MvmSettings.published(**{**IDEAL, "ir_drop": "exact", "cell": published_cell(), **change})
    for ohm, share in ((0.0, 1e-3), (2.0, 0.05)):
        mvm = Mvm.program(w, exact.replace(wire_ohm=ohm))
        y = mvm.multiply(x)
        off, of_linear = (
            np.abs(mvm.with_settings(ir_drop="tabulated", **how).multiply(x) - y).max() for how in ({}, {"cell": None})
        )
        assert off < share * of_linear


def test_budget_has_a_line_for_the_cell() -> None:
    settings = MvmSettings.published(cell=published_cell())
    budget = error_budget(12, 20, [0.0], settings)
    line = budget["non-linearity of the cell"]
    alone = mvm_study(12, 20, [0.0], settings.replace(**IDEAL)).rmse
    assert line["alone"] == pytest.approx(alone)
    assert line["without"] == pytest.approx(error_budget(12, 20, [0.0])["all"]["alone"])
    assert line["alone"][0] > budget["quantisation"]["alone"][0]


def test_a_chain_without_cell_is_written_as_before() -> None:
    assert not {"cell", "gate_V"} & set(MvmSettings.published().model_dump())


def test_comparison_devices_have_their_published_width() -> None:
    ideal = {**IDEAL, "relaxation": True}
    wan = MvmSettings.published(**ideal, device="Wan 2022", low_S=0.0, high_S=40e-6)
    g = Mvm.program(np.zeros((60, 60)), wan).conductances_S(1.0)[0]
    x = 0.5
    assert g.std() == pytest.approx(
        (0.348 + 16.03 * x - 43.853 * x**2 + 45.393 * x**3 - 16.815 * x**4) * 1e-6, rel=0.05
    )
    pcm = MvmSettings.published(**ideal, device="PCM", low_S=0.0, high_S=25e-6, scheme="pair")
    state = Mvm.program(np.ones((40, 40)), pcm)
    plus = [state.conductances_S(t)[0][:, 0::2].mean() for t in (0.0, 3600.0, 3.1536e7)]
    assert plus[0] == pytest.approx(25e-6, rel=0.02)
    assert plus[1] / plus[0] == pytest.approx((3620 / 20) ** -0.049, rel=0.02)
    assert plus[2] < plus[1] < plus[0]


def test_sweep_gives_one_record_per_combination() -> None:
    records = mvm_sweep({"size": [8, 16], "dac_bits": [4, None]}, [0.0], inputs=10)
    assert [(r["size"], r["dac_bits"]) for r in records] == [(8, 4), (8, None), (16, 4), (16, None)]
    assert records[0]["rmse"][0] > records[1]["rmse"][0]


W = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Converter(0, 1.0), r"bits=0 is not allowed: expected 2..24"),
        (lambda: Converter(8, 0.0), r"full_scale=0.0 is not allowed"),
        (lambda: MvmSettings.published(dac_bits=0), r"dac_bits=0 is not allowed"),
        (lambda: MvmSettings.published(low_S=9e-5, high_S=9e-6), r"window 9e-05..9e-06 S is not allowed.*upside down"),
        (lambda: MvmSettings.published(scheme="triple"), r"scheme"),
        (lambda: MvmSettings.published(device="Wan"), r"device"),
        (lambda: Mvm.program(np.full((2, 2), 1.5)), r"between -1 and 1"),
        (lambda: Mvm.program(np.ones(3)), r"weights has shape \(3,\)"),
        (lambda: Mvm.program(W).multiply(np.zeros((4, 2))), r"inputs has shape \(4, 2\), which does not fit 3 rows"),
        (lambda: Mvm.program(W).multiply(np.full(3, 2.0)), r"inputs must be finite and between -1 and 1"),
        (lambda: Mvm.program(W).multiply(np.zeros(3), -1.0), r"t_s=-1.0 is not allowed"),
        (lambda: Mvm.program(W, MvmSettings.published(acceptance=0.01)), r"acceptance=0.01 is not allowed with stated"),
        (lambda: Mvm.program(W).with_settings(low_S=0.0), r"low_S cannot change once the matrix is programmed"),
        (
            lambda: MvmSettings.published(cell=published_cell(), ir_drop="aihwkit"),
            r"ir_drop='aihwkit'.* not allowed with a cell",
        ),
        (
            lambda: MvmSettings.published(cell=published_cell(), ir_drop="tabulated", gate_V=3.3),
            r"gate_V=3.3 is not allowed with ir_drop='tabulated', whose table is that of cells alone",
        ),
        (lambda: MvmSettings.published(gate_V=1.0), r"gate_V=1 is not allowed without a cell that has a transistor"),
        (lambda: mvm_study(0, 3), r"rows=0 is not allowed"),
        (lambda: mvm_study(3, 3, []), r"times_s is empty"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()


def _run(*words: str):  # type: ignore[no-untyped-def]
    import typer

    from compact_model.mvm.cli import mvm_command

    app = typer.Typer()
    app.command()(mvm_command)
    return CliRunner().invoke(app, list(words))


def test_command_line(tmp_path: Path) -> None:
    import xarray as xr

    path = tmp_path / "out.nc"
    words = [
        "--size",
        "16",
        "--inputs",
        "8",
        "--times",
        "0,1s,1h,1d,1w,10y",
        "--dac",
        "6",
        "--adc",
        "8",
        "--wire",
        "0.35ohm",
    ]
    done = _run(*words, "--json", "-o", str(path), "--budget", "--sweep", "size=8,16")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["times_s"] == [0, 1, 3600, 86400, 604800, 10 * 3.1536e7]
    assert len(record["sweep"]) == 2
    assert record["normalisation"].startswith("root mean square")
    table = xr.load_dataset(path, engine="h5netcdf")
    assert table.y.shape == (6, 8, 16)
    assert float(table.rmse[2]) == pytest.approx(record["rmse"][2])


def test_command_line_reads_through_the_cell_of_a_model(tmp_path: Path) -> None:
    CompactModel.published().replace(cell=published_cell()).save(tmp_path / "m.json")
    words = [
        str(tmp_path / "m.json"),
        "--cell",
        "--gate",
        "3.3V",
        "--size",
        "8",
        "--inputs",
        "4",
        "--times",
        "0",
        "--budget",
    ]
    done = _run(*words, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["settings"]["gate_V"] == 3.3
    assert "non-linearity of the cell" in record["budget"]
    assert record["provenance"]["inputs"][0]["name"] == "m.json"
    assert "cell's curve and transistor at 3.3 V" in " ".join(_run(*words).output.split())
    CompactModel.published().save(tmp_path / "bare.json")
    for first, match in (([], "no model is given"), ([str(tmp_path / "bare.json")], "bare.json has no cell")):
        done = _run(*first, "--cell", "--size", "8")
        with pytest.raises(InputError, match=match):
            raise done.exception


def test_command_line_takes_the_mid_point_off_in_three_ways() -> None:
    words = ("--size", "16", "--inputs", "4", "--times", "0", "--wire", "5ohm", "--adc", "0", "--json")
    rmse = {
        name: json.loads(_run(*words, "--reference", *name.split()).stdout)["rmse"][0]
        for name in ("digital", "column", "wired", "wired --reference-every 4")
    }
    assert rmse["digital"] == pytest.approx(rmse["column"])
    assert len(set(rmse.values())) >= 3
    swept = json.loads(_run(*words, "--sweep", "reference=column,wired").stdout)["sweep"]
    assert [p["rmse"][0] for p in swept] == [rmse["column"], rmse["wired"]]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--reference", "wire"], r"reference='wire' is not allowed: expected 'digital', 'column' or 'wired'"),
        (["--reference-every", "4"], r"reference_every=4 is not allowed with reference='column'"),
        (["--times", "5 years"], r"times='5 years' is not allowed"),
        (["--window", "9..89"], r"window='9..89' is not allowed: expected both ends and a unit"),
        (["--wire", "0.35"], r"wire='0.35' carries no unit"),
        (["--sweep", "sise=3"], r"Did you mean 'size'\?"),
        (["--times=-1s"], r"t_s=-1.0 is not allowed"),
    ],
)
def test_command_line_refuses(words: list[str], match: str) -> None:
    done = _run("--size", "8", *words)
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match=match):
        raise done.exception


@pytest.mark.plot
def test_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from compact_model.mvm.plots import plot_products, plot_study

    study = mvm_study(8, 5, [0.0, 1.0])
    record = {"times_s": [0.0, 1.0], "rmse": study.rmse.tolist(), "size": 8, "settings": study.settings.model_dump()}
    plot_study(record, tmp_path / "a.png")
    plot_products([study], ["published chain"], tmp_path / "b.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert (tmp_path / "b.png").stat().st_size > 1000


def test_settings_are_a_spec() -> None:
    assert issubclass(MvmSettings, Spec)
    assert MvmSettings.published().replace(dac_bits=None).dac_bits is None
