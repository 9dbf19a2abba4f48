"""Drive the exported file in the real aihwkit through the open-loop protocol; run as a script to record the results.

PYTHONPATH=. python tests/compact_model/aihwkit_peer.py      (in an environment with aihwkit)
"""

import json
from pathlib import Path

import numpy as np

from compact_model.export.aihwkit import aihwkit_json, aihwkit_python
from compact_model.model import CompactModel
from compact_model.open_loop import open_loop_metrics, run_open_loop
from compact_model.pulsed_device import PulsedDevices

RECORD = Path(__file__).parent / "data" / "aihwkit_recorded.json"
SIZE, ALTERNATING = 20, 500
DIRECTION = np.concatenate([np.repeat([1, -1, 1, -1], 400), np.tile([1, -1], ALTERNATING // 2)])


def exported(model):
    """Run the exported file and return its names."""
    names = {}
    exec(compile(aihwkit_python(model), "exported.py", "exec"), names)
    return names


def as_numbers(m):
    """Return mean, spread, median and half the 16..84 % range over devices of the metrics of a trace in any unit."""
    return {
        name: {
            "mean": float(np.mean(value)),
            "std": float(np.std(value, ddof=1)),
            "median": float(np.median(value)),
            "half_width": float(np.diff(np.percentile(value, [16, 84]))[0] / 2),
        }
        for name, value in (("n_states", m.n_states), ("sp_skew", m.sp_skew), ("nsr", m.nsr))
    }


def ours(model, nsr, seed=1):
    """Return the metrics of SIZE x SIZE mean devices in our own simulation."""
    return as_numbers(our_run(model, nsr, seed).metrics())


def our_run(model, nsr, seed=1):
    """Return the open-loop trace of SIZE x SIZE mean devices in our own simulation."""
    p = model.population
    ids = np.arange(SIZE * SIZE)
    devices = PulsedDevices.from_metrics(
        n_states=p.states.mean[0],
        sp_skew=p.states.mean[1],
        gamma=p.exponents.mean[0],
        gamma_up_down=p.exponents.mean[1],
        nsr=nsr,
        g_min_S=p.g_min_mean_S,
        g_max_S=p.g_max_mean_S,
        device_id=ids,
    )
    return run_open_loop(devices, seed=seed)


def theirs(model, *, nsr, spread, seed=1):
    """Return the metrics of SIZE x SIZE devices of the exported configuration pulsed inside aihwkit."""
    return as_numbers(open_loop_metrics(their_trace(model, nsr=nsr, spread=spread, seed=seed), DIRECTION, ALTERNATING))


def their_trace(model, *, nsr, spread, seed=1):
    """Return the weights of those devices before the first and after every pulse, (pulses + 1, SIZE, SIZE)."""
    import torch
    from aihwkit.simulator.configs import PulseType
    from aihwkit.simulator.tiles import AnalogTile

    config = exported(model)["rpu_config"]()
    config.device.dw_min_std, config.device.construction_seed = nsr, seed
    if not spread:
        for name in ("w_max_dtod", "w_min_dtod", "dw_min_dtod", "up_down_dtod", "pow_gamma_dtod", "pow_up_down_dtod"):
            setattr(config.device, name, 0.0)
    config.update.pulse_type = PulseType.STOCHASTIC_COMPRESSED
    config.update.desired_bl, config.update.update_bl_management, config.update.update_management = 1, False, False
    torch.manual_seed(seed)
    tile = AnalogTile(SIZE, SIZE, config)
    tile.set_learning_rate(100.0)  # probability of a pulse is one
    tile.set_weights(-torch.ones(SIZE, SIZE))
    x, d = torch.ones(1, SIZE), torch.ones(1, SIZE)
    trace = [tile.get_weights()[0].numpy().copy()]
    for sign in DIRECTION:
        tile.update(x, -float(sign) * d)  # aihwkit descends: w falls for positive d
        trace.append(tile.get_weights()[0].numpy().copy())
    return np.array(trace, float)


def inference(model, times=(0.0, 1.0, 3600.0)):
    """Return mean and spread [uS] of a 50 uS target at times after programming, from aihwkit's own noise model."""
    import torch

    noise = exported(model)["inference_rpu_config"]().noise_model
    torch.manual_seed(1)
    g = noise.apply_programming_noise_to_conductance(torch.full((20000,), 50.0))
    out = {}
    for t in times:
        now = noise.apply_drift_noise_to_conductance(g, None, t).numpy()
        out[f"{t:g}"] = {"mean_uS": float(now.mean()), "std_uS": float(now.std())}
    return out


def record():
    """Return everything worth recording, with the versions that made it."""
    import aihwkit
    import torch

    model = CompactModel.published()
    return {
        "aihwkit": aihwkit.__version__,
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
        "devices": SIZE * SIZE,
        "device": aihwkit_json(model)["device"],
        "mean_device_no_noise": theirs(model, nsr=0.0, spread=False),
        "mean_device": theirs(model, nsr=model.population.nsr_mean, spread=False),
        "spread_devices": theirs(model, nsr=model.population.nsr_mean, spread=True),
        "inference_50uS": inference(model),
    }


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), indent=2) + "\n")
