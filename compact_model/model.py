"""The compact model: one JSON file with everything the outside needs to know about the device."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from compact_model.cell import Cell
from compact_model.noise import Noise
from compact_model.population import Population
from ground.errors import InputError, nearest
from ground.files import content_hash, write_json
from ground.provenance import provenance, published
from ground.spec import Spec
from ground.units import Quantity

VERSION = 1
MAX_BYTES = 16_000_000
_MAX_DEPTH = 40

Finite = Annotated[float, Quantity("", -1e308, 1e308)]


class Covariance(Spec):
    """How uncertain the parameters are. names : parameters.  matrix : their covariance, in the units of the names."""

    names: tuple[str, ...]
    matrix: tuple[tuple[Finite, ...], ...]

    @model_validator(mode="after")
    def _is_covariance(self) -> Self:
        n = len(self.names)
        if len(set(self.names)) != n:
            raise InputError("Covariance.names is not allowed: a name is given twice.")
        if len(self.matrix) != n or any(len(row) != n for row in self.matrix):
            raise InputError(f"Covariance.matrix is not allowed: {n} names need a {n} x {n} matrix.")
        c = np.array(self.matrix).reshape(n, n)
        scale = np.sqrt(np.abs(np.diag(c)))
        scale = np.where(scale > 0, scale, 1.0)
        c = c / np.outer(scale, scale)  # parameters may differ by thirty decades
        if np.any(np.abs(c - c.T) > 1e-9):
            raise InputError("Covariance.matrix is not allowed: it is not symmetric.")
        if n and np.linalg.eigvalsh(c)[0] < -1e-9 * n:
            raise InputError(
                "Covariance.matrix is not allowed: it is not positive semi-definite, so the covariance of nothing."
            )
        return self


class CompactModel(Spec):
    """What the outside sees of the device, as data; SI units throughout.

    version : of the file format.  name : free text.  cell : the circuit-level cell, or None.
    population : how the pulsed devices differ.  noise : relaxation and read noise.
    covariance : of fitted parameters, or None.  validity : for each quantity the range the model was made for.
    provenance : what it was made from; `synthetic` is inherited by everything made from it.
    """

    name: str = Field(min_length=1, max_length=200)
    population: Population
    noise: Noise
    version: Literal[1] = 1
    cell: Cell | None = None
    covariance: Covariance | None = None
    validity: dict[str, tuple[Finite, Finite]] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @field_validator("provenance")
    @classmethod
    def _plain(cls, value: dict[str, Any]) -> dict[str, Any]:
        _check_plain(value)
        return value

    @field_validator("validity")
    @classmethod
    def _ordered(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (low, high) in value.items():
            if low > high:
                raise ValueError(f"the range of {name} ends ({high:g}) before it begins ({low:g})")
        return value

    @classmethod
    def published(cls) -> Self:
        """Return the model of arXiv:2502.04524: printed means and laws; what is not printed is in `assumed`."""
        population = Population.published()
        low, high = population.g_min_mean_S, population.g_max_mean_S
        return cls(
            name="CMO/HfOx ReRAM, arXiv:2502.04524",
            population=population,
            noise=Noise.published(),
            validity={"g_S": (low, high), "t_s": (1.0, 3.2e8), "acceptance": (0.002, 0.02)},
            provenance=provenance("CompactModel.published", files=published(), source="arXiv:2502.04524"),
        )

    @property
    def synthetic(self) -> bool:
        """Return whether any input of this model was synthetic."""
        return bool(self.provenance.get("synthetic", False))

    @property
    def content_hash(self) -> str:
        """Return 16 hex digits of the content, provenance aside."""
        return content_hash(self.model_dump(mode="json", exclude={"provenance"}))

    def save(self, path: str | Path) -> None:
        """Write the model as JSON, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model file of this or any older version. Nothing in the file is executed.

        Raises InputError naming file and field where it is not a model file, too big, newer, or not allowed.
        """
        path = Path(path)
        data = _upgrade(path, _read_json(path))
        try:
            return cls.model_validate(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _check_plain(value: Any, where: str = "", depth: int = 0) -> None:
    """Raise ValueError unless value is finite numbers, texts, booleans, null, and lists and tables of these."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the name {key!r} is no text")
            _check_plain(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _check_plain(item, f"{where}[{i}]", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where.lstrip('.')} is not a finite number")
    elif not (value is None or isinstance(value, (bool, int, float, str))):
        raise ValueError(f"{where.lstrip('.')} is a {type(value).__name__}; expected numbers, texts, lists and tables")


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path}: has {size / 1e6:.1f} MB; a model file has at most {MAX_BYTES / 1e6:.0f} MB. "
                "Is this the measured data instead of the model?"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = [p.name for p in path.parent.glob("*.json")] if path.parent.is_dir() else []
        raise InputError(
            f"{path}: there is no such model file." + (f" {nearest(path.name, names)}" if names else "")
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; a model file (JSON) was expected.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}. A model file (JSON) was expected.") from None


def _read_json(path: Path) -> dict[str, Any]:
    def no_constant(name: str) -> NoReturn:
        raise InputError(f"{path}: holds {name}, which is no number; every value of a model must be finite.")

    def no_repeats(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, item in pairs:
            if key in out:
                raise InputError(f"{path}: '{key}' is given twice in one table; keep one.")
            out[key] = item
        return out

    try:
        data = json.loads(_read_text(path), parse_constant=no_constant, object_pairs_hook=no_repeats)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: is not JSON: {error.msg} in line {error.lineno}. Model files are written by CompactModel.save."
        ) from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path}: is not a model file: {type(error).__name__} while reading it as JSON.") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: holds a {type(data).__name__}; a model file holds one table of named fields.")
    return data


def _upgrade(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Return the data in today's version; older versions are converted step by step, for ever."""
    version = data.get("version")
    if version is None:
        raise InputError(f"{path}: CompactModel.version is missing; is this a compact model file?")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InputError(
            f"{path}: CompactModel.version={version!r} is not allowed: expected a whole number from 1 to {VERSION}."
        )
    if version > VERSION:
        raise InputError(
            f"{path}: CompactModel.version={version} was written by a newer version of cmo-reram (this "
            f"one reads up to {VERSION}); upgrade: pip install --upgrade cmo-reram."
        )
    return data
