"""torch layers on devices against torch's own."""

import numpy as np
import pytest
import torch

from compact_model.training.analog_sgd import AnalogSGD
from compact_model.training.convert import to_analog
from compact_model.training.converters import Converters
from compact_model.training.floating_point import FloatingPoint
from compact_model.training.layers import AnalogConv2d, AnalogLinear
from compact_model.training.lstm import AnalogLSTM
from compact_model.training.optimiser import AnalogOptimiser
from ground.errors import InputError

IDEAL = Converters(ideal=True)


def _same(digital, x):
    """Assert equal outputs, input gradients, and that what the tile is to learn is the gradient of the weights."""
    analog = to_analog(digital, converters=IDEAL, seed=3)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected, got = digital(a), analog(b)
    expected, got = (y[0] if isinstance(y, tuple) else y for y in (expected, got))
    assert got.detach().numpy() == pytest.approx(expected.detach().numpy(), abs=2e-5)
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()
    (got * weight).sum().backward()
    assert b.grad.numpy() == pytest.approx(a.grad.numpy(), abs=2e-4)
    layers = AnalogOptimiser(analog, lr=0.1).layers
    learned = []
    for layer in layers:
        x_all, d_all = (torch.cat(p) for p in zip(*layer.pending, strict=True))
        learned.append((d_all.T @ x_all).numpy())
    return analog, learned


def test_linear():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3, bias=False))
    analog, learned = _same(net, torch.randn(4, 7))
    assert isinstance(analog[0], AnalogLinear) and analog[2].bias is None
    assert learned[0] == pytest.approx(net[0].weight.grad.numpy(), abs=1e-4)
    assert learned[1] == pytest.approx(net[2].weight.grad.numpy(), abs=1e-4)
    assert analog[0].bias.grad.numpy() == pytest.approx(net[0].bias.grad.numpy(), abs=1e-4)


def test_convolution():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, (3, 2), stride=2, padding=1))
    analog, learned = _same(net, torch.randn(2, 2, 7, 6))
    assert isinstance(analog[0], AnalogConv2d)
    assert learned[0] == pytest.approx(net[0].weight.grad.reshape(3, -1).numpy(), abs=1e-4)


def test_lstm():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.LSTM(4, 5, 2, batch_first=True))
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(0.5)  # inside the bounds of every device
    analog, learned = _same(net, torch.randn(3, 6, 4))
    assert isinstance(analog[0], AnalogLSTM)
    assert learned[0] == pytest.approx(net[0].weight_ih_l0.grad.numpy(), abs=1e-4)
    assert learned[3] == pytest.approx(net[0].weight_hh_l1.grad.numpy(), abs=1e-4)


def test_a_step_moves_weights_down_the_gradient_and_zero_grad_forgets():
    torch.manual_seed(0)
    from compact_model.training.analog_sgd import AnalogSGD

    net = to_analog(torch.nn.Sequential(torch.nn.Linear(6, 4)), algorithm=AnalogSGD(lr=0.5), converters=IDEAL)
    optimiser = AnalogOptimiser(net, lr=0.5)
    x = torch.rand(8, 6)
    before = net[0].tile.weights.copy()
    net(x).sum().backward()
    optimiser.step()
    assert not net[0].pending
    assert (net[0].tile.weights - before).mean() < -0.05
    net(x).sum().backward()
    optimiser.zero_grad()
    before = net[0].tile.weights.copy()
    optimiser.step()
    assert np.array_equal(before, net[0].tile.weights)


