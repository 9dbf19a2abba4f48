"""One figure of the paper: how we draw ours, what went in, and what a quick run leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from ground.provenance import response_table

RESPONSE = tuple(
    Path(s.path) for s in response_table()
)  # the shipped table: a file of every figure that goes through it


@dataclass(frozen=True)
class Effort:
    """How much work a figure may be. quick : the stated reductions are made.  folder : for files a drawing needs on the way."""

    quick: bool
    folder: Path


@dataclass(frozen=True)
class Drawing:
    """What one figure came to.

    picture : a matplotlib figure, or the path of a picture that is already drawn.
    data : every number in the picture, each variable with attribute "units"; kept beside the picture as NetCDF.
    caption : what is seen, what of it was put in, and how it compares with the published figure.
    settings : JSON-like values that say what was computed.  synthetic : whether synthetic data went in.
    """

    picture: Any
    data: xr.Dataset
    caption: str
    settings: dict[str, Any] = field(default_factory=dict)
    synthetic: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure of the paper by its number there ("2a", "S4").

    inputs : published numbers that go in (keys of paper.toml).  reduced : what a quick run cuts ("" where nothing).
    files : files that are read, such as collected training runs: the figure is made again where one of them changes.
    draw : makes ours; raises MissingLibrary where it needs what is not installed or a run that was not made.
    """

    number: str
    title: str
    draw: Callable[[Effort], Drawing]
    inputs: tuple[str, ...] = ()
    reduced: str = ""
    files: tuple[Path, ...] = ()
