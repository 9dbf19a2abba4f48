"""Bands as files and as text: json, NetCDF and a figure, each with what made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ground.errors import MissingLibrary
from ground.files import atomic, write_json
from ground.stamp import stamp
from studies.uncertainty_bands import KINDS, Bands

NAME = "uncertainty"
_LABELS = {
    "rmse": "RMSE of y, inputs and weights uniform in -1..1",
    "accuracy": "accuracy [%]",
    "perplexity": "perplexity [1]",
}
_LOOKS = {"devices": ("0.6", "other devices, same parameters"), "parameters": ("C0", "parameters within their errors")}


def write_bands(bands: Bands, folder: Path, record: dict[str, Any]) -> list[Path]:
    """Write uncertainty.json, .nc and (with matplotlib) .png into a folder; return what was written. record : of provenance."""
    json_file, table, picture = (folder / f"{NAME}{end}" for end in (".json", ".nc", ".png"))
    write_json(json_file, {**bands.to_dict(), "provenance": record})
    _write_table(bands, table, record)
    try:
        draw_bands(bands.to_dict(), picture)
    except MissingLibrary:
        return [json_file, table]
    stamp(picture, record)
    return [json_file, table, picture]


def report(bands: Bands) -> str:
    """Return both bands at every time, which is the wider one, and what was not varied, as text."""
    count, lost = len(bands.samples), {k: len(v) for k, v in bands.failed.items() if v}
    lines = [
        f"{count} models drawn from the covariance of {len(bands.samples.names)} parameters, and {count} sets of devices"
    ]
    for quantity in bands.values:
        lines.append(
            f"{quantity}: {'time [s]':>10} {'nominal':>10}   {'parameters: 5 %, median, 95 %':<32}{'devices: 5 %, median, 95 %':<30}"
        )
        rows = {k: np.stack(list(bands.band(quantity, k).values()), axis=1) for k in KINDS}
        for i, t in enumerate(bands.times_s):
            three = ["  ".join(f"{v:>8.4g}" for v in rows[k][i]) for k in KINDS]
            lines.append(
                f"{'':{len(quantity) + 2}}{t:>10.4g} {bands.nominal[quantity][i]:>10.4g}   {three[0]:<32}{three[1]:<30} "
                f"{_WORDS[bands.wider(quantity)[i]]}"
            )
    lines += [f"not varied: {text}" for text in bands.left]
    lines += [
        f"{n} of {count} samples ({kind}) gave no number and are left out: {bands.failed[kind][0]}"
        for kind, n in lost.items()
    ]
    if bands.samples.rejected > 0:
        lines.append(f"{bands.samples.rejected:.2g} of the draws were no device and were drawn again" + _warning(bands))
    return "\n".join(lines)


_WORDS = {"parameters": "parameters wider", "devices": "devices wider", "equal": "equal"}


def _warning(bands: Bands) -> str:
    return ": so many that the band is that of a cut law" if bands.samples.rejected > 0.1 else ""


def _write_table(bands: Bands, path: Path, record: dict[str, Any]) -> None:
    import xarray as xr

    data: dict[str, Any] = {"parameter_value": (("model", "parameter"), bands.samples.values)}
    for quantity, kinds in bands.values.items():
        data |= {f"{quantity}_{k}": ((f"{k}_sample", "time"), kinds[k], {"units": "1"}) for k in KINDS}
        data[f"{quantity}_nominal"] = ("time", bands.nominal[quantity], {"units": "1"})
    coordinates = {
        "time": ("time", list(bands.times_s), {"units": "s", "long_name": "time after programming"}),
        "parameter": ("parameter", list(bands.samples.names)),
    }
    table = xr.Dataset(data, coordinates, {"provenance": json.dumps(record)})
    with atomic(path) as beside:
        table.to_netcdf(beside, engine="h5netcdf")


def draw_bands(record: Mapping[str, Any], path: Path) -> None:
    """Draw bands as `Bands.to_dict` gives them, a panel per quantity. Raises MissingLibrary without matplotlib."""
    from ground.plotting import load_matplotlib

    plt = load_matplotlib()
    bands = record["bands"]
    figure, panels = plt.subplots(1, len(bands), figsize=(6.0 * len(bands), 4.5), layout="constrained", squeeze=False)
    times = np.maximum(record["times_s"], 0.1)
    for axes, (quantity, found) in zip(panels[0], bands.items(), strict=True):
        scale = 100.0 if quantity == "accuracy" else 1.0
        for kind, (colour, label) in _LOOKS.items():
            low, middle, high = (scale * np.array(found[kind][q]) for q in ("p05", "median", "p95"))
            axes.fill_between(times, low, high, color=colour, alpha=0.35, label=f"5..95 %: {label}")
            axes.plot(times, middle, color=colour, marker="o", ms=3)
        axes.plot(times, scale * np.array(found["nominal"]), "k--", lw=1, label="model as it is")
        axes.set(
            xscale="log",
            xlabel="time after programming [s] (0 s drawn at 0.1 s)",
            ylabel=_LABELS.get(quantity, quantity),
        )
        axes.legend(fontsize=8)
    figure.suptitle(f"{record['samples']} models within the errors of the fit, SYNTHETIC devices")
    with atomic(path) as beside:
        figure.savefig(beside, dpi=150)
    plt.close(figure)
