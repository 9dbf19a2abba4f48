"""How many threads the kernels use; results do not depend on it."""

from __future__ import annotations

from ground.errors import InputError


def use_threads(count: int) -> None:
    """Use `count` threads for the pulses, or raise InputError where the machine has fewer."""
    import numba

    most = int(getattr(numba.config, "NUMBA_NUM_THREADS"))  # noqa: B009 - set when numba is loaded
    if not 1 <= count <= most:
        raise InputError(f"threads={count!r} is not allowed: expected 1..{most} (NUMBA_NUM_THREADS sets the most).")
    numba.set_num_threads(count)
