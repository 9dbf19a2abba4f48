"""Bands of what follows from a fit: as wide as repeated fits scatter, of zero width where nothing can show, resumable, honest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import reram
import studies.trained_network as networks
from compact_model.model import CompactModel, Covariance
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Relaxation
from compact_model.published_cell import published_cell
from fits.noise.relaxation_fit import fit_relaxation
from ground.errors import InputError, NotConverged
from studies.uncertainty_bands import KINDS, Question, uncertainty_bands
from studies.uncertainty_result import report, write_bands

LAW = Relaxation.published()
TIMES = np.concatenate([[0.0], np.logspace(0, 4, 9)])
PLAIN = MvmSettings.published(dac_bits=None, adc_bits=None, ir_drop="none", programming="ideal", read_noise=False)
SMALL = Question((0.0, 3600.0), 16, 20, PLAIN)


def fitted(seed: int, replicas: int = 20, devices: int = 96) -> CompactModel:
    """The model of a relaxation fit to synthetic readings of devices whose law is known."""
    g = np.stack([5e-5 + LAW.path_S(float(t), np.arange(devices), seed=seed) for t in TIMES])
    return fit_relaxation(TIMES, g, synthetic=True, replicas=replicas).to_compact_model()


@pytest.fixture(scope="module")
def model() -> CompactModel:
    return fitted(100, replicas=200)


def narrower(model: CompactModel, factor: float) -> CompactModel:
    assert model.covariance is not None
    matrix = np.array(model.covariance.matrix) / factor**2
    return model.replace(covariance=Covariance(names=model.covariance.names, matrix=tuple(map(tuple, matrix.tolist()))))


def width(model: CompactModel, folder: Path) -> float:
    """Standard deviation that the parameters' band at 1 h stands for (5..95 % is 3.29 of them)."""
    band = uncertainty_bands(model, 40, SMALL, folder=folder).band("rmse", "parameters")
    return float(band["p95"][1] - band["p05"][1]) / 3.29


def test_the_band_of_one_fit_is_as_wide_as_repeated_fits_scatter(model: CompactModel, tmp_path: Path) -> None:
    """20 synthetic data sets of one law: RMSE at 1 h predicted from each. A band three times too narrow would be seen."""
    predicted = [SMALL.answer(fitted(seed), 0)["rmse"][1] for seed in range(20)]
    scatter = float(np.std(predicted, ddof=1))
    assert 0.6 < width(model, tmp_path / "own") / scatter < 1.7
    assert width(narrower(model, 3.0), tmp_path / "narrow") / scatter < 0.6
    true = SMALL.answer(CompactModel.published(), 0)["rmse"][1]
    assert abs(np.mean(predicted) - true) < 4 * scatter / np.sqrt(20) + 0.02 * true


def test_before_any_relaxation_its_errors_do_not_show(model: CompactModel, tmp_path: Path) -> None:
    """At 0 s all drawn models stand on the same devices with no change yet: the band has no width, that of devices has none either
    with ideal programming; at 1 h both have one, and the nominal lies among the devices."""
    found = uncertainty_bands(model, 6, SMALL, folder=tmp_path)
    spread = {k: np.ptp(found.values["rmse"][k], axis=0) for k in KINDS}
    assert spread["parameters"][0] == 0.0 == spread["devices"][0] and found.wider("rmse")[0] == "equal"
    assert spread["parameters"][1] > 1e-3 and spread["devices"][1] > 1e-5
    assert found.nominal["rmse"].tolist() == found.values["rmse"]["devices"][0].tolist()
    assert found.left == ("population (numbers without errors)", "noise.read (numbers without errors)")
    text = report(found)
    assert "6 models drawn from the covariance of 3 parameters" in text and "not varied: population" in text


