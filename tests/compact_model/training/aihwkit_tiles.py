"""1,000 random updates of PowStep tiles inside the real aihwkit; run as a script to record what the weights became.

PYTHONPATH=. python tests/compact_model/training/aihwkit_tiles.py      (in an environment with aihwkit)
"""

import json
from pathlib import Path

import numpy as np

RECORD = Path(__file__).parents[1] / "data" / "aihwkit_tiles.json"
ROWS, COLUMNS, BATCH, BATCHES, SEEDS, SLOTS = 12, 20, 10, 100, 20, 31
SKEW, GAMMA, STATES, NOISE = 0.61, 1.5, 22, 0.9
LR = {"sgd": 0.05, "ttv2": 0.5, "agad": 0.5}
FAST_LR, EVERY = 0.2, 1


def inputs(seed):
    """Return x (batches, vectors, columns) and d (batches, vectors, rows): a drift that can be learned, and noise."""
    rng = np.random.default_rng(seed)
    pull = np.linspace(-0.3, 0.3, ROWS)
    x = rng.uniform(0.0, 1.0, (BATCHES, BATCH, COLUMNS))
    return x.astype(np.float32), (pull + 0.5 * rng.standard_normal((BATCHES, BATCH, ROWS))).astype(np.float32)


def device():
    """Return the aihwkit device: symmetry point, step there and exponent of the published device."""
    from aihwkit.simulator.configs import PowStepReferenceDevice

    up, down = 2 / STATES / SKEW**GAMMA, 2 / STATES / (1 - SKEW) ** GAMMA
    bias = 1 - down / up if up >= down else up / down - 1
    return PowStepReferenceDevice(
        w_max=1.0,
        w_min=-1.0,
        w_max_dtod=0.1,
        w_min_dtod=0.1,
        dw_min=max(up, down),
        up_down=bias,
        dw_min_dtod=0.2,
        up_down_dtod=0.0,
        dw_min_std=NOISE,
        pow_gamma=GAMMA,
        pow_gamma_dtod=0.1,
        subtract_symmetry_point=True,
        construction_seed=7,
    )


def configuration(name):
    """Return the aihwkit configuration of one algorithm, converters off."""
    from aihwkit.simulator.configs import (
        BufferedTransferCompound,
        DynamicTransferCompound,
        IOParameters,
        SingleRPUConfig,
        UnitCellRPUConfig,
        UpdateParameters,
    )

    ideal, update = IOParameters(is_perfect=True), UpdateParameters(desired_bl=SLOTS)
    how = {"fast_lr": FAST_LR, "transfer_every": EVERY, "units_in_mbatch": False, "transfer_forward": ideal}
    if name == "sgd":
        return SingleRPUConfig(device=device(), forward=ideal, backward=ideal, update=update)
    kind = {"ttv2": BufferedTransferCompound, "agad": DynamicTransferCompound}[name]
    extra = {"momentum": 0.1} if name == "ttv2" else {"construction_seed": 7}
    compound = kind(unit_cell_devices=[device(), device()], **how, **extra)
    return UnitCellRPUConfig(device=compound, forward=ideal, backward=ideal, update=update)


def hidden(tile):
    """Return aihwkit's hidden parameters by name, each (rows, columns)."""
    values = tile.tile.get_hidden_parameters().numpy()
    return dict(zip(tile.tile.get_hidden_parameter_names(), values, strict=True))


def devices(name):
    """Return the drawn parameters of the devices of one algorithm, by aihwkit's names."""
    from aihwkit.simulator.tiles import AnalogTile

    wanted = ("max_bound", "min_bound", "dwmin_up", "dwmin_down", "gamma_up", "gamma_down", "reference")
    drawn = hidden(AnalogTile(ROWS, COLUMNS, configuration(name)))
    return {n: v for n, v in drawn.items() if n.startswith(wanted)}


def run(name, drawn, seed):
    """Return the weights of W, and of A where there is one, after all updates of tiles with the devices `drawn`."""
    import torch
    from aihwkit.simulator.tiles import AnalogTile

    torch.manual_seed(seed)
    tile = AnalogTile(ROWS, COLUMNS, configuration(name))
    values = {**hidden(tile), **drawn}
    tile.tile.set_hidden_parameters(torch.from_numpy(np.stack(list(values.values()))))
    tile.set_learning_rate(LR[name])
    tile.set_weights(torch.zeros(ROWS, COLUMNS))
    for x, d in zip(*inputs(seed), strict=True):
        tile.update(torch.from_numpy(x), torch.from_numpy(d))
    return tile.get_weights()[0].numpy(), hidden(tile).get("hidden_weights_0")


