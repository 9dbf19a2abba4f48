"""The exported file inside the real aihwkit; the plain suite uses the recorded results instead."""

import aihwkit_peer
import numpy as np
import pytest

from compact_model.model import CompactModel

pytest.importorskip("aihwkit")
pytestmark = pytest.mark.aihwkit
MODEL = CompactModel.published()


def test_noise_free_mean_device_is_ours_to_single_precision():
    theirs, ours = aihwkit_peer.theirs(MODEL, nsr=0.0, spread=False), aihwkit_peer.ours(MODEL, 0.0)
    for name in ("n_states", "sp_skew"):
        assert theirs[name]["mean"] == pytest.approx(ours[name]["mean"], rel=1e-5)


def test_pulsed_response_is_ours_pulse_by_pulse():
    p = MODEL.population
    weights = aihwkit_peer.their_trace(MODEL, nsr=0.0, spread=False)[:, 0, 0]
    g = aihwkit_peer.our_run(MODEL, 0.0).g_S[:, 0]
    assert (weights + 1.0) / 2.0 == pytest.approx((g - p.g_min_mean_S) / (p.g_max_mean_S - p.g_min_mean_S), abs=1e-4)


def test_noisy_mean_devices_are_ours_within_their_errors_and_2_percent():
    nsr = MODEL.population.nsr_mean
    theirs, ours = aihwkit_peer.theirs(MODEL, nsr=nsr, spread=False), aihwkit_peer.ours(MODEL, nsr)
    for name in ("n_states", "sp_skew", "nsr"):
        error = np.hypot(theirs[name]["std"], ours[name]["std"]) / aihwkit_peer.SIZE
        assert theirs[name]["mean"] == pytest.approx(ours[name]["mean"], abs=4.5 * error)
        assert theirs[name]["mean"] == pytest.approx(ours[name]["mean"], rel=0.02)


def test_spread_devices_have_the_asked_median():
    theirs = aihwkit_peer.theirs(MODEL, nsr=MODEL.population.nsr_mean, spread=True)
    assert theirs["n_states"]["median"] == pytest.approx(20.3, rel=0.1)
    assert theirs["sp_skew"]["median"] == pytest.approx(0.62, abs=0.03)


def test_inference_configuration_programs_relaxes_and_multiplies():
    import torch
    from aihwkit.nn import AnalogLinear

    names = aihwkit_peer.exported(MODEL)
    layer = AnalogLinear(64, 64, bias=False, rpu_config=names["inference_rpu_config"](2)).eval()
    x = torch.rand(10, 64) * 2 - 1
    layer.program_analog_weights()
    outputs = []
    for t in (0.0, 3600.0):
        layer.drift_analog_weights(t)
        outputs.append(layer(x))
    assert all(bool(torch.isfinite(y).all()) for y in outputs) and not torch.equal(*outputs)
    with pytest.raises(ValueError, match=r"acceptance_percent=0.02 is not allowed: expected 0.2 or 2"):
        names["inference_rpu_config"](2e-2)


def test_a_layer_trains_on_the_exported_devices():
    import torch
    from aihwkit.nn import AnalogLinear
    from aihwkit.optim import AnalogSGD

    torch.manual_seed(0)
    layer = AnalogLinear(8, 4, bias=False, rpu_config=aihwkit_peer.exported(MODEL)["rpu_config"]())
    optimiser = AnalogSGD(layer.parameters(), lr=0.05)
    optimiser.regroup_param_groups(layer)
    x, y = torch.rand(16, 8), torch.rand(16, 4)
    for _ in range(20):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(layer(x), y)
        loss.backward()
        optimiser.step()
    assert bool(torch.isfinite(loss))
