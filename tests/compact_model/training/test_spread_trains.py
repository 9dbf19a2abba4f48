"""Trains in one piece or spread over a batch: the order of the pulses and of the reads between them, by hand, and the bias of bursts."""

import numpy as np
import pytest
from test_torch_tile import make_torch_tile
from tiles import equal_devices, make_tile

from compact_model.pulsed_device import DOWN, UP, pulse
from compact_model.training._plan import bursts, columns_due
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.settings import TrainSettings
from ground.errors import InputError

MAKERS = {"numba": make_tile, "torch": make_torch_tile}


def test_a_train_in_one_piece_is_one_burst_of_its_vector():
    vector, which, when = bursts(np.array([1, 0, 3, 31], np.int32), False)
    assert list(vector) == [0, 1, 2, 3] and list(which) == [1, 0, 7, 2**31 - 1]
    assert when.tolist() == [[0], [1], [2], [3]]


def test_spread_trains_give_first_slots_before_second_ones():
    vector, which, when = bursts(np.array([1, 0, 3, 2], np.int32), True)
    assert list(zip(vector, which, strict=True)) == [(0, 1), (1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (2, 4)]
    for s, length in enumerate((1, 0, 3, 2)):
        assert [vector[t] for t in when[s, : max(length, 1)]] == [s] * max(length, 1)
    vector, which, when = bursts(
        np.zeros(3, np.int32), True
    )  # nothing to give, and every vector has its place all the same
    assert list(vector) == [0, 1, 2] and when.shape == (3, 1)


def test_reads_keep_their_places_as_parts_of_the_batch():
    state = np.ones(3, np.int8), np.zeros(3, np.bool_), np.zeros(6, np.int64)
    assert columns_due(4, 4, 2, 0, 0.0, 1 << 31, *state, 0)[0].tolist() == [1, 3]
    assert columns_due(4, 10, 2, 0, 0.0, 1 << 31, *state, 0)[0].tolist() == [4, 9]
    assert columns_due(4, 5, 1, 0, 0.0, 1 << 31, *state, 0)[0].tolist() == [0, 1, 2, 4]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("name", ["sgd", "agad"])
def test_pulses_and_turns_of_choppers_come_in_the_order_that_was_asked_for(name, spread, maker):
    """Noise-free devices, lines that are all up, vectors of both signs: the state of A is that of the pulses one by one."""
    slots, shape, batch = 3, (11, 5), 40  # 40 vectors: more than are listed together
    law = {"transfer_every": 0.5, "rho": 0.5, "auto_scale": False, "fast_lr": 1e3, "lr": 1e-9} if name == "agad" else {}
    trains = PulseTrains(slots=slots, spread=spread)
    tile = MAKERS[maker](name, shape, devices=equal_devices(shape), settings=law, trains=trains)
    rng = np.random.default_rng(0)
    x, d = np.sign(rng.standard_normal((batch, 5))), np.sign(rng.standard_normal((batch, 11)))
    x[7] = 0.0
    bank = tile.A if name == "agad" else tile.W
    g, chop = bank.g_S, np.ones(5)
    order = [(s, b) for b in range(slots) for s in range(batch) if s != 7 or not b]
    order = order if spread else [(s, 0) for s in range(batch)]
    every = (0.5, 2, 0.5, 2) if name == "agad" else (float(1 << 62), 0, 0.0, 1 << 31)
    state = np.ones(5, np.int8), np.zeros(5, np.bool_), np.zeros(6, np.int64)
    reads, done = columns_due(batch, len(order), *every, *state, 0), 0
    for t, (s, _) in enumerate(order):
        up = -np.outer(d[s], x[s] * chop)
        for _ in range(1 if spread else slots):
            both = {way: pulse(g, bank.devices, way, 0.0) for way in (UP, DOWN)}
            g = np.where(up > 0, both[UP], np.where(up < 0, both[DOWN], g))
        while done < reads[0].size and reads[0][done] == t:
            chop[reads[1][done]] *= -1.0 if reads[5][done] else 1.0
            done += 1
    tile.update(x, d, lr=1e3 if name == "sgd" else 1e-9)
    tile.state()
    assert tile.pulses[0] == slots * (batch - 1) * 55 and done == (80 if name == "agad" else 0)
    assert bank.g_S == pytest.approx(g, rel=1e-3)
    assert np.ptp(bank.g_S) > 1e-5


@pytest.mark.parametrize("maker", MAKERS)
def test_bursts_of_one_sign_are_a_bias_that_spread_trains_have_not(maker):
    """One vector in eight has eight times the error of the others and the other sign: the gradient is zero, but a long train is worth
    less than as many pulses apart."""
    found = {}
    for spread in (False, True):
        law = {"lr": 1.0, "threshold": 1e6, "transfer_every": 1 / 6, "fast_lr": 0.2, "rho": 0.1}
        how = {"devices": equal_devices((40, 6)), "forward": Converters(ideal=True)}
        tile = MAKERS[maker]("agad", (40, 6), settings=law, trains=PulseTrains(slots=31, spread=spread), **how)
        tile.means[:], rng = (1.0, (56 * 1.0 + 8 * 7.0) / 64), np.random.default_rng(0)
        for _ in range(60):
            d = np.full((64, 40), -1.0)
            d[rng.permutation(64)[:8]] = 7.0
            tile.update(np.ones((64, 6)), d)
        found[spread] = float(tile.state()["digital"][..., 0].mean()), int(tile.pulses[0])
    assert found[True][1] == pytest.approx(found[False][1], rel=0.02)  # as many pulses
    assert found[False][0] > 0 and abs(found[True][0]) < 0.2 * found[False][0]


def test_trains_in_one_piece_are_the_default_and_leave_no_trace():
    assert "spread" not in PulseTrains().model_dump() and PulseTrains(spread=True).model_dump()["spread"]
    assert TrainSettings(task="x").content != TrainSettings(task="x", trains=PulseTrains(spread=True)).content


@pytest.mark.parametrize("algorithm", ["fp", "mp"])
def test_an_algorithm_without_trains_cannot_spread_them(algorithm):
    with pytest.raises(InputError, match=rf"trains.spread=True is not allowed with algorithm='{algorithm}'"):
        TrainSettings(task="x", algorithm=algorithm, trains=PulseTrains(spread=True))
