"""The door to matplotlib: drawing into files only."""

from __future__ import annotations

import importlib
from typing import Any

from ground.errors import MissingLibrary


def load_matplotlib() -> Any:
    """Return pyplot drawing into files only, or raise MissingLibrary saying how to install it."""
    try:
        import matplotlib
    except ImportError:
        raise MissingLibrary(
            "matplotlib is not installed. It draws the plots; install it with `pip install 'cmo-reram[plot]'`."
        ) from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def matplotlib_part(name: str) -> Any:
    """Return a module of matplotlib that pyplot does not bring, such as "patheffects"; raises as `load_matplotlib`."""
    load_matplotlib()
    return importlib.import_module(f"matplotlib.{name}")
