"""Hand-written digits: MNIST from its files, and the small set that comes with scikit-learn."""

from __future__ import annotations

from pathlib import Path

from compact_model.training.download import fetch_mnist
from compact_model.training.idx import find_idx, read_idx
from compact_model.training.task import Task
from ground.errors import InputError, MissingLibrary

_MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def mnist(folder: str | Path | None, *, batch: int = 32) -> Task:
    """Return MNIST, 784-256-128-10 (235 k parameters, arXiv:2502.04524), from the four IDX files in `folder`.

    folder : None for the cache folder, into which they are loaded from a public mirror at first.
    """
    if folder is None:
        folder = fetch_mnist()
    paths = [find_idx(folder, name) for name in _MNIST]
    x, y, x_test, y_test = (read_idx(p) for p in paths)
    for path, images, labels in ((paths[0], x, y), (paths[2], x_test, y_test)):
        if images.ndim != 3 or labels.ndim != 1:
            raise InputError(f"{path}: expected images (three sizes) and labels (one size); are two files exchanged?")
        if labels.size and labels.max() > 9:
            raise InputError(f"{path.parent}: a label is {labels.max()}; MNIST has 0..9.")
    flat = (images.reshape(len(images), -1) / 255.0 for images in (x, x_test))
    return Task("mnist", next(flat), y, next(flat), y_test, hidden=(256, 128), batch=batch)


def digits(*, batch: int = 32) -> Task:
    """Return scikit-learn's 1,797 digits of 8 x 8 pixels, 64-64-10; every fifth is for the test."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingLibrary(
            "scikit-learn is not installed. It brings the digits; install it with `pip install scikit-learn`, "
            "or train on MNIST files: reram train mnist --data FOLDER."
        ) from None
    data = load_digits()
    x, y = data.data / 16.0, data.target
    import numpy as np

    test = np.arange(len(y)) % 5 == 0
    return Task("digits", x[~test], y[~test], x[test], y[test], hidden=(64,), batch=batch)
