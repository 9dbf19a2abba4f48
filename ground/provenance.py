"""What made a file: version, time, inputs with their hashes, and the settings used."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from ground.files import file_hash


def version() -> str:
    """Return the installed version of cmo-reram, or "unknown" where it is run without being installed."""
    try:
        return metadata.version("cmo-reram")
    except metadata.PackageNotFoundError:
        return "unknown"


def provenance(
    made_by: str, *, files: Iterable[str | Path] = (), synthetic: bool = False, **settings: Any
) -> dict[str, Any]:
    """Return the record that goes into every result file.

    made_by : command or function.  files : inputs read, stored by name and SHA-256.  settings : JSON-like values.
    synthetic : True where any input was synthetic; it is inherited by everything made from it.
    """
    return {
        "made_by": made_by,
        "cmo_reram": version(),
        "python": platform.python_version(),
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": [{"name": Path(f).name, "sha256": file_hash(f)} for f in files],
        "synthetic": synthetic,
        "settings": settings,
    }
