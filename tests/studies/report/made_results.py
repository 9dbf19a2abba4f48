"""Results made small: `reram reproduce` with two figures and two numbers, `reram uncertainty`, a network read in time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from compact_model.model import CompactModel, Covariance
from compact_model.mvm.settings import MvmSettings
from compact_model.training.evaluation import Evaluation
from ground.provenance import provenance
from studies import reproduce
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.style import new_figure
from studies.target import Outcome, Target
from studies.uncertainty_bands import Bands, Question, uncertainty_bands
from studies.uncertainty_result import write_bands

PLAIN = MvmSettings.published(dac_bits=None, adc_bits=None, ir_drop="none", programming="ideal", read_noise=False)


def make_reproduction(folder: Path) -> None:
    """Fill a folder with figures 2a and S1, one number reproduced and one off."""

    def draw(effort: Effort) -> Drawing:
        figure, axis = new_figure(width=2, height=2)
        axis.plot([0, 1], [0, 2])
        return Drawing(figure, xr.Dataset({"y": ("x", [0.0, 2.0])}), "It rises <steeply>.", {}, synthetic=True)

    figures = [Figure("2a", "A line", draw, ("some.input",)), Figure("S1", "Another line", draw)]
    numbers = [
        Target("slope", "2a", 2.0, 0.1, lambda: Outcome(2.1, "a note", 0.01), ("some.input",)),
        Target("offset", "S1", 1.0, 0.1, lambda: Outcome(3.0, "far away"), ()),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduce, "all_figures", lambda: figures)
        patch.setattr(reproduce, "targets", lambda: numbers)
        reproduce.reproduce_paper(folder)


def make_uncertainty(folder: Path) -> Bands:
    """Fill a folder with the bands of a model of which one number has an error."""
    error = Covariance(names=("noise.relaxation.sigma_S",), matrix=((1e-14,),))
    model = CompactModel.published().replace(covariance=error)
    bands = uncertainty_bands(model, 3, Question((0.0, 3600.0), 8, 5, PLAIN), folder=folder)
    write_bands(bands, folder, provenance("reram uncertainty", synthetic=True))
    return bands


def made_evaluation() -> Evaluation:
    """Two programmings of a network that nobody trained."""
    rising, falling = np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([[0.97, 0.91], [0.95, 0.93]])
    scores = {"loss": rising, "accuracy": falling, "accuracy_shift_corrected": falling + 0.01}
    return Evaluation("accuracy", (0.0, 3600.0), (0, 1), scores, {"loss": 0.1, "accuracy": 0.9875}, PLAIN, "programmed")


def make_evaluation(folder: Path) -> None:
    """Fill a folder with what `reram evaluate` writes, without its picture."""
    folder.mkdir()
    found = made_evaluation()
    made = provenance("reram evaluate", synthetic=True, model="a model", input_scale="vector")
    record = {"task": "digits", "epochs": 7, **found.record(), "provenance": made}
    (folder / "evaluation.json").write_text(json.dumps(record))
    found.save_csv(folder / "evaluation.csv")
