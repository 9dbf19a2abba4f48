"""Progress on stderr, with the remaining time; silent where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give a callback (done, total). On a terminal it redraws one line; into a file it writes a line each tenth."""
    start, last = time.monotonic(), [-1.0]
    terminal = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        share = done / max(total, 1)
        now = time.monotonic() - start
        due = now - last[0] > 0.2 if terminal else share - last[0] >= 0.1
        if quiet or not (due or done == total):
            return
        last[0] = now if terminal else share
        left = now / share - now if share else float("nan")
        line = f"{what}: {done}/{total}   {now:.0f} s gone, about {left:.0f} s left"
        sys.stderr.write(f"\r{line:<70}" if terminal else line + "\n")
        sys.stderr.flush()

    try:
        yield report
    finally:
        if terminal and not quiet and last[0] >= 0:
            sys.stderr.write("\n")
