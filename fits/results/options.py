"""Options that several `reram fit` commands take, with the same name and the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Ambient = Annotated[float | None, typer.Option("--ambient-K", help="Ambient [K]; else the file's, else 293.15.")]
Sheet = Annotated[str | None, typer.Option("--sheet", help="One sheet of a workbook; else all sheets RunN.")]
VoltageColumn = Annotated[
    str | None, typer.Option("--voltage-column", help="Name of the voltage column, where it is not recognised.")
]
CurrentColumn = Annotated[str | None, typer.Option("--current-column", help="Name of the current column, likewise.")]
Layout = Annotated[Path | None, typer.Option("--layout", help="Mapping file (TOML): names, units, columns by number.")]
VRead = Annotated[float, typer.Option("--v-read", help="Read voltage [V] of the states.")]
VMax = Annotated[float, typer.Option("--v-max", help="Low-field lines use |V| up to this [V].")]
RSeries = Annotated[float, typer.Option("--r-series", help="Series resistance to subtract [ohm], as the transistor's.")]
TransistorFile = Annotated[
    Path | None, typer.Option("--transistor", help="Series transistor: file of `reram fit transistor`.")
]
Gate = Annotated[float | None, typer.Option("--gate", help="Its gate voltage [V] while forming.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Model = Annotated[Path | None, typer.Option("-o", "--output", help="Write the compact model (JSON) here.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Also write the JSON object to this file.")]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw data and result (PNG, SVG or PDF).")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page with report, figure, tables and provenance.")]
