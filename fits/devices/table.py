"""Devices as a table: forming, SET and RESET voltages, LRS and HRS of each, the sweeps behind them, and what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fits.devices.device_population import DevicePopulation
from ground.files import atomic
from ground.provenance import provenance, sources

if TYPE_CHECKING:
    import xarray as xr

    from ground.page import Table

QUANTITIES = {
    "forming_V": ("V", "forming voltage, programmed"),
    "forming_device_V": ("V", "voltage on the device just before it formed"),
    "forming_A": ("A", "current just after forming"),
    "set_V": ("V", "SET voltage, median of the cycles"),
    "reset_V": ("V", "RESET voltage, median of the cycles"),
    "lrs_ohm": ("ohm", "LRS at the read voltage, median of the readings"),
    "hrs_ohm": ("ohm", "HRS at the read voltage, median of the readings"),
    "ratio": ("1", "HRS over LRS, of the medians"),
}
_COUNTS = ("n_files", "n_sweeps", "n_set", "n_reset", "n_lrs", "n_hrs")
_PRISTINE = 10.0  # times the device's own HRS: a device of more than that before the jump was not formed yet
_NUMBERS = ("r_before_ohm", "r_after_ohm", "v_switch_V", "i_switch_A")


@dataclass(frozen=True)
class DeviceTable:
    """Result of a folder. devices : one dict per device.  sweeps : one per sweep.  failed : file -> reason.

    left_out : file -> what could be read of it and not extracted.  options : the settings used.  files : all that were read.
    """

    folder: str
    devices: tuple[dict[str, Any], ...]
    sweeps: tuple[dict[str, Any], ...]
    failed: Mapping[str, str]
    left_out: Mapping[str, str]
    options: Mapping[str, Any]
    synthetic: bool
    files: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        extracted: Sequence[tuple[str, str, dict[str, Any]]],
        failed: Mapping[str, str],
        *,
        folder: str,
        options: Mapping[str, Any],
        files: Sequence[Path] = (),
    ) -> DeviceTable:
        """Gather (file, device name, extraction) into devices, in the order of the files."""
        groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for file, name, found in extracted:
            groups.setdefault(name, []).append((file, found))
        devices, sweeps = [], []
        for name, parts in groups.items():
            row, own = _device(name, parts)
            devices.append(row)
            sweeps += own
        left_out = {file: "; ".join(found["left_out"]) for file, _, found in extracted if found["left_out"]}
        made = any(found["synthetic"] for _, _, found in extracted)
        return cls(folder, tuple(devices), tuple(sweeps), dict(failed), left_out, dict(options), made, tuple(files))

    @property
    def population(self) -> DevicePopulation:
        """Statistics over the devices."""
        values = {q: np.array([_nan(d[q]) for d in self.devices]) for q in QUANTITIES}
        return DevicePopulation.of(values, {q: unit for q, (unit, _) in QUANTITIES.items()}, self.synthetic)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {
            "folder": self.folder,
            "devices": list(self.devices),
            "population": self.population.to_dict(),
            "failed": dict(self.failed),
            "left_out": dict(self.left_out),
            "options": dict(self.options),
            "synthetic": self.synthetic,
        }

    def record(self, near: Path | None = None) -> dict[str, Any]:
        """Return what made the table. near : the file that will hold it."""
        files = sources("measured data", *self.files)
        return provenance(
            "reram fit folder", files=files, near=near, synthetic=self.synthetic, folder=self.folder, **self.options
        )

    def to_dataset(self, near: Path | None = None) -> xr.Dataset:
        """Return the table as a Dataset over `device`, with the sweeps over `sweep` and the failed files over `failed_file`.

        near : the file that will hold it.
        """
        import xarray as xr

        data: dict[str, Any] = {
            q: ("device", np.array([_nan(d[q]) for d in self.devices]), {"units": u, "long_name": text})
            for q, (u, text) in QUANTITIES.items()
        }
        data |= {n: ("device", np.array([d[n] for d in self.devices])) for n in _COUNTS}
        data["ambient_K"] = ("device", np.array([d["ambient_K"] for d in self.devices]), {"units": "K"})
        data["sweep_device"] = ("sweep", _texts([s["device"] for s in self.sweeps]))
        for name in ("file", "run", "polarity", "kind", "state_before", "state_after"):
            data[f"sweep_{name}"] = ("sweep", _texts([s[name] for s in self.sweeps]))
        data["sweep_cycle"] = ("sweep", np.array([s["cycle"] for s in self.sweeps], np.int64))
        for name in _NUMBERS:
            data[f"sweep_{name}"] = (
                "sweep",
                np.array([_nan(s[name]) for s in self.sweeps], float),
                {"units": name.rsplit("_", 1)[1]},
            )
        data["failure"] = ("failed_file", _texts(list(self.failed.values())))
        return xr.Dataset(
            data,
            {
                "device": ("device", _texts([d["device"] for d in self.devices])),
                "failed_file": ("failed_file", _texts(list(self.failed))),
            },
            {"synthetic": int(self.synthetic), "provenance": json.dumps(self.record(near))},
        )

    def save(self, path: str | Path) -> None:
        """Write the Dataset as NetCDF, whole or not at all."""
        table = self.to_dataset(Path(path))
        with atomic(path) as temporary:
            table.to_netcdf(temporary, engine="h5netcdf")

    def report(self) -> str:
        """Return the population, the first devices, and every file that failed, as text."""
        made = ", SYNTHETIC" if self.synthetic else ""
        lines = [
            f"{len(self.devices)} devices, {len(self.sweeps)} sweeps in {self.folder}{made}; "
            f"read at {self.options['v_read_V']:g} V",
            self.population.report(),
        ]
        shown = ("forming_V", "set_V", "reset_V", "lrs_ohm", "hrs_ohm", "ratio")
        lines.append("device".ljust(24) + "".join(s.rjust(12) for s in (*shown, "SET", "RESET")))
        for d in self.devices[:20]:
            cells = ["-" if d[s] is None else f"{d[s]:.4g}" for s in shown] + [str(d["n_set"]), str(d["n_reset"])]
            lines.append(d["device"][:23].ljust(24) + "".join(c.rjust(12) for c in cells))
        if len(self.devices) > 20:
            lines.append(f"... and {len(self.devices) - 20} more: in the file of -o")
        if self.left_out:
            file, reason = next(iter(self.left_out.items()))
            lines.append(f"{len(self.left_out)} files leave something out; the first, {file}: {reason[:200]}")
        lines += [f"failed: {file}: {reason}" for file, reason in self.failed.items()]
        return "\n".join(lines)

    def tables(self) -> list[Table]:
        """Return the statistics and the devices, as tables of a page."""
        from ground.page import Table

        found = self.population.statistics
        header = ("quantity", "unit", "median", "mean", "sigma", "5 %", "95 %", "n")
        rows = [(n, s.unit, s.median, s.mean, s.sigma, s.quantiles[0], s.quantiles[-1], s.n) for n, s in found.items()]
        shown = ("device", *QUANTITIES, *_COUNTS, "ambient_K")
        devices = [tuple(d[n] for n in shown) for d in self.devices]
        return [Table("Statistics", header, rows), Table("Devices", shown, devices)]

    def plot(self) -> Any:
        """Return a matplotlib figure: distributions over the devices."""
        from fits.devices.plot import figure_of

        return figure_of(self.population)


def _device(name: str, parts: list[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    sweeps = [{"device": name, "file": file, **s} for file, found in parts for s in found["sweeps"]]
    formed = _forming(parts, sweeps)
    cycled = [s for s in sweeps if formed is None or (s["file"], s["run"]) != (formed["file"], formed["run"])]
    values = {
        k: [s["v_switch_V"] for s in cycled if s["kind"] == k and s["v_switch_V"] is not None] for k in ("set", "reset")
    }
    ohms = {state: _readings(cycled, state) for state in ("LRS", "HRS")}
    lrs, hrs = _median(ohms["LRS"]), _median(ohms["HRS"])
    row = {
        "device": name,
        "forming_V": formed and formed["v_forming_V"],
        "forming_device_V": formed and formed["v_device_before_V"],
        "forming_A": formed and formed["i_formed_A"],
        "set_V": _median(values["set"]),
        "reset_V": _median(values["reset"]),
        "lrs_ohm": lrs,
        "hrs_ohm": hrs,
        "ratio": hrs / lrs if lrs and hrs else None,
        "n_files": len({file for file, _ in parts}),
        "n_sweeps": len(sweeps),
        "n_set": len(values["set"]),
        "n_reset": len(values["reset"]),
        "n_lrs": len(ohms["LRS"]),
        "n_hrs": len(ohms["HRS"]),
        "ambient_K": parts[0][1]["ambient_K"],
    }
    return row, sweeps


def _forming(parts: list[tuple[str, dict[str, Any]]], sweeps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first jump that formed the device: its file says "form", or the device was pristine before it.

    Pristine: its resistance could not be read, or was more than 10 times its highest HRS of the other runs.
    """
    for file, found in parts:
        for jump in found["forming"]:
            here = [s for s in sweeps if (s["file"], s["run"]) == (file, jump["run"])]
            others = [s for s in sweeps if (s["file"], s["run"]) != (file, jump["run"])]
            hrs = _readings(others, "HRS")
            before = here[0]["r_before_ohm"] if here else None
            pristine = before is None or (bool(hrs) and before > _PRISTINE * max(hrs))
            if "form" in file.lower() or pristine:
                return {**jump, "file": file}
    return None


def _readings(sweeps: Sequence[Mapping[str, Any]], state: str) -> list[float]:
    pairs = [(s[f"state_{w}"], s[f"r_{w}_ohm"]) for s in sweeps for w in ("before", "after")]
    return [r for name, r in pairs if name == state and r is not None]


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _texts(values: Sequence[str]) -> Any:
    return np.array(list(values), dtype=object) if values else np.array([], dtype="<U1")
