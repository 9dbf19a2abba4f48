"""The published numbers of arXiv:2502.04524, one copy: `paper()["forming"]["v_forming_reram_V"]["mean"]`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def paper() -> dict[str, Any]:
    """Return the tables of paper.toml; each value says whether it is text, figure or input of the paper."""
    return tomllib.loads(files("ground").joinpath("paper.toml").read_text(encoding="utf-8"))