def test_a_stopped_run_goes_on_and_more_samples_add_to_it(
    model: CompactModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, answer = [0], Question.answer

    def counted(self: Question, m: CompactModel, seed: int) -> Any:
        calls[0] += 1
        if calls[0] == 5:
            raise KeyboardInterrupt
        return answer(self, m, seed)

    monkeypatch.setattr(Question, "answer", counted)
    with pytest.raises(KeyboardInterrupt):
        uncertainty_bands(model, 3, SMALL, folder=tmp_path)
    first = uncertainty_bands(model, 3, SMALL, folder=tmp_path)
    assert calls[0] == 4 + 1 + 2  # four were finished, one was lost, two were left
    (tmp_path / "samples" / "devices-0001.json").write_text("{half a fi")
    again = uncertainty_bands(model, 4, SMALL, folder=tmp_path)
    assert calls[0] == 7 + 1 + 2  # the damaged one, and the fourth of both kinds
    assert np.array_equal(first.values["rmse"]["parameters"], again.values["rmse"]["parameters"][:3])
    assert np.array_equal(first.values["rmse"]["devices"], again.values["rmse"]["devices"][:3])
    uncertainty_bands(narrower(model, 2.0), 4, SMALL, folder=tmp_path)
    assert calls[0] == 10 + 4  # other errors, other models; the devices are the same


def test_a_sample_that_fails_is_left_out_and_named(
    model: CompactModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, bad = Question.answer, [1]

    def failing(self: Question, m: CompactModel, seed: int) -> Any:
        if m.covariance is None and m.provenance["sample"]["number"] in bad:
            raise NotConverged("no root")
        return answer(self, m, seed)

    monkeypatch.setattr(Question, "answer", failing)
    found = uncertainty_bands(model, 3, SMALL, folder=tmp_path)
    assert found.values["rmse"]["parameters"].shape == (2, 2) and found.failed["parameters"] == ("no root",)
    assert "1 of 3 samples (parameters) gave no number and are left out: no root" in report(found)
    bad[:] = [0, 1, 2]
    with pytest.raises(NotConverged, match=r"3 of 3 samples \(parameters\) gave no number.*The first: no root"):
        uncertainty_bands(model, 3, SMALL, folder=tmp_path / "all")
    far = MvmSettings.published(acceptance=0.1)  # for which no width is stated: the model itself cannot be answered
    with pytest.raises(InputError, match="acceptance=0.1 is not allowed with stated programming"):
        uncertainty_bands(model, 3, Question((0.0,), 4, 4, far), folder=tmp_path / "far")


def test_files_hold_both_bands_and_what_made_them(model: CompactModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m.json")
    out = tmp_path / "out"
    arguments = [
        "uncertainty",
        str(tmp_path / "m.json"),
        "-o",
        str(out),
        "--samples",
        "3",
        "--times",
        "0,1h",
        "--size",
        "8",
    ]
    done = CliRunner().invoke(reram.app, [*arguments, "--inputs", "8", "--json"])
    assert done.exit_code == 0, done.output
    stored = json.loads((out / "uncertainty.json").read_text())
    assert json.loads(done.stdout) == stored
    assert stored["varied"] == [f"noise.relaxation.{n}" for n in ("mean_shift_S", "sigma_S", "sigma_per_ln_S")]
    band = stored["bands"]["rmse"]
    assert all(band[k]["p05"][i] <= band[k]["median"][i] <= band[k]["p95"][i] for k in KINDS for i in range(2))
    assert stored["provenance"]["inputs"][0]["path"] == "../m.json" and stored["provenance"]["synthetic"]
    with xr.open_dataset(out / "uncertainty.nc", engine="h5netcdf") as table:
        assert table["rmse_parameters"].shape == (3, 2) and table["parameter_value"].shape == (3, 3)
        assert table["rmse_devices"].values.min(axis=0) == pytest.approx(band["devices"]["p05"])
        assert "reram uncertainty" in table.attrs["provenance"]
    pytest.importorskip("matplotlib")
    assert b"reram uncertainty" in (out / "uncertainty.png").read_bytes()


def test_two_fits_are_carried_together(model: CompactModel, tmp_path: Path) -> None:
    population = CompactModel.published().replace(
        covariance=Covariance(names=("ln population.nsr_mean",), matrix=((0.01,),)), name="pulses"
    )
    for name, one in (("a", model), ("b", population)):
        one.save(tmp_path / f"{name}.json")
    files = [str(tmp_path / f"{n}.json") for n in "ab"]
    done = CliRunner().invoke(
        reram.app,
        [
            "uncertainty",
            *files,
            "-o",
            str(tmp_path / "o"),
            "--samples",
            "2",
            "--times",
            "0",
            "--size",
            "4",
            "--inputs",
            "4",
        ],
    )
    assert done.exit_code == 0, done.output
    joined = CompactModel.load(tmp_path / "o" / "model.json")
    assert joined.covariance is not None and len(joined.covariance.names) == 4
    assert joined.provenance["inputs"][0]["role"] == "compact model"


def test_a_network_is_scored_with_every_model(
    model: CompactModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    monkeypatch.setattr(networks, "_EPOCHS", 2)
    net = networks.trained_network("digits", tmp_path)
    asked = Question((3.1536e8,), 4, 4, PLAIN, network=net)
    found = uncertainty_bands(model, 2, asked, folder=tmp_path)
    accuracy = found.values["accuracy"]
    assert accuracy["devices"].shape == (2, 1) and 0.5 < found.nominal["accuracy"][0] <= 1.0
    assert networks.trained_network("digits", tmp_path).content == net.content  # not trained anew
    assert asked.key(model, 0) != SMALL.key(model, 0)
    # relaxation a hundred times the fitted one: the network cannot but see it
    wrecked = model.replace(noise=model.noise.replace(relaxation=LAW.replace(sigma_S=4e-5)))
    assert net.scores(wrecked, (3.1536e8,), 0)[0] < found.nominal["accuracy"][0] - 0.2
    (tmp_path / "network" / "checkpoint.npz").write_bytes(b"cut off")
    with pytest.raises(InputError, match="is no checkpoint of a training, or damaged"):
        networks.trained_network(tmp_path / "network", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"is no folder of `reram train`: settings\.json is not there"):
        networks.trained_network(tmp_path / "empty", tmp_path)
    with pytest.raises(
        InputError, match="network='nowhere' is not allowed: expected a folder of `reram train`, or digits"
    ):
        networks.trained_network("nowhere", tmp_path)


def test_errors_of_the_curve_reach_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one set of devices models that differ in the hop distance differ in nothing but the bend of the read."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    monkeypatch.setattr(networks, "_EPOCHS", 2)
    errors = Covariance(names=("ln cell.hopping.hop_distance_m",), matrix=((0.04,),))
    model = CompactModel.published().replace(cell=published_cell(), covariance=errors)
    net = networks.trained_network("digits", tmp_path)
    asked = Question((3.1536e8,), 4, 4, PLAIN, network=net)
    bent = uncertainty_bands(model, 4, asked, folder=tmp_path / "bent")
    straight = uncertainty_bands(model, 4, replace(asked, through_cell=False), folder=tmp_path / "straight")
    width = {k: float(np.ptp(b.values["accuracy"]["parameters"])) for k, b in (("bent", bent), ("straight", straight))}
    assert width["bent"] > 0.0 == width["straight"]
    assert not [text for text in bent.left if "hopping: read" in text]
    assert "cell.hopping: read by linear devices, so it does not show" in straight.left


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--samples", "1"], r"samples=1 is not allowed: expected 2\.\.10000; a band needs more than one"),
        (["--times", "1x"], "times='1x' is not allowed: expected 0 or a number with one of s, min"),
        (["--times", "0.5s"], r"t_s=0\.5 is not allowed: expected 0 \(just programmed\)"),
        (["--size", "0"], "rows=0 is not allowed"),
        (["--window", "9..89"], "window='9..89' is not allowed"),
        (["--seed", "-1"], "seed=-1 is not allowed"),
    ],
)
def test_what_cannot_be_asked_is_said(model: CompactModel, tmp_path: Path, change: list[str], message: str) -> None:
    model.save(tmp_path / "m.json")
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(
            reram.app,
            ["uncertainty", str(tmp_path / "m.json"), "-o", str(tmp_path / "o"), *change],
            catch_exceptions=False,
        )


def test_models_and_folders_that_cannot_be_used_are_refused(model: CompactModel, tmp_path: Path) -> None:
    def run(*arguments: str) -> None:
        CliRunner().invoke(reram.app, ["uncertainty", *arguments], catch_exceptions=False)

    CompactModel.published().save(tmp_path / "p.json")
    model.save(tmp_path / "m.json")
    p, m = str(tmp_path / "p.json"), str(tmp_path / "m.json")
    with pytest.raises(
        InputError, match="covariance is empty.*fit relaxation` with -o model.json; the published numbers have no"
    ):
        run(p, "-o", str(tmp_path / "o"))
    with pytest.raises(InputError, match="covariance is empty"):
        run(m, p, "-o", str(tmp_path / "o"))
    with pytest.raises(InputError, match=r"-o .*m\.json: is a file; expected a folder"):
        run(m, "-o", m)
    with pytest.raises(InputError, match="times is empty"):
        Question(())
    assert not (tmp_path / "o").exists()


def test_bands_are_written_without_matplotlib_too(
    model: CompactModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ground import plotting
    from ground.errors import MissingLibrary

    def none() -> Any:
        raise MissingLibrary("matplotlib is not installed")

    monkeypatch.setattr(plotting, "load_matplotlib", none)
    found = uncertainty_bands(model, 2, Question((0.0,), 4, 4, PLAIN), folder=tmp_path)
    written = write_bands(found, tmp_path, {"made_by": "test"})
    assert [p.name for p in written] == ["uncertainty.json", "uncertainty.nc"]
