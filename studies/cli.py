"""`reram demo | run | reproduce`: whole jobs."""

from __future__ import annotations

import json as _json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Folder = Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")]


def demo_command(
    iv: Annotated[
        list[Path] | None, typer.Option("--iv", help="Your own sweeps (csv, tsv, xlsx); repeat for several files.")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further sweeps after --iv.")] = None,
    output: Folder = Path("runs/demo"),
    json: Json = False,
) -> None:
    """Go the whole way from the published device to an aihwkit configuration; with --iv FILE... from your own sweeps."""
    from device_physics.device import Device
    from ground.errors import InputError
    from studies.pipeline import Job

    if more and not iv:
        raise InputError(
            f"reram demo: '{more[0]}' is not expected here. To use your own sweeps write: reram demo --iv {more[0]}"
        )
    _run(Job(device=Device.of(), iv=(*(iv or ()), *(more or ()))), output, json)


def run_command(
    job: Annotated[Path, typer.Argument(help="Run file (TOML): device, iv, bias, r_series, [array].")],
    output: Folder = Path("runs/run"),
    json: Json = False,
) -> None:
    """Run stack -> FEM -> fit -> compact model -> array -> export as a run file says."""
    from studies.pipeline import Job

    _run(Job.from_toml(job), output, json)


def _run(job: Any, folder: Path, json: bool) -> None:
    from studies.pipeline import run_job

    summary = run_job(job, folder, (lambda text: None) if json else lambda text: print(text, flush=True))
    if json:
        print(_json.dumps(summary))
        return
    print(f"{summary['seconds']:.0f} s in all. Results are in {folder}/ (summary.json lists them).")


def reproduce_command(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the rows as JSON here.")] = None,
    json: Json = False,
) -> None:
    """Compare with every published number: reproduced, off (by how much), or not attempted."""
    from ground.files import write_json
    from studies.scoreboard import as_table, reproduce

    def say(text: str) -> None:
        if not json:
            sys.stderr.write(text + "\n")

    rows = reproduce(say)
    data = [vars(r) for r in rows]
    if output:
        write_json(output, data)
    print(_json.dumps(data) if json else as_table(rows))
