"""Pulse response as a table: for a conductance, the distribution of the change by one pulse, as CrossSim-type simulators read it.

Rows: conductance before the pulse. Columns: quantiles. A simulator draws a uniform number and looks the change up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compact_model.model import CompactModel
from compact_model.pulsed_device import DOWN, UP, mean_step_S, pulse
from compact_model.streams import normals
from ground.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LookupTable:
    """g_S (rows,) [S]; quantile (columns,) 0..1; up_S, down_S (rows, columns): change of the conductance by one pulse [S].

    mean_up_S, mean_down_S (rows,) : its mean without noise, over devices.
    """

    g_S: Array
    quantile: Array
    up_S: Array
    down_S: Array
    mean_up_S: Array
    mean_down_S: Array

    def csv(self, direction: str) -> str:
        """Return one polarity ("up", "down") as CSV: first row the quantiles, first column the conductance [S]."""
        if direction not in ("up", "down"):
            raise InputError(f"direction={direction!r} is not allowed: expected 'up' or 'down'.")
        table = self.up_S if direction == "up" else self.down_S
        head = "g_S\\quantile," + ",".join(f"{q:.6g}" for q in self.quantile)
        return (
            "\n".join(
                [
                    head,
                    *(f"{g:.9g}," + ",".join(f"{v:.6e}" for v in row) for g, row in zip(self.g_S, table, strict=True)),
                ]
            )
            + "\n"
        )


def lookup_table(
    model: CompactModel, *, rows: int = 50, columns: int = 41, devices: int = 2000, seed: int = 0
) -> LookupTable:
    """Return the table of a model's population: device-to-device and cycle-to-cycle spread in one distribution.

    rows : conductances, evenly spread over the mean window.  columns : quantiles, from 0 to 1.
    """
    if not (2 <= rows <= 10_000 and 3 <= columns <= 10_000 and 10 <= devices <= 1_000_000):
        raise InputError(
            f"rows={rows}, columns={columns}, devices={devices} is not allowed: expected 2, 3 and 10 or more."
        )
    drawn = model.population.sample(devices, seed)
    mean = model.population.mean_device()
    g = np.linspace(float(mean.g_min_S), float(mean.g_max_S), rows)
    q = np.linspace(0.0, 1.0, columns)
    tables, means = [], []
    for direction in (UP, DOWN):
        xi = np.concatenate([normals(seed, "pulse", drawn.device_id, trial=t, count=4) for t in range(4)])
        change = np.empty((rows, columns))
        middle = np.empty(rows)
        for i, start in enumerate(g):
            inside = np.clip(start, drawn.g_min_S, drawn.g_max_S)
            change[i] = np.quantile(pulse(inside, drawn, direction, xi) - inside, q)
            middle[i] = mean_step_S(inside, drawn, direction).mean()
        tables.append(change)
        means.append(middle)
    return LookupTable(g, q, tables[0], tables[1], means[0], means[1])