@pytest.mark.parametrize("clip", [None, 0.3, 1e3])
def test_the_digital_gradient_is_held_to_a_norm_as_a_whole_and_keeps_its_direction(clip):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3))
    before = torch.nn.utils.parameters_to_vector(net.parameters()).detach().clone()
    (10.0 * net(torch.rand(8, 6))).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in net.parameters()])
    assert gradient.norm() > 1.0
    AnalogOptimiser(net, lr=0.1, clip=clip).step()
    moved = torch.nn.utils.parameters_to_vector(net.parameters()).detach() - before
    share = 0.3 / float(gradient.norm()) if clip == 0.3 else 1.0
    assert moved.numpy() == pytest.approx(-0.1 * share * gradient.numpy(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("digital_lr", "rate"), [(None, 0.5), (0.1, 0.1), (2.0, 0.5)])
def test_what_is_digital_has_a_largest_rate_of_its_own_and_arrays_have_not(digital_lr, rate):
    def learned(**how):
        torch.manual_seed(0)
        net = to_analog(torch.nn.Sequential(torch.nn.Linear(6, 4)), algorithm=AnalogSGD(), seed=3)
        before = net[0].bias.detach().clone()
        torch.nn.functional.mse_loss(net(torch.rand(8, 6)), torch.rand(8, 4)).backward()
        AnalogOptimiser(net, lr=0.5, **how).step()
        return net[0].tile.weights, (net[0].bias.detach() - before) / net[0].bias.grad

    weights, steps = learned(digital_lr=digital_lr)
    assert steps.numpy() == pytest.approx(-rate, rel=1e-4)
    assert np.array_equal(weights, learned()[0])


def test_reach_scales_weights_and_converters_together():
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(6, 4, bias=False), torch.rand(8, 6)
    wide = to_analog(torch.nn.Sequential(linear), seed=1, reach=4.0)[0].tile
    with torch.no_grad():
        linear.weight /= 4.0
    usual = to_analog(torch.nn.Sequential(linear), seed=1)[0].tile
    assert wide.weights == pytest.approx(4.0 * usual.weights, abs=1e-5)
    assert wide.forward(x.numpy()) == pytest.approx(4.0 * usual.forward(x.numpy()), abs=1e-4)  # the noise too


def test_learned_scales_start_at_reach_and_leave_the_product_as_it_was():
    torch.manual_seed(0)
    net, x = torch.nn.Sequential(torch.nn.Linear(6, 4)), torch.rand(8, 6)
    analog = to_analog(net, converters=IDEAL, reach=2.0, learn_scales=True)
    assert analog[0].scale.detach().numpy() == pytest.approx(np.full(4, 2.0))
    assert analog[0].tile.weights == pytest.approx(net[0].weight.detach().numpy() / 2.0, abs=1e-5)
    assert analog(x).detach().numpy() == pytest.approx(net(x).detach().numpy(), abs=1e-5)
    assert to_analog(net, reach=2.0)[0].scale is None


@pytest.mark.parametrize(
    ("made", "weights", "shape"),
    [
        (lambda: torch.nn.Linear(7, 5), ["weight"], (4, 7)),
        (lambda: torch.nn.Conv2d(2, 3, 3), ["weight"], (2, 2, 6, 6)),
        (
            lambda: torch.nn.LSTM(4, 5, 2, batch_first=True),
            ["weight_ih_l0", "weight_ih_l1", "weight_hh_l0", "weight_hh_l1"],
            (3, 6, 4),
        ),
    ],
)
def test_scales_and_weights_get_the_gradient_of_their_product(made, weights, shape):
    torch.manual_seed(0)
    digital = torch.nn.Sequential(made())
    analog = to_analog(digital, converters=IDEAL, learn_scales=True)
    layers = AnalogOptimiser(analog, lr=0.1).layers
    with torch.no_grad():  # the digital network has the products of scale and weight
        for name, layer in zip(weights, layers, strict=True):
            layer.scale.uniform_(0.5, 2.0)
            W = getattr(digital[0], name)
            W.copy_((layer.scale[:, None] * torch.from_numpy(layer.tile.weights)).reshape(W.shape))
    x = torch.randn(shape)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected, got = digital(a), analog(b)
    expected, got = (y[0] if isinstance(y, tuple) else y for y in (expected, got))
    assert got.detach().numpy() == pytest.approx(expected.detach().numpy(), abs=2e-5)
    (expected.square()).sum().backward()
    (got.square()).sum().backward()
    assert b.grad.numpy() == pytest.approx(a.grad.numpy(), abs=1e-3)
    for name, layer in zip(weights, layers, strict=True):
        of_product, factor = getattr(digital[0], name).grad.flatten(1).numpy(), layer.scale.detach().numpy()[:, None]
        x_all, d_all = (torch.cat(p).numpy() for p in zip(*layer.pending, strict=True))
        assert d_all.T @ x_all == pytest.approx(factor * of_product, abs=1e-3)
        assert layer.scale.grad.numpy() == pytest.approx((of_product * layer.tile.weights).sum(axis=1), abs=1e-3)


@pytest.mark.parametrize("reach", [0.0, -1.0, 1e3, float("nan")])
def test_a_reach_out_of_range_is_refused(reach):
    with pytest.raises(InputError, match=r"reach=.* is not allowed: expected 0.01 to 100"):
        to_analog(torch.nn.Sequential(torch.nn.Linear(3, 2)), reach=reach)


def test_devices_of_a_network_are_all_different_and_follow_from_the_seed():
    net = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 2))
    a, b, c = (to_analog(net, seed=s) for s in (0, 0, 1))
    ids = [bank.devices.device_id.ravel() for layer in (a[0], a[1]) for bank in (layer.tile.W, layer.tile.A)]
    assert len(set(np.concatenate(ids))) == 2 * (24 + 8)
    assert np.array_equal(a[0].tile.W.devices.g_max_S, b[0].tile.W.devices.g_max_S)
    assert not np.array_equal(a[0].tile.W.devices.g_max_S, c[0].tile.W.devices.g_max_S)


def test_floating_point_leaves_the_network_as_it_is():
    net = torch.nn.Sequential(torch.nn.Linear(6, 4))
    out = to_analog(net, algorithm=FloatingPoint())
    assert isinstance(out[0], torch.nn.Linear) and out is not net


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (torch.nn.Sequential(torch.nn.ReLU()), "there is nothing to put on devices"),
        (torch.nn.Sequential(torch.nn.LSTM(3, 4)), "an LSTM must be batch_first"),
        (torch.nn.Sequential(torch.nn.Conv2d(2, 2, 3, groups=2)), "expected groups=1"),
    ],
)
def test_what_cannot_be_converted_is_refused(network, words):
    with pytest.raises(InputError, match=words):
        to_analog(network)
