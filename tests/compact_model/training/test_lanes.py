"""The eight-lane functions against numpy and against the laws they stand for."""

import numpy as np
import pytest
from numba import njit
from scipy import stats

from compact_model.training import _lanes


@njit
def _each(v, which):
    out = np.empty_like(v)
    for k in range(v.size):
        out[k] = _lanes.log2(v[k]) if which == 0 else _lanes.exp2(v[k])
    return out


@njit
def _normals(n, key, other):
    z = np.empty(n, np.float32)
    for k in range(n // 2):
        z[k], z[k + n // 2] = _lanes.two_normals(np.uint32(k), key, other)
    return z


def test_log2_and_exp2_are_single_precision():
    v = np.random.default_rng(0).uniform(1e-6, 1.0, 20_000).astype(np.float32)
    assert np.abs(_each(v, 0) - np.log2(v.astype(float))).max() < 2e-6
    assert np.abs(_each(-30 * v, 1) / 2.0 ** (-30.0 * v.astype(float)) - 1).max() < 5e-6


def test_the_power_of_nothing_is_nothing():
    zero = np.zeros(3, np.float32)
    assert np.all(_each(_each(zero, 0), 1) < 1e-37)


@pytest.mark.parametrize("key", [(1, 2), (0, 0), (2**32 - 1, 12345)])
def test_normals_are_normal_and_uncorrelated(key):
    z = _normals(200_000, np.uint32(key[0]), np.uint32(key[1])).astype(float)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(stats.kurtosis(z)) < 0.05
    for lag in (1, 2, 8, 100_000):
        assert abs(np.corrcoef(z[lag:], z[:-lag])[0, 1]) < 4.5 / np.sqrt(z.size - lag)


def test_keys_of_neighbouring_streams_give_unrelated_numbers():
    from compact_model.training._pulses import key_of

    a = np.array([_normals(64, *key_of(0, u, 2)) for u in range(400)], float)
    b = np.array([_normals(64, *key_of(0, u, 4)) for u in range(400)], float)
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4.5 / np.sqrt(a.size)
    assert abs(np.corrcoef(a[1:].ravel(), a[:-1].ravel())[0, 1]) < 4.5 / np.sqrt(a[1:].size)


@pytest.mark.parametrize("slots", [1, 4, 7, 31])
def test_every_slot_of_a_train_is_up_with_its_chance_and_knows_of_no_other(slots):
    from compact_model.training._lists import train

    lines, times = 32, 4000
    chance = np.geomspace(3e-6, 1.0, lines).astype(np.float32)  # the smallest: a fifth of what 16 bits can tell
    words, level = np.empty((times, lines), np.uint32), np.empty(lines, np.uint32)
    some = [
        train(words[k], chance, level, slots, np.uint32(1024 * k), np.uint32(7), np.uint32(9)) for k in range(times)
    ]
    assert np.array_equal(some, np.bitwise_or.reduce(words, axis=1))
    assert not np.any(words >> np.uint64(slots))
    up = (words[..., None] >> np.arange(slots, dtype=np.uint32)) & 1
    assert up[:, -1].all()
    count, expected = up.sum(axis=(0, 2)), times * slots * chance.astype(float)
    assert np.all(np.abs(count - expected) < 5 * np.sqrt(np.maximum(expected * (1 - chance), 1.0)))
    small = chance < 1e-4
    assert count[small].sum() == pytest.approx(expected[small].sum(), abs=5 * np.sqrt(expected[small].sum()))
    half = (up[:, np.abs(chance - 0.4).argmin()] - chance[np.abs(chance - 0.4).argmin()]).astype(float)
    for lag in (1, 2, 3):
        if lag < slots:
            assert abs(np.mean(half[:, lag:] * half[:, :-lag])) < 5 * 0.25 / np.sqrt(times * (slots - lag))


def test_chances_below_what_16_bits_can_tell_are_not_lost():
    from compact_model.training._lists import train

    lines, times, slots, chance = 256, 2000, 31, 5e-6
    words, level = np.empty((times, lines), np.uint32), np.empty(lines, np.uint32)
    for k in range(times):
        train(
            words[k], np.full(lines, chance, np.float32), level, slots, np.uint32(8192 * k), np.uint32(3), np.uint32(4)
        )
    expected = lines * times * slots * chance
    assert np.unpackbits(words.view(np.uint8)).sum() == pytest.approx(expected, abs=6 * np.sqrt(expected))
