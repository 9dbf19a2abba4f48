"""The commands `reram array`, `reram model` and `reram export`: thin doors; what they call is imported on call."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.model import CompactModel

array_app = typer.Typer(help="Program arrays of devices.", no_args_is_help=True)
model_app = typer.Typer(help="Look into a compact model file.", no_args_is_help=True)
export_app = typer.Typer(help="Write a compact model for other simulators.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL.json", help="Compact model file.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this file.")]


@array_app.callback()
def _array() -> None:
    """Program arrays of devices."""


@model_app.callback()
def _model() -> None:
    """Look into a compact model file."""


@export_app.callback()
def _export() -> None:
    """Write a compact model for other simulators."""


def parse_shape(text: str) -> tuple[int, int]:
    """Return (rows, columns) of a text such as "8x4", or raise InputError."""
    match = re.fullmatch(r"\s*([1-9][0-9]{0,4})\s*[x×]\s*([1-9][0-9]{0,4})\s*", text)
    if not match:
        raise InputError(f"shape={text!r} is not allowed: expected rows x columns, such as 8x4.")
    rows, columns = int(match[1]), int(match[2])
    if rows * columns > 1_000_000:
        raise InputError(f"shape={text!r} is not allowed: expected at most 1000000 devices, got {rows * columns}.")
    return rows, columns


@array_app.command("program")
def program_command(
    shape: Annotated[str, typer.Option(help="Rows x columns.")] = "8x4",
    levels: Annotated[int, typer.Option(help="Conductance levels, evenly spread over 10..90 uS.")] = 35,
    acceptance: Annotated[float, typer.Option(help="Half width of the band relative to the target.")] = 0.002,
    seed: Annotated[int, typer.Option(help="Of the devices and of all noise.")] = 0,
    max_pulses: Annotated[int, typer.Option(help="A device that needs more is not converged.")] = 2000,
    model: Annotated[Path | None, typer.Option(help="Compact model file; default: the published device.")] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Program every device to every level in closed loop, and give pulses and level widths."""
    from compact_model.model import CompactModel
    from compact_model.program_statistics import program_statistics
    from ground.files import write_json
    from ground.provenance import provenance

    rows_columns = parse_shape(shape)
    used = CompactModel.published() if model is None else CompactModel.load(model)
    statistics = program_statistics(used.population, rows_columns, levels, acceptance, seed=seed, max_pulses=max_pulses)
    settings = {
        "shape": list(rows_columns),
        "levels": levels,
        "acceptance": acceptance,
        "seed": seed,
        "max_pulses": max_pulses,
        "model": used.name,
        "model_content": used.content_hash,
    }
    record = statistics.as_dict()
    record.update(
        shape=list(rows_columns),
        seed=seed,
        model=used.name,
        provenance=provenance(
            "reram array program", files=[] if model is None else [model], synthetic=used.synthetic, **settings
        ),
    )
    if output is not None:
        write_json(output, record)
    if as_json:
        _print_json(record)
        return
    line = record["sigma_uS_vs_target"]
    typer.echo(
        f"{rows_columns[0]}x{rows_columns[1]} devices, {levels} levels, acceptance {acceptance:g}, seed {seed}"
        + (", SYNTHETIC model" if used.synthetic else "")
    )
    typer.echo(f"  pulses per level   {record['mean_pulses']:.1f}")
    typer.echo(f"  converged          {100 * record['converged_fraction']:.2f} %")
    typer.echo(
        f"  sigma [uS]         {line['c0']:.3g} ± {line['c0_stderr']:.1g} + ({line['c1']:.4g} ± "
        f"{line['c1_stderr']:.1g}) G[uS]; uniform law inside the band: {acceptance / 3**0.5:.4g} G"
    )
    typer.echo(f"  nearer to another level: {100 * record['misread_fraction']:.2f} %")


@model_app.command("show")
def show_command(model: ModelFile, as_json: Json = False) -> None:
    """Show what a compact model file holds."""
    from compact_model.model import CompactModel

    loaded = CompactModel.load(model)
    if as_json:
        _print_json({**loaded.model_dump(mode="json"), "content_hash": loaded.content_hash})
        return
    typer.echo("\n".join(_summary(loaded)))


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
    from compact_model.aihwkit_export import aihwkit_json, aihwkit_python
    from compact_model.model import CompactModel
    from ground.files import write_json, write_text

    loaded = CompactModel.load(model)
    data = aihwkit_json(loaded)
    write_text(output, aihwkit_python(loaded))
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


def _print_json(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, allow_nan=False))
