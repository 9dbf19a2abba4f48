"""The commands `reram model` and `reram export` (`reram array` is in `array_cli`): thin doors; what they call is imported on call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compact_model.array_cli import array_app, parse_shape

if TYPE_CHECKING:
    from compact_model.model import CompactModel
    from ground.provenance import Source

__all__ = ["array_app", "export_app", "model_app", "parse_shape"]

model_app = typer.Typer(help="Look into a compact model file.", no_args_is_help=True)
export_app = typer.Typer(help="Write a compact model for other simulators.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL.json", help="Compact model file.")]


@model_app.callback()
def _model() -> None:
    """Look into a compact model file."""


@export_app.callback()
def _export() -> None:
    """Write a compact model for other simulators."""


@model_app.command("show")
def show_command(model: ModelFile, as_json: Json = False) -> None:
    """Show what a compact model file holds."""
    from compact_model.model import CompactModel

    loaded = CompactModel.load(model)
    if as_json:
        _print_json({**loaded.model_dump(mode="json"), "content_hash": loaded.content_hash})
        return
    typer.echo("\n".join(_summary(loaded)))


@model_app.command("calibrate")
def calibrate_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="Compact model file (JSON) to write.")],
    model: Annotated[
        Path | None, typer.Option(help="Model whose cell is calibrated; default: the published device.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help='A number the cell should show, "kind=value±relative error", e.g. "r_hrs_ohm=256e3±0.25"; repeatable. '
            "Default: the published ones."
        ),
    ] = None,
    free: Annotated[str, typer.Option(help="Constants to fit, comma-separated.")] = "barrier_set_eV, barrier_reset_eV",
    as_json: Json = False,
) -> None:
    """Fit the ion constants of the physical cell to targets; give errors, and what the targets do not determine."""
    from compact_model.cell_calibration import calibrate, parse_target
    from compact_model.model import CompactModel
    from compact_model.published_cell import published_cell
    from ground.provenance import provenance, published, response_table

    base = CompactModel.published() if model is None else CompactModel.load(model)
    found = calibrate(
        base.cell or published_cell(),
        [parse_target(t) for t in target or ()] or None,
        free=[n.strip() for n in free.split(",")],
    )
    constants = {
        n: {"value": float(v), "stderr": float(s)}
        for n, v, s in zip(found.names, found.values, found.stderr, strict=True)
    }
    made = provenance(
        "reram model calibrate",
        files=[*_sources(model), *published(), *response_table()],
        near=output,
        synthetic=base.synthetic,
        ion_constants=constants,
    )
    base.replace(cell=found.cell, provenance=made).save(output)
    if as_json:
        shown = [
            {"kind": t.kind, "given": t.value, "shown": float(m)}
            for t, m in zip(found.targets, found.modelled, strict=True)
        ]
        _print_json(
            {"constants": constants, "targets": shown, "undetermined": list(found.undetermined), "model": str(output)}
        )
        return
    typer.echo(f"{output}: cell with calibrated ions\n{found.report()}")


def _sources(model: Path | None) -> list[Source]:
    from ground.provenance import sources

    return sources("compact model", model)


def _exported(kind: str, model: CompactModel, file: Path, output: Path, **settings: Any) -> dict[str, Any]:
    """What made an exported file. A circuit's curves are those of the shipped response table."""
    from ground.provenance import provenance, published, response_table

    table = response_table() if kind in ("spice", "verilog-a") else []
    numbers = published() if kind == "aihwkit" else []
    return provenance(
        f"reram export {kind}",
        files=[*_sources(file), *table, *numbers],
        near=output,
        synthetic=model.synthetic,
        model_content=model.content_hash,
        **settings,
    )


def _summary(model: CompactModel) -> list[str]:
    p, law = model.population, model.noise.relaxation
    lines = [
        f"{model.name}" + ("  [SYNTHETIC]" if model.synthetic else ""),
        f"  version {model.version}, content {model.content_hash}",
        f"  n_states        {p.states.mean[0]:g} ± {p.states.sigma[0]:g} over devices",
        f"  sp_skew         {p.states.mean[1]:g} ± {p.states.sigma[1]:g}",
        f"  gamma           {p.exponents.mean[0]:g} ± {p.exponents.sigma[0]:g}",
        f"  gamma_up_down   {p.exponents.mean[1]:g} ± {p.exponents.sigma[1]:g}",
        f"  NSR             {p.nsr_mean:g} ± {p.nsr_sigma:g}",
        f"  g_min           {p.g_min_mean_S * 1e6:.4g} ± {p.g_min_sigma_S * 1e6:.2g} uS",
        f"  g_max           {p.g_max_mean_S * 1e6:.4g} ± {p.g_max_sigma_S * 1e6:.2g} uS",
        f"  relaxation      mean {law.mean_shift_S * 1e6:.4g} ln t, sigma {law.sigma_S * 1e6:.4g} + "
        f"{law.sigma_per_ln_S * 1e6:.4g} ln t (uS, s)",
        "  cell            "
        + (
            "none"
            if model.cell is None
            else f"r_CF {model.cell.filament_radius_m * 1e9:.3g} nm, "
            f"hop {model.cell.hopping.hop_distance_m * 1e9:.3g} nm, "
            f"N {model.cell.hopping.trap_density_hrs_m3:.3g}..{model.cell.hopping.trap_density_lrs_m3:.3g} 1/m3"
        ),
    ]
    lines += [f"  valid           {name} {low:g}..{high:g}" for name, (low, high) in model.validity.items()]
    assumed = {**(model.cell.assumed if model.cell else {}), **p.assumed}
    return lines + [f"  assumed         {name}: {why}" for name, why in assumed.items()]


