"""What a file of a run is: told by its content, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ground.errors import InputError
from studies.report.run_folder import RunFile

_PICTURES = (".png", ".jpg", ".jpeg", ".svg")
_EXPORTS = (".sp", ".cir", ".lib", ".va", ".inc")
_CYCLE = "time_s,bias_V,cell_V,current_A,x,T_K,E_V_per_m"

# What a JSON table must hold to be of a kind; the first that fits.
_TABLES: dict[str, tuple[str, ...]] = {
    "summary": ("stages", "files", "provenance"),
    "solution": ("bias_V", "balances", "dofs", "provenance"),
    "model": ("population", "noise", "version"),
    "hopping fit": ("parameters", "covariance", "r_cf_m"),
    "training": ("task", "curve", "settings"),
    "training seeds": ("task", "seeds", "mean", "spread"),
    "mvm": ("times_s", "rmse", "settings"),
    "programming": ("results", "provenance"),
    "evaluation": ("in_time", "floating_point", "chain"),
    "uncertainty": ("bands", "varied", "not_varied"),
    "scoreboard": ("figures", "rows", "counts"),
    "paper figure": ("number", "title", "caption", "key"),
    "published number": ("published", "ours", "tolerance", "status"),
    "kept sample": ("key", "answer", "files"),
    "failed sample": ("key", "failed", "files"),
    "export": ("aihwkit", "mean_device"),
}


def kind_of(file: RunFile) -> tuple[str, Any]:
    """Return the kind of a file ("" where it is not known), and what was read of it.

    Raises InputError where a file that should be readable is not.
    """
    suffix = file.path.suffix.lower()
    if suffix == ".json":
        data = file.json()
        return _json_kind(data), data
    if suffix in _PICTURES:
        return "picture", None
    if suffix == ".vtu":
        return "fields", None
    if suffix in _EXPORTS:
        return "export", None
    if suffix == ".txt":
        return "text", file.text()
    known: dict[str, Callable[[RunFile], tuple[str, Any]]] = {
        ".csv": _csv_kind,
        ".tsv": _sweeps_kind,
        ".xlsx": _sweeps_kind,
        ".nc": _table_kind,
        ".py": _python_kind,
        ".toml": _toml_kind,
    }
    return known[suffix](file) if suffix in known else ("", None)


def _json_kind(data: Any) -> str:
    if not isinstance(data, dict):
        return ""
    made_by = data["provenance"].get("made_by", "") if isinstance(data.get("provenance"), dict) else ""
    for kind, names in _TABLES.items():
        if all(n in data for n in names):
            return kind
    for start, kind in (("reram array", "array"), ("reram fit", "fit")):
        if isinstance(made_by, str) and made_by.startswith(start):
            return kind
    return ""


def _csv_kind(file: RunFile) -> tuple[str, Any]:
    lines = [x for x in file.text().splitlines()[:50] if not x.startswith("#")]
    if lines and lines[0].startswith("epoch,loss,"):
        return "curve", None
    if lines and lines[0].startswith("time_s,loss,"):
        return "scores in time", None
    if lines and lines[0] == _CYCLE:
        return "cycle", None
    return _sweeps_kind(file)


def _sweeps_kind(file: RunFile) -> tuple[str, Any]:
    """Measured sweeps, or a table of something else."""
    from fits.reading.readers import read_iv

    try:
        return "sweeps", read_iv(file.path)
    except InputError:
        return "", None


def _table_kind(file: RunFile) -> tuple[str, Any]:
    import xarray as xr

    try:
        with xr.open_dataset(file.path, engine="h5netcdf") as table:
            data = table.load()
    except Exception as error:  # h5py has no class of its own for damaged files
        raise InputError(f"is no NetCDF file that can be read: {type(error).__name__}: {error}") from None
    return ("FEM sweep" if {"current_A", "failure"} <= set(data.variables) else "table"), data


def _python_kind(file: RunFile) -> tuple[str, Any]:
    return ("export" if "aihwkit" in file.text() else ""), None


def _toml_kind(file: RunFile) -> tuple[str, Any]:
    """A device file, or a file of another purpose."""
    from device_physics.device import Device, read_tables

    tables = read_tables(file.path)
    try:
        return "device", Device.from_tables(tables).model_dump(mode="json")
    except InputError:
        return "", None
