"""The command `reram report`: a thin door; what it calls is imported on call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, such as runs/demo.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Page to write; default: FOLDER/report.html.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write one page that shows whatever a run folder holds: device, fields in 3D, fits, arrays, training, provenance.

    The page is one file that opens offline. A file that cannot be read is named on the page.
    """
    import json as _json

    from studies.report.page import write_report

    made = write_report(folder, output)
    if json:
        typer.echo(_json.dumps(made, indent=2))
        return
    for note in made["notes"]:
        typer.echo(f"note: {note}")
    typer.echo(f"{made['files']} files, {len(made['unknown'])} of them of no known kind.\nOpen {made['report']}")
