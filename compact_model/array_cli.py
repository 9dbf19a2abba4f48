"""The commands `reram array form|cycle|program|pulse|relax`: thin doors; what they call is imported on call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.array import Array
    from compact_model.model import CompactModel

array_app = typer.Typer(help="Form, cycle, program, pulse and age arrays of devices.", no_args_is_help=True)

Shape = Annotated[str, typer.Option(help="Rows x columns.")]
Seed = Annotated[int, typer.Option(help="Of the devices and of all noise.")]
ModelOption = Annotated[Path | None, typer.Option(help="Compact model file; default: the published device.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this file (.nc).")]
Plot = Annotated[Path | None, typer.Option(help="Draw the result into this PNG file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@array_app.callback()
def _array() -> None:
    """Form, cycle, program, pulse and age arrays of devices."""


def parse_shape(text: str) -> tuple[int, int]:
    """Return (rows, columns) of a text such as "8x4", or raise InputError."""
    match = re.fullmatch(r"\s*([1-9][0-9]{0,4})\s*[x×]\s*([1-9][0-9]{0,4})\s*", text)
    if not match:
        raise InputError(f"shape={text!r} is not allowed: expected rows x columns, such as 8x4.")
    rows, columns = int(match[1]), int(match[2])
    if rows * columns > 1_000_000:
        raise InputError(f"shape={text!r} is not allowed: expected at most 1000000 devices, got {rows * columns}.")
    return rows, columns


def _load(model: Path | None) -> CompactModel:
    from compact_model.model import CompactModel

    return CompactModel.published() if model is None else CompactModel.load(model)


def _draw(model: Path | None, shape: str, seed: int) -> tuple[CompactModel, Array]:
    from compact_model.array import Array

    rows_columns, used = parse_shape(shape), _load(model)
    return used, Array.from_model(used, rows_columns, seed)


def _deliver(
    verb: str,
    used: CompactModel,
    model: Path | None,
    settings: dict[str, Any],
    record: dict[str, Any],
    variables: Mapping[str, tuple[tuple[str, ...], Any, str]],
    output: Path | None,
    plot: Path | None,
    as_json: bool,
    lines: list[str],
) -> None:
    """Write the file, put its record into the plot, too, then print either one JSON object or a few lines."""
    from compact_model.array_file import write_arrays
    from ground.files import write_json
    from ground.provenance import provenance, published, response_table, sources
    from ground.stamp import stamp

    settings = {**settings, "model": used.name, "model_content": used.content_hash}
    cells = verb in ("form", "cycle") or settings.get("physical", False)
    files = [*(published() if model is None else sources("compact model", model)), *(response_table() if cells else [])]
    made = provenance(f"reram array {verb}", files=files, near=output or plot, synthetic=used.synthetic, **settings)
    if plot is not None:
        stamp(plot, made)
    record = {**record, "shape": settings["shape"], "seed": settings["seed"], "model": used.name, "provenance": made}
    if output is not None and output.suffix == ".json":
        write_json(output, record)
    elif output is not None:
        write_arrays(output, variables, provenance=made, title=f"reram array {verb}: {used.name}")
    if as_json:
        typer.echo(json.dumps(record, indent=2, allow_nan=False))
        return
    rows, columns = settings["shape"]
    head = f"{rows}x{columns} devices, seed {settings['seed']}" + (", SYNTHETIC model" if used.synthetic else "")
    typer.echo("\n".join([head, *(f"  {line}" for line in lines)]))


@array_app.command("form")
def form_command(
    shape: Shape = "8x4",
    seed: Seed = 0,
    model: ModelOption = None,
    output: Output = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Form every cell on the published ramp: forming voltages, current, yield."""
    import numpy as np

    used, fresh = _draw(model, shape, seed)
    result = fresh.form().forming
    assert result is not None
    seen = result.formed
    record = {
        "yield": result.yield_fraction,
        "v_reram_V": _mean_sigma(result.v_reram_V[seen]),
        "v_1t1r_V": _mean_sigma(result.v_1t1r_V[seen]),
        "current_A": _mean_sigma(result.current_A[seen]),
        "g_formed_S": _mean_sigma(result.g_formed_S[seen]),
        "inputs": "mean and sigma of the published V_forming, R_DS, current of forming, conductivities after forming; ramp rate assumed",
    }
    dims = ("row", "column")
    bias, current = result.sweep()
    variables = {
        "v_reram_V": (dims, result.v_reram_V, "V"),
        "v_1t1r_V": (dims, result.v_1t1r_V, "V"),
        "current_A": (dims, result.current_A, "A"),
        "formed": (dims, result.formed, ""),
        "g_formed_S": (dims, result.g_formed_S, "S"),
        "g_first_reset_S": (dims, result.g_first_reset_S, "S"),
        "bias_V": (("sample",), bias, "V"),
        "sweep_A": ((*dims, "sample"), current, "A"),
    }
    v, w = record["v_reram_V"], record["v_1t1r_V"]
    lines = [
        f"yield              {100 * result.yield_fraction:.2f} %",
        f"V_forming, cell    {v['mean']:.4g} V, sigma {1e3 * v['sigma']:.3g} mV (inputs: 3.17 V, 75 mV)",  # type: ignore[index]
        f"V_forming, 1T1R    {w['mean']:.4g} V at {1e6 * float(np.nanmean(result.current_A)):.4g} uA",  # type: ignore[index]
    ]
    if plot is not None:
        from compact_model.array_plot import draw_forming

        draw_forming(result, plot, title=f"Forming of {shape} cells: {used.name}")
    settings = {"shape": list(parse_shape(shape)), "seed": seed}
    _deliver("form", used, model, settings, record, variables, output, plot, as_json, lines)


