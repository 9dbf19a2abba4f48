"""Thousands of writes: the statistics are those of the writes one by one, however they are cut and spread over threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from compact_model.population import Population
from compact_model.program_verify import program
from compact_model.repeated_programming import program_repeats
from ground.errors import InputError, NotConverged

DEVICES = Population.published().sample((40, 30), 1)
TARGETS = np.random.default_rng(1).uniform(10e-6, 80e-6, (40, 30))


def test_batches_and_threads_do_not_change_a_digit() -> None:
    whole = program_repeats(DEVICES, TARGETS, 0.02, 23, seed=4)
    had = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = program_repeats(DEVICES, TARGETS, 0.02, 23, seed=4)
    finally:
        numba.set_num_threads(had)
    cut = [program_repeats(DEVICES, TARGETS, 0.02, 23, seed=4, batch=b) for b in (1, 5, 23)]
    for other in (alone, *cut):
        for name in ("mean_S", "sigma_S", "mean_pulses", "converged"):
            assert np.array_equal(getattr(other, name), getattr(whole, name)), name


def test_statistics_are_those_of_the_writes() -> None:
    def write(devices, targets, k):  # type: ignore[no-untyped-def]
        return program(devices, targets, 0.01, seed=4, trial=k, max_pulses=60)

    able = np.sum([write(DEVICES, TARGETS, k).converged for k in range(7)], axis=0) >= 2  # a width needs two
    devices, targets = DEVICES[able], TARGETS[able]
    found = program_repeats(devices, targets, 0.01, 7, seed=4, max_pulses=60)
    writes = [write(devices, targets, k) for k in range(7)]
    off = np.where([w.converged for w in writes], [w.deviation_S for w in writes], np.nan)
    assert found.mean_S == pytest.approx(np.nanmean(off, axis=0), abs=1e-18)
    assert found.sigma_S == pytest.approx(np.sqrt(np.nanmean(off**2, axis=0)), rel=1e-12)
    assert found.mean_pulses == pytest.approx(np.mean([w.pulses for w in writes], axis=0))
    assert 0.5 < found.converged_fraction == np.mean([w.converged for w in writes]) < 1


def test_width_at_0p2_per_cent_is_that_of_a_uniform_law_in_the_band() -> None:
    found = program_repeats(DEVICES, TARGETS, 0.002, 40, seed=0)
    assert found.sigma_line.c1 == pytest.approx(0.002 / np.sqrt(3), rel=0.02)
    assert found.converged_fraction > 0.999


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: program_repeats(DEVICES, TARGETS, 0.02, 1, seed=0), r"writes=1 is not allowed: expected .* 2 or more"),
        (
            lambda: program_repeats(DEVICES, TARGETS, 0.02, 5, seed=0, batch=0),
            r"batch=0 is not allowed: expected .* 1 or more",
        ),
        (
            lambda: program_repeats(DEVICES, TARGETS[None], 0.02, 5, seed=0),
            r"targets_S has shape \(1, 40, 30\) .*one per device",
        ),
        (lambda: program_repeats(DEVICES, TARGETS, 2.0, 5, seed=0), r"2 % is 0.02"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()


def test_targets_nobody_reaches_are_no_number() -> None:
    with pytest.raises(NotConverged, match=r"device \(\d+, \d+\) ended within 0.02 of its target in [01] of 3 writes"):
        program_repeats(DEVICES, 90e-6, 0.02, 3, seed=0, max_pulses=2)
