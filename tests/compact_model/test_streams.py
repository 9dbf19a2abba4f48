import numpy as np
import pytest

from compact_model.streams import normals, philox
from ground.errors import InputError

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, expected):
    words = philox(tuple(np.array([c], np.uint64) for c in counter), key)
    assert tuple(int(w[0]) for w in words) == expected


def test_normals_are_normal_and_uncorrelated():
    z = normals(3, "pulse", np.arange(2000), count=200)
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / z.size)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / z.size)
    assert abs((z[0::2] * z[1::2]).mean()) < 5 / np.sqrt(z.size / 2)
    assert abs((z[:, 0::2] * z[:, 1::2]).mean()) < 5 / np.sqrt(z.size / 2)


def test_device_17_has_the_same_numbers_alone_in_any_shape_and_in_any_piece():
    whole = normals(5, "program", np.arange(64).reshape(8, 8), trial=2, count=40)
    assert np.array_equal(normals(5, "program", 17, trial=2, count=40), whole[:, 2, 1])
    assert np.array_equal(
        normals(5, "program", np.array([40, 17]), trial=2, first=16, count=8)[:, 1], whole[16:24, 2, 1]
    )


def test_seed_purpose_trial_and_device_all_matter():
    base = normals(1, "pulse", 7, trial=0)
    others = [
        normals(2, "pulse", 7),
        normals(1, "read", 7),
        normals(1, "pulse", 8),
        normals(1, "pulse", 7, trial=1),
        normals(1, "pulse", 7 + 2**32),
        normals(1, "pulse", 7, first=4),
    ]
    assert not any(np.isclose(base, o).any() for o in others)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True, None])
def test_a_bad_seed_is_named(seed):
    with pytest.raises(InputError, match=r"seed=.* is not allowed: expected a whole number of 0 or more"):
        normals(seed, "pulse", 0)


def test_first_must_be_a_multiple_of_four():
    with pytest.raises(InputError, match="first=2 is not allowed: expected a multiple of 4"):
        normals(0, "pulse", 0, first=2)