@array_app.command("cycle")
def cycle_command(
    shape: Shape = "8x4",
    cycles: Annotated[int, typer.Option(help="SET and RESET sweeps of every cell.")] = 5,
    step_mV: Annotated[float, typer.Option("--step-mv", help="Distance of the samples of a sweep in mV.")] = 20.0,
    seed: Seed = 0,
    model: ModelOption = None,
    output: Output = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Form, then sweep every cell through quasi-static cycles: I-V families and resistance states."""
    from compact_model.cycle import CycleProtocol

    used, fresh = _draw(model, shape, seed)
    result = fresh.form().first_negative_sweep().cycle(cycles, CycleProtocol(step_V=step_mV / 1e3)).cycling
    assert result is not None
    record = {"cycles": cycles, **result.summary(), "inputs": "r_lrs_ohm mean and sigma/mean; ion barriers assumed"}
    dims = ("cycle", "row", "column")
    variables = {
        "bias_V": (("sample",), result.bias_V, "V"),
        "current_A": ((*dims, "sample"), result.current_A, "A"),
        "r_lrs_ohm": (dims, result.r_lrs_ohm, "ohm"),
        "r_hrs_ohm": (dims, result.r_hrs_ohm, "ohm"),
        "x_end": (dims[1:], result.x_end, ""),
    }
    s = result.summary()
    lines = [
        f"LRS                {s['r_lrs_ohm'] / 1e3:.4g} kohm, sigma/mean {s['r_lrs_sigma_over_mean']:.3f}",
        f"HRS                {s['r_hrs_ohm'] / 1e3:.4g} kohm, sigma/mean {s['r_hrs_sigma_over_mean']:.3f}",
        f"HRS/LRS            {s['hrs_over_lrs']:.3g}",
    ]
    if plot is not None:
        from compact_model.array_plot import draw_cycling

        draw_cycling(result, plot, title=f"{cycles} cycles of {shape} cells: {used.name}; ion barriers assumed")
    settings = {"shape": list(parse_shape(shape)), "seed": seed, "cycles": cycles, "step_V": step_mV / 1e3}
    _deliver("cycle", used, model, settings, record, variables, output, plot, as_json, lines)


@array_app.command("program")
def program_command(
    shape: Shape = "8x4",
    levels: Annotated[int, typer.Option(help="Conductance levels, evenly spread over 10..90 uS.")] = 35,
    acceptance: Annotated[float, typer.Option(help="Half width of the band relative to the target.")] = 0.002,
    seed: Seed = 0,
    max_pulses: Annotated[int, typer.Option(help="A device that needs more is not converged.")] = 2000,
    model: ModelOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the result to this file: .nc every device, .json the summary."),
    ] = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Program every device to every level in closed loop, and give pulses and level widths."""
    from compact_model.programming_statistics import program_statistics

    rows_columns, used = parse_shape(shape), _load(model)
    statistics = program_statistics(used.population, rows_columns, levels, acceptance, seed=seed, max_pulses=max_pulses)
    record = statistics.as_dict()
    result, dims = statistics.result, ("level", "row", "column")
    variables = {
        "target_S": (("level",), result.target_S.reshape(levels, -1)[:, 0], "S"),
        "g_S": (dims, result.g_S, "S"),
        "pulses": (dims, result.pulses, ""),
        "converged": (dims, result.converged, ""),
    }
    line = record["sigma_uS_vs_target"]
    lines = [
        f"{levels} levels, acceptance {acceptance:g}",
        f"pulses per level   {record['mean_pulses']:.1f}",
        f"converged          {100 * record['converged_fraction']:.2f} %",
        f"sigma [uS]         {line['c0']:.3g} ± {line['c0_stderr']:.1g} + ({line['c1']:.4g} ± {line['c1_stderr']:.1g}) G[uS]; "
        f"uniform law inside the band: {acceptance / 3**0.5:.4g} G",
        f"nearer to another level: {100 * record['misread_fraction']:.2f} %",
    ]
    if plot is not None:
        from compact_model.program_plot import draw_programming

        draw_programming([statistics], plot, title=f"Closed-loop programming of {shape} devices: {used.name}")
    settings = {
        "shape": list(rows_columns),
        "levels": levels,
        "acceptance": acceptance,
        "seed": seed,
        "max_pulses": max_pulses,
    }
    _deliver("program", used, model, settings, record, variables, output, plot, as_json, lines)


@array_app.command("pulse")
def pulse_command(
    shape: Shape = "8x4",
    physical: Annotated[
        bool, typer.Option("--physical", help="Pulse the physical cell instead of the soft-bounds device.")
    ] = False,
    seed: Seed = 0,
    model: ModelOption = None,
    output: Output = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Run the open-loop pulse protocol on every device, and give N_states, SP skew and NSR."""
    from compact_model.open_loop import run_open_loop

    used, fresh = _draw(model, shape, seed)
    if physical:
        from compact_model.cell_pulses import pulsed_cells

        assert fresh.cells is not None
        trace = pulsed_cells(fresh.cells, step_noise=used.population.nsr_mean).open_loop(seed=seed)
    else:
        trace = run_open_loop(fresh.devices, seed=seed)
    metrics = trace.metrics()
    names = ("n_states", "sp_skew", "nsr")
    record = {
        "device": "physical cell" if physical else "soft bounds",
        **{n: _mean_sigma(getattr(metrics, n)) for n in names},
        "g_max_S": _mean_sigma(metrics.g_max_S),
        "g_min_S": _mean_sigma(metrics.g_min_S),
    }
    dims = ("row", "column")
    variables = {
        "g_S": (("pulse", *dims), trace.g_S, "S"),
        "direction": (("write",), trace.direction, ""),
        **{n: (dims, getattr(metrics, n), "") for n in names},
    }
    lines = [f"{n:<18} {record[n]['mean']:.3g} ± {record[n]['sigma']:.2g}" for n in names]  # type: ignore[index]
    if plot is not None:
        from compact_model.array_plot import draw_pulses

        draw_pulses(
            trace, metrics, plot, title=f"Open-loop pulses on {shape} devices ({record['device']}): {used.name}"
        )
    settings = {"shape": list(parse_shape(shape)), "seed": seed, "physical": physical}
    _deliver("pulse", used, model, settings, record, variables, output, plot, as_json, lines)


@array_app.command("relax")
def relax_command(
    shape: Shape = "8x4",
    levels: Annotated[int, typer.Option(help="Conductance levels, evenly spread over 10..90 uS.")] = 35,
    acceptance: Annotated[
        float, typer.Option(help="Half width of the programming band relative to the target.")
    ] = 0.002,
    times: Annotated[
        str, typer.Option(help="When to read after programming, with units.")
    ] = "1 s, 10 s, 1 min, 10 min, 1 h, 1 day",
    seed: Seed = 0,
    model: ModelOption = None,
    output: Output = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Program every device to every level, wait, read: shift, width and overlap of the levels with time."""
    from compact_model.noise import T_MAX_S
    from compact_model.relaxation_statistics import relaxation_statistics
    from ground.units import Quantity

    rows_columns, used = parse_shape(shape), _load(model)
    seconds = [Quantity("s", 0.0, T_MAX_S).named("times", text.strip()) for text in times.split(",")]
    result = relaxation_statistics(
        used.population, rows_columns, levels, acceptance, seconds, seed=seed, noise=used.noise
    )
    record = {"levels": levels, "acceptance": acceptance, **result.as_dict()}
    dims = ("time", "level", "row", "column")
    variables = {
        "time_s": (("time",), result.time_s, "s"),
        "g_S": (dims, result.g_S, "S"),
        "g_programmed_S": (dims[1:], result.programming.g_S, "S"),
        "mean_shift_uS": (("time",), result.mean_shift_uS, "uS"),
        "sigma_uS": (("time",), result.sigma_uS, "uS"),
        "overlap": (("time",), result.overlap, ""),
        "misread": (("time",), result.misread, ""),
    }
    lines = [f"{'time':>10} {'shift uS':>9} {'sigma uS':>9} {'overlap':>8} {'misread':>8}"]
    lines += [
        f"{t:>8.4g} s {m:>9.3f} {s:>9.3f} {o:>8.1%} {e:>8.1%}"
        for t, m, s, o, e in zip(
            result.time_s, result.mean_shift_uS, result.sigma_uS, result.overlap, result.misread, strict=True
        )
    ]
    if plot is not None:
        from compact_model.array_plot import draw_relaxation

        draw_relaxation(result, plot, title=f"Relaxation of {levels} levels on {shape} devices: {used.name}")
    settings = {
        "shape": list(rows_columns),
        "seed": seed,
        "levels": levels,
        "acceptance": acceptance,
        "times_s": seconds,
    }
    _deliver("relax", used, model, settings, record, variables, output, plot, as_json, lines)


def _mean_sigma(values: Any) -> dict[str, float | None]:
    """Mean and standard deviation, None where nothing is left to average."""
    if values.size == 0:
        return {"mean": None, "sigma": None}
    return {"mean": float(values.mean()), "sigma": float(values.std())}
