"""Figures 6b and 6d: learning curves, drawn from stored full runs, for these take hours (`studies.training_curves`).

What each published panel shows: its page https://arxiv.org/html/2502.04524v3 and descriptions of its image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ground.errors import MissingLibrary
from ground.paper import paper
from studies.figures import style
from studies.figures.figure import Drawing, Effort, Figure
from studies.published_array import PULSED
from studies.training_curves import COMMANDS, CURVES, curve
from studies.training_targets import MNIST_CHOICES, TEXT_CHOICES

_INPUTS = ("training.algorithm", "training.transfer_every", "training.batch", *PULSED)
_MNIST_RATES = ("training.lr", "training.fast_lr")  # for the text ours, see TEXT_CHOICES
_MNIST = {
    "mnist_accuracy_fp": ("floating point, SGD", "black", "fp_sgd"),
    "mnist_accuracy_symmetric": ("array, symmetric (skew 50 %)", style.THIRD, "symmetric"),
    "mnist_accuracy_states_100": ("array, N_states 100", style.OURS, None),
    "mnist_accuracy_nsr_20": ("array, NSR 20 %", "#c0392b", None),
    "mnist_accuracy_array": ("array, AGAD", style.SECOND, "array"),
}
_LONG = "lstm_perplexity_fp_long"
_TEXT = {
    "lstm_perplexity_fp": ("floating point, SGD", "black"),
    _LONG: ("floating point, SGD, longer", "0.6"),
    "lstm_perplexity_blind": ("array, AGAD, pulses on W not looked at", "#c0392b"),
    "lstm_perplexity_array": ("array, AGAD, pulses on W verified", style.SECOND),
    "lstm_perplexity_mp": ("array, gradients summed in digital, verified", style.THIRD),
}


def figures() -> list[Figure]:
    """Return figures 6b and 6d."""
    return [
        Figure(
            "6b", "MNIST learnt on the array", _mnist, ("training.mnist_net", *_MNIST_RATES, *_INPUTS), files=(CURVES,)
        ),
        Figure("6d", "War and Peace learnt on the array", _text, ("training.lstm_net", *_INPUTS), files=(CURVES,)),
    ]


def _draw(axis: Any, name: str, label: str, colour: str, scale: float, digits: int) -> tuple[Any, Any]:
    """Draw the mean over seeds and their range; return epochs and values (seeds, epochs)."""
    found = curve(name)
    epoch, values = np.array(found["epoch"]), scale * np.array(found["values"])
    last, count = values[:, -1].mean(), len(values)
    label = f"{label}: {last:.{digits}f} ({count} seed{'s' * (count > 1)})"
    style.mean_and_range(axis, epoch, values, colour, lw=1.1, label=label)
    return epoch, values


def _variables(name: str, epoch: Any, values: Any, unit: str) -> dict[str, Any]:
    """Return one curve for the table; runs may differ in length and seeds, so each has dimensions of its own."""
    return {
        f"{name}_epoch": (f"epoch_{name}", epoch, "1"),
        name: ((f"seed_{name}", f"epoch_{name}"), values, unit),
    }


def _settings(names: Any) -> dict[str, Any]:
    return {n: {"seeds": curve(n)["seeds"], "settings": curve(n)["settings"]} for n in names}


def _mnist(effort: Effort) -> Drawing:
    for name in ("mnist_accuracy_fp", "mnist_accuracy_array"):
        curve(name)
    published = paper()["training"]["mnist_accuracy"]
    figure, axis = style.new_figure(width=5.2, height=3.8)
    drawn: dict[str, Any] = {}
    there, missing, words = [], [], []
    for name, (label, colour, key) in _MNIST.items():
        try:
            epoch, values = _draw(axis, name, label, colour, 100.0, 2)
        except MissingLibrary:
            missing.append(f"{label}: {COMMANDS[name]}")
            continue
        there.append(name)
        drawn |= _variables(name, epoch, values, "%")
        if key:
            axis.axhline(published[key], color=colour, ls="--", lw=0.9)
            words.append(f"{label} {values[:, -1].mean():.2f} % (published {published[key]:g} %)")
    axis.plot([], [], ls="--", lw=0.9, color=style.MEASURED, label="published, same colour")
    axis.set(xlabel="epoch [1]", ylabel="accuracy on test images [%]", ylim=(90, 100), xlim=(0, None))
    style.legend(axis, loc="lower right")
    data = style.table(
        {},
        **drawn,
        **{f"published_{k}": ((), v, "%") for k, v in published.items() if k in ("fp_sgd", "array", "symmetric")},
    )
    caption = (
        f"Accuracy of the 784-256-128-10 network over epochs; lines: mean over seeds, bands: their range. After the last epoch: "
        f"{'; '.join(words)}. Put in: network, rates and device metrics as published; {MNIST_CHOICES}."
    )
    if missing:
        caption += f" Not run yet: {'; '.join(missing)}."
    return Drawing(figure, data, caption, _settings(there))


def _text(effort: Effort) -> Drawing:
    for name in ("lstm_perplexity_fp", "lstm_perplexity_array"):
        curve(name)
    figure, axis = style.new_figure(width=5.2, height=3.8)
    drawn: dict[str, Any] = {}
    there, last = [], {}
    for name, (label, colour) in _TEXT.items():
        try:
            epoch, values = _draw(axis, name, label, colour, 1.0, 3)
        except MissingLibrary:
            continue
        there.append(name)
        drawn |= _variables(name, epoch, values, "1")
        last[name] = float(values[:, -1].mean())
    digital, published = last["lstm_perplexity_fp"], paper()["training"]["lstm_perplexity_gap_percent"]["value"]
    gaps = {n: 100 * (value / digital - 1) for n, value in last.items() if not n.startswith("lstm_perplexity_fp")}
    axis.set(xlabel="epoch [1]", ylabel="perplexity on the test text [1]", xlim=(0, None))
    shown = [f"{gaps[n]:.2f} %" for n in ("lstm_perplexity_array", "lstm_perplexity_mp") if n in gaps]
    style.remark(axis, f"gap {' and '.join(shown)}, published {published:g} %", 0.97, 0.5)
    style.legend(axis, loc="upper right")
    drawn |= {f"{n}_gap": ((), gap, "%", "over floating point") for n, gap in gaps.items()}
    above = "; ".join(f"{_TEXT[n][0]}, {last[n]:.3f}, {gap:.2f} % above" for n, gap in gaps.items())
    longer = f", {last[_LONG]:.3f} where it got more epochs" if _LONG in last else ""
    data = style.table({}, **drawn, published_gap=((), published, "%"))
    caption = (
        f"Perplexity of the two-layer LSTM on the test part of War and Peace over epochs. After the last: {digital:.3f} in floating "
        f"point{longer}; {above} (published {published:g} %). "
        "Published is AGAD; mixed precision, which sums gradients in digital, is another algorithm. "
        f"Put in: network and device metrics as published; {TEXT_CHOICES}. The curve not looked at is of an earlier run, without the norm."
    )
    missing = [COMMANDS[n] for n in _TEXT if n not in last]
    if missing:
        caption += f" Not run yet: {'; '.join(missing)}."
    return Drawing(figure, data, caption, _settings(there))
