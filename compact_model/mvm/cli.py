"""The command `reram mvm`: a thin door; what it calls is imported on call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compact_model.moments import parse_times
from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from compact_model.mvm.settings import MvmSettings
    from compact_model.mvm.study import MvmStudy

Reference = Annotated[
    str,
    typer.Option(
        help="Mid-point of single devices: digital, column (ideal), wired (a column of devices in the array)."
    ),
]
ReferenceEvery = Annotated[int, typer.Option(help="Columns that share a wired reference; 0: all of an array.")]

_SWEPT = (
    "size",
    "dac_bits",
    "adc_bits",
    "wire_ohm",
    "acceptance",
    "low_S",
    "high_S",
    "ir_drop",
    "scheme",
    "reference",
    "reference_every",
    "compensation",
)


def mvm_command(
    model: Annotated[
        Path | None, typer.Argument(help="Model file: its devices and noise, with --cell its cell; default: published.")
    ] = None,
    size: Annotated[int, typer.Option(help="Rows and columns of the matrix.")] = 64,
    inputs: Annotated[int, typer.Option(help="Vectors that are multiplied.")] = 100,
    times: Annotated[str, typer.Option(help="Times after programming: 0,1s,1h,1d,1w,10y.")] = "0,1s,1h,1d,10y",
    dac: Annotated[int, typer.Option(help="Bits of the DAC; 0 for an ideal one.")] = 6,
    adc: Annotated[int, typer.Option(help="Bits of the ADC; 0 for an ideal one.")] = 8,
    wire: Annotated[str, typer.Option(help="Resistance of one wire segment, with its unit.")] = "0.35 ohm",
    window: Annotated[str, typer.Option(help="Conductances of the weights -1 and 1, with their unit.")] = "9..89 uS",
    ir_drop: Annotated[str, typer.Option(help="exact, tabulated, word lines, bit lines, aihwkit, none.")] = "exact",
    scheme: Annotated[str, typer.Option(help="single (device and mid-point) or pair.")] = "single",
    reference: Reference = "column",
    reference_every: ReferenceEvery = 0,
    device: Annotated[str, typer.Option(help="CMO/HfOx, Wan 2022, PCM.")] = "CMO/HfOx",
    programming: Annotated[str, typer.Option(help="simulated, stated, ideal.")] = "stated",
    acceptance: Annotated[float, typer.Option(help="Of the closed loop, a fraction.")] = 0.002,
    compensation: Annotated[str, typer.Option(help="none, gain, shift, gain and shift.")] = "none",
    cell: Annotated[
        bool, typer.Option("--cell", help="Read through the current-voltage curve of the model's cell.")
    ] = False,
    gate: Annotated[
        str | None, typer.Option(help="Of the cell's transistor, as 3.3 V: read cell and transistor.")
    ] = None,
    tile: Annotated[int, typer.Option(help="Largest array, rows and columns of devices; 0 for one array.")] = 0,
    seed: Annotated[int, typer.Option(help="Of matrix, inputs and devices.")] = 0,
    budget: Annotated[bool, typer.Option("--budget", help="Switch each source of error off, and on alone.")] = False,
    sweep: Annotated[
        list[str] | None, typer.Option(help="A setting and its values, such as size=32,64,128; may be repeated.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a figure (PNG, PDF, SVG).")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the products (.nc) or the record (.json).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Multiply vectors with a matrix held by devices, and say how far that is from floating point."""
    from compact_model.mvm.settings import MvmSettings
    from compact_model.mvm.study import NORMALISATION, error_budget, mvm_study, mvm_sweep
    from ground.files import write_json
    from ground.progress import progress_bar
    from ground.provenance import provenance, published
    from ground.stamp import stamp

    low, high = parse_window(window)
    used, of_cell = read_model(model, cell, gate)
    devices: dict[str, Any] = {} if used is None else {"noise": used.noise, "population": used.population}
    settings = MvmSettings.published(
        dac_bits=dac or None, adc_bits=adc or None, wire_ohm=parse_quantity("wire", wire, "ohm"), low_S=low, high_S=high,
        ir_drop=ir_drop, scheme=scheme, reference=reference,
        reference_every=reference_every or None, device=device, programming=programming, acceptance=acceptance, compensation=compensation,
        **of_cell, **({"tile_rows": tile, "tile_columns": tile} if tile else {}),
    )  # fmt: skip
    when, over = parse_times(times), parse_sweep(sweep or [])
    study = mvm_study(size, inputs, when, settings, seed=seed, **devices)
    record: dict[str, Any] = {
        "size": size, "inputs": inputs, "seed": seed, "times_s": list(study.times_s), "rmse": study.rmse.tolist(),
        "rmse_over_std": study.rmse_over_std.tolist(), "normalisation": NORMALISATION, "settings": settings.model_dump(mode="json"),
    }  # fmt: skip
    if budget:
        found = error_budget(size, inputs, when, settings, seed=seed, **devices)
        record["budget"] = {name: {k: v.tolist() for k, v in kinds.items()} for name, kinds in found.items()}
    if over:
        with progress_bar("reram mvm", quiet=as_json) as report:
            record["sweep"] = mvm_sweep(
                over, when, settings, size=size, inputs=inputs, seed=seed, progress=report, **devices
            )
    record["provenance"] = provenance(
        "reram mvm",
        files=published() if model is None else [model],
        near=output,
        synthetic=True,
        size=size,
        inputs=inputs,
        seed=seed,
        **record["settings"],
    )
    if plot is not None:
        from compact_model.mvm.plots import plot_study

        plot_study(record, plot)
        stamp(plot, record["provenance"])
    if output is not None:
        _write(output, study, record) if output.suffix == ".nc" else write_json(output, record)
    typer.echo(json.dumps(record, indent=2, allow_nan=False) if as_json else "\n".join(_lines(record, settings)))


