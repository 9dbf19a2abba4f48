"""What the errors are measured against: our own solutions on finer and finer meshes, extrapolated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from fem_peers.run import device, prepare, run, volts
from ground.files import cache_dir, content_hash
from meshes.build import mesh_hash


@dataclass(frozen=True)
class Reference:
    """Extrapolated current [A] and dome rise per watt [K/W] at some biases [V], with the orders seen at the last of them."""

    volts: list[float]
    currents_A: list[float]
    rises_per_W: list[float]
    orders: tuple[float, float]

    def errors(self, found: dict[str, Any]) -> tuple[float, float]:
        """Largest relative error of current and of the rise per watt over the biases known here."""
        worst = [0.0, 0.0]
        for bias, current, rise in zip(found["volts"], found["currents_A"], found["rises_K"], strict=True):
            for i, known in enumerate(self.volts):
                if abs(bias - known) < 1e-9:
                    worst[0] = max(worst[0], abs(current / self.currents_A[i] - 1))
                    worst[1] = max(worst[1], abs(rise / (bias * current) / self.rises_per_W[i] - 1))
        return worst[0], worst[1]


def extrapolated(values: list[float]) -> tuple[float, float]:
    """Limit of values on meshes refined by two each time, and the observed order of the last three."""
    a, b, c = values[-3:]
    order = float(np.log2(abs((a - b) / (b - c))))
    return c + (c - b) / (2**order - 1), order


def _finer(domain: str, rim_nm: float, divisions: float, level: int) -> dict[str, Any]:
    return {"domain": domain, "rim_size": f"{rim_nm} nm", "dome_divisions": divisions * 2 ** (level / 2)}


def references(task: str, quick: bool) -> Reference:
    """Solve a task on three or four meshes, rims halved and the dome made rounder each time, and extrapolate.

    Linear: the quarter box. Sweep: the plane (r, z) at fifths of the range, for a box costs minutes each; a disc differs from
    the square by 0.1 %. Kept in the cache folder by the meshes and devices it came from.
    """
    if task == "sweep":
        meshes = [_finer("axisymmetric", rim, 12.0, i) for i, rim in enumerate((0.08, 0.04, 0.02))]
    else:
        rims = (0.6, 0.3, 0.15) if quick else (0.3, 0.15, 0.075, 0.0375)
        meshes = [_finer("quarter", rim, 6.0, i) for i, rim in enumerate(rims)]
    devices = [device(mesh, task) for mesh in meshes]
    made_of = [task, [mesh_hash(d.stack, d.mesh) for d in devices], [d.content_hash() for d in devices]]
    path = cache_dir() / f"fem-reference-{content_hash(made_of)}.json"
    if not path.exists():
        specs = [{"library": "ours", "task": task, "mesh": mesh, "points": 5} for mesh in meshes]
        for spec in specs:
            prepare(spec)
        path.write_text(json.dumps([run(spec) for spec in specs]))
    found = json.loads(path.read_text())
    biases = volts(5) if task == "sweep" else [1.0]
    currents, rises, orders = [], [], (0.0, 0.0)
    for i, bias in enumerate(biases):
        current, order = extrapolated([f["currents_A"][i] for f in found])
        rise, order_of_rise = extrapolated([f["rises_K"][i] / (bias * f["currents_A"][i]) for f in found])
        currents.append(current)
        rises.append(rise)
        orders = (order, order_of_rise)
    return Reference(biases, currents, rises, orders)
