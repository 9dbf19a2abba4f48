"""Progress on stderr, with the remaining time; silent where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give a callback (done, total). On a terminal it redraws one line; into a file it writes a line each tenth.

    What the first call finds done already, beyond one, took no time of this run: the remaining time leaves it out.
    """
    start, last = time.monotonic(), [-1.0]
    found: list[int] = []
    terminal = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        share = done / max(total, 1)
        now = time.monotonic() - start
        if not found:
            found.append(done if done > 1 else 0)
        due = now - last[0] > 0.2 if terminal else share - last[0] >= 0.1
        if quiet or not (due or done == total):
            return
        last[0] = now if terminal else share
        made = done - found[0]
        left = (
            f"about {now / max(made, 1) * (total - done):.0f} s left"
            if made or done == total
            else "remaining time not known yet"
        )
        line = f"{what}: {done}/{total}   {now:.0f} s gone, {left}"
        sys.stderr.write(f"\r{line:<70}" if terminal else line + "\n")
        sys.stderr.flush()

    try:
        yield report
    finally:
        if terminal and not quiet and last[0] >= 0:
            sys.stderr.write("\n")