def read_model(model: Path | None, cell: bool, gate: str | None) -> tuple[CompactModel | None, dict[str, Any]]:
    """Return the model and what its cell adds to the settings, or raise InputError where there is no cell to read through."""
    from compact_model.model import CompactModel

    used = None if model is None else CompactModel.load(model)
    if not cell and gate is None:
        return used, {}
    if used is None or used.cell is None:
        where = "no model is given" if model is None else f"{model} has no cell"
        raise InputError(
            f"--cell and --gate are not allowed: {where}. Give a model with one: `reram model calibrate` writes it."
        )
    return used, {"cell": used.cell, "gate_V": None if gate is None else parse_quantity("gate", gate, "V")}


def parse_quantity(name: str, text: str, unit: str) -> float:
    """Return the SI value of a text such as "0.35ohm", or raise InputError."""
    from ground.units import to_si

    try:
        return to_si(text, unit)
    except ValueError as error:
        raise InputError(f"{name}={text!r} {error}") from None


def parse_window(text: str) -> tuple[float, float]:
    """Return both ends [S] of a text such as "9..89 uS", or raise InputError."""
    low, dots, rest = text.partition("..")
    number, _, unit = rest.strip().partition(" ")
    if not dots or not unit:
        raise InputError(f"window={text!r} is not allowed: expected both ends and a unit, such as '9..89 uS'.")
    return parse_quantity("window", f"{low} {unit}", "S"), parse_quantity("window", f"{number} {unit}", "S")


def parse_sweep(texts: list[str]) -> dict[str, list[Any]]:
    """Return settings and their values of texts such as "size=32,64", or raise InputError."""
    from ground.errors import nearest

    out: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or name not in _SWEPT:
            raise InputError(f"sweep={text!r} is not allowed: expected setting=value,value. {nearest(name, _SWEPT)}")
        out[name] = [_value(v.strip()) for v in values.split(",")]
        if name in ("dac_bits", "adc_bits"):
            out[name] = [v or None for v in out[name]]
    return out


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _write(path: Path, study: MvmStudy, record: dict[str, Any]) -> None:
    import xarray as xr

    from ground.files import atomic

    table = xr.Dataset(
        {
            "y": (("time", "vector", "column"), study.y, {"long_name": "product in memory"}),
            "y_fp": (("vector", "column"), study.y_fp, {"long_name": "product in floating point"}),
            "rmse": (("time",), study.rmse, {"long_name": record["normalisation"]}),
        },
        {"time": ("time", list(study.times_s), {"units": "s", "long_name": "time after programming"})},
        {"record": json.dumps(record), "provenance": json.dumps(record["provenance"])},
    )
    with atomic(path) as beside:
        table.to_netcdf(beside, engine="h5netcdf")


def _lines(record: dict[str, Any], settings: MvmSettings) -> list[str]:
    n = record["size"]
    bits = [b or "ideal" for b in (settings.dac_bits, settings.adc_bits)]
    out = [
        f"{n}x{n} {settings.device}, {record['inputs']} inputs, DAC {bits[0]}, ADC {bits[1]}, {settings.wire_ohm:g} ohm a segment, "
        f"IR drop {settings.ir_drop}, {settings.programming} programming, {_devices(settings)}, SYNTHETIC devices",
        f"  {'time [s]':>10} {'RMSE':>9} {'RMSE/std':>9}",
    ]
    rows = zip(record["times_s"], record["rmse"], record["rmse_over_std"], strict=True)
    out += [f"  {t:>10.4g} {e:>9.4f} {r:>9.4f}" for t, e, r in rows]
    if "budget" in record:
        out.append("  alone, at these times:")
        out += [
            f"  {name:>25} " + " ".join(f"{e:>8.4f}" for e in kinds["alone"])
            for name, kinds in record["budget"].items()
        ]
    for point in record.get("sweep", []):
        label = ", ".join(f"{k}={v}" for k, v in point.items() if k not in ("times_s", "rmse"))
        out.append(f"  {label}: " + " ".join(f"{e:.4f}" for e in point["rmse"]))
    return out


def _devices(settings: MvmSettings) -> str:
    if settings.cell is None:
        return "linear"
    return "read through the cell's curve" + (
        "" if settings.gate_V is None else f" and transistor at {settings.gate_V:g} V"
    )
