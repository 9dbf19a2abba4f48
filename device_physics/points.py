"""Finished points of a long computation, addressed by their content, so that a killed run resumes where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ground.files import cache_dir, content_hash, write_json

Progress = Callable[[int, int], None]

# Part of every key: raised when the same device would give other numbers, so that old points are not reused.
SOLVER_VERSION = 2


class PointStore:
    """A folder of small JSON files, one per finished point; each is written whole or not at all."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "points"
        self.folder.mkdir(parents=True, exist_ok=True)

    def _path(self, key: Any) -> Path:
        return self.folder / f"{content_hash(key)}.json"

    def get(self, key: Any) -> dict[str, Any] | None:
        """Return the stored point for a JSON-like key; None where there is none or its file is damaged."""
        try:
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
            if isinstance(stored, dict) and stored.get("key") == json.loads(json.dumps(key)):
                return dict(stored["value"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def put(self, key: Any, value: dict[str, Any]) -> None:
        """Store a point."""
        write_json(self._path(key), {"key": key, "value": value})

    def get_or_compute(self, key: Any, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the stored point, or compute and store it."""
        value = self.get(key)
        if value is None:
            value = compute()
            self.put(key, value)
        return value
