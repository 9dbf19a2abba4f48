"""The command `reram doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from ground.doctor import as_json, core_complete, examine, report


def doctor_command(json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False) -> None:
    """Say which libraries and programs are there, what each is for and how to install it.

    Exit code 0 where the core is complete, 2 where it lacks something.
    """
    checks = examine()
    typer.echo(as_json(checks) if json else report(checks))
    if not core_complete(checks):
        raise typer.Exit(2)
