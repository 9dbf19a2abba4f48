"""Published accuracies of trained networks (figure 6): read from the results of full runs, for these take hours.

python -m studies.training_targets                   prints the commands of these runs
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
from studies.uncertainty import mean_error

RESULTS = Path(__file__).with_name("training_results.json")
_TEXT, _PACE = "reram train text --data FILE --algorithm ", "--decay 0.85 --epochs 20"
_SCALES, _OWN_NOISE = "--clip 0.3 --learn-scales", "--output-noise 0 --device-noise 0.006"
_ARRAY = f"{_SCALES} --verify 0.6"
_DEVICES = f"--slots 31 --spread-trains --line-rates 0.1 --reach 0.5 --layer out:line_rates=1 {_SCALES} {_OWN_NOISE}"
_IN_HALF = "--layer lstm.inputs.0:fast_lr=0.13"
_AGAD = f"{_TEXT}agad --true-size {_DEVICES} {_IN_HALF}"
_RANDOM, _EVEN = "--threshold 0.1 --rho 0.2", "--threshold 0.055 --rho 0.5 --even-trains"
_FEW_PULSES = "--fast-lr 0.065 --transfer-every 0.5 --layer out:fast_lr=0.016 --layer out:threshold=0.5"
_MORE_READS = "--transfer-every 0.25 --layer lstm.inputs.0:transfer_every=1 --layer out:transfer_every=0.125"
_MORE_PULSES = f"--fast-lr 0.26 {_MORE_READS} --layer out:fast_lr=0.064 --layer out:threshold=1.3"
_MORE_IN_OUT = f"--fast-lr 0.26 {_MORE_READS} --layer out:fast_lr=0.256 --layer out:threshold=0.5"
_BEGIN = f"--verify 0.6 {_FEW_PULSES} --lr 5 --decay 0.9 --epochs 1"
COMMANDS = {
    "mnist_accuracy_fp": "reram train mnist --data FOLDER --algorithm fp --epochs 80 --seeds 3",
    "mnist_accuracy_array": "reram train mnist --data FOLDER --algorithm agad --epochs 80 --seeds 3",
    "mnist_accuracy_symmetric": "reram train mnist --data FOLDER --algorithm agad --skew 0.5 --epochs 80 --seeds 3",
    "lstm_perplexity_fp": f"{_TEXT}fp --lr 20 --clip 0.3 {_PACE}",
    "lstm_perplexity_fp_long": f"{_TEXT}fp --lr 20 --clip 0.3 --decay 0.92 --epochs 40",
    "lstm_perplexity_array": "; then ".join(
        f"{_AGAD} {_RANDOM} {part}"
        for part in (
            f"{_BEGIN} -o FIRST",
            f"--verify 0.6 {_MORE_PULSES} --lr 2.5 --decay 0.915 --epochs 10 --start FIRST -o SECOND",
            f"--verify 1 {_MORE_PULSES} --lr 1.1 --digital-lr 0.3 --decay 0.9 --epochs 30 --start SECOND",
        )
    ),
    "lstm_perplexity_mp": f"{_TEXT}mp --lr 5 --threshold 0.0625 --reach 0.5 {_ARRAY} {_PACE}",
    "lstm_perplexity_blind": f"{_TEXT}agad --learn-scales --lr 4 --threshold 1600 --fast-lr 0.2 --slots 10 --reach 2 {_PACE}",
}
TEXT_ARRAYS = (  # of `studies/text_arrays`, not a target
    f"{_AGAD} {_RANDOM} {_BEGIN} -o FIRST; then {_AGAD} {_EVEN} --verify 1 {_MORE_IN_OUT} --lr 2.5 --digital-lr 0.5 --decay 0.92 "
    "--epochs 17 --start FIRST"
)
_CHOSEN = (
    "chosen, for the paper does not say: torch's own start, batch 32, one device per weight against its symmetry point, auto scale, "
    "converters of aihwkit"
)
MNIST_CHOICES = f"{_CHOSEN}; sigmoid, slots 5, weights as they are; fp at lr 0.1"
TEXT_CHOICES = (
    f"{_CHOSEN}; pulses on W looked at (verify 0.6, from AGAD's eleventh epoch on 1), a digital factor per row that learns, digital "
    "gradients held to a norm of 0.3, rates that fall from epoch to epoch and were chosen for each algorithm, for AGAD also per line and "
    "layer; for AGAD slots of trains apart in time, and the paper's read noise of the devices instead of aihwkit's at every output; "
    "sequences of 100 from an empty state; the last tenth of the text is the test"
)


_ACCURACIES = {"fp": "fp_sgd", "array": "array", "symmetric": "symmetric"}


def training_targets() -> list[Target]:
    """Return the targets of figure 6."""
    numbers = paper()["training"]
    accuracy = numbers["mnist_accuracy"]
    net = ("training.mnist_net, batch, mnist_epochs_shown",)
    devices = (*net, "training.lr, fast_lr, transfer_every", "open_loop.n_states, sp_skew, nsr")
    text = ("training.lstm_net, batch", "open_loop.n_states, sp_skew, nsr")  # its rates are ours
    rows = [(f"mnist_accuracy_{n}", accuracy[key], net if n == "fp" else devices) for n, key in _ACCURACIES.items()]
    gap = numbers["lstm_perplexity_gap_percent"]["value"]
    return [
        *(Target(n, "6b", published, 0.005, _accuracy(n), inputs, files=(RESULTS,)) for n, published, inputs in rows),
        Target("lstm_perplexity_gap_percent", "6d", gap, 1.0, _gap("array"), text, files=(RESULTS,)),
        Target("lstm_perplexity_gap_mp_percent", "6d", gap, 1.0, _gap("mp"), text, files=(RESULTS,)),
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
        return Outcome(float(values.mean()), f"{how}; {MNIST_CHOICES}", mean_error(values) if len(values) > 1 else None)

    return compute


_WAYS = {
    "array": "on the array (AGAD)",
    "mp": "on the array with gradients summed in digital (mixed precision, not the paper's algorithm)",
    "blind": "with AGAD whose pulses on W are not looked at",
}


def perplexity(name: str) -> float:
    """Return the mean over seeds of the last perplexity of a collected run, `fp`, `fp_long`, `array`, `mp` or `blind`."""
    return float(np.mean(_stored(f"lstm_perplexity_{name}")["last"]))


def _gap(name: str) -> Callable[[], Outcome]:
    def compute() -> Outcome:
        stored = [_stored(f"lstm_perplexity_{n}") for n in ("fp", name)]
        found, epochs = [np.array(s["last"]) for s in stored], [s["epochs"] for s in stored]
        digital, array = (float(f.mean()) for f in found)
        note = f"perplexity {array:.3f} {_WAYS[name]} after {epochs[1]} epochs, {digital:.3f} in floating point after {epochs[0]}"
        if "lstm_perplexity_fp_long" in results():
            long = _stored("lstm_perplexity_fp_long")
            note += (
                f" ({perplexity('fp_long'):.3f} after {long['epochs']}, {len(long['last'])} of {found[0].size} seeds)"
            )
        if name == "array" and "lstm_perplexity_blind" in results():
            note += f"; {perplexity('blind'):.3f} {_WAYS['blind']}"
        seeds = min(f.size for f in found)
        relative = float(np.hypot(*(mean_error(f) / f.mean() for f in found))) if seeds > 1 else None
        return Outcome(
            100 * (array / digital - 1),
            f"{note}; {TEXT_CHOICES}",
            None if relative is None else 100 * relative * array / digital,
        )

    return compute


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


def named_folders(arguments: list[str]) -> dict[str, Path]:
    """Return {name: folder} of texts NAME=FOLDER, or raise InputError."""
    for text in arguments:
        if not all(text.partition("=")):
            raise InputError(f"{text!r} is not allowed: expected NAME=FOLDER, a folder of `reram train`.")
    return {name: Path(folder) for name, folder in (a.split("=", 1) for a in arguments)}


def main(arguments: list[str]) -> None:
    """Collect the named runs, or print all commands."""
    if arguments:
        write_json(RESULTS, {**results(), **collect(named_folders(arguments))})
        return
    for name, command in {**COMMANDS, "text_arrays": TEXT_ARRAYS}.items():
        print(f"{name}:\n  " + command.replace("; then ", "\n  "))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