def ours(name, drawn, seed):
    """Return the same from our tile."""
    from compact_model.training.algorithm import algorithm_named
    from compact_model.training.converters import Converters
    from compact_model.training.handover import bank_from_aihwkit
    from compact_model.training.pulse_trains import PulseTrains
    from compact_model.training.tile import Tile

    grain = 2 / STATES / (1 - SKEW) ** GAMMA * 0.5**GAMMA
    settings = {} if name == "sgd" else {"fast_lr": FAST_LR, "transfer_every": EVERY, "auto_scale": False}
    law = algorithm_named(name, lr=LR[name], **settings)
    W, A = bank_from_aihwkit(drawn, NOISE, suffix="" if name == "sgd" else "_1", grain=grain), None
    if name != "sgd":
        A = bank_from_aihwkit(drawn, NOISE, suffix="_0", grain=grain)
    tile = Tile(W, A, law, trains=PulseTrains(slots=SLOTS), forward=Converters(ideal=True), seed=seed)
    tile.write(np.zeros((ROWS, COLUMNS)))
    if A is not None:
        A.write(np.zeros((ROWS, COLUMNS)))
    for x, d in zip(*inputs(seed), strict=True):
        tile.update(x, d)
    return tile.weights.copy(), None if A is None else A.weights


STEP_TRIALS = 400


def steps(drawn, direction):
    """Return the mean change of weight of one certain pulse from weight 0, over devices and trials, and its error."""
    import torch
    from aihwkit.simulator.configs import IOParameters, SingleRPUConfig, UpdateParameters
    from aihwkit.simulator.tiles import AnalogTile

    once = UpdateParameters(desired_bl=1, update_bl_management=False, update_management=False)
    ideal = IOParameters(is_perfect=True)
    tile = AnalogTile(ROWS, COLUMNS, SingleRPUConfig(device=device(), forward=ideal, backward=ideal, update=once))
    values = {**hidden(tile), **drawn}
    tile.tile.set_hidden_parameters(torch.from_numpy(np.stack(list(values.values()))))
    tile.set_learning_rate(100.0)
    out = []
    for _ in range(STEP_TRIALS):
        tile.set_weights(torch.zeros(ROWS, COLUMNS))
        tile.update(torch.ones(1, COLUMNS), -float(direction) * torch.ones(1, ROWS))
        out.append(float(tile.get_weights()[0].mean()))
    return {"mean": float(np.mean(out)), "error": float(np.std(out) / np.sqrt(len(out)))}


def our_steps(drawn, direction):
    """Return the same mean from our tile."""
    from compact_model.training.analog_sgd import AnalogSGD
    from compact_model.training.handover import bank_from_aihwkit
    from compact_model.training.pulse_trains import PulseTrains
    from compact_model.training.tile import Tile

    tile = Tile(
        bank_from_aihwkit(drawn, NOISE), None, AnalogSGD(), trains=PulseTrains(slots=1, shorten=False, manage=False)
    )
    out = []
    for _ in range(STEP_TRIALS):
        tile.write(np.zeros((ROWS, COLUMNS)))
        tile.update(np.ones((1, COLUMNS)), -float(direction) * np.ones((1, ROWS)), lr=100.0)
        out.append(tile.weights.mean())
    return float(np.mean(out))


def record():
    """Return parameters and final weights of every algorithm, rounded to 1e-4 (a thousandth of a step)."""
    import aihwkit
    import torch

    out = {"aihwkit": aihwkit.__version__, "torch": torch.__version__.split("+")[0], "algorithms": {}}
    for name in LR:
        drawn = devices(name)
        runs = [run(name, drawn, seed) for seed in range(SEEDS)]
        entry = {"devices": {n: np.round(v, 6).tolist() for n, v in drawn.items()}}
        entry["W"] = np.round([w for w, _ in runs], 4).tolist()
        if name != "sgd":
            entry["A"] = np.round([a for _, a in runs], 4).tolist()
        out["algorithms"][name] = entry
    out["algorithms"]["steps"] = {"up": steps(devices("sgd"), 1), "down": steps(devices("sgd"), -1)}
    return out


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), separators=(",", ":")) + "\n")
