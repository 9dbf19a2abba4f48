"""Wires in training: products are those of the same arrays read through the same wires."""

import numpy as np
import pytest
import torch
from tiles import POPULATION, make_tile

from compact_model.crossbar import Crossbar, Wires
from compact_model.training.aftermath import evaluate_trained
from compact_model.training.algorithm import algorithm_named
from compact_model.training.convert import to_analog
from compact_model.training.converters import Converters
from compact_model.training.network_in_arrays import default_chain
from compact_model.training.optimiser import AnalogOptimiser
from compact_model.training.settings import TrainSettings
from compact_model.training.wires import TrainWires
from ground.errors import InputError

IDEAL = Converters(ideal=True)
OHM = 20.0


def _tile(wires, name="agad", shape=(11, 15), **how):
    tile = make_tile(name, shape, forward=IDEAL, backward=IDEAL, wires=wires, **how)
    tile.write(np.random.default_rng(1).uniform(-0.8, 0.8, shape))
    return tile


def _data(vectors=6, shape=(11, 15)):
    rng = np.random.default_rng(2)
    return tuple(rng.normal(size=(vectors, n)).astype(np.float32) for n in (shape[1], shape[0]))


def test_both_directions_are_those_of_a_crossbar_with_a_reference_beside_each_device():
    tile, (x, d) = _tile(TrainWires(segment_ohm=OHM, lines=64)), _data()
    both = np.stack([tile.W.g_S.T, tile.W.reference_S.T], axis=2).reshape(15, 22)
    array = Crossbar(both, Wires.uniform(OHM))
    bit_A = array.forward(x).bit_A
    assert tile.forward(x) == pytest.approx((bit_A[:, 0::2] - bit_A[:, 1::2]) / tile.W.unit_S, abs=2e-4)
    word_A = -array.backward(np.stack([d, -d], axis=2).reshape(len(d), 22)).word_A  # reciprocity, here solved anew
    assert tile.backward(d) == pytest.approx(word_A / tile.W.unit_S, abs=2e-4)
    assert np.abs(tile.forward(x) - _tile(None).forward(x)).max() > 0.3  # and the wires matter


def test_no_resistance_is_no_wire():
    (x, d), perfect, tile = _data(), _tile(None), _tile(TrainWires(segment_ohm=1e-6))
    assert tile.forward(x) == pytest.approx(perfect.forward(x), abs=1e-4)
    assert tile.backward(d) == pytest.approx(perfect.backward(d), abs=1e-4)


def test_shorter_lines_lose_less():
    (x, _), perfect = _data(), _tile(None)
    lost = [
        np.abs(_tile(TrainWires(segment_ohm=OHM, lines=n)).forward(x) - perfect.forward(x)).mean() for n in (4, 8, 64)
    ]
    assert lost[0] < 0.6 * lost[1] < 0.6 * lost[2]


def test_a_network_that_learns_with_wires_scores_as_it_is_read_through_them():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(20, 12), torch.nn.Sigmoid(), torch.nn.Linear(12, 4))
    wires = TrainWires(segment_ohm=OHM, lines=16, every=1)
    analog = to_analog(net, POPULATION, converters=IDEAL, wires=wires)
    x, y = torch.rand(50, 20), torch.randint(0, 4, (50,))
    for _ in range(3):
        torch.nn.functional.cross_entropy(analog(x), y).backward()
        AnalogOptimiser(analog, lr=0.1).step()
    own = torch.nn.functional.cross_entropy(analog(x), y).item()
    chain = default_chain(wire_ohm=OHM, tile_rows=16, tile_columns=16, dac_bits=None, adc_bits=None, read_noise=False)
    read = evaluate_trained(analog, (x, y), chain, times=(0,)).rows()[0]["loss"]
    without = evaluate_trained(analog, (x, y), chain.replace(ir_drop="none"), times=(0,)).rows()[0]["loss"]
    assert own == pytest.approx(read, rel=1e-6)
    assert abs(without - read) > 1e-4 * read


