"""The short way of a chain: the same step as torch's autograd and the optimiser take."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential, Sigmoid, Tanh

from compact_model.training._activations import SIGMOID, TANH, activate
from compact_model.training.chain import learn_classes, links_of
from compact_model.training.convert import to_analog
from compact_model.training.converters import Converters
from compact_model.training.optimiser import AnalogOptimiser
from ground.errors import InputError

NETWORKS = {
    "sigmoid": lambda: Sequential(Linear(20, 16), Sigmoid(), Linear(16, 12), Sigmoid(), Linear(12, 5)),
    "tanh at the end": lambda: Sequential(Linear(20, 16), ReLU(), Linear(16, 5), Tanh()),
    "nothing between, no bias": lambda: Sequential(Linear(20, 16, bias=False), Linear(16, 5), ReLU()),
}


def analog(made: torch.nn.Module, **how: object) -> torch.nn.Module:
    return to_analog(made, converters=Converters(ideal=True), seed=3, **how)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(5)
    return torch.from_numpy(rng.standard_normal((32, 20), np.float32)), torch.from_numpy(rng.integers(0, 5, 32))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_that_of_autograd(name, monkeypatch):
    torch.manual_seed(1)
    short = analog(NETWORKS[name]())
    long, (x, labels) = copy.deepcopy(short), batch()
    given = {}
    for key, network in (("short", short), ("long", long)):
        for layer in AnalogOptimiser(network, lr=0.1).layers:
            note = given.setdefault(key, [])
            record = lambda x, d, *, lr, tile=layer.tile, note=note: note.append((tile.shape, x.copy(), d.copy(), lr))  # noqa: E731
            monkeypatch.setattr(layer.tile, "update", record)
    loss = learn_classes(links_of(short), x, labels, 0.1)
    optimiser = AnalogOptimiser(long, lr=0.1)
    right = torch.nn.functional.cross_entropy(long(x), labels)
    right.backward()
    optimiser.step()
    assert loss == pytest.approx(right.item(), rel=1e-5)
    for (shape, x1, d1, lr1), (other, x2, d2, lr2) in zip(reversed(given["short"]), given["long"], strict=True):
        assert shape == other and lr1 == lr2 == 0.1
        np.testing.assert_allclose(x1, x2, atol=1e-5)
        np.testing.assert_allclose(d1, d2, atol=1e-5 * np.abs(d2).max(), rtol=1e-4)
    for p, q in zip(short.parameters(), long.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=1e-6)


def test_activations_are_right_where_they_saturate_too():
    y = np.concatenate([np.linspace(-100, 100, 4001), np.linspace(-3, 3, 4001)]).astype(np.float32)[None]
    for kind, function in ((SIGMOID, torch.sigmoid), (TANH, torch.tanh)):
        own = y.copy()
        activate(own, np.full(y.shape[1], 0.25, np.float32), kind)
        assert np.abs(own - function(torch.from_numpy(y + np.float32(0.25))).numpy()).max() < 4e-6


def test_what_is_no_plain_chain_goes_by_autograd():
    inside = Linear(8, 8)
    hooked = analog(Sequential(Linear(8, 8), Sigmoid()))
    hooked[1].register_forward_hook(lambda module, given, out: out)
    frozen = analog(Sequential(Linear(8, 8)))
    frozen[0].bias.requires_grad_(False)
    others = [
        hooked,
        frozen,
        analog(Sequential(inside, Sigmoid(), inside)),
        analog(Sequential(Linear(8, 8)), device="torch-cpu"),
        analog(Sequential(Conv2d(1, 2, 3), Flatten(), Linear(8, 2))),
        analog(Sequential(Sigmoid(), Linear(8, 8))),
        analog(Sequential(Linear(8, 8), Sigmoid(), Tanh())),
        Sequential(Linear(8, 8)),
    ]
    assert [links_of(network) for network in others] == [None] * len(others)


def test_a_step_that_is_no_number_changes_nothing():
    network, (x, labels) = analog(NETWORKS["sigmoid"]()), batch()
    before = [p.detach().clone() for p in network.parameters()]
    x[3, 4] = float("nan")
    assert not np.isfinite(learn_classes(links_of(network), x, labels, 0.1))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(layer.tile.pulses.sum() == 0 for layer, _, _ in links_of(network))


def test_a_label_without_an_output_is_named():
    network, (x, labels) = analog(NETWORKS["sigmoid"]()), batch()
    labels[7] = 5
    with pytest.raises(InputError, match="a label is 5, but the network has 5 outputs"):
        learn_classes(links_of(network), x, labels, 0.1)
