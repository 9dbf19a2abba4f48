"""r_CF and sigma_CMO from low-field resistances: round trips, error bars, the tornado, and every refusal."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from device_physics.device import Device
from device_physics.dome_response import Response
from fits.cli import app
from fits.extraction.device_resistance import FemResistance, TableResistance, resistance_of
from fits.extraction.low_field_fit import Extraction, fit_cmo, fit_filament
from fits.extraction.tornado import Lever, combined, tornado
from fits.reading.measurement import Measurement
from fits.reading.readers import write_iv_csv
from fits.results.delivery import save_figure
from ground.errors import InputError, MissingLibrary


@pytest.fixture(scope="module")
def table() -> Response:
    return Response.default()


def test_the_table_gives_the_published_radius_and_conductivity(table: Response) -> None:
    radius = fit_filament(35_340.0, table=table)
    assert radius.engine == "response table"
    assert radius.value == pytest.approx(11e-9, rel=3e-3)
    sigma = fit_cmo("5067 ohm", r_cf_m="11 nm", table=table)
    assert sigma.value == pytest.approx(3700.0, rel=3e-3)
    assert sigma.levers == ()
    assert sigma.constants_down is None
    assert "with the FEM they are varied" in sigma.report()


@pytest.mark.parametrize(("r_cf_m", "sigma"), [(5.5e-9, 500.0), (9.3e-9, 3700.0), (15e-9, 150.0), (8e-9, 3e4)])
def test_both_extractions_invert_the_table_exactly(table: Response, r_cf_m: float, sigma: float) -> None:
    ohm = TableResistance(table)(r_cf_m, sigma)
    assert fit_filament(ohm, sigma_cmo_S_per_m=sigma, table=table).value == pytest.approx(r_cf_m, rel=1e-5)
    assert fit_cmo(ohm, r_cf_m=r_cf_m, table=table).value == pytest.approx(sigma, rel=1e-5)


def test_the_error_of_the_data_is_that_of_repeated_extractions(table: Response) -> None:
    rng = np.random.default_rng(5)
    drawn = [fit_cmo(r, r_cf_m=11e-9, table=table).value for r in rng.normal(5067.0, 50.0, 100)]
    stated = fit_cmo(5067.0, r_cf_m=11e-9, table=table, resistance_stderr_ohm=50.0)
    assert stated.data_stderr == pytest.approx(np.std(drawn), rel=0.25)
    assert stated.sensitivity < -1.0
    assert fit_cmo(5067.0, r_cf_m=11e-9, table=table).data_stderr is None


def test_the_series_resistance_goes_first(table: Response) -> None:
    whole = fit_filament(36_140.0, r_series_ohm=800.0, table=table)
    assert whole.value == fit_filament(35_340.0, table=table).value
    assert "800 ohm in series subtracted" in whole.report()


@pytest.mark.fem
def test_the_fem_is_asked_first_and_gives_the_published_resistance() -> None:
    """One solution of the published device; that the inversion finds it back is seen on a coarser mesh below."""
    source = resistance_of("auto", None, None, (11e-9, 500.0))
    assert source.name == "FEM" and source.solves == 1
    assert source(11e-9, 500.0) == pytest.approx(35_340, rel=1e-3)
    assert source.solves == 1


COARSE = {"mesh": {"rim_size": "1 nm", "growth": 0.8}}


@pytest.mark.fem
def test_the_constants_make_a_tornado_the_filament_first() -> None:
    device, seen = Device.from_tables(COARSE), list[int]()
    source = FemResistance(device)
    ohm = source(11e-9, 3700.0)
    found = fit_cmo(ohm, r_cf_m="11 nm", device=device, resistance_stderr_ohm=0.01 * ohm, solved=seen.append)
    assert found.value == pytest.approx(3700.0, rel=1e-4)
    assert found.levers[0].name == "CF.electrical_conductivity"
    assert {lever.name for lever in found.levers} == {f"{m}.electrical_conductivity" for m in ("CF", "TiN", "HfOx")}
    assert all(a.spread >= b.spread for a, b in zip(found.levers, found.levers[1:], strict=False))
    assert "CF.thermal_conductivity" in found.without_effect
    first = found.levers[0]
    assert first.result_low is not None
    assert source(11e-9, first.result_low, {first.name: first.low}) == pytest.approx(ohm, rel=3e-4)
    assert first.result_high is not None
    assert source(11e-9, first.result_high, {first.name: first.high}) == pytest.approx(ohm, rel=3e-4)
    assert found.constants_up is not None
    assert found.constants_up > found.constants_down > found.data_stderr > 0  # type: ignore[operator]
    assert seen == list(range(1, found.solves + 1))
    assert "CF.electrical_conductivity" in found.report()
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.fem
def test_a_radius_by_the_fem_on_a_mesh_of_its_own() -> None:
    device = Device.from_tables(COARSE)
    ohm = FemResistance(device)(8.4e-9, 500.0)
    assert fit_filament(ohm, device=device, constants=False).value == pytest.approx(8.4e-9, rel=2e-3)
    with pytest.raises(
        InputError, match=r"resistance_ohm=1000 is not allowed: r_CF of 2..19 nm gives .* ohm. Likely cause: a"
    ):
        fit_filament(1000.0, device=device)


def test_where_there_is_no_fem_the_table_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise MissingLibrary("no dolfinx")

    monkeypatch.setattr("device_physics.electrothermal.solve", missing)
    assert fit_filament("35.34 kohm").engine == "response table"
    with pytest.raises(MissingLibrary, match="no dolfinx"):
        fit_filament("35.34 kohm", engine="fem")
    with pytest.raises(MissingLibrary, match="no dolfinx"):  # the shipped table is not that of another device
        fit_filament("35.34 kohm", device=Device.from_tables({"stack": {"width": "150 nm"}}))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"resistance_ohm": 1000.0}, r"resistance_ohm=1000 is not allowed: r_CF of 5..16 nm gives 2.,\d+..9.,\d+ ohm"),
        ({"resistance_ohm": 5e5}, r"resistance_ohm=5e\+05 is not allowed: r_CF of 5..16 nm gives"),
        ({"resistance_ohm": "18 kohms of"}, r"resistance_ohm='18 kohms of' is not allowed"),
        ({"resistance_ohm": "18 nm"}, r"has the unit 'nanometer', which is not one of 'ohm'"),
        (
            {"resistance_ohm": 800.0, "r_series_ohm": 800.0},
            r"r_series_ohm=800 is not allowed: it leaves nothing of the",
        ),
        ({"resistance_ohm": 4e4, "r_series_ohm": -1.0}, r"r_series_ohm=-1.0 is not allowed"),
        (
            {"resistance_ohm": 4e4, "resistance_stderr_ohm": -1.0},
            r"resistance_stderr_ohm=-1.0 is not allowed: expected 0 up",
        ),
        ({"resistance_ohm": 4e4, "sigma_cmo_S_per_m": "5 V"}, r"sigma_cmo_S_per_m='5 V' is not allowed"),
        (
            {"resistance_ohm": 4e4, "sigma_cmo_S_per_m": 5e5},
            r"sigma_cmo_S_per_m=500000 is not allowed: the response table",
        ),
        ({"resistance_ohm": 4e4, "engine": "comsol"}, r"engine='comsol' is not known. Known: auto, fem, table"),
    ],
)
def test_refusals(table: Response, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_filament(**{"engine": "table", **given})


def test_more_refusals(table: Response) -> None:
    with pytest.raises(InputError, match=r"r_cf_m=2e-08 is not allowed: the response table covers 5e-09..1.6e-08"):
        fit_cmo(5067.0, r_cf_m="20 nm", table=table)
    with pytest.raises(InputError, match=r"resistance_ohm=50 is not allowed: sigma_CMO of 1..1000 S/cm gives"):
        fit_cmo(50.0, r_cf_m="11 nm", table=table)
    with pytest.raises(InputError, match=r"the response table holds its constants fixed and cannot vary CF"):
        TableResistance(table)(11e-9, 500.0, {"CF.electrical_conductivity": "1e4 S/m"})
    hopping = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm"}
    with pytest.raises(InputError, match="a low-field extraction needs constant conductivities"):
        FemResistance(Device.from_tables({"materials": {"CMO": {"hopping": hopping}}}))
    two = [{"radius": "5 nm", "x": "-40 nm"}, {"radius": "5 nm", "x": "40 nm"}]
    with pytest.raises(InputError, match="this device has 2 filaments. Give a device with one"):
        FemResistance(Device.from_tables({"filaments": two, "mesh": {"domain": "full"}}))


def test_a_constant_without_a_range_is_named() -> None:
    source = {"electrical_conductivity": {"status": "substituted", "source": "a guess"}}
    device = Device.from_tables({"materials": {"CF": {"electrical_conductivity": "5e4 S/m", "sources": source}}})
    from fits.extraction.low_field_fit import _ends

    with pytest.raises(
        InputError, match=r"materials.CF.electrical_conductivity: it is marked as substituted and has no range"
    ):
        _ends(device, "CF.electrical_conductivity")


def test_the_tornado_sorts_and_keeps_ends_without_result() -> None:
    def refit(name: str, text: str) -> float:
        if text == "nowhere":
            raise InputError("no radius gives it")
        return {"a": 10.0, "b": 12.0, "c": 9.0}[text]

    levers = tornado(10.0, [("small", "a", "c"), ("large", "b", "c"), ("broken", "a", "nowhere")], refit)
    assert [lever.name for lever in levers] == ["broken", "large", "small"]
    assert levers[0].result_high is None
    assert levers[0].reason == "broken = nowhere: no radius gives it"
    assert math.isinf(levers[0].spread)
    assert combined(10.0, levers) == pytest.approx((math.sqrt(2.0), 2.0))


def _found(levers: tuple[Lever, ...]) -> Extraction:
    return Extraction(
        quantity="r_cf_m",
        value=11e-9,
        data_stderr=1e-10,
        constants_down=1e-10,
        constants_up=2e-10,
        sensitivity=-0.8,
        resistance_ohm=35_340.0,
        resistance_stderr_ohm=353.4,
        r_series_ohm=0.0,
        held={"sigma_cmo_S_per_m": 500.0},
        engine="FEM",
        solves=12,
        levers=levers,
        without_effect=("CF.thermal_conductivity",),
        synthetic=True,
    )


LEVERS = (
    Lever("CF.electrical_conductivity", "1e4 S/m", "1e6 S/m", 11.3e-9, 10.9e-9, 0.027, -0.009),
    Lever("TiN.electrical_conductivity", "5e5 S/m", "2e6 S/m", 11.0e-9, None, 0.0, None, "no radius"),
)


def test_the_report_has_both_errors_and_every_constant() -> None:
    text = _found(LEVERS).report()
    assert "r_CF = 11 nm   data: +- 0.1   constants: -0.1 +0.2   SYNTHETIC" in text
    assert "from 3.534e+04 +- 353.4 ohm" in text or "from 35340 +- 353.4 ohm" in text
    assert "sigma_CMO = 5 S/cm held" in text
    assert "1e4 S/m .. 1e6 S/m: 11.3 .. 10.9 nm" in text
    assert "no radius" in text
    assert "without effect on a resistance: CF.thermal_conductivity" in text


@pytest.mark.plot
def test_the_tornado_is_drawn(tmp_path: Path) -> None:
    import matplotlib.image

    save_figure(_found(LEVERS).plot(), tmp_path / "t.png")
    assert np.std(matplotlib.image.imread(tmp_path / "t.png")[..., :3]) > 0.05
    with pytest.raises(InputError, match="there is no tornado to draw: the FEM varied no constants"):
        replace(_found(()), data_stderr=None).plot()
    assert len(_found(()).plot().axes[0].patches) == 2  # the error of the data, up and down


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_commands(tmp_path: Path) -> None:
    common = ("--engine", "table", "--error", "1%", "--json")
    done = run("filament", "--resistance", "35.34 kohm", *common, "-o", tmp_path / "out.json")
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "out.json").read_text())
    assert found["value"] == pytest.approx(11e-9, rel=3e-3)
    assert found["data_stderr"] / found["value"] == pytest.approx(0.01 * abs(found["sensitivity"]))
    assert found["provenance"]["made_by"] == "reram fit filament"
    done = run("cmo", "--resistance", "5067 ohm", "--r-cf", "11nm", "--error", "50 ohm", "--engine", "table")
    assert "sigma_CMO = 36.9" in done.stdout or "sigma_CMO = 37" in done.stdout
    assert "data: stated: 5067 ohm +- 50 ohm" in done.stdout


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    volts = np.concatenate([np.linspace(0, 0.3, 31), np.linspace(0.3, 0, 31)])
    amps = np.where(np.arange(62) < 31, volts / 60_000, volts / 36_140) + 1e-9 * np.sin(np.arange(62) * 2.1)
    write_iv_csv(tmp_path / "cell.csv", Measurement.from_arrays(volts, amps, synthetic=True))
    return tmp_path / "cell.csv"


def test_from_a_measured_branch(sweep_file: Path) -> None:
    chosen = ("--iv", sweep_file, "--branch", "return +", "--r-series", 800, "--engine", "table")
    found = json.loads(run("filament", *chosen, "--json").stdout)
    assert found["value"] == pytest.approx(11e-9, rel=5e-3)
    assert 0 < found["data_stderr"] < 0.01 * found["value"]
    assert found["synthetic"] is True
    assert found["provenance"]["inputs"][0]["name"] == "cell.csv"
    assert "cell.csv, Run1 cycle 1 return +" in found["resistance_from"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), r"give either --resistance, such as --resistance '18 kohm', or --iv FILE"),
        (("--resistance", "18 kohm", "--iv", "FILE"), r"give either --resistance"),
        (
            ("--resistance", "18 kohm", "--run", "Run1"),
            r"--run, --branch and --cycle choose from a file: they go with --iv",
        ),
        (("--resistance", "18"), r"--resistance='18' is not allowed: carries no unit"),
        (
            ("--resistance", "18 kohm", "--error", "0.01"),
            r"--error='0.01' is not allowed: expected a share, such as '1%', or",
        ),
        (("--resistance", "18 kohm", "--error", "x%"), r"--error='x%' is not allowed: expected a share"),
        (
            ("--resistance", "18 kohm", "--error", "120%"),
            r"--error='120%' is not allowed: expected less than the resistance",
        ),
        (
            ("--iv", "FILE", "--error", "1%"),
            r"--error goes with --resistance; with --iv the error comes from the scatter",
        ),
        (
            ("--iv", "FILE"),
            r"2 branches fit, and the extraction takes one.*Run1 cycle 1 forward \+ \(.* ohm\); Run1 cycle 1 return",
        ),
        (("--iv", "FILE", "--branch", "sideways"), r"none of its branches fits"),
        (("--iv", "none.csv"), r"there is no such file"),
        (("--resistance", "18 kohm", "--plot", "/none/t.png"), r"the folder /none does not exist"),
        (
            ("--resistance", "40 kohm", "--engine", "table", "--plot", "t.png"),
            r"there is no tornado to draw: the response table",
        ),
    ],
)
def test_refusals_of_the_command(
    sweep_file: Path, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("filament", *(sweep_file if a == "FILE" else a for a in arguments))
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=message):
        raise result.exception
    assert result.stdout == ""


def test_a_branch_that_conducts_nothing(tmp_path: Path) -> None:
    from fits.extraction.low_field_source import low_field_source

    volts = np.linspace(0, 0.3, 31)
    amps = 1e-9 * np.cos(np.arange(31) * 2.1)
    write_iv_csv(tmp_path / "dead.csv", Measurement.from_arrays(volts, amps))
    with pytest.raises(InputError, match=r"forward \+ has no resolved conductance: .* Take a larger --v-max"):
        low_field_source(None, None, tmp_path / "dead.csv")


def test_auto_asks_the_given_table(table: Response) -> None:
    assert resistance_of("auto", None, table, (11e-9, 500.0)).name == "response table"
