"""Part of an MNIST epoch with AGAD, ours or aihwkit's: the same devices, trains, batch and network. Prints one JSON object.

python epoch.py ours|aihwkit DATA SLOTS THREADS VECTORS REPEATS
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

SKEW, GAMMA, STATES, NOISE = 0.61, 1.5, 22, 0.9  # arXiv:2502.04524; gamma read off a figure
SPREAD_BOUND, SPREAD_STEP = 0.1, 0.2
FAST_LR, EVERY, LR, BATCH = 0.1, 3, 0.01, 32


def images(folder: Path) -> tuple[Any, Any]:
    """Return (vectors, labels) of the training set as tensors."""
    import numpy as np
    import torch

    def read(name: str, head: int) -> Any:
        path = next(p for p in (folder / name, folder / f"{name}.gz") if p.exists())
        raw = path.read_bytes()
        return np.frombuffer(gzip.decompress(raw) if path.suffix == ".gz" else raw, np.uint8, offset=head)

    x = read("train-images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / 255
    return torch.from_numpy(x), torch.from_numpy(read("train-labels-idx1-ubyte", 8).astype(np.int64))


def steps() -> tuple[float, float]:
    """Return the up and down step that meet in 2/STATES at the symmetry point, weights -1..1."""
    return 2 / STATES / SKEW**GAMMA, 2 / STATES / (1 - SKEW) ** GAMMA


def network() -> Any:
    """Return 784-256-128-10 with sigmoids."""
    import torch
    from torch.nn import Linear, Sequential, Sigmoid

    torch.manual_seed(0)
    return Sequential(Linear(784, 256), Sigmoid(), Linear(256, 128), Sigmoid(), Linear(128, 10))


def ours(slots: int) -> tuple[Any, Any]:
    """Return (network on our tiles, optimiser)."""
    import numpy as np

    from compact_model.population import Population
    from compact_model.pulsed_device import PulsedDevices
    from compact_model.training.agad import AGAD
    from compact_model.training.convert import to_analog
    from compact_model.training.optimiser import AnalogOptimiser
    from compact_model.training.pulse_trains import PulseTrains

    class Same(Population):
        """Devices drawn by aihwkit's law instead of the population's."""

        def sample(self, shape: Any, seed: int, *, first_device: int = 0) -> PulsedDevices:
            rng, unit = np.random.default_rng([seed, first_device]), 48e-6
            high, low, gain = (rng.standard_normal(shape) for _ in range(3))
            gain, one = np.abs(1 + SPREAD_STEP * gain), np.ones(shape)
            up, down = steps()
            return PulsedDevices(
                g_max_S=unit * (3 + SPREAD_BOUND * high),
                g_min_S=unit * (1 + SPREAD_BOUND * low),
                dg_up_S=unit * up * gain,
                dg_down_S=unit * down * gain,
                gamma_up=GAMMA * one,
                gamma_down=GAMMA * one,
                step_noise=NOISE * one,
                device_id=first_device + np.arange(high.size).reshape(shape),
            )

    law = AGAD(lr=LR, fast_lr=FAST_LR, transfer_every=EVERY)
    analog = to_analog(network(), Same(**Population.published().model_dump()), law, trains=PulseTrains(slots=slots))
    return analog, AnalogOptimiser(analog, lr=LR)


def learner(x: Any, y: Any) -> Any:
    """Return the task whose steps `reram train mnist` takes."""
    from compact_model.training.task import Task

    return Task("mnist", x, y, x, y, hidden=(256, 128), batch=BATCH)


def theirs(slots: int) -> tuple[Any, Any]:
    """Return (network on aihwkit's tiles, optimiser)."""
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.optim import AnalogSGD
    from aihwkit.simulator.configs import (
        DynamicTransferCompound,
        PowStepReferenceDevice,
        UnitCellRPUConfig,
        UpdateParameters,
    )

    up, down = steps()

    def device() -> Any:
        return PowStepReferenceDevice(
            w_max=1,
            w_min=-1,
            w_max_dtod=SPREAD_BOUND,
            w_min_dtod=SPREAD_BOUND,
            dw_min=max(up, down),
            up_down=1 - down / up if up >= down else up / down - 1,
            dw_min_dtod=SPREAD_STEP,
            up_down_dtod=0.0,
            dw_min_std=NOISE,
            pow_gamma=GAMMA,
            pow_gamma_dtod=0.0,
            subtract_symmetry_point=True,
        )

    how = {"fast_lr": FAST_LR, "transfer_every": EVERY, "units_in_mbatch": False, "auto_scale": True}
    compound = DynamicTransferCompound(unit_cell_devices=[device(), device()], **how)
    analog = convert_to_analog(network(), UnitCellRPUConfig(device=compound, update=UpdateParameters(desired_bl=slots)))
    optimiser = AnalogSGD(analog.parameters(), lr=LR)
    optimiser.regroup_param_groups(analog)
    return analog, optimiser


def main(who: str, data: str, slots: int, threads: int, vectors: int, repeats: int) -> dict[str, Any]:
    """Return seconds per vector (wall and processor, best of `repeats`) and what they were spent on."""
    import torch

    torch.set_num_threads(threads)
    if who == "ours":
        import numba

        torch.set_num_threads(1)
        numba.set_num_threads(threads)
    x, y = images(Path(data))
    net, optimiser = (ours if who == "ours" else theirs)(slots)

    task = learner(x[:BATCH], y[:BATCH]) if who == "ours" else None

    def part(start: int, stop: int) -> None:
        for k in range(start, stop, BATCH):
            batch, labels = x[k : k + BATCH], y[k : k + BATCH]
            if task is not None:
                task.learn(net, optimiser, batch, labels)
            else:
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(net(batch), labels).backward()
                optimiser.step()

    part(0, 320)  # compiles, and fills the running means
    before = [layer.tile.pulses.copy() for layer in optimiser.layers] if who == "ours" else []
    wall, processor = [], []
    for n in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        part(320 + n * vectors, 320 + (n + 1) * vectors)
        wall.append((time.perf_counter() - start) / vectors)
        processor.append((time.process_time() - used) / vectors)
    out = {"who": who, "slots": slots, "threads": threads, "wall_s": min(wall), "processor_s": min(processor)}
    out["memory_MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if who == "ours":
        given = sum(int((layer.tile.pulses - b).sum()) for layer, b in zip(optimiser.layers, before, strict=True))
        out |= {"pulses": given / (vectors * repeats), "pulse_s": one_pulse_s()}
    return out


def one_pulse_s() -> float:
    """Return the least time of one device pulse: 64 rows of 256 devices, every device a pulse in every slot, again and again."""
    import numpy as np

    from compact_model.population import Population
    from compact_model.training.analog_sgd import AnalogSGD
    from compact_model.training.bank import DeviceBank
    from compact_model.training.pulse_trains import PulseTrains
    from compact_model.training.tile import Tile

    tile = Tile(
        DeviceBank(Population.published().sample((64, 256), 0)), None, AnalogSGD(), trains=PulseTrains(slots=31)
    )
    x, d = np.ones((64, 256), np.float32), np.ones((64, 64), np.float32)
    d[::2] = -1
    best = np.inf
    for _ in range(20):
        before, start = int(tile.pulses[0]), time.perf_counter()
        tile.update(x, d, lr=1e3)
        best = min(best, (time.perf_counter() - start) / (int(tile.pulses[0]) - before))
    return float(best)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", sys.argv[4])
    numbers = [int(v) for v in sys.argv[3:7]]
    print(json.dumps(main(sys.argv[1], sys.argv[2], *numbers)))
