"""`reram fit synthetic`: sweeps to try the fits on, made from the published parameters and labelled so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fits.results.options import Json

Ambients = Annotated[str, typer.Option("--ambients", help="Ambient temperatures [K], by comma.")]
Resistance = Annotated[str, typer.Option("--lrs", help="LRS at 0.2 V.")]


def synthetic_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the sweeps.")] = Path("sweeps"),
    ambients: Ambients = "260,293.15,330",
    lrs: Resistance = "18 kohm",
    seed: Annotated[int, typer.Option("--seed", help="Of the noise (2 %).", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Write SYNTHETIC LRS and HRS sweeps, made from the published trap densities and barriers, to try the fits on."""
    from fits.hopping.synthetic import write_synthetic_sweeps
    from ground.errors import InputError
    from ground.units import Quantity

    kelvin = Quantity("K", 50.0, 600.0)
    temperatures = [kelvin.named("--ambients", _number(t)) for t in ambients.split(",")]
    resistance = Quantity("ohm", 5e3, 1e6).named("--lrs", lrs)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be made: {error.strerror}.") from None
    paths = write_synthetic_sweeps(output, ambients_K=temperatures, r_lrs_ohm=resistance, seed=seed)
    if as_json:
        print(json.dumps({"synthetic": True, "files": [str(p) for p in paths]}))
        return
    print("\n".join(f"written: {p}" for p in paths))
    print("These sweeps are SYNTHETIC, and every file that is made from them says so.")


def _number(text: str) -> float | str:
    """Return "260" as a number (kelvin) and "260 K" as it stands."""
    try:
        return float(text)
    except ValueError:
        return text
