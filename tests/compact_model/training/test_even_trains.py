"""Even trains: as many coincidences as the product of two chances says, rounded up or down, and the same mean as random trains."""

import numpy as np
import pytest
from test_torch_tile import make_torch_tile
from tiles import equal_devices, make_tile

from compact_model.training._lists import BLOCKS, SPACED, even_train
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.settings import TrainSettings
from ground.errors import InputError

MAKERS = {"numba": make_tile, "torch": make_torch_tile}


def _trains(patterns, chance, slots, times, key):
    words, length = np.empty(times, np.uint32), np.full(times, slots, np.int32)
    some = even_train(
        words, np.full(times, chance, np.float32), length, patterns, np.uint32(0), np.uint32(key), np.uint32(9)
    )
    assert some == np.bitwise_or.reduce(words)
    return words


def _turned(word, turn, slots):
    return (word << turn | word >> (slots - turn)) & ((1 << slots) - 1)


@pytest.mark.parametrize("slots", range(1, 32))
def test_a_block_meets_spaced_pulses_as_often_as_the_product_says_wherever_it_stands(slots):
    for up in range(slots + 1):
        for down in range(slots + 1):
            block, spaced = int(BLOCKS[32 * slots + up]), int(SPACED[32 * slots + down])
            assert block.bit_count() == up and spaced.bit_count() == down
            met = [(block & _turned(spaced, turn, slots)).bit_count() for turn in range(slots)]
            assert sum(met) == up * down  # in the mean over all turns, up * down / slots
            assert set(met) <= {up * down // slots, -(-up * down // slots)}


@pytest.mark.parametrize("slots", [1, 2, 7, 31])
@pytest.mark.parametrize("patterns", [BLOCKS, SPACED])
def test_a_train_has_its_part_of_the_slots_and_every_slot_has_as_many(slots, patterns):
    times = 60_000
    for chance in (2e-5, 0.08, 0.5, 0.77, 1.0, 1.3):
        words = _trains(patterns, chance, slots, times, 1000 * slots + int(100 * chance))
        assert not np.any(words >> np.uint64(slots))
        up = (words[:, None] >> np.arange(slots, dtype=np.uint32)) & 1
        part, most = min(chance, 1.0), slots * min(chance, 1.0)
        counts = up.sum(axis=1)
        assert set(counts) <= {int(most), int(np.ceil(most - 1e-6))}
        assert counts.mean() == pytest.approx(most, abs=5 * np.sqrt(max(most % 1.0, 1e-9) / times) + 2e-6 * slots)
        assert up.mean(axis=0) == pytest.approx(part, abs=5 * np.sqrt(part * (1 - part) / times) + 1e-3 * part)


@pytest.mark.parametrize("slots", [5, 31])
def test_coincidences_have_the_mean_of_random_trains_and_less_spread(slots):
    times = 60_000
    for x, d in ((0.33, 0.08), (0.7, 0.5), (0.95, 0.3)):
        met = np.bitwise_and(_trains(BLOCKS, x, slots, times, 3), _trains(SPACED, d, slots, times, 4))
        counts = np.array([int(word).bit_count() for word in met])
        random = slots * x * d * (1 - x * d)
        assert counts.mean() == pytest.approx(slots * x * d, abs=5 * counts.std() / np.sqrt(times))
        assert counts.var() < random * 1.02
    assert counts.var() < 0.3 * random  # the last pair: more than one coincidence expected


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("spread", [False, True])
def test_the_array_moves_as_by_random_trains_and_its_devices_by_pulses_that_differ_by_one(maker, spread):
    """No noise, small steps, all lines alike: n p q coincidences to one up or down for every device, where random trains have them
    all around."""
    shape, slots, found = (30, 20), 16, {}
    for even in (False, True):
        how = {"devices": equal_devices(shape), "forward": Converters(ideal=True)}
        trains = PulseTrains(slots=slots, spread=spread, even=even, shorten=False)
        tile = MAKERS[maker]("sgd", shape, trains=trains, **how)
        step = tile.W.grain
        before = tile.weights.copy()
        tile.update(np.full((1, 20), 1.0), np.full((1, 30), -1.0), lr=step * 4.5)
        tile.state()
        found[even] = (np.asarray(tile.weights) - before) / step, int(tile.pulses[0])
    assert found[True][1] == pytest.approx(4.5 * 600, rel=0.04)
    assert found[True][0].mean() == pytest.approx(found[False][0].mean(), rel=0.2)
    assert found[True][0].std() < 0.5 * found[False][0].std()
    assert len(np.unique(np.round(found[True][0], 2))) <= 4 < len(np.unique(np.round(found[False][0], 2)))


@pytest.mark.parametrize("maker", MAKERS)
def test_noise_of_the_gradient_that_the_fast_array_gathers_is_less(maker):
    """H of AGAD against the exact sum, with products of more than one pulse: the trains' own part of the noise goes."""
    left = {}
    for even in (False, True):
        law = {"lr": 1.0, "threshold": 1e6, "transfer_every": 1 / 6, "fast_lr": 0.1, "rho": 0.5}
        how = {"devices": equal_devices((40, 6)), "forward": Converters(ideal=True)}
        tile = MAKERS[maker]("agad", (40, 6), settings=law, trains=PulseTrains(slots=31, even=even), **how)
        tile.means[:], rng, exact = (1.0, 1.0), np.random.default_rng(0), np.zeros((40, 6))
        for _ in range(30):
            x, d = np.sign(rng.standard_normal((32, 6))), rng.choice([-0.6, -0.5, 0.5, 1.0], (32, 40))
            tile.update(x, d)
            exact -= d.T @ x
        gathered = tile.state()["digital"][..., 0].astype(float)
        slope = np.sum(gathered * exact) / np.sum(exact**2)
        left[even] = np.std(gathered / slope - exact) / np.std(exact)
    assert left[True] < 0.75 * left[False]


def test_random_trains_are_the_default_and_leave_no_trace():
    assert "even" not in PulseTrains().model_dump() and PulseTrains(even=True).model_dump()["even"]
    assert TrainSettings(task="x").content != TrainSettings(task="x", trains=PulseTrains(even=True)).content


@pytest.mark.parametrize("algorithm", ["fp", "mp"])
def test_an_algorithm_without_trains_cannot_make_them_even(algorithm):
    with pytest.raises(InputError, match=rf"trains.even=True is not allowed with algorithm='{algorithm}'"):
        TrainSettings(task="x", algorithm=algorithm, trains=PulseTrains(even=True))
