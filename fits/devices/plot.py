"""Populations as a picture: the cumulative distribution of every quantity over the devices. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.devices.device_population import DevicePopulation
from ground.errors import InputError
from ground.plotting import load_matplotlib

_PANELS = (
    ("voltages", "voltage magnitude [V]", ("forming_V", "forming_device_V", "set_V", "reset_V"), False),
    ("resistances", "resistance [ohm]", ("lrs_ohm", "hrs_ohm"), True),
    ("ratio", "HRS / LRS", ("ratio",), True),
)


def figure_of(population: DevicePopulation) -> Any:
    """Return cumulative distributions of switching voltages, of LRS and HRS, and of their ratio.

    Raises InputError where no device has any of them.
    """
    shown = [p for p in _PANELS if any(name in population.statistics for name in p[2])]
    if not shown:
        raise InputError("there is nothing to draw: no device has a voltage or a resistance.")
    plt = load_matplotlib()
    figure, axes = plt.subplots(1, len(shown), figsize=(5 * len(shown), 4.2), layout="constrained", squeeze=False)
    for axis, (title, label, names, log) in zip(axes[0], shown, strict=True):
        for name in (n for n in names if n in population.statistics):
            own = np.abs(population.values[name])
            own = np.sort(own[np.isfinite(own)])
            s = population.statistics[name]
            spread = "" if s.sigma_over_mean is None else f", sigma/mean {s.sigma_over_mean:.2g}"
            axis.plot(
                own,
                (np.arange(own.size) + 0.5) / own.size,
                ".-",
                ms=3,
                lw=0.8,
                label=f"{name.rsplit('_', 1)[0]}{spread}",
            )
        axis.set(xlabel=label, ylabel="cumulative share of devices [1]", title=title, ylim=(0, 1))
        if log:
            axis.set_xscale("log")
        axis.legend(fontsize=8)
    figure.suptitle("SYNTHETIC data" if population.synthetic else "measured data", fontsize=9)
    return figure
