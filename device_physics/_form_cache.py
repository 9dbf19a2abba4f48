"""The compiler cache of the forms under many processes: wait for another that compiles, clear up after one that was killed.

The form compiler marks what it is compiling by the existence of its C file, and gives up after ten seconds where that
file has no result beside it: too early when a slow machine compiles, and for ever after a kill -9.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STALE_S = 120.0  # no form of this project takes that long to compile
_TRIES = 20


def patiently(compile_once: Callable[[], Any]) -> Any:
    """Return what `compile_once` returns; after a timeout try again, and remove a C file nobody has finished for STALE_S."""
    for _ in range(_TRIES):
        try:
            return compile_once()
        except (TimeoutError, RuntimeError) as error:
            found = re.search(r"JIT compilation timed out.*?remove (\S+\.c)\)", str(error), re.DOTALL)
            if found is None:
                raise
            left = Path(found[1])
            if left.exists() and time.time() - left.stat().st_mtime > STALE_S:
                left.unlink(missing_ok=True)
    return compile_once()
