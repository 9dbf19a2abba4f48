"""Read noise that comes from the devices: an output has that of every device on its line, in proportion to its input."""

import numpy as np
import pytest
from test_torch_tile import make_torch_tile
from tiles import make_tile

from compact_model.training.converters import Converters

FINE = {"dac_bits": 24.0, "adc_bits": 24.0, "bound": 100.0, "noise": 0.0, "device_noise": 0.01}
MAKE = {"numba": make_tile, "torch": make_torch_tile}


def _errors(kind, x, direction="forward", **how):
    """Return what products are off, in units of the scale of each input."""
    way = "forward" if direction == "forward" else "backward"
    tile = MAKE[kind]("sgd", (40, 60), **{way: Converters(**{**FINE, **how})})
    tile.write(np.full((40, 60), 0.3))
    weights = np.array(tile.weights)
    y = np.array(tile.forward(x) if way == "forward" else tile.backward(x))
    exact = x @ (weights.T if way == "forward" else weights)
    return (y - exact) / np.abs(x).max(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["numba", "torch"])
@pytest.mark.parametrize(("direction", "lines"), [("forward", 60), ("backward", 40)])
def test_noise_of_devices_adds_by_squares_over_the_input(kind, direction, lines):
    one = np.zeros((400, lines), np.float32)
    one[:, 3] = -0.2
    all_on, ramp = (
        np.ones((400, lines), np.float32),
        np.tile(np.linspace(0, 7, lines, dtype=np.float32), (400, 1)),
    )
    for x in (one, all_on, ramp):
        norm = np.linalg.norm(x[0]) / np.abs(x[0]).max()
        assert np.std(_errors(kind, x, direction)) == pytest.approx(0.01 * norm, rel=0.03)
    both = np.std(_errors(kind, all_on, direction, noise=0.1))
    assert both == pytest.approx(np.hypot(0.1, 0.01 * np.sqrt(lines)), rel=0.03)


@pytest.mark.parametrize("kind", ["numba", "torch"])
def test_a_repeated_vector_has_the_noise_of_its_smaller_input(kind):
    """Sixty devices of weight 0.3 reach a bound of 12: the vector comes again at half its size, and noise and result are doubled."""
    x = np.ones((400, 60), np.float32)
    whole, half = (np.std(_errors(kind, x, bound=bound)) for bound in (100.0, 12.0))
    assert half == pytest.approx(whole, rel=0.03)  # a noise that does not depend on the input would be twice as large
    fixed = np.std(_errors(kind, x, bound=12.0, noise=0.1, device_noise=0.0))
    assert fixed == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("kind", ["numba", "torch"])
def test_a_column_of_the_fast_array_is_read_with_the_noise_of_one_device(kind):
    rng = np.random.default_rng(0)
    x, d = rng.uniform(-1, 1, (30, 9)).astype(np.float32), rng.uniform(-1, 1, (30, 6)).astype(np.float32)
    settings = {"lr": 0.1, "transfer_every": 1, "rho": 0.5}

    def learned(**noise):
        tile = MAKE[kind]("agad", (6, 9), settings=settings, forward=Converters(**{**FINE, **noise}))
        tile.update(x, d)
        return tile.state()["digital"].copy()

    of_devices = learned(noise=0.0, device_noise=0.05)
    assert np.array_equal(of_devices, learned(noise=0.05, device_noise=0.0))
    assert np.array_equal(of_devices, learned(noise=0.04, device_noise=0.03))
    assert not np.array_equal(of_devices, learned(noise=0.0, device_noise=0.0))


def test_the_published_noise_of_a_weight_is_that_of_a_device_and_its_reference():
    from compact_model.noise import ReadNoise
    from ground.paper import paper

    low, high = paper()["mvm"]["g_window_uS"]
    noise = float(ReadNoise.published().std_S(0.5e-6 * (low + high), 1.0))
    assert np.sqrt(2.0) * noise / (0.5e-6 * (high - low)) == pytest.approx(0.006, rel=0.03)


def test_converters_of_earlier_runs_keep_their_content_and_a_reach_scales_the_noise():
    assert "device_noise" not in Converters().model_dump()
    assert Converters(device_noise=0.006).model_dump()["device_noise"] == 0.006
    assert Converters(device_noise=0.006).reaching(2.0).device_noise == 0.012
