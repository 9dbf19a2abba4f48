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
    print(
        f"{summary['seconds']:.0f} s in all. Results are in {folder}/ (summary.json lists them).\nOpen {summary['report']}"
    )


def reproduce_command(
    output: Folder = Path("runs/reproduce"),
    quick: Annotated[bool, typer.Option("--quick", help="Less work per figure; each says what was cut.")] = False,
    only: Annotated[
        str, typer.Option(help="Only these figures and their numbers, such as 2a,4f or S6; 3: all of 3.")
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Make anew also what is finished and unchanged.")] = False,
    json: Json = False,
) -> None:
    """Draw every figure of the paper and compare with every published number; finished parts are kept, a stopped run goes on."""
    from ground.errors import InputError
    from studies.reproduce import reproduce_paper
    from studies.scoreboard import as_table

    if output.suffix == ".json" or output.is_file():
        raise InputError(f"-o {output}: expected a folder; the rows go into its scoreboard.json.")
    numbers = [n.strip() for n in only.split(",") if n.strip()]
    if only and not numbers:
        raise InputError(
            f"--only {only!r} is not allowed: expected numbers of figures with commas between them, such as 2a,4f."
        )
    say = sys.stderr.write if json else sys.stdout.write
    made = reproduce_paper(
        output, quick=quick, only=numbers, again=again, say=lambda text: (say(text + "\n"), sys.stdout.flush())[1]
    )
    if json:
        print(_json.dumps(made.to_dict()))
        return
    print(f"\n{as_table(made.rows)}\n")
    for f in made.figures:
        if f["status"] != "made":
            print(f"figure {f['number']}, {f['status']}: {f['caption']}")
        elif f["quick"] and f["reduced"]:
            print(f"figure {f['number']}, quick: {f['reduced']}")
    drawn = sum(f["status"] == "made" for f in made.figures)
    print(
        f"{drawn} of {len(made.figures)} figures and the scoreboard are in {output}/index.html; data: {output}/figures/*.nc"
    )
