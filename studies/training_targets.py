"""Published accuracies of trained networks (figure 6): read from the results of full runs, for these take hours.

python -m studies.training_targets NAME=FOLDER...    collects finished runs of `reram train` into training_results.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ground.errors import InputError, MissingLibrary
from ground.files import write_json
from ground.paper import paper
from studies.target import Outcome, Target

RESULTS = Path(__file__).with_name("training_results.json")
COMMANDS = {
    "mnist_accuracy_fp": "reram train mnist --data FOLDER --algorithm fp --epochs 80 --seeds 3",
    "mnist_accuracy_array": "reram train mnist --data FOLDER --algorithm agad --epochs 80 --seeds 3",
    "mnist_accuracy_symmetric": "reram train mnist --data FOLDER --algorithm agad --skew 0.5 --epochs 80 --seeds 3",
    "lstm_perplexity_fp": "reram train text --data FILE --algorithm fp --lr 1.0 --epochs 80",
    "lstm_perplexity_array": "reram train text --data FILE --algorithm agad --epochs 80",
}
CHOSEN = (
    "chosen, for the paper does not say: sigmoid, torch's own start, batch 32, weights as they are on one device per weight against its "
    "symmetry point, slots 5, auto scale, converters of aihwkit; fp at lr 0.1"
)


def training_targets() -> list[Target]:
    """Return the targets of figure 6."""
    numbers = paper()["training"]
    accuracy = numbers["mnist_accuracy"]
    net = ("training.mnist_net, batch, mnist_epochs_shown",)
    devices = (*net, "training.lr, fast_lr, transfer_every", "open_loop.n_states, sp_skew, nsr")
    return [
        Target("mnist_accuracy_fp", "6b", accuracy["fp_sgd"], 0.005, _accuracy("mnist_accuracy_fp"), net),
        Target("mnist_accuracy_array", "6b", accuracy["array"], 0.005, _accuracy("mnist_accuracy_array"), devices),
        Target(
            "mnist_accuracy_symmetric",
            "6b",
            accuracy["symmetric"],
            0.005,
            _accuracy("mnist_accuracy_symmetric"),
            devices,
        ),
        Target(
            "lstm_perplexity_gap_percent", "6d", numbers["lstm_perplexity_gap_percent"]["value"], 1.0, _gap, devices
        ),
    ]


@cache
def results() -> dict[str, Any]:
    """Return the collected results, by name; empty where none were collected."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}


def _stored(name: str) -> dict[str, Any]:
    if name not in results():
        raise MissingLibrary(
            f"needs full runs: {COMMANDS[name]}; then python -m studies.training_targets {name}=FOLDER"
        )
    return results()[name]


def _accuracy(name: str) -> Callable[[], Outcome]:
    def compute() -> Outcome:
        entry = _stored(name)
        values = 100 * np.array(entry["last"])
        spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
        how = f"{values.mean():.2f}{spread} % after {entry['epochs']} epochs, seeds {entry['seeds']}, cmo-reram {entry['cmo_reram']}"
        return float(values.mean()), f"{how}; {CHOSEN}"

    return compute


def _gap() -> Outcome:
    digital, array = (float(np.mean(_stored(n)["last"])) for n in ("lstm_perplexity_fp", "lstm_perplexity_array"))
    return 100 * (
        array / digital - 1
    ), f"perplexity {array:.3f} on the array, {digital:.3f} in floating point; {CHOSEN}"


def collect(folders: dict[str, Path]) -> dict[str, Any]:
    """Return results by name from finished runs: a folder of one run, or of several seeds."""
    out = {}
    for name, folder in folders.items():
        if name not in COMMANDS:
            raise InputError(f"{name!r} is not known: expected one of {', '.join(COMMANDS)}.")
        paths = sorted(folder.glob("seed-*/result.json")) or [folder / "result.json"]
        try:
            runs = [json.loads(p.read_text(encoding="utf-8")) for p in paths]
        except OSError:
            raise InputError(f"{folder}: holds no result.json; is the run finished?") from None
        out[name] = {
            "last": [r["last"] for r in runs],
            "best": [r["best"] for r in runs],
            "seeds": [r["settings"]["seed"] for r in runs],
            "epochs": runs[0]["epochs"],
            "in_time": [r["in_time"] for r in runs],
            "settings": runs[0]["settings"],
            "cmo_reram": runs[0]["provenance"]["cmo_reram"],
            "provenance": runs[0]["provenance"],
        }
    return out


if __name__ == "__main__":
    given = {name: Path(folder) for name, folder in (a.split("=", 1) for a in sys.argv[1:])}
    write_json(RESULTS, {**results(), **collect(given)})
