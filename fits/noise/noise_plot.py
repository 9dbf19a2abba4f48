"""The read noise as a picture: series, spectrum with the law and its band, ratio to it. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from fits.noise.noise_spectrum import NoiseFit
from ground.plotting import load_matplotlib


def figure_of(fit: NoiseFit) -> Any:
    """Return the figure; the spectrum is Welch's, the law that of the Whittle likelihood."""
    plt = load_matplotlib()
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(7, 9), height_ratios=(2, 3, 1.3), layout="constrained")
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    drift = fit.parameters["drift_per_s"].value
    top.plot(fit.time_s, 1e6 * fit.mean_S * (1 + fit.relative), ".", ms=1, color="0.4", rasterized=True)
    line = fit.mean_S * (1 + drift * (fit.time_s - fit.time_s.mean()))
    top.plot(fit.time_s, 1e6 * line, "-", color="tab:red", lw=1, label="drift")
    top.set(xlabel="time [s]", ylabel="conductance [uS]", title=f"Read noise of {fit.device or 'one cell'} ({kind})")
    top.legend(fontsize=8)
    f, model, band = fit.frequency_Hz, fit.model_per_Hz, np.exp(1.96 * fit.model_relative_error)
    middle.loglog(f, fit.psd_per_Hz, ".", ms=3, color="0.4", label="Welch")
    alpha = fit.parameters["alpha"]
    label = f"alpha = {alpha.value:.3f} +- {alpha.stderr:.3f}"
    middle.loglog(f, model, "-", color="tab:red", lw=1.2, label=label)
    middle.fill_between(f, model / band, model * band, color="tab:red", alpha=0.3, lw=0, label="95 %")
    middle.set(xlabel="frequency [Hz]", ylabel="spectral density of G / mean [1/Hz]")
    middle.legend(fontsize=8)
    bottom.semilogx(f, fit.psd_per_Hz / model, ".", ms=3, color="0.4")
    bottom.axhline(1.0, color="tab:red", lw=1)
    bottom.set(xlabel="frequency [Hz]", ylabel="Welch / law [1]")
    return figure
