"""The noise of what a fast array gathers: more pulses and more reads lower it, and held weights stay where they are."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.training
ROOT = Path(__file__).resolve().parents[2]


def _noise(batches=40, held=0.0, **rates):
    from compact_model.population import Population
    from compact_model.training.run import make_task
    from compact_model.training.settings import TrainSettings
    from compact_model.training.trainer import fresh_network
    from studies.gradient_noise import gradient_noise

    trains = {name: rates.pop(name) for name in ("slots", "spread") if name in rates}
    settings = TrainSettings(task="digits", rates=rates, trains=trains or {"slots": 5})
    task = make_task("digits", None, 32)
    network = fresh_network(task, settings, Population.published())
    for m in network.modules():
        if hasattr(m, "tile"):
            m.tile.digital[..., 0] = held
    before = [m.tile.weights.copy() for m in network.modules() if hasattr(m, "tile")]
    rows = gradient_noise(network, task, settings, batches=batches)
    after = [m.tile.weights for m in network.modules() if hasattr(m, "tile")]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    return rows


def test_more_pulses_and_more_reads_tell_more_of_the_gradient():
    few = _noise(slots=31, fast_lr=0.01, transfer_every=3)
    many = _noise(slots=31, fast_lr=0.1, transfer_every=0.25)
    assert [r.layer for r in few] == [r.layer for r in many] and len(few) == 2
    for a, b in zip(few, many, strict=True):
        assert b.noise < 0.6 * a.noise
        assert b.slope > 0 and b.signal == pytest.approx(a.signal, rel=0.3)


def test_too_many_pulses_at_once_are_a_bias_and_noise_is_none():
    rates = {"slots": 31, "transfer_every": 0.1}
    gentle, harsh = (_noise(120, fast_lr=fast_lr, **rates)[-1] for fast_lr in (0.05, 1.0))
    assert gentle.bias < 0.3 < 1.0 < harsh.bias
    assert gentle.noise > 1.0


@pytest.mark.parametrize(("bias", "spread"), [(0.0, 0.0), (0.06, 0.0), (0.0, 0.3), (0.06, 0.3)])
def test_slopes_of_single_devices_are_told_from_a_bias(bias, spread):
    """A tile whose H is known: 2.5 times the gradient, noise, and devices with a slope or an offset of their own."""
    from studies.gradient_noise import _Sum

    rng, shape, batches = np.random.default_rng(0), (150, 200), 200
    rms = np.exp(rng.normal(0, 0.5, shape))
    slope = 2.5 * (1 + spread * rng.standard_normal(shape))
    offset = 2.5 * bias * rms * rng.standard_normal(shape)
    tile = SimpleNamespace(shape=shape, W=SimpleNamespace(grain=1.0), digital=np.zeros((*shape, 1)))
    tile.algorithm = SimpleNamespace(replace=lambda threshold: None)

    def update(x, d, lr):
        tile.digital[..., 0] += slope * -1e-6 * x + offset + 2.0 * rms * rng.standard_normal(shape)

    tile.update = update
    counted, mean = _Sum(tile), 0.25 * rms * rng.standard_normal(shape)
    for n in range(batches):
        if n == batches // 2:
            counted.mark()
        gradient = mean + rms * rng.standard_normal(shape)
        counted(-1e6 * gradient, np.eye(shape[0]), lr=1.0)  # d^T x, at this rate, is the gradient
    found = counted.result("one", batches)
    assert found.slope == pytest.approx(2.5, rel=0.03)
    assert found.bias == pytest.approx(bias, abs=0.02) and found.spread == pytest.approx(spread, abs=0.05)
    assert found.noise == pytest.approx(np.linalg.norm([0.8, bias * np.sqrt(batches), spread * found.signal]), rel=0.1)


def test_as_many_pulses_in_spread_trains_are_less_of_a_bias_and_no_more_noise():
    burst, spread = (
        _noise(120, slots=31, transfer_every=0.1, fast_lr=0.8, spread=spread)[-1] for spread in (False, True)
    )
    assert spread.bias < 0.4 * burst.bias
    assert spread.noise < 1.1 * burst.noise


def test_batches_go_on_in_the_next_epoch():
    """A network that does not learn has the same gradient in every epoch: its sum grows like the number of batches, noise like its root."""
    rates = {"slots": 31, "fast_lr": 0.05, "transfer_every": 1}
    once, often = (_noise(batches, **rates)[0] for batches in (30, 120))
    assert often.signal == pytest.approx(2 * once.signal, rel=0.1)


def test_what_H_holds_already_does_not_matter():
    rates = {"slots": 31, "fast_lr": 0.1, "transfer_every": 1}
    assert _noise(10, held=0.4, **rates) == _noise(10, **rates)


def test_an_algorithm_without_a_hidden_matrix_is_refused_in_one_line(tmp_path):
    from compact_model.training.run import run
    from compact_model.training.settings import TrainSettings

    run(TrainSettings(task="digits", algorithm="sgd", epochs=1), tmp_path, times=(0.0,))
    for arguments, told in (([tmp_path], "expected a run with ttv2, c-ttv2 or agad"), ([], "expected RUN, a folder")):
        command = [sys.executable, "-m", "studies.gradient_noise", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and told in done.stderr


def test_without_torch_one_line_says_what_to_install():
    hidden = "import runpy, sys; sys.modules['torch'] = None; sys.argv = ['x', 'run']; "
    command = [sys.executable, "-c", hidden + "runpy.run_module('studies.gradient_noise', run_name='__main__')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1 and "cmo-reram[training]" in done.stderr and "Traceback" not in done.stderr
