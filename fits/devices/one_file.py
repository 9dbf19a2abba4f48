"""What one measured file says of its devices: every sweep's states, every forming jump, as plain values that can be stored."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from compact_model.transistor import Transistor
from fits.reading.layout import Layout
from fits.reading.measurement import Measurement
from fits.reading.readers import read_devices
from fits.sweeps.forming_voltage import forming
from fits.sweeps.resistance_states import states
from fits.sweeps.segments import segmented
from ground.errors import InputError

# Part of every key: raised when the same file would give other numbers, so that stored results are not reused.
EXTRACTION_VERSION = 1


def extract_file(path: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return {"devices": [...]} of a file, JSON-like: per device its sweeps, forming jumps and what could not be extracted.

    options : v_read_V, ambient_K, layout (or None), r_series_ohm, transistor (or None), gate_V, as JSON-like values.
    Raises InputError where the file cannot be read.
    """
    layout = None if options["layout"] is None else Layout.model_validate(options["layout"])
    found = read_devices(
        path,
        ambient_K=options["ambient_K"],
        layout=layout,
        voltage_column=options["voltage_column"],
        current_column=options["current_column"],
    )
    return {"file": Path(path).name, "sha256": found[0].sha256, "devices": [extract_device(m, options) for m in found]}


def extract_device(measurement: Measurement, options: dict[str, Any]) -> dict[str, Any]:
    """Return the sweeps and forming jumps of one measurement as JSON-like values; what cannot be had stands in left_out."""
    left_out: list[str] = []
    sweeps: list[dict[str, Any]] = []
    jumps: list[dict[str, Any]] = []
    base = {"device": measurement.device, "synthetic": measurement.synthetic, "ambient_K": measurement.ambient_K}
    try:
        m = segmented(measurement)
    except InputError as error:
        return {**base, "n_points": len(measurement), "sweeps": [], "forming": [], "left_out": [str(error)]}
    try:
        read = states(m, options["v_read_V"])
        sweeps = [asdict(s) for s in read.sweeps]
        left_out += read.left_out
    except InputError as error:
        left_out.append(str(error))
    transistor = None if options["transistor"] is None else Transistor.model_validate(options["transistor"])
    for run in m.runs:
        try:
            found = forming(
                m if len(m.runs) == 1 else m.run(run),
                options["r_series_ohm"],
                transistor=transistor,
                gate_V=options["gate_V"],
            )
            jumps.append(found.to_dict())
        except InputError as error:
            if "no forming found" not in str(error):  # most runs form nothing: that is no news
                left_out.append(str(error))
    return {**base, "n_points": len(m), "sweeps": sweeps, "forming": jumps, "left_out": left_out}
