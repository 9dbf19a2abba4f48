"""Progress on stderr, with the remaining time; silent where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_APART_S = 30.0  # lines of a later round in a file


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give a callback (done, total). On a terminal it redraws one line; into a file it writes a line each tenth.

    What the first call finds done already, beyond one, took no time of this run: the remaining time leaves it out.
    Where done falls, another round begins, such as an epoch, with a time of its own; in a file its lines are half a minute apart.
    """
    bar = _Bar(what, terminal=sys.stderr.isatty())
    try:
        yield (lambda done, total: None) if quiet else bar.report
    finally:
        if bar.terminal and bar.written:
            sys.stderr.write("\n")


class _Bar:
    def __init__(self, what: str, *, terminal: bool) -> None:
        self.what, self.terminal, self.written = what, terminal, False
        self._begin(time.monotonic(), found=None, apart=0.0)

    def _begin(self, start: float, *, found: int | None, apart: float) -> None:
        self.start = self.last_s = self.now = start
        self.found, self.apart = found, apart
        self.last, self.done = -1.0, 0

    def report(self, done: int, total: int) -> None:
        if done < self.done:
            self._begin(self.now, found=0, apart=_APART_S)
        if self.found is None:
            self.found = done if done > 1 else 0
        share, now = done / max(total, 1), time.monotonic()
        self.done, self.now = done, now
        if self.terminal:
            due = self.last < 0 or now - self.last_s > 0.2 or done == total
        else:
            due = (share - self.last >= 0.1 and now - self.last_s >= self.apart) or (done == total and not self.apart)
        if not due:
            return
        self.last, self.last_s, self.written = share, now, True
        gone, made = now - self.start, done - self.found
        left = (
            f"about {gone / max(made, 1) * (total - done):.0f} s left"
            if made or done == total
            else "remaining time not known yet"
        )
        line = f"{self.what}: {done}/{total}   {gone:.0f} s gone, {left}"
        sys.stderr.write(f"\r{line:<70}" if self.terminal else line + "\n")
        sys.stderr.flush()
