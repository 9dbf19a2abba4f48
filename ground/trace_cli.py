"""The command `reram trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def trace_command(
    file: Annotated[Path, typer.Argument(help="A file that this tool has written.", show_default=False)],
    look_in: Annotated[
        list[Path] | None, typer.Option("--look-in", help="Also search this folder for inputs. Several times.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Print the chain from data and mesh to a result, with versions and hashes, and say where it no longer matches.

    Exit code 0 where every link matches or its file was not found (which is said), 2 where one has changed; --json prints the
    whole chain, its verdict under "matches".
    """
    import json as _json

    from ground.errors import InputError
    from ground.trace import trace
    from ground.trace_report import report

    chain = trace(file, look_in or ())
    broken = chain.broken()
    if json:
        told = {"matches": not broken, "changed": broken, "not_found": chain.missing(), **chain.to_dict()}
        typer.echo(_json.dumps(told, indent=2))
        raise typer.Exit(2 if broken else 0)
    typer.echo(report(chain))
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise InputError(f"{file}: the chain no longer holds: {broken[0]}{more}.")
