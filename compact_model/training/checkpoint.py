"""The state of a run in one file of plain arrays (npz, no pickle): written beside and renamed, so whole or absent."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compact_model.training.layers import AnalogLayer
from ground.errors import InputError
from ground.files import atomic

CHECKPOINT = "checkpoint.npz"
FORMAT = "cmo-reram training checkpoint"
VERSION = 1
_OF_WIRES = ("gain_offset", "solved_at")


def save_checkpoint(path: str | Path, network: torch.nn.Module, record: dict[str, Any]) -> None:
    """Write every tile, everything digital and `record` (JSON-like) of a run."""
    arrays = {f"digital/{n}": p.detach().cpu().numpy() for n, p in _digital(network).items()}
    for name, layer in _tiles(network):
        arrays |= {f"tile/{name}/{key}": value for key, value in layer.tile.state().items()}
    head = json.dumps({"format": FORMAT, "version": VERSION, **record}, allow_nan=False)
    arrays["record"] = np.frombuffer(head.encode(), np.uint8)
    with atomic(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def load_checkpoint(path: str | Path, network: torch.nn.Module, *, of_another: bool = False) -> dict[str, Any]:
    """Put a saved state into a network made with the same settings; return the record. Nothing in the file is executed.

    of_another : the file is of a run that may have had no rates per line, which then start anew, and other wires, which are solved anew.
    """
    arrays, record = _read(Path(path))
    with torch.no_grad():
        for name, parameter in _digital(network).items():
            given = arrays.get(f"digital/{name}")
            if given is None and of_another and "line_rates" in name.split("."):
                continue
            if given is None or given.shape != tuple(parameter.shape):
                raise InputError(
                    f"{path}: has no digital parameter {name!r} of shape {tuple(parameter.shape)}; is it of another network?"
                )
            parameter.copy_(torch.from_numpy(given))
    for name, layer in _tiles(network):
        start = f"tile/{name}/"
        saved = {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
        own = {k: v for k, v in layer.tile.state().items() if k in _OF_WIRES and of_another}
        layer.tile.load_state(saved | own)
    return record


def read_record(path: str | Path) -> dict[str, Any]:
    """Return the record of a checkpoint without a network."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        record = json.loads(arrays.pop("record").tobytes())
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such checkpoint; nothing to resume from.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is no checkpoint of a training, or damaged ({type(error).__name__}).") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{path}: is no checkpoint of a training.")
    if record.get("version") != VERSION:
        raise InputError(
            f"{path}: is a checkpoint of version {record.get('version')!r}; this release reads version {VERSION}."
        )
    return arrays, record


def _digital(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return what learns in digital and what is counted there, by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _tiles(network: torch.nn.Module) -> list[tuple[str, AnalogLayer]]:
    return [(name, m) for name, m in network.named_modules() if isinstance(m, AnalogLayer)]
