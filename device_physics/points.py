"""Finished points of a long computation, addressed by their content, so that a killed run resumes where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ground.files import cache_dir, content_hash, write_json

Progress = Callable[[int, int], None]


class PointStore:
    """A folder of small JSON files, one per finished point; each is written whole or not at all."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "points"
        self.folder.mkdir(parents=True, exist_ok=True)

    def get_or_compute(self, key: Any, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the stored point for a JSON-like key, or compute and store it. A damaged file is computed again."""
        path = self.folder / f"{content_hash(key)}.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(stored, dict) and stored.get("key") == json.loads(json.dumps(key)):
                return dict(stored["value"])
        except (OSError, ValueError, KeyError):
            pass
        value = compute()
        write_json(path, {"key": key, "value": value})
        return value