@pytest.mark.parametrize("name", ["sgd", "mp", "agad"])
def test_between_two_solutions_the_weights_are_followed(name):
    """What arrives, 40 updates after the last solution, is what a new solution gives, but for a part of what the wires take."""
    settings = {"lr": 5.0, "transfer_every": 1, "rho": 0.25} if name == "agad" else {"lr": 0.5}
    tile, (x, d) = _tile(TrainWires(segment_ohm=OHM, every=1000), name, settings=settings), _data()
    before = tile.weights.copy()
    for _ in range(40):
        tile.forward(x)
        tile.update(x, 0.1 * d)
    moved = np.abs(tile.weights - before).max()
    followed, ideal = tile.forward(x), x @ tile.weights.T
    tile._seen.forget()
    tile.forget()
    solved = tile.forward(x)
    assert moved > 0.2
    assert np.abs(followed - solved).mean() < 0.15 * np.abs(ideal - solved).mean()
    assert not np.array_equal(followed, solved)


def test_arrays_are_solved_as_often_as_asked_and_after_a_write():
    tile, (x, d) = _tile(TrainWires(segment_ohm=OHM, every=3)), _data()
    at = []
    for _ in range(7):
        tile.forward(x)
        tile.update(x, 0.1 * d)
        at.append(int(tile.state()["solved_at"][0]))
    assert at == [0, 0, 0, 3, 3, 3, 6]
    tile.write(np.zeros(tile.shape))
    tile.forward(x)
    assert int(tile.state()["solved_at"][0]) == 7


def test_the_last_solution_is_part_of_the_state():
    tile, (x, d) = _tile(TrainWires(segment_ohm=OHM, every=1000)), _data()
    again = _tile(TrainWires(segment_ohm=OHM, every=1000))
    for _ in range(4):
        tile.forward(x)
        tile.update(x, d)
    again.load_state({k: v.copy() for k, v in tile.state().items()})
    assert np.array_equal(again.forward(x), tile.forward(x))
    assert "gain_offset" not in _tile(None).state()
    with pytest.raises(InputError, match="'gain_offset' is missing"):
        again.load_state(_tile(None).state())


def test_the_torch_tile_sees_the_same_wires():
    torch.manual_seed(0)
    net, wires = torch.nn.Sequential(torch.nn.Linear(9, 7)), TrainWires(segment_ohm=OHM, lines=8, every=1)
    law, how = algorithm_named("mp", lr=0.5), {"converters": IDEAL, "wires": wires}
    ours, theirs = (to_analog(net, POPULATION, law, device=device, **how) for device in ("cpu", "torch-cpu"))
    x, d = torch.rand(5, 9), torch.rand(5, 7)
    for _ in range(2):
        assert ours(x).detach().numpy() == pytest.approx(theirs(x).detach().numpy(), abs=1e-4)
        back = theirs[0].tile.backward(d).numpy()
        assert ours[0].tile.backward(d.numpy()) == pytest.approx(back, abs=1e-4)
        theirs[0].tile.update(x, d)
        state = theirs[0].tile.state()
        ours[0].tile.load_state({k: v.copy() for k, v in state.items()})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"segment_ohm": -1.0}, "segment_ohm=-1.0 is not allowed"),
        ({"segment_ohm": 1.0, "lines": 1}, "lines=1 is not allowed"),
        ({"segment_ohm": 1.0, "every": 0}, "every=0 is not allowed"),
    ],
)
def test_wires_that_cannot_be(changes, words):
    with pytest.raises(InputError, match=words):
        TrainWires(**changes)


def test_wires_are_of_arrays():
    with pytest.raises(InputError, match=r"TrainSettings\.wires=.* is not allowed with algorithm='fp'"):
        TrainSettings(task="digits", algorithm="fp", wires=TrainWires(segment_ohm=1.0))
