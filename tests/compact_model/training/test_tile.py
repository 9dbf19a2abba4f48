"""The tile: pulses follow the law of the devices, trains have the right mean, and threads change nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from tiles import POPULATION, equal_devices, make_tile

from compact_model.pulsed_device import DOWN, UP, mean_step_S, pulse
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from ground.errors import InputError

IDEAL = {"forward": Converters(ideal=True), "backward": Converters(ideal=True)}
CERTAIN = {
    "trains": PulseTrains(slots=1, shorten=False, manage=False)
}  # with lr >= grain every line is up: one pulse each


@pytest.mark.parametrize(
    "shape", [(3, 5), (2, 700), (70, 9)]
)  # (2, 700): more than is moved at once; (70, 9): rows together
@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("start", [-0.6, 0.0, 0.5])
def test_one_noise_free_pulse_is_the_pulse_of_the_device(direction, start, shape):
    tile = make_tile("sgd", devices=equal_devices(shape), **CERTAIN)
    tile.write(np.full(shape, start))
    before = tile.W.g_S
    tile.update(np.ones((1, shape[1])), -direction * np.ones((1, shape[0])), lr=10.0)
    assert tile.pulses.tolist() == [shape[0] * shape[1], 0]
    assert tile.W.g_S == pytest.approx(pulse(before, tile.W.devices, direction, 0.0), rel=2e-5)


@pytest.mark.parametrize("shape", [(3, 5), (2, 700), (70, 9)])
def test_slots_that_meet_in_one_device_are_pulses_one_after_the_other(shape):
    """Seven slots with every line up, the rows in both directions: each device goes through the law seven times."""
    tile = make_tile("sgd", devices=equal_devices(shape), trains=PulseTrains(slots=7))
    tile.write(np.full(shape, 0.1))
    expected, direction = tile.W.g_S, np.where(np.arange(shape[0]) % 2, UP, DOWN)
    tile.update(np.ones((1, shape[1])), -direction[None, :], lr=1e3)
    for _ in range(7):
        both = {d: pulse(expected, tile.W.devices, d, 0.0) for d in (UP, DOWN)}
        expected = np.where(direction[:, None] == UP, both[UP], both[DOWN])
    assert tile.pulses.tolist() == [7 * shape[0] * shape[1], 0]
    assert tile.W.g_S == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["ttv2", "c-ttv2", "agad"])
def test_a_row_alone_collects_what_it_collects_among_others(name):
    rng, hidden = np.random.default_rng(0), {}
    x = np.sign(rng.standard_normal((5, 6, 9)))
    for rows in (1, 2, 45):
        settings = {"lr": 1e-4, "fast_lr": 1.0, "auto_scale": False, "transfer_every": 0.5}
        tile = make_tile(name, devices=equal_devices((rows, 9)), settings=settings, **IDEAL, trains=CERTAIN["trains"])
        for batch in x:
            tile.update(batch, np.ones((6, rows)))
        hidden[rows] = tile.digital[..., 0]
    assert np.abs(hidden[1]).min() > 0
    for rows in (2, 45):
        assert hidden[rows] == pytest.approx(np.repeat(hidden[1], rows, axis=0), rel=1e-5)


def test_spread_devices_each_make_their_own_step():
    devices = POPULATION.sample((40, 50), 3)
    tile = make_tile("sgd", devices=devices, **CERTAIN)
    change = []
    for _ in range(60):
        tile.write(np.zeros((40, 50)))
        before = tile.W.g_S
        tile.update(np.ones((1, 50)), np.ones((1, 40)), lr=10.0)
        change.append(tile.W.g_S - before)
    law = mean_step_S(before, devices, DOWN)
    # clipping at the bound makes the mean a little shorter; devices far from it follow the law one by one
    far = before - devices.g_min_S > 6 * np.abs(law)
    error = np.abs(law) * devices.step_noise / np.sqrt(60)
    deviation = (np.mean(change, axis=0) - law)[far] / error[far]
    assert far.mean() > 0.5
    assert abs(deviation.mean()) < 0.1
    assert deviation.std() == pytest.approx(1.0, abs=0.06)


def test_sign_of_input_and_error_decide_the_direction():
    tile = make_tile("sgd", devices=equal_devices((2, 2)), **CERTAIN)
    tile.update(np.array([[1.0, -1.0]]), np.array([[1.0, -1.0]]), lr=10.0)
    assert np.sign(tile.weights).tolist() == [[-1, 1], [1, -1]]


@pytest.mark.parametrize(("shorten", "manage"), [(True, True), (False, True), (False, False), (True, False)])
def test_the_mean_number_of_pulses_is_lr_d_x_over_the_grain(shorten, manage):
    n, rows, columns = 3000, 3, 4
    tile = make_tile("sgd", (rows, columns), trains=PulseTrains(slots=31, shorten=shorten, manage=manage))
    x, d = np.array([0.2, 0.5, 1.0, 0.0]), np.array([0.1, -0.3, 0.6])
    tile.update(np.tile(x, (n, 1)), np.tile(d, (n, 1)), lr=tile.W.grain)
    expected = n * np.abs(np.outer(d, x)).sum()
    assert tile.pulses[0] == pytest.approx(expected, abs=5 * np.sqrt(2 * expected))


def test_a_train_never_has_more_than_its_slots():
    tile = make_tile("sgd", (2, 2), trains=PulseTrains(slots=7))
    tile.update(np.ones((10, 2)), np.ones((10, 2)), lr=1e3)
    assert tile.pulses[0] == 10 * 7 * 4


@pytest.mark.parametrize(("spread", "even"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("name", ["sgd", "mp", "ttv1", "ttv2", "c-ttv2", "agad"])
def test_one_seed_gives_the_same_for_any_number_of_threads(name, spread, even):
    rng = np.random.default_rng(0)
    x, d = rng.uniform(-1, 1, (6, 8, 30)), rng.uniform(-1, 1, (6, 8, 41))

    def result(threads):
        numba.set_num_threads(threads)
        law = {"lr": 0.2, **({"transfer_every": 1} if name not in ("sgd", "mp") else {})}
        tile = make_tile(name, (41, 30), settings=law, trains=PulseTrains(spread=spread, even=even))
        out = [tile.forward(a) for a in x]
        for a, b in zip(x, d, strict=True):
            out += [tile.forward(a), tile.backward(b)]
            tile.update(a, b)
        return out, tile.state()

    most = numba.config.NUMBA_NUM_THREADS
    try:
        (outs, state), (outs_2, state_2) = result(1), result(most)
    finally:
        numba.set_num_threads(most)
    assert all(np.array_equal(a, b) for a, b in zip(outs, outs_2, strict=True))
    assert all(np.array_equal(state[k], state_2[k]) for k in state)
    assert state["pulses"][0] > 100


def test_ideal_products_are_exact_and_converters_round_and_add_their_noise():
    tile = make_tile("sgd", (20, 30), **IDEAL)
    rng = np.random.default_rng(0)
    tile.write(rng.uniform(-0.5, 0.5, (20, 30)))
    x, d = rng.uniform(-1, 1, (500, 30)).astype(np.float32), rng.uniform(-1, 1, (500, 20)).astype(np.float32)
    assert tile.forward(x) == pytest.approx(x @ tile.weights.T, abs=1e-5)
    assert tile.backward(d) == pytest.approx(d @ tile.weights, abs=1e-5)
    io = Converters()
    real = make_tile("sgd", (20, 30), forward=io)
    real.write(tile.weights)
    error = real.forward(x) - x @ tile.weights.T
    scale = np.abs(x).max(axis=1, keepdims=True)
    from_dac = (io.dac_step * scale) ** 2 / 12 * (tile.weights**2).sum(axis=1)
    expected = np.sqrt(scale**2 * (io.noise**2 + io.adc_step**2 / 12) + from_dac)
    assert np.std(error / expected) == pytest.approx(1.0, abs=0.03)
    levels = real.forward(x) / scale / io.adc_step
    assert np.abs(levels - np.rint(levels)).max() < 1e-3


def test_a_clipped_vector_is_repeated_with_smaller_input():
    tile = make_tile("sgd", (3, 400), forward=Converters(noise=0.0))
    tile.write(np.full((3, 400), 0.2))
    x = np.ones((2, 400)) * [[1.0], [0.01]]
    exact = x @ tile.weights.T
    assert np.abs(exact[0]).min() > 60
    assert tile.forward(x) == pytest.approx(exact, rel=0.03)
    clipped = make_tile("sgd", (3, 400), forward=Converters(noise=0.0, repeat_clipped=False))
    clipped.write(np.full((3, 400), 0.2))
    assert clipped.forward(x)[0] == pytest.approx(12.0)


def test_a_vector_of_zeros_gives_zeros_and_no_pulse():
    tile = make_tile("sgd", (3, 4))
    assert not tile.forward(np.zeros((2, 4))).any()
    tile.update(np.zeros((2, 4)), np.ones((2, 3)))
    assert tile.pulses.tolist() == [0, 0]


def test_state_goes_into_another_tile_of_the_same_kind_and_into_no_other():
    rng = np.random.default_rng(0)
    x, d = rng.uniform(-1, 1, (8, 9)), rng.uniform(-1, 1, (8, 6))
    a, b = make_tile(), make_tile()
    a.update(x, d)
    b.load_state({k: v.copy() for k, v in a.state().items()})
    a.update(x, d)
    b.update(x, d)
    assert all(np.array_equal(a.state()[k], b.state()[k]) for k in a.state())
    with pytest.raises(InputError, match="'digital' is missing or has another shape"):
        make_tile("sgd").load_state(a.state())


def test_wrong_tiles_and_inputs_are_refused():
    with pytest.raises(InputError, match=r"forward: got shape \(2, 3\); expected \(vectors, 9\)"):
        make_tile().forward(np.ones((2, 3)))
    from compact_model.training.agad import AGAD
    from compact_model.training.tile import Tile

    with pytest.raises(InputError, match="the algorithm 'agad' needs array A"):
        Tile(make_tile().W, None, AGAD())


FRESH = """
import numpy as np
from tiles import make_tile
from compact_model.training._update import update
tile = make_tile("agad", (6, 9))
tile.update(np.ones((3, 9)), -np.ones((3, 6)), lr=1.0)
print(tile.pulses.tolist(), sum(update.stats.cache_hits.values()))
"""


def test_a_fresh_process_that_takes_its_kernels_from_the_disk_updates_a_tile():
    """A parallel kernel from the disk, called by another one, jumps to nowhere where numba has not started its threads yet."""
    here = Path(__file__).resolve().parent
    path = os.pathsep.join([str(here), str(here.parents[2])])
    found = []
    for _ in range(
        5
    ):  # the first one compiles where nothing else has; one that took its kernel from the disk is enough
        done = subprocess.run(
            [sys.executable, "-c", FRESH],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-500:]}"
        pulses, from_disk = done.stdout.split("] ")
        found.append(pulses)
        if int(from_disk):
            break
    assert int(from_disk) == 1 and len(set(found)) == 1
