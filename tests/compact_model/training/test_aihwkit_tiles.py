"""The same physics as aihwkit: 1,000 random updates of identical devices, against recorded results and, where it is, live."""

import json

import aihwkit_tiles
import numpy as np
import pytest


@pytest.fixture(scope="module")
def recorded():
    return json.loads(aihwkit_tiles.RECORD.read_text())["algorithms"]


def _chance_of_distance(ours, theirs, trials=2000):
    """Return the p value of the two-sample Kolmogorov-Smirnov distance of pooled weights, (seeds, rows, columns) each.

    Weights of one line are not independent, so the textbook's p is too small; tiles are. The distance is held against that of
    the same tiles with sides swapped at random, seed by seed (both sides of a seed had the same inputs).
    """
    both = np.stack([ours, theirs]).reshape(2, len(ours), -1)
    order = np.argsort(both, axis=None)
    side, seed = (np.broadcast_to(a, both.shape).ravel()[order] for a in np.ogrid[:2, : len(ours), :1][:2])
    swap = np.random.default_rng(0).choice([-1, 1], (trials, len(ours)))
    swap[0] = 1
    distance = np.abs(np.cumsum(np.where(side == 0, 1, -1) * swap[:, seed], axis=1)).max(axis=1)
    return np.mean(distance >= distance[0])


def _agree(ours, theirs):
    """Assert that pooled weights over the seeds are of one law, and their means within the error of the tiles' means."""
    assert _chance_of_distance(ours, theirs) > 0.01
    means = ours.mean(axis=(1, 2)), theirs.mean(axis=(1, 2))
    error = np.hypot(*(m.std(ddof=1) / np.sqrt(len(m)) for m in means))
    assert means[0].mean() == pytest.approx(means[1].mean(), abs=4 * error)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)


@pytest.mark.parametrize("name", list(aihwkit_tiles.LR))
def test_weights_after_a_thousand_updates_are_those_of_aihwkit(name, recorded):
    pytest.importorskip("numba")
    entry = recorded[name]
    devices = {n: np.array(v) for n, v in entry["devices"].items()}
    runs = [aihwkit_tiles.ours(name, devices, seed) for seed in range(aihwkit_tiles.SEEDS)]
    _agree(np.array([w for w, _ in runs]), np.array(entry["W"]))
    if name != "sgd":
        _agree(np.array([a for _, a in runs]), np.array(entry["A"]))


@pytest.mark.parametrize("direction", [1, -1])
def test_the_mean_step_is_that_of_aihwkit_within_a_per_cent(direction, recorded):
    pytest.importorskip("numba")
    entry = recorded["steps"]
    devices = {n: np.array(v) for n, v in recorded["sgd"]["devices"].items()}
    ours = aihwkit_tiles.our_steps(devices, direction)
    theirs = entry["up" if direction > 0 else "down"]
    assert ours == pytest.approx(theirs["mean"], rel=0.01)


def test_states_go_to_aihwkits_names_and_back():
    pytest.importorskip("numba")
    from tiles import make_tile

    from compact_model.training.handover import bank_from_aihwkit, tile_from_aihwkit, tile_to_aihwkit

    tile, rng = make_tile(settings={"transfer_every": 1, "lr": 0.5}), np.random.default_rng(0)
    for _ in range(60):
        tile.update(rng.uniform(0, 1, (4, 9)), rng.uniform(-1, 1, (4, 6)))
    given = tile_to_aihwkit(tile)
    back = make_tile(settings={"transfer_every": 1, "lr": 0.5})
    tile_from_aihwkit(back, given, given["weights"])
    assert back.weights == pytest.approx(tile.weights, abs=1e-5)
    assert back.A.weights == pytest.approx(tile.A.weights, abs=1e-5)
    assert np.array_equal(back.digital, tile.digital)
    bank = bank_from_aihwkit(given, 0.9, suffix="_1", unit_S=tile.W.unit_S)
    assert np.abs(bank.weights).max() < 1e-5  # fresh, at the same symmetry points
    assert bank.scale[..., 0] == pytest.approx(tile.W.scale[..., 0], rel=1e-5)
    assert bank.scale[..., 1] == pytest.approx(tile.W.scale[..., 1], abs=1e-5)


def test_incomplete_parameters_are_refused():
    from compact_model.training.handover import bank_from_aihwkit
    from ground.errors import InputError

    with pytest.raises(InputError, match="parameters lack min_bound, dwmin_up"):
        bank_from_aihwkit({"max_bound": np.ones((2, 2))}, 0.9)


@pytest.mark.aihwkit
@pytest.mark.parametrize("name", list(aihwkit_tiles.LR))
def test_live_aihwkit_still_gives_what_was_recorded(name, recorded):
    pytest.importorskip("aihwkit")
    entry = recorded[name]
    devices = {n: np.array(v, np.float32) for n, v in entry["devices"].items()}
    runs = [aihwkit_tiles.run(name, devices, seed) for seed in range(100, 100 + aihwkit_tiles.SEEDS)]
    _agree(np.array([w for w, _ in runs]), np.array(entry["W"]))


@pytest.mark.aihwkit
def test_a_trained_tile_computes_in_live_aihwkit_what_it_computes_here():
    aihwkit = pytest.importorskip("aihwkit")
    import torch
    from aihwkit.simulator.tiles import AnalogTile

    assert aihwkit
    from tiles import POPULATION

    from compact_model.training.bank import DeviceBank
    from compact_model.training.handover import bank_to_aihwkit

    bank = DeviceBank(POPULATION.sample((12, 20), 5))
    bank.write(np.random.default_rng(0).uniform(-0.5, 0.5, (12, 20)))
    tile = AnalogTile(12, 20, aihwkit_tiles.configuration("sgd"))
    given = bank_to_aihwkit(bank)
    values = {**aihwkit_tiles.hidden(tile), **{k: v for k, v in given.items() if k != "weights"}}
    tile.tile.set_hidden_parameters(torch.from_numpy(np.stack(list(values.values()))))
    tile.set_weights(torch.from_numpy(given["weights"]))
    x = torch.rand(5, 20)
    assert tile.forward(x).detach().numpy() == pytest.approx(x.numpy() @ bank.weights.T, abs=1e-4)
