"""MNIST from a public mirror, into the cache folder, each file checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import urllib.request
import zlib
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from ground.errors import InputError
from ground.files import atomic, cache_dir

# Hosts from which torchvision (torchvision/datasets/mnist.py) and TensorFlow load the files of LeCun, Cortes and Burges.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
# SHA-256 of what is inside, so that it does not matter who packed a file. The contents have the MD5 6bbc9ace..., a25bea73...,
# 2646ac64... and 27ae3e4e... by which the originals are known.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
LIMIT_S, MOST_BYTES = 20, 60_000_000
VARIABLE = "RERAM_MNIST_MIRRORS"


def fetch_mnist(folder: Path | None = None, *, mirrors: Sequence[str] | None = None) -> Path:
    """Return the folder with the four files, loading from the first mirror that has them what is not there yet.

    folder : default "mnist" in the cache folder.  mirrors : addresses that end in "/"; default those of the environment variable
    RERAM_MNIST_MIRRORS (separated by commas; empty: never load anything), else `MIRRORS`.
    Raises InputError saying what every mirror answered. A file that is no MNIST is not kept.
    """
    target = folder or cache_dir() / "mnist"
    target.mkdir(parents=True, exist_ok=True)
    hosts = _mirrors() if mirrors is None else mirrors
    for name, digest in SHA256.items():
        if not ((target / f"{name}.gz").is_file() or (target / name).is_file()):
            data = _load(f"{name}.gz", digest, hosts)
            with atomic(target / f"{name}.gz") as temporary:
                temporary.write_bytes(data)
    return target


def _mirrors() -> Sequence[str]:
    given = os.environ.get(VARIABLE)
    return MIRRORS if given is None else [m.strip() for m in given.split(",") if m.strip()]


def _load(name: str, digest: str, mirrors: Sequence[str]) -> bytes:
    answers = []
    for mirror in mirrors:
        try:
            with urllib.request.urlopen(mirror + name, timeout=LIMIT_S) as stream:
                data = bytes(stream.read(MOST_BYTES))
            if hashlib.sha256(gzip.decompress(data)).hexdigest() == digest:
                return data
            answers.append(f"{mirror}: {name} has another content than MNIST (SHA-256)")
        except (OSError, EOFError, zlib.error, ValueError, HTTPException) as error:
            answers.append(f"{mirror}: {error}")
    raise InputError(
        f"mnist: {name} could not be loaded: {'; '.join(answers) or f'{VARIABLE} names no mirror'}. Without a network, "
        "give the folder of the four IDX files with --data FOLDER; `reram train digits` needs no files."
    )