@export_app.command("aihwkit")
def aihwkit_command(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Python file to write.")],
    json_config: Annotated[Path | None, typer.Option(help="Also write the numbers as JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Write a Python file with training and inference configurations for aihwkit."""
    from compact_model.export.aihwkit import aihwkit_json, aihwkit_python
    from compact_model.model import CompactModel
    from ground.files import write_json, write_text
    from ground.stamp import stamp

    loaded = CompactModel.load(model)
    made = _exported("aihwkit", loaded, model, output)
    data = {**aihwkit_json(loaded), "provenance": made}
    write_text(output, aihwkit_python(loaded))
    stamp(output, made, mark="#")
    if json_config is not None:
        write_json(json_config, data)
    if as_json:
        _print_json(data)
        return
    typer.echo(
        f"{output}: rpu_config() and inference_rpu_config() for aihwkit {data['aihwkit']}; symmetry point at "
        f"weight {data['mean_device']['symmetry_point']:.4g}, n_states {data['mean_device']['n_states']:.4g}"
    )
    for note in data["notes"]:
        typer.echo(f"  note: {note}")


@export_app.command("spice")
def spice_command(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Subcircuit file to write.")],
    name: Annotated[str, typer.Option(help="Name of the subcircuit.")] = "reram_1t1r",
) -> None:
    """Write the physical cell with its transistor as a SPICE subcircuit (ngspice)."""
    from compact_model.export.spice import spice_subcircuit
    from compact_model.model import CompactModel
    from ground.files import write_text
    from ground.stamp import stamp

    loaded = CompactModel.load(model)
    write_text(output, spice_subcircuit(loaded, name=name))
    stamp(output, _exported("spice", loaded, model, output, name=name), mark="*")
    typer.echo(f"{output}: .subckt {name} te gate sl x, parameter x0")


@export_app.command("verilog-a")
def verilog_a_command(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Verilog-A file to write.")],
    name: Annotated[str, typer.Option(help="Name of the module.")] = "reram_1t1r",
) -> None:
    """Write the physical cell with its transistor as a Verilog-A module."""
    from compact_model.export.verilog_a import verilog_a_module
    from compact_model.model import CompactModel
    from ground.files import write_text
    from ground.stamp import stamp

    loaded = CompactModel.load(model)
    write_text(output, verilog_a_module(loaded, name=name))
    stamp(output, _exported("verilog-a", loaded, model, output, name=name), mark="//")
    typer.echo(f"{output}: module {name}(te, gate, sl, x)")


@export_app.command("lookup")
def lookup_command(
    model: ModelFile,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Stem of the two CSV files to write: STEM_up.csv, STEM_down.csv.")
    ],
    rows: Annotated[int, typer.Option(help="Conductances.")] = 50,
    columns: Annotated[int, typer.Option(help="Quantiles.")] = 41,
    seed: Annotated[int, typer.Option(help="Of the devices and their noise.")] = 0,
) -> None:
    """Write the pulse response as lookup tables (change of the conductance: quantiles per conductance), as CrossSim reads them."""
    from compact_model.export.lookup import lookup_table
    from compact_model.model import CompactModel
    from ground.files import write_text
    from ground.stamp import stamp

    loaded = CompactModel.load(model)
    table = lookup_table(loaded, rows=rows, columns=columns, seed=seed)
    for direction in ("up", "down"):
        file = output.with_name(f"{output.name}_{direction}.csv")
        write_text(file, table.csv(direction))
        stamp(file, _exported("lookup", loaded, model, file, rows=rows, columns=columns, seed=seed))
        typer.echo(f"{file}: {rows} conductances, {columns} quantiles")


def _print_json(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, allow_nan=False))
