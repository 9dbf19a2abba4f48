"""Learning curves of full runs (figure 6), kept beside the results, for such runs take hours.

python -m studies.training_curves NAME=FOLDER...    collects curves of finished runs of `reram train` into training_curves.json
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from ground.errors import InputError, MissingLibrary, nearest
from ground.files import write_json
from studies.training_targets import COMMANDS as TARGETS
from studies.training_targets import named_folders

CURVES = Path(__file__).with_name("training_curves.json")
_MNIST = "reram train mnist --data FOLDER --algorithm agad {} --epochs 80 --seeds 3"
COMMANDS = {
    **TARGETS,
    "mnist_accuracy_nsr_20": _MNIST.format("--nsr 0.2"),
    "mnist_accuracy_states_100": _MNIST.format("--states 100"),
}
_PLAIN: dict[str, float | None] = {"nsr": None, "states": None, "skew": None}
# What a run must have been, so that no curve stands under another's name.
_ASKED: dict[str, tuple[str, str, dict[str, float | None], str]] = {
    "mnist_accuracy_fp": ("mnist", "fp", _PLAIN, "blind"),
    "mnist_accuracy_array": ("mnist", "agad", _PLAIN, "blind"),
    "mnist_accuracy_symmetric": ("mnist", "agad", {**_PLAIN, "skew": 0.5}, "blind"),
    "mnist_accuracy_nsr_20": ("mnist", "agad", {**_PLAIN, "nsr": 0.2}, "blind"),
    "mnist_accuracy_states_100": ("mnist", "agad", {**_PLAIN, "states": 100.0}, "blind"),
    "lstm_perplexity_fp": ("text", "fp", _PLAIN, "blind"),
    "lstm_perplexity_fp_long": ("text", "fp", _PLAIN, "blind"),
    "lstm_perplexity_array": ("text", "agad", _PLAIN, "verified"),
    "lstm_perplexity_mp": ("text", "mp", _PLAIN, "verified"),
    "lstm_perplexity_blind": ("text", "agad", _PLAIN, "blind"),
}


def curves() -> dict[str, Any]:
    """Return the collected curves by name: figure, epoch (epochs,), values (seeds, epochs), seeds; empty where none were collected."""
    return json.loads(CURVES.read_text(encoding="utf-8")) if CURVES.is_file() else {}


def curve(name: str) -> dict[str, Any]:
    """Return one curve; raises MissingLibrary with the commands that make it."""
    found = curves()
    if name not in found:
        raise MissingLibrary(f"needs full runs: {COMMANDS[name]}; then python -m studies.training_curves {name}=FOLDER")
    return found[name]


def collect(folders: dict[str, Path]) -> dict[str, Any]:
    """Return curves by name from finished runs: a folder of one run, or of several seeds.

    Raises InputError for an unknown name, an unfinished run, a run of another kind, and seeds of different length.
    """
    out = {}
    for name, folder in folders.items():
        if name not in COMMANDS:
            raise InputError(f"{name!r} is not known. {nearest(name, list(COMMANDS))}")
        paths = sorted(folder.glob("seed-*/result.json")) or [folder / "result.json"]
        runs = [_run(name, p) for p in paths]
        epochs = runs[0]["epoch"]
        if any(r["epoch"] != epochs for r in runs):
            lengths = ", ".join(str(len(r["epoch"])) for r in runs)
            raise InputError(
                f"{folder}: the seeds have {lengths} epochs; expected as many of each. Finish them with --resume."
            )
        out[name] = {
            "figure": runs[0]["figure"],
            "epoch": epochs,
            "values": [r["values"] for r in runs],
            "seeds": [r["seed"] for r in runs],
            "settings": runs[0]["settings"],
            "provenance": [r["provenance"] for r in runs],
        }
    return out


def _run(name: str, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        rows = list(csv.DictReader((path.parent / "curve.csv").read_text(encoding="utf-8").splitlines()))
    except OSError:
        raise InputError(f"{path.parent}: holds no result.json and curve.csv; is the run finished?") from None
    settings = record["settings"]
    pulses = "verified" if settings.get("rates", {}).get("verify") else "blind"
    found, asked = (settings["task"], settings["algorithm"], settings["variant"], pulses), _ASKED[name]
    if found != asked:
        raise InputError(f"{path.parent}: is a run of {found}, but {name} is one of {asked}.")
    figure = "perplexity" if settings["task"] == "text" else "accuracy"
    return {
        "figure": figure,
        "epoch": [int(r["epoch"]) for r in rows],
        "values": [float(r[figure]) for r in rows],
        "seed": settings["seed"],
        "settings": settings,
        "provenance": record["provenance"],
    }


if __name__ == "__main__":
    try:
        write_json(CURVES, {**curves(), **collect(named_folders(sys.argv[1:]))})
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
