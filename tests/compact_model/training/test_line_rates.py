"""Rates per line, and columns read several at a time."""

import numpy as np
import pytest
import torch
from tiles import POPULATION, equal_devices, make_tile

from compact_model.training._plan import columns_due
from compact_model.training.algorithm import algorithm_named
from compact_model.training.chain import links_of
from compact_model.training.checkpoint import load_checkpoint, save_checkpoint
from compact_model.training.convert import to_analog
from compact_model.training.converters import Converters
from compact_model.training.line_rates import MEMORY, LineRates
from compact_model.training.optimiser import AnalogOptimiser
from ground.errors import InputError


def _strength(lines):
    return lines.square().mean(0).sqrt()


def test_every_line_becomes_as_strong_as_the_mean_one():
    torch.manual_seed(0)
    x, d = torch.randn(50, 6) * torch.tensor([1.0, 2.0, 0.5, 3.0, 1.0, 0.1]), torch.randn(50, 3)
    even_x, even_d = LineRates(3, 6, 0.0)(x, d)
    assert _strength(even_x).numpy() == pytest.approx(float(_strength(x).mean()), rel=1e-5)
    assert _strength(even_d).numpy() == pytest.approx(float(_strength(d).mean()), rel=1e-5)
    assert torch.equal(torch.sign(even_x), torch.sign(x))


def test_lines_weaker_than_the_floor_have_the_rate_of_the_floor():
    x = torch.ones(4, 3) * torch.tensor([1.0, 0.5, 1e-3])
    even, _ = LineRates(1, 3, 0.2)(x, torch.ones(4, 1))
    mean = (1.0 + 0.5 + 0.2) / 3
    assert even[0].numpy() == pytest.approx([mean, mean, 1e-3 / 0.2 * mean])


def test_a_dead_line_and_a_batch_of_zeros_stay_zero():
    rates = LineRates(2, 3, 0.0)
    even, errors = rates(torch.zeros(4, 3), torch.zeros(4, 2))
    assert not even.any() and not errors.any()
    even, _ = rates(torch.tensor([[1.0, 0.0, 2.0]]), torch.ones(1, 2))
    assert even[0].numpy() == pytest.approx([1.0, 0.0, 1.0])  # strengths 1, 0 and 2; their mean is 1


def test_the_strength_follows_the_batches():
    rates, one = LineRates(1, 1, 0.0), torch.ones(2, 1)
    rates(one, one)
    rates(3.0 * one, one)
    assert float(rates.columns) == pytest.approx(MEMORY + (1.0 - MEMORY) * 9.0)


@pytest.mark.parametrize("device", ["cpu", "torch-cpu"])
def test_a_layer_learns_the_gradient_of_its_even_lines(device):
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(5, 4))
    law = algorithm_named("mp", lr=0.4)
    how = {"converters": Converters(ideal=True), "device": device}
    even, plain = (to_analog(net, POPULATION, law, line_rates=rates, **how) for rates in (0.1, None))
    x, weight = torch.randn(8, 5) * torch.tensor([1.0, 0.3, 2.0, 1.0, 0.05]), torch.randn(8, 4)
    (even(x) * weight).sum().backward()
    AnalogOptimiser(even, lr=0.4).step()
    x, d = LineRates(4, 5, 0.1)(x, weight)
    plain[0].tile.update(*((x, d) if device == "torch-cpu" else (x.numpy(), d.numpy())), lr=0.4)
    ours, theirs = even[0].tile.state(), plain[0].tile.state()
    assert ours["pulses"].sum() > 10 and all(np.array_equal(ours[k], theirs[k]) for k in ours)


def test_a_network_with_line_rates_is_no_plain_chain():
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 3))
    assert links_of(to_analog(net)) is not None
    assert links_of(to_analog(net, line_rates=0.1)) is None


def test_the_strengths_are_part_of_a_checkpoint(tmp_path):
    net = to_analog(torch.nn.Sequential(torch.nn.Linear(5, 4)), line_rates=0.1)
    net[0].line_rates(torch.rand(3, 5), torch.rand(3, 4))
    save_checkpoint(tmp_path / "c.npz", net, {})
    again = to_analog(torch.nn.Sequential(torch.nn.Linear(5, 4)), line_rates=0.1)
    load_checkpoint(tmp_path / "c.npz", again)
    assert torch.equal(again[0].line_rates.columns, net[0].line_rates.columns) and net[0].line_rates.rows.all()
    without = to_analog(torch.nn.Sequential(torch.nn.Linear(5, 4)))
    save_checkpoint(tmp_path / "d.npz", without, {})
    with pytest.raises(InputError, match="has no digital parameter '0.line_rates.columns' of shape"):
        load_checkpoint(tmp_path / "d.npz", again)


def test_a_floor_outside_its_range_is_refused():
    for floor in (-0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match=r"line_rates=.* is not allowed: expected 0 to 1"):
            to_analog(torch.nn.Sequential(torch.nn.Linear(5, 4)), line_rates=floor)


