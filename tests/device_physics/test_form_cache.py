"""Forms compiled by many processes, some of them killed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from device_physics._form_cache import STALE_S, patiently


def _message(path: Path) -> str:
    return (
        "JIT compilation timed out, probably due to a failed previous compile.\n"
        f"        Try cleaning cache (e.g. remove {path}) or increase timeout parameter."
    )


@pytest.mark.parametrize(("age_s", "removed"), [(2 * STALE_S, True), (1.0, False)])
def test_what_a_killed_compiler_left_is_removed_and_a_slow_one_is_waited_for(
    tmp_path: Path, age_s: float, removed: bool
) -> None:
    left = tmp_path / "libffcx_forms_1.c"
    left.touch()
    os.utime(left, (time.time() - age_s,) * 2)
    calls: list[bool] = []

    def compile_once() -> str:
        calls.append(left.exists())
        if len(calls) < 3:
            raise TimeoutError(_message(left))
        return "form"

    assert patiently(compile_once) == "form"
    assert calls == [True, not removed, not removed]


def test_other_errors_pass() -> None:
    def compile_once() -> str:
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        patiently(compile_once)
