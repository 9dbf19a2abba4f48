"""A forming sweep as a picture: |I| against V on two scales, with the points around the jump. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.sweeps.forming_voltage import Forming
from ground.plotting import load_matplotlib


def figure_of(found: Forming) -> Any:
    """Return |I| against V, logarithmic above and linear below, and where the device formed."""
    plt = load_matplotlib()
    volts, amps, held = found.trace.voltage, np.abs(found.trace.current), found.trace.in_compliance
    figure, axes = plt.subplots(2, 1, figsize=(7, 7), sharex=True, layout="constrained")
    for axis, scale in zip(axes, (1.0, 1e6), strict=True):
        axis.plot(volts[~held], scale * amps[~held], ".", ms=3, label="measured")
        axis.plot(volts[held], scale * amps[held], ".", ms=3, color="grey", label="held by compliance")
        jump = (found.v_before_V, found.v_forming_V), (found.i_before_A, found.i_forming_A)
        axis.plot(jump[0], scale * np.abs(jump[1]), "o-", mfc="none", color="tab:red", label="jump")
        axis.axvline(found.v_forming_V, color="tab:red", lw=0.8)
    axes[0].set(yscale="log", ylabel="|current| [A]")
    axes[1].set(xlabel="voltage on the driven terminal [V]", ylabel="|current| [uA]")
    kind = "SYNTHETIC data" if found.synthetic else "measured data"
    axes[0].set_title(f"Forming at {found.v_forming_V:.4g} V, {found.run} ({kind})")
    axes[0].legend(fontsize=8)
    return figure