def test_one_layer_has_rates_of_its_own():
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 3)))
    made = to_analog(net, line_rates=0.1, layers={"1": {"fast_lr": 0.02}, "1.1": {"line_rates": 0.5, "threshold": 3.0}})
    laws = [layer.tile.algorithm for layer in AnalogOptimiser(made, lr=1.0).layers]
    assert [law.fast_lr for law in laws] == [0.1, 0.02, 0.02] and [law.threshold for law in laws] == [1.0, 1.0, 3.0]
    assert [layer.line_rates.floor for layer in AnalogOptimiser(made, lr=1.0).layers] == [0.1, 0.1, 0.5]


def test_a_threshold_of_one_layer_makes_its_pulses_rarer():
    net, given = torch.nn.Sequential(torch.nn.Linear(30, 20)), []
    for layers in (None, {"0": {"threshold": 4.0}}):
        tile = to_analog(net, POPULATION, algorithm_named("mp"), layers=layers)[0].tile
        rng = np.random.default_rng(0)
        for _ in range(50):
            tile.update(rng.uniform(0, 1, (8, 30)), rng.standard_normal((8, 20)), lr=0.05)
        given.append(int(tile.pulses[0]))
    assert given[0] > 2.5 * given[1] > 100


def test_rates_that_a_layer_cannot_have_are_refused():
    net = torch.nn.Sequential(torch.nn.Linear(5, 4))
    for layers, words in (
        ({"out": {"fast_lr": 0.1}}, "layers: there is no analog layer 'out' in the network. Known: 0"),
        ({"0": {"lr": 0.1}}, "layers: 'lr' of '0' is not allowed: it is one for the whole network"),
        ({"0": {"fast": 0.1}}, "AGAD.fast is not known"),
        ({"0": {"fast_lr": -1.0}}, r"AGAD.fast_lr=-1.0 is not allowed"),
        ({"0": {"line_rates": 7.0}}, r"line_rates=7.0 is not allowed: expected 0 to 1"),
    ):
        with pytest.raises(InputError, match=words):
            to_analog(net, layers=layers)


def _due(vectors, every, columns=8, period=3, start=0):
    counters = np.zeros(6, np.int64)
    counters[0] = start
    chop, switched = np.ones(columns, np.int8), np.zeros(columns, np.bool_)
    return (*columns_due(vectors, vectors, every, 2, 0.0, period, chop, switched, counters, 0), chop, counters)


def test_a_quarter_vector_between_reads_is_four_columns_after_every_vector():
    after, column, chopper, fresh, _, turns, chop, counters = _due(12, 0.25)
    assert list(after) == [v for v in range(12) for _ in range(4)]
    assert list(column) == [n % 8 for n in range(48)]
    assert counters[2] == 6  # sweeps
    assert list(np.flatnonzero(turns)) == [*range(16, 24), *range(40, 48)]  # the last sweep of every three
    assert all(chopper[:24] == 1) and all(chopper[24:] == -1) and all(chop == 1)
    assert list(np.flatnonzero(fresh)) == list(range(24, 32))


def test_more_reads_at_once_than_columns_are_one_sweep():
    after, column, *_ = _due(2, 1 / 64, columns=5)
    assert list(after) == [0] * 5 + [1] * 5 and list(column) == [*range(5)] * 2


def test_whole_numbers_of_vectors_between_reads_go_on_over_batches():
    assert list(_due(7, 3.0)[0]) == [2, 5]
    assert list(_due(7, 3.0, start=1)[0]) == [1, 4]


def test_the_chopper_turns_the_sign_of_the_gradient_from_the_vector_after_its_read_on():
    """A batch at once moves noise-free devices as its vectors one by one do, each with the choppers as they then stand."""
    vectors, columns = 100, 3
    law = {"lr": 0.0, "transfer_every": 0.5, "rho": 1.0, "fast_lr": 1.0, "auto_scale": False}
    devices = equal_devices((1, columns), nsr=0.0, n_states=2000.0, sp_skew=0.5)
    whole = make_tile("agad", (1, columns), devices=devices, settings=law, forward=Converters(ideal=True))
    alone = make_tile("agad", (1, columns), devices=devices, settings=law, forward=Converters(ideal=True))
    x, d = np.ones((vectors, columns)), -4.9999 * whole.A.grain * np.ones((vectors, 1))
    whole.update(x, d)
    signs = []
    for s in range(vectors):
        signs.append(alone.chop.copy())
        before = alone.A.weights[0]
        alone.update(x[s : s + 1], d[s : s + 1])
        assert np.array_equal(np.sign(alone.A.weights[0] - before), signs[-1])  # a turn counts from the next vector on
    moved = whole.A.weights[0] / whole.A.grain
    assert np.array_equal(whole.chop, alone.chop) and np.abs(np.diff(np.array(signs), axis=0)).sum() > 60
    assert moved == pytest.approx(alone.A.weights[0] / alone.A.grain, abs=1e-3)
    assert np.abs(moved).max() < 20  # of 500 pulses that a column without a chopper gets
